"""Agreements and the billing of a customer: which days are billed, by which charge, at which price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.ledger.asks import (
    agree,
    bill,
    charge,
    complain_of_charge,
    hold,
    issue,
    pay,
    percent_off,
    service,
    void,
)
from tests.ledger.table import judge, rows, taxed, untaxed
from tests.ledger.world import Ask, World

from ledger.errors import Refusal
from ledger.event import Event

JANUARY = "2026-01-31"
DSL = service("dsl", 3100)
AHEAD = service("dsl", 3100, billed="advance")


@rows(
    ("a month in arrears", [agree("2026-01-01", DSL)], bill(JANUARY),
     ["customer.billed through=2026-01-31 services.0.days=31 services.0.interval_days=31 services.0.net=3100 taken_back=",
      "charge.posted charge=agreed-2026-01-31-1 service=dsl quantity=1 unit_price=3100 period.from=2026-01-01 period.to=2026-01-31",
      "invoice.issued net=3100 tax=620 amount=3720 lines.0.supplied_on=2026-01-31 issued_on=2026-01-31"]),
    ("a month in advance begins on the day after", [agree("2026-02-01", AHEAD)], bill(JANUARY),
     ["customer.billed services.0.period.from=2026-02-01 services.0.period.to=2026-02-28", "charge.posted", "invoice.issued net=3100"]),
    ("and in arrears it is not due yet", [agree("2026-02-01", DSL)], bill(JANUARY), ["! nothing_to_bill"]),
    ("by day from the middle of a month on", [agree("2026-01-22", DSL)], bill(JANUARY),
     ["customer.billed services.0.days=10 services.0.net=1000", "charge.posted net=1000 quantity=None", "invoice.issued net=1000"]),
    ("up to a service's own last day", [agree("2026-01-01", service("dsl", 3100, to="2026-01-10"))], bill(JANUARY),
     ["customer.billed services.0.net=1000 services.0.period.to=2026-01-10", "charge.posted", "invoice.issued"]),
    ("a half is rounded away from zero", [agree("2026-01-31", service("dsl", "15.5"))], bill(JANUARY),
     ["customer.billed services.0.net=1", "charge.posted", "invoice.issued net=1"]),
    ("quantity times price", [agree("2026-01-01", service("seat", "0.5", quantity="7"))], bill(JANUARY),
     ["customer.billed services.0.net=4", "charge.posted quantity=7 unit_price=0.5 net=None", "invoice.issued net=4"]),
    ("a quarter is not over after a month", [agree("2026-01-01", service("dsl", 9000, interval="quarter"))], bill(JANUARY), ["! nothing_to_bill"]),
    ("but in advance it is due with its first day", [agree("2026-01-01", service("dsl", 9000, interval="quarter", billed="advance"))], bill(JANUARY),
     ["customer.billed services.0.period.to=2026-03-31 services.0.net=9000", "charge.posted", "invoice.issued"]),
    ("a year too", [agree("2026-01-12", service("dsl", 36500, interval="year", billed="advance"))], bill(JANUARY),
     ["customer.billed services.0.period.to=2026-12-31 services.0.days=354 services.0.interval_days=365 services.0.net=35400", "charge.posted", "invoice.issued"]),
    ("a change cuts the month", [agree("2026-01-01", DSL), agree("2026-01-11", service("dsl", 6200))], bill(JANUARY),
     ["customer.billed services.0.net=1000 services.1.net=4200", "charge.posted period.to=2026-01-10", "charge.posted period.from=2026-01-11", "invoice.issued net=5200"]),
    ("a change of what costs nothing does not", [agree("2026-01-01", DSL), agree("2026-01-11", service("dsl", "3100.0", description="Faster"))], bill(JANUARY),
     ["customer.billed services.0.days=31", "charge.posted description=Faster", "invoice.issued net=3100"]),
    ("the last word on a day counts", [agree("2026-01-01", DSL), agree("2026-01-01", service("dsl", 1))], bill(JANUARY),
     ["customer.billed services.0.net=1", "charge.posted", "invoice.issued net=1"]),
    ("no services end it", [agree("2026-01-01", DSL), agree("2026-01-11")], bill(JANUARY), ["customer.billed services.0.net=1000", "charge.posted", "invoice.issued"]),
    ("with what is used beside it", [agree("2026-01-01", DSL), charge("c1", 50)], bill(JANUARY),
     ["customer.billed", "charge.posted", "invoice.issued net=3150 lines.0.service=dsl lines.1.charge=c1"]),
    ("use alone is billed too", [charge("c1", 50)], bill(JANUARY), ["customer.billed services= taken_back=", "invoice.issued net=50"]),
    ("another currency has an invoice of its own", [agree("2026-01-01", DSL), charge("c1", 50, currency="JPY")], bill(JANUARY, currency="JPY"),
     ["customer.billed currency=JPY services=", "invoice.issued currency=JPY net=50"]),
    ("discounts count", [agree("2026-01-01", DSL), percent_off("x", "10", scope={"service": "dsl"})], bill(JANUARY),
     ["customer.billed", "charge.posted", "invoice.issued net=3100 discount=310 tax=558"]),
    ("credit is used", [agree("2026-01-01", DSL), hold("p", 720)], bill(JANUARY),
     ["customer.billed", "charge.posted", "invoice.issued", "allocation.made source.payment=p amount=720"]),
    ("a period once", [agree("2026-01-01", DSL), bill(JANUARY), charge("late", 5)], bill(JANUARY), ["! period_billed /data/through"]),
    ("none that is not over", [agree("2026-01-01", DSL)], bill("2026-01-30"), ["! nothing_to_bill"]),
    ("not ahead of its own time", [agree("2026-01-01", DSL)], bill("2026-02-01"), ["! through_ahead /data/through"]),
    ("nothing there", [], bill(JANUARY), ["! nothing_to_bill"]),
    ("no rate on the supply date", [agree("2026-01-01", service("dsl", 3100, tax_category="new"))], bill(JANUARY), ["! tax_rate_unknown"]),
    ("not into a closed period", [agree("2026-01-01", DSL), ("period.closed", {"through": "2026-01-15"})], bill(JANUARY), ["! period_closed /data/through"]),
    ("no agreement reaches into one", [("period.closed", {"through": "2026-01-15"})], agree("2026-01-15", DSL), ["! period_closed /data/from"]),
    ("more lines at once than there may be", [agree("1900-01-01", *[service(f"s{n}", 1) for n in range(4)])], bill(JANUARY), ["! lines_too_many /data/through"]),
    ("a service ends after it begins", [], agree("2026-01-15", service("dsl", 1, to="2026-01-14")), ["! period_backwards /data/services/0/to"]),
    ("a price is an amount", [], agree("2026-01-15", service("dsl", 10**15, quantity=2)), ["! amount_too_large /data/services/0/quantity"]),
)  # fmt: skip
def test_billing(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(taxed(), given, when, then)


class Months:
    """Alice month by month; the clock stands at noon of the day that was said last."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or untaxed()

    def on(self, day: str, ask: Ask) -> list[Event]:
        self.world.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        return self.world.post(ask)

    def said(self, events: list[Event]) -> list[str]:
        return [f"{event.type} {event.data.columns().amount}" for event in events]


def test_a_change_dated_back_is_credited_and_charged_with_the_next_bill() -> None:
    """What was billed stays; 21 of 31 days are credited and billed anew, at both times to the cent."""
    months = Months()
    months.on("2026-01-01", agree("2026-01-01", DSL))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-10", agree("2026-01-11", service("dsl", 6200)))
    events = months.on("2026-02-28", bill("2026-02-28"))
    assert months.said(events) == [
        "customer.billed None", "charge.posted 4200", "charge.posted 6200",
        "credit_note.issued 2100", "invoice.issued 10400",
    ]  # fmt: skip
    world = months.world
    assert [world.due("INV-1"), world.due("INV-2"), world.balance()] == [1000, 10400, 11400]
    assert {run.charge for run in world.alice.runs["dsl"]} == {
        "agreed-2026-01-31-1", "agreed-2026-02-28-1", "agreed-2026-02-28-2",
    }  # fmt: skip


def test_what_was_paid_in_advance_pays_the_next_invoice_when_it_is_not_taken() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-02-01", AHEAD))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-01", pay("p", 3100))
    months.on("2026-02-14", agree("2026-02-15", service("voip", 2800)))
    events = months.on("2026-02-28", bill("2026-02-28"))
    assert months.said(events) == [
        "customer.billed None", "charge.posted 1400", "credit_note.issued 1550", "invoice.issued 1400", "allocation.made 1400",
    ]  # fmt: skip
    assert months.world.balance() == -150


def test_whoever_leaves_gets_back_what_was_billed_for_later_and_no_invoice_of_nothing() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-02-01", AHEAD))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-07", ("customer.closed", {"by": "customer", "reason": "moved"}))
    events = months.on("2026-02-28", bill("2026-02-28"))
    assert months.said(events) == ["customer.billed None", "credit_note.issued 2325"]
    assert months.world.due("INV-1") == 775
    with pytest.raises(Refusal, match=r"^nothing_to_bill: "):
        months.on("2026-03-31", bill("2026-03-31"))


def test_a_discount_on_what_is_taken_back_is_not_given_back_as_money() -> None:
    months = Months()
    months.on("2026-01-01", percent_off("x", "10"))
    months.on("2026-01-01", agree("2026-02-01", AHEAD))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-14", agree("2026-02-15"))
    events = months.on("2026-02-28", bill("2026-02-28"))
    assert months.said(events) == ["customer.billed None", "credit_note.issued 1395"]


def test_charges_that_a_void_gave_back_are_lowered_instead() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-02-01", AHEAD))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-01", void("INV-1"))
    months.on("2026-02-14", agree("2026-02-15"))
    events = months.on("2026-02-28", bill("2026-02-28"))
    assert months.said(events) == ["customer.billed None", "charge.reversed 1550", "invoice.issued 1550"]


def test_what_is_in_dispute_is_left_alone_until_that_is_resolved() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-02-01", AHEAD))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-01", void("INV-1"))
    months.on("2026-02-02", complain_of_charge("d", "agreed-2026-01-31-1"))
    months.on("2026-02-14", agree("2026-02-15", service("dsl", 6200)))
    months.on("2026-02-14", charge("c", 1))
    assert months.said(months.on("2026-02-28", bill("2026-02-28"))) == [
        "customer.billed None",
        "invoice.issued 1",
    ]
    months.on("2026-03-01", ("dispute.resolve", {"dispute": "d", "outcome": "rejected", "reason": "checked"}))
    assert months.said(months.on("2026-03-31", bill("2026-03-31"))) == [
        "customer.billed None", "charge.posted 3100", "charge.posted 6200", "charge.reversed 1550", "invoice.issued 10850",
    ]  # fmt: skip


def test_the_parts_of_an_interval_add_up_to_its_price() -> None:
    """Three parts of 1,000 over 31 days, each rounded: 10 days are 322.58, 11 are 354.84, 10 the rest."""
    months = Months()
    dear = service("dsl", 9999, billed="advance")
    months.on("2026-01-01", agree("2025-12-01", service("dsl", 1000)))
    months.on("2026-01-01", agree("2026-01-11", dear))
    months.on("2026-01-01", agree("2026-01-22", service("dsl", 1000)))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-01", agree("2026-01-11", service("dsl", 1000)))
    months.on("2026-02-28", bill("2026-02-28"))
    nets = [run.net for run in months.world.alice.runs["dsl"] if run.from_.month == 1]
    assert sorted(nets) == [322, 323, 355]


def test_another_billing_day_bills_each_day_once() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-01-01", DSL))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-02-01", ("customer.changed", {"billing_day": 15}))
    events = months.on("2026-02-14", bill("2026-02-14"))
    data = events[0].data
    assert [str(each.period) for each in data.services] == [  # type: ignore[attr-defined]
        "Period(from_=datetime.date(2026, 2, 1), to=datetime.date(2026, 2, 14))"
    ]
    assert months.said(events)[1] == "charge.posted 1400"


def test_a_charge_after_the_end_of_the_period_waits_for_the_next() -> None:
    months = Months()
    months.on("2026-01-01", ("customer.changed", {"billing_day": 15}))
    months.on("2026-01-14", charge("c1", 5))
    months.on("2026-01-15", charge("c2", 7))
    assert months.said(months.on("2026-01-31", bill(JANUARY)))[-1] == "invoice.issued 5"
    with pytest.raises(Refusal, match=r"^period_billed: "):
        months.on("2026-02-13", bill("2026-02-13"))
    assert months.said(months.on("2026-02-14", bill("2026-02-14")))[-1] == "invoice.issued 7"


def test_the_last_moment_of_the_period_counts_in_the_book_s_own_time() -> None:
    world = untaxed()
    end = datetime(2026, 1, 31, 23, tzinfo=UTC)
    world.now = end
    world.post(charge("c1", 5), at=end - timedelta(microseconds=1))
    world.post(charge("c2", 7), at=end)
    assert world.post(bill(JANUARY))[-1].data.columns().amount == 5


def test_an_invoice_by_hand_bills_what_came_late() -> None:
    months = Months()
    months.on("2026-01-01", agree("2026-01-01", DSL))
    months.on("2026-01-31", bill(JANUARY))
    months.on("2026-01-31", charge("late", 5))
    assert months.said(months.on("2026-02-01", issue())) == ["invoice.issued 5"]
