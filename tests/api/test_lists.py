"""Lists and invoices: every item once, filtered as asked, and complete."""

from __future__ import annotations

import pytest
from tests.api.history import CUSTOMERS
from tests.api.live import Caller, Json, problem

LISTS = ("customers", "invoices", "disputes", "discounts", "contacts")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 4, 1_000])
def test_pages_walk_through_everything_exactly_once(
    told: Caller, events: list[Json], name: str, limit: int
) -> None:
    types = {
        "invoices": "invoice.issued", "disputes": "dispute.opened", "discounts": "discount.granted",
        "contacts": "contact.arrived",
    }  # fmt: skip
    type_ = types.get(name, "customer.opened")
    expected = [event["position"] for event in events if event["type"] == type_]
    assert len(expected) >= 10
    assert [item["position"] for item in told.walk(f"/{name}", limit=limit)] == expected


@pytest.mark.parametrize("name", LISTS[1:])
def test_the_lists_of_a_customer_are_the_book_s_without_the_others(told: Caller, name: str) -> None:
    everything = told.walk(f"/{name}")
    for customer in CUSTOMERS:
        own = [item for item in everything if item["customer"] == customer]
        assert told.walk(f"/customers/{customer}/{name}", limit=1) == own
        assert told.walk(f"/{name}", limit=2, customer=customer) == own
    assert problem(told.get(f"/customers/nobody/{name}")) == (404, "customer_unknown")


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("customers", {"status": "closed"}),
        ("customers", {"segment": "gold"}),
        ("invoices", {"state": "open"}),
        ("invoices", {"state": "paid"}),
        ("invoices", {"in_dispute": "true"}),
        ("invoices", {"overdue": "true"}),
        ("invoices", {"overdue": "false", "currency": "EUR"}),
        ("disputes", {"kind": "chargeback", "state": "open"}),
        ("disputes", {"invoice": "INV-1"}),
        ("discounts", {"state": "revoked"}),
        ("discounts", {"campaign": "spring"}),
        ("contacts", {"state": "waiting"}),
        ("contacts", {"queue": "sales", "state": "ended"}),
        ("contacts", {"channel": "phone"}),
    ],
)
def test_filters_keep_what_they_say(told: Caller, name: str, filters: dict[str, str]) -> None:
    said = {key: {"true": True, "false": False}.get(value, value) for key, value in filters.items()}
    kept = [item for item in told.walk(f"/{name}") if all(item[key] == value for key, value in said.items())]
    assert kept
    assert told.walk(f"/{name}", limit=2, **filters) == kept


def test_an_invoice_is_complete_in_itself(told: Caller, events: list[Json]) -> None:
    issued = [event for event in events if event["type"] == "invoice.issued"]
    for event in issued:
        data = event["data"]
        found = told.read(f"/invoices/{data['invoice']}")
        assert (found["total"], found["net"], found["discount"], found["tax"]) == (
            data["amount"], data["net"], data["discount"], data["tax"],
        )  # fmt: skip
        assert found["due"] == found["total"] - found["allocated"] - found["credited"] - found["written_off"]
        assert [line["charge"] for line in found["lines"]] == [line["charge"] for line in data["lines"]]
        assert sum(each["amount"] for each in found["allocations"]) == found["allocated"]
        assert sum(note["total"] for note in found["credit_notes"]) == found["credited"]
    assert sum(bool(told.read(f"/invoices/{e['data']['invoice']}")["credit_notes"]) for e in issued) == 4


def test_a_page_token_of_another_list_or_filter_is_refused(told: Caller) -> None:
    token = told.read("/invoices", limit=1)["next"]
    assert token
    for path, parameters in (
        ("/disputes", {}), ("/invoices", {"state": "open"}), ("/customers/c-01/invoices", {}),
    ):  # fmt: skip
        assert problem(told.get(path, page=token, **parameters)) == (400, "page_unknown")
    for torn in (token[:-1], token[:20], "A", "ä", "A" * 40):
        assert problem(told.get("/invoices", page=torn)) == (400, "page_unknown")
