"""Dunning: each step once, in order, on its day, and of nothing that is paid or in dispute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.ledger.asks import (
    bounce,
    charge,
    complain,
    credit,
    dunning_policy,
    issue,
    pay,
    remind,
    resolve,
    void,
)
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask, World

from ledger.errors import Refusal

STEPS = dunning_policy((3, "friendly", 500), (10, "firm", 0), (24, "last", 0))
BILLED = [charge("c1", 1000), issue()]
"""INV-1 of 1,000, issued on 31 January and due on 14 February."""


def on(day: int, world: World | None = None) -> World:
    """Give Alice's world on a day of 2026, counted from the due date of what was billed in January."""
    world = world or untaxed()
    world.now = datetime(2026, 2, 14, 12, tzinfo=UTC) + timedelta(days=day)
    return world


def billed(*asks: Ask) -> World:
    world = untaxed()
    for ask in (STEPS, *BILLED, *asks):
        world.post(ask)
    return world


@rows(
    ("on its day", [], remind("INV-1"), ["reminder.sent invoice=INV-1 step=1 kind=friendly currency=EUR amount=1000 days_overdue=4 sent_on=2026-02-18"]),
    ("by its number", [], remind("INV-1", 1), ["reminder.sent step=1"]),
    ("of what is due", [pay("p1", 400)], remind("INV-1"), ["reminder.sent amount=600"]),
    ("less what is credited", [credit("INV-1", (1, 300))], remind("INV-1"), ["reminder.sent amount=700"]),
    ("less what is in dispute, exactly that", [complain("d1", "INV-1", 300)], remind("INV-1"), ["reminder.sent amount=700"]),
    ("not when all is in dispute", [complain("d1", "INV-1")], remind("INV-1"), ["! nothing_to_remind /data/invoice"]),
    ("again when the complaint is rejected", [complain("d1", "INV-1"), resolve("d1", "rejected")], remind("INV-1"), ["reminder.sent amount=1000"]),
    ("not when it is upheld", [complain("d1", "INV-1"), resolve("d1", "upheld")], remind("INV-1"), ["! nothing_to_remind /data/invoice"]),
    ("not when it is paid", [pay("p1", 1000)], remind("INV-1"), ["! nothing_to_remind /data/invoice"]),
    ("again when the payment bounces", [pay("p1", 1000), bounce("p1", 1000)], remind("INV-1"), ["reminder.sent amount=1000"]),
    ("not when it is void", [void("INV-1")], remind("INV-1"), ["! invoice_void /data/invoice"]),
    ("not of less than the step is for", [pay("p1", 501)], remind("INV-1"), ["! reminder_below_minimum /data/invoice"]),
    ("of exactly that", [pay("p1", 500)], remind("INV-1"), ["reminder.sent amount=500"]),
    ("each once", [remind("INV-1")], remind("INV-1", 1), ["! reminder_exists /data/step"]),
    ("in order", [], remind("INV-1", 2), ["! reminder_out_of_order /data/step"]),
    ("not beyond the last", [], remind("INV-1", 4), ["! step_unknown /data/step"]),
    ("only invoices that there are", [], remind("INV-2"), ["! invoice_unknown /data/invoice"]),
    ("not when dunning has ended", [dunning_policy(from_="2026-02-01")], remind("INV-1"), ["! step_unknown /data/step"]),
    ("by the policy of the day", [dunning_policy((1, "soft", 0), from_="2026-02-18"), dunning_policy((1, "later", 0), from_="2026-02-19")], remind("INV-1"),
     ["reminder.sent kind=soft"]),
)  # fmt: skip
def test_a_reminder(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(on(4, billed()), given, when, then)


@rows(
    ("steps are in order", [], dunning_policy((3, "a", 0), (3, "b", 0)), ["! steps_disordered /data/dunning/steps/1/days"]),
    ("a currency once", [], ("policy.changed", {"policy": "dunning", "from": "2026-01-01", "dunning": {"steps": [
        {"days": 1, "kind": "a", "minimum": [{"currency": "EUR", "amount": 1}, {"currency": "EUR", "amount": 2}]}]}}),
     ["! policy_repeated /data/dunning/steps/0/minimum/1/currency"]),
    ("one that there is", [], ("policy.changed", {"policy": "dunning", "from": "2026-01-01", "dunning": {"steps": [
        {"days": 1, "kind": "a", "minimum": [{"currency": "XXQ", "amount": 1}]}]}}), ["! currency_unknown /data/currency"]),
    ("after the due date", [], dunning_policy((0, "a", 0)), ["! number_out_of_range /data/dunning/steps/0/days"]),
    ("a book without one reminds nobody", BILLED, remind("INV-1"), ["! step_unknown /data/step"]),
)  # fmt: skip
def test_the_policy(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_a_step_is_not_sent_before_its_day() -> None:
    world = billed()
    with pytest.raises(Refusal, match="not sent before 2026-02-17"):
        on(2, world).post(remind("INV-1"))
    (event,) = on(3, world).post(remind("INV-1"))
    assert getattr(event.data, "sent_on") == date(2026, 2, 17)  # noqa: B009 - of any data
    with pytest.raises(Refusal, match="not sent before 2026-02-24"):
        on(9, world).post(remind("INV-1"))
    assert on(10, world).post(remind("INV-1"))


def test_a_late_reminder_leaves_as_much_time_as_one_in_time() -> None:
    world = on(20, billed())
    world.post(remind("INV-1"))
    with pytest.raises(Refusal, match="not sent before 2026-03-13"):
        on(26, world).post(remind("INV-1"))
    assert on(27, world).post(remind("INV-1"))
    with pytest.raises(Refusal, match="not sent before 2026-03-27"):
        on(40, world).post(remind("INV-1"))
    assert on(41, world).post(remind("INV-1"))
    with pytest.raises(Refusal, match="has 3 steps on that day, and no step 4"):
        on(400, world).post(remind("INV-1"))


def test_the_day_is_that_of_the_book() -> None:
    world = billed()
    world.now = datetime(2026, 2, 16, 22, 58, tzinfo=UTC)
    with pytest.raises(Refusal, match="not sent before"):
        world.post(remind("INV-1"))
    assert world.post(remind("INV-1"))  # a minute to midnight in Greenwich is the next day in Berlin


def test_a_reminder_of_a_closed_day_is_refused() -> None:
    world = on(20, billed())
    world.post(("period.closed", {"through": "2026-02-28"}))
    with pytest.raises(Refusal, match="closed through"):
        world.post(remind("INV-1"), at=world.now - timedelta(days=10))
