"""Deadlines of disputes: they act once, by the ledger alone, and never before a full day after the recording.

Alice's book is in Berlin, and the clock stands on the 31st of January 2026, one hour ahead of UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.ledger.asks import (
    charge,
    chargeback,
    complain,
    escalate,
    evidence,
    inquire,
    issue,
    lapse,
    pay,
    resolve,
    withdraw,
)  # fmt: skip
from tests.ledger.table import untaxed
from tests.ledger.world import Ask, World

from ledger.errors import Refusal
from ledger.event import Event

PAID = [charge("c1", 1000), issue(), pay("p1", 1000)]
BY, LATER = "2026-02-10", "2026-02-20"
CHARGEBACK = [*PAID, chargeback("d1", "p1", 400, fee=15, respond_by=BY)]
COMPLAINT = [*PAID, complain("d1", "INV-1", 300, respond_by=BY)]
OVER = datetime(2026, 2, 10, 23, tzinfo=UTC)
"""When the tenth of February is over in Berlin."""


def told(*given: Ask) -> World:
    world = untaxed()
    for ask in given:
        world.post(ask)
    return world


LAPSE = lapse("d1", BY)


def act(world: World, at: datetime, ask: Ask = LAPSE, principal: str = "ledger") -> list[Event]:
    """Let the ledger post at a moment of its clock."""
    world.now = at
    world.acts(principal)
    return world.take(world.read(ask, key=f"{ask}"))


def refused(world: World, at: datetime, ask: Ask = LAPSE, principal: str = "ledger") -> str:
    before = len(world.events)
    with pytest.raises(Refusal) as caught:
        act(world, at, ask, principal)
    assert len(world.events) == before
    return caught.value.code


def test_a_chargeback_is_lost() -> None:
    world = told(*CHARGEBACK)
    balances = dict(world.balances["alice"])
    (event,) = act(world, OVER)
    assert (event.type, event.principal) == ("dispute.resolved", "ledger")
    said = event.data
    assert (said.outcome, said.amount, said.reason, str(said.lapsed)) == ("lost", 0, "deadline_passed", BY)  # type: ignore[attr-defined]
    assert dict(world.balances["alice"]) == balances
    assert world.alice.resolved == {"d1": "lost"}


def test_a_complaint_is_escalated_and_stays_open() -> None:
    world = told(*COMPLAINT)
    (event,) = act(world, OVER)
    said = event.data
    assert (event.type, said.level, said.to, str(said.lapsed)) == ("dispute.escalated", 1, None, BY)  # type: ignore[attr-defined]
    assert world.alice.disputes["d1"].held == 0
    assert refused(world, OVER + timedelta(days=9)) == "deadline_not_open"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param([*CHARGEBACK, evidence("d1")], "deadline_not_open", id="evidence came meanwhile"),
        pytest.param([*CHARGEBACK, resolve("d1", "won")], "dispute_resolved", id="the bank was faster"),
        pytest.param([*COMPLAINT, escalate("d1", respond_by=LATER)], "deadline_not_open", id="another deadline"),
        pytest.param([*PAID, chargeback("d1", "p1")], "deadline_not_open", id="none was given"),
        pytest.param([*PAID, inquire("d1", payment="p1", respond_by=BY)], "deadline_not_open", id="an inquiry"),
        pytest.param(PAID, "dispute_unknown", id="no such dispute"),
    ],
)  # fmt: skip
def test_nothing_happens(given: Sequence[Ask], code: str) -> None:
    assert refused(told(*given), OVER + timedelta(days=30)) == code


def test_the_day_is_the_book_s_and_belongs_to_who_answers() -> None:
    world = told(*CHARGEBACK)
    assert refused(world, OVER - timedelta(microseconds=1)) == "deadline_not_passed"
    assert len(act(world, OVER)) == 1


def test_never_before_a_full_day_after_the_recording() -> None:
    """Recorded long after it passed, and on its very evening: either way there is a day to answer."""
    for by in ("2026-01-05", "2026-01-30"):
        world = told(*PAID, chargeback("d1", "p1", respond_by=by))
        recorded = world.now
        assert (
            refused(world, recorded + timedelta(days=1, microseconds=-1), lapse("d1", by))
            == "deadline_not_passed"
        )
        assert len(act(world, recorded + timedelta(days=1), lapse("d1", by))) == 1


def test_a_new_deadline_begins_anew() -> None:
    """Evidence met the first; the next level has its own, and it counts from when that was recorded."""
    world = told(*COMPLAINT, evidence("d1"), escalate("d1", respond_by="2026-01-02"))
    recorded = world.now
    new = lapse("d1", "2026-01-02")
    assert refused(world, recorded + timedelta(hours=23), new) == "deadline_not_passed"
    (event,) = act(world, recorded + timedelta(days=1), new)
    assert event.data.level == 2  # type: ignore[attr-defined]


def test_escalating_without_a_new_deadline_leaves_the_old_one() -> None:
    world = told(*COMPLAINT, escalate("d1"))
    (event,) = act(world, OVER)
    assert event.data.level == 2  # type: ignore[attr-defined]


def test_a_withdrawn_chargeback_is_lost_all_the_same() -> None:
    """Withdrawn is not yet won: evidence still has to go in [Stripe, Dispute withdrawals]."""
    world = told(*CHARGEBACK, withdraw("d1"))
    (event,) = act(world, OVER)
    assert event.data.outcome == "lost"  # type: ignore[attr-defined]


def test_nobody_else_may_say_that_a_deadline_passed() -> None:
    assert refused(told(*CHARGEBACK), OVER, principal="somebody") == "type_reserved"


def test_in_summer_the_day_ends_an_hour_earlier_in_utc() -> None:
    world = told(*PAID, chargeback("d1", "p1", respond_by="2026-07-01"))
    over = datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert refused(world, over - timedelta(seconds=1), lapse("d1", "2026-07-01")) == "deadline_not_passed"
    assert len(act(world, over, lapse("d1", "2026-07-01"))) == 1
