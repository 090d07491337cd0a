"""Page tokens mean something only to the list that gave them."""

from __future__ import annotations

import base64

import pytest

from ledger.errors import Malformed
from ledger_api.pages import Pages

PAGES = Pages(b"secret of this ledger")
FILTERS = {"book": "main", "state": "open", "customer": None}
TOKEN = PAGES.token("invoices", FILTERS, [42, "INV-7"])


def test_a_token_comes_back_as_what_it_stands_for() -> None:
    assert PAGES.after("invoices", FILTERS, TOKEN) == [42, "INV-7"]


def test_no_token_is_the_first_page() -> None:
    assert PAGES.after("invoices", FILTERS, None) is None


def test_a_filter_that_is_not_given_is_no_filter() -> None:
    assert PAGES.after("invoices", {"state": "open", "book": "main"}, TOKEN) == [42, "INV-7"]


@pytest.mark.parametrize(
    ("listing", "filters", "token"),
    [
        ("disputes", FILTERS, TOKEN),
        ("invoices", {**FILTERS, "state": "paid"}, TOKEN),
        ("invoices", {**FILTERS, "book": "other"}, TOKEN),
        ("invoices", {**FILTERS, "customer": "c-1"}, TOKEN),
        ("invoices", FILTERS, TOKEN[:-2]),
        ("invoices", FILTERS, TOKEN[:4]),
        ("invoices", FILTERS, TOKEN + "AA"),
        ("invoices", FILTERS, "A" + TOKEN[1:]),
        ("invoices", FILTERS, ""),
        ("invoices", FILTERS, "not base64 at all!"),
        ("invoices", FILTERS, "ünïcödé"),
        ("invoices", FILTERS, base64.urlsafe_b64encode(b"\0" * 16 + b"[99]").decode()),
    ],
)
def test_any_other_token_is_refused(listing: str, filters: dict[str, object], token: str) -> None:
    with pytest.raises(Malformed) as refused:
        PAGES.after(listing, filters, token)
    assert refused.value.code == "page_unknown"


def test_another_ledgers_token_is_refused() -> None:
    with pytest.raises(Malformed):
        Pages(b"another secret").after("invoices", FILTERS, TOKEN)
