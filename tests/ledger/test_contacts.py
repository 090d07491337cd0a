"""Contacts: each arrives, is answered at most once, and ends once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.ledger.asks import answer, arrive, end
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask

from ledger.errors import Refusal

CLOSED: Ask = ("customer.closed", {"by": "customer", "reason": "moved"})
WAITING = [arrive("k1")]
ANSWERED = [*WAITING, answer("k1")]
ENDED = [*ANSWERED, end("k1", "resolved")]


@rows(
    ("arrives", [], arrive("k1", topic="bill", language="da"), ["contact.arrived contact=k1 channel=phone queue=billing topic=bill language=da"]),
    ("once", WAITING, arrive("k1"), ["! contact_exists /data/contact"]),
    ("once, also when it is over", ENDED, arrive("k1"), ["! contact_exists /data/contact"]),
    ("several at a time", WAITING, arrive("k2", channel="chat"), ["contact.arrived contact=k2 channel=chat"]),
    ("also of a customer who has left", [CLOSED], arrive("k1"), ["contact.arrived"]),
    ("in a language", [], arrive("k1", language="Danish"), ["! text_not_allowed /data/language"]),
    ("is answered", WAITING, answer("k1"), ["contact.answered contact=k1 agent=None"]),
    ("by an agent", WAITING, answer("k1", agent="ann"), ["contact.answered agent=ann"]),
    ("only once", ANSWERED, answer("k1", agent="bo"), ["! contact_answered /data/contact"]),
    ("not before it arrived", [], answer("k1"), ["! contact_unknown /data/contact"]),
    ("not when it is over", ENDED, answer("k1"), ["! contact_ended /data/contact"]),
    ("ends", ANSWERED, end("k1", "transferred"), ["contact.ended contact=k1 outcome=transferred"]),
    ("unanswered: abandoned", WAITING, end("k1", "abandoned"), ["contact.ended outcome=abandoned"]),
    ("and nothing else", WAITING, end("k1", "resolved"), ["! contact_not_answered /data/outcome"]),
    ("answered: not abandoned", ANSWERED, end("k1", "abandoned"), ["! contact_answered /data/outcome"]),
    ("only once", ENDED, end("k1", "resolved"), ["! contact_ended /data/contact"]),
    ("not before it arrived", [], end("k1", "abandoned"), ["! contact_unknown /data/contact"]),
)  # fmt: skip
def test_a_contact(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


@pytest.mark.parametrize(
    ("given", "when"),
    [(WAITING, answer("k1")), (WAITING, end("k1", "abandoned")), (ANSWERED, end("k1", "resolved"))],
)
def test_nothing_of_a_contact_is_dated_before_what_came_before_it(given: list[Ask], when: Ask) -> None:
    world = untaxed()
    for ask in given:
        world.post(ask)
    last = world.events[-1].time
    with pytest.raises(Refusal, match=f"contact k1 {re.escape(last.isoformat())}") as caught:
        world.post(when, at=last - timedelta(seconds=1))
    assert caught.value.code == "dated_before"
    assert world.post(when, at=last)


def test_a_contact_of_a_closed_day_is_refused() -> None:
    world = untaxed()
    world.post(("period.closed", {"through": "2026-01-15"}))
    with pytest.raises(Refusal, match="closed through 2026-01-15"):
        world.post(arrive("k1"), at=world.now - timedelta(days=20))
