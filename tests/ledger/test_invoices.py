"""Invoices: what is billed, at which rate, under which number; and when one may be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.ledger.asks import (
    charge,
    complain,
    complain_of_charge,
    credit,
    hold,
    issue,
    pay,
    percent_off,
    refund,
    reverse,
    void,
)  # fmt: skip
from tests.ledger.table import judge, rows, taxed
from tests.ledger.world import Ask

from ledger.errors import Refusal

MARCH = {"from": "2026-06-01", "to": "2026-06-30"}


@rows(
    ("lines, tax and total", [charge("c1", 1000), charge("c2", 99, tax_category="reduced")], issue(),
     ["invoice.issued invoice=INV-1 sequence=1 net=1099 discount=0 tax=210 amount=1309 lines.0.charge=c1 lines.1.rate=10 "
      "taxes.0.tax=200 taxes.1.base=99 taxes.1.tax=10 rounding=category-half-away"]),
    ("due after the customer's payment days", [charge("c1", 5)], issue(), ["invoice.issued issued_on=2026-01-31 due_on=2026-02-14"]),
    ("numbers follow each other", [charge("c1", 5), issue(), charge("c2", 5)], issue(), ["invoice.issued invoice=INV-2 sequence=2"]),
    ("a void number stays taken", [charge("c1", 5), issue(), void("INV-1")], issue(), ["invoice.issued invoice=INV-2 lines.0.charge=c1"]),
    ("nothing unbilled, no invoice", [], issue(), ["! nothing_to_bill"]),
    ("nothing is billed twice", [charge("c1", 5), issue()], issue(), ["! nothing_to_bill"]),
    ("a reversed charge is not billed", [charge("c1", 5), reverse("c1")], issue(), ["! nothing_to_bill"]),
    ("a charge in dispute stays off", [charge("c1", 5), charge("c2", 7), complain_of_charge("d1", "c1")], issue(), ["invoice.issued net=7"]),
    ("one currency an invoice", [charge("c1", 5), charge("c2", 700, currency="JPY")], issue(), ["invoice.issued currency=EUR net=5"]),
    ("another currency if asked", [charge("c1", 5), charge("c2", 700, currency="JPY")], issue(currency="JPY"), ["invoice.issued currency=JPY net=700"]),
    ("the expected total holds", [charge("c1", 1000)], issue(expected_total=1200), ["invoice.issued amount=1200"]),
    ("another total was expected", [charge("c1", 1000)], issue(expected_total=1000), ["! total_unexpected /data/expected_total"]),
    ("no rate on the supply date", [charge("c1", 5, tax_category="new")], issue(), ["! tax_rate_unknown"]),
    ("the rate of the period's last day", [charge("c1", 100, tax_category="new", period=MARCH)], issue(),
     ["invoice.issued tax=5 lines.0.supplied_on=2026-06-30 lines.0.period.from=2026-06-01"]),
    ("exempt customers pay no tax", [("customer.changed", {"tax_treatment": "exempt"}), charge("c1", 100)], issue(),
     ["invoice.issued tax=0 lines.0.tax_category=exempt lines.0.rate=0"]),
    ("reverse charge neither", [("customer.changed", {"tax_treatment": "reverse_charge"}), charge("c1", 100)], issue(),
     ["invoice.issued tax=0 taxes.0.category=reverse_charge amount=100"]),
    ("credit pays the next invoice by itself", [hold("p1", 100), charge("c1", 100)], issue(),
     ["invoice.issued amount=120", "allocation.made source.payment=p1 invoice=INV-1 amount=100 automatic=True"]),
    ("the oldest credit first", [hold("p1", 100), hold("p2", 100), charge("c1", 100)], issue(),
     ["invoice.issued", "allocation.made source.payment=p1 amount=100", "allocation.made source.payment=p2 amount=20"]),
    ("credit of another currency does not", [hold("p1", 100), charge("c2", 100, currency="JPY")], issue(currency="JPY"), ["invoice.issued amount=120"]),
    ("an invoice of nothing is settled at once", [hold("p1", 100), charge("c1", 0)], issue(), ["invoice.issued amount=0 taxes.0.tax=0"]),
    ("no more in sum than an amount may be", [charge("c1", 10**15), charge("c2", 1)], issue(), ["! amount_too_large"]),
)  # fmt: skip
def test_issuing(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


BILLED = [charge("c1", 100), issue()]


@rows(
    ("the entry is mirrored and the charges are given back", BILLED, void("INV-1"),
     ["invoice.voided invoice=INV-1 net=100 tax=20 amount=120 charges=c1"]),
    ("or reversed with it", BILLED, void("INV-1", reverse_charges=True), ["invoice.voided charges=c1", "charge.reversed charge=c1 net=100"]),
    ("only an invoice that there is", [], void("INV-1"), ["! invoice_unknown /data/invoice"]),
    ("only once", [*BILLED, void("INV-1")], void("INV-1"), ["! invoice_void /data/invoice"]),
    ("not with money on it", [*BILLED, pay("p1", 1)], void("INV-1"), ["! invoice_allocated /data/invoice"]),
    ("but when that was refunded", [*BILLED, pay("p1", 1), refund("r1", 1, "p1")], void("INV-1"), ["invoice.voided"]),
    ("not with a credit note on it", [*BILLED, credit("INV-1", (1, 1))], void("INV-1"), ["! invoice_credited /data/invoice"]),
    ("not with an open dispute", [*BILLED, complain("d1", "INV-1", 1)], void("INV-1"), ["! invoice_disputed /data/invoice"]),
    ("a void of nothing", [charge("c1", 0), issue()], void("INV-1"), ["invoice.voided amount=0 charges=c1"]),
    ("its discounts are given back to use", [percent_off("x1", "50", invoices=1), *BILLED, void("INV-1")], issue(),
     ["invoice.issued discount=50 discounts.0.discount=x1"]),
)  # fmt: skip
def test_voiding(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


def test_through_bills_only_what_occurred_by_then() -> None:
    world = taxed()
    world.post(charge("c1", 5), at=datetime(2026, 1, 10, tzinfo=UTC))
    world.post(charge("c2", 7), at=datetime(2026, 1, 20, tzinfo=UTC))
    through = "2026-01-15T02:00:00+02:00"
    issued = world.post(issue(through=through))[0]
    assert issued.data.columns().amount == 6
    with pytest.raises(Refusal, match=r"^nothing_to_bill: "):
        world.post(issue(through=through))


def test_an_invoice_cannot_bill_beyond_its_own_time() -> None:
    world = taxed()
    world.post(charge("c1", 5))
    with pytest.raises(Refusal, match=r"^through_ahead: "):
        world.post(issue(through=world.now.replace(year=2027)))


def test_an_invoice_dated_back_bills_nothing_later() -> None:
    world = taxed()
    world.post(charge("c1", 5), at=datetime(2026, 1, 20, tzinfo=UTC))
    with pytest.raises(Refusal, match=r"^nothing_to_bill: "):
        world.post(issue(), at=datetime(2026, 1, 19, tzinfo=UTC))


def test_credit_used_on_an_invoice_dated_back_occurs_when_the_credit_did() -> None:
    """The later of source and invoice [docs/domain.md, Allocation]."""
    world = taxed()
    world.post(charge("c1", 5), at=datetime(2026, 1, 1, tzinfo=UTC))
    paid = world.post(hold("p1", 100))[0]
    events = world.post(issue(), at=datetime(2026, 1, 19, tzinfo=UTC))
    assert [event.time for event in events] == [datetime(2026, 1, 19, tzinfo=UTC), paid.time]


def test_the_issue_date_is_the_book_s_own() -> None:
    """23:30 UTC on the last of January is the first of February in Berlin."""
    world = taxed()
    at = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    world.post(charge("c1", 5), at=at)
    data = world.post(issue(), at=at)[0].data
    assert (str(data.issued_on), str(data.lines[0].supplied_on)) == ("2026-02-01", "2026-02-01")  # type: ignore[attr-defined]
