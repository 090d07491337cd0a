"""What verifying works out of the posting rules once is what they post of every event that was ever recorded."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.golden.reading import golden, golden_types

from ledger.decider import read_event
from ledger.invariants import STATED
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.verify import effects


@pytest.mark.parametrize("type_", sorted(effects.OF_TYPE))
def test_effects_are_the_sums_of_the_postings(type_: str) -> None:
    lines = golden(type_)
    assert lines
    for line in lines:
        event = read_event(line.stored)
        posted = Counter[tuple[str, str]]()
        for posting in postings(DEFAULT_RULES, event):
            posted[posting.account, posting.currency] += posting.amount
        balances = Counter[tuple[str, str]]()
        assert effects.post(event, balances) == sum(posted.values()) == 0
        assert +balances == +Counter({key: sum_ for key, sum_ in posted.items() if key[0] in STATED})
        assert -balances == -Counter({key: sum_ for key, sum_ in posted.items() if key[0] in STATED})


def test_every_type_that_is_posted_has_effects() -> None:
    assert set(effects.OF_TYPE) == {rule.event for rule in DEFAULT_RULES} <= set(golden_types())


def test_an_event_whose_measures_do_not_tie_is_out_of_balance() -> None:
    (line, *_) = golden("invoice.issued")
    event = read_event(line.stored.replace(b'"amount":', b'"amount":1', 1))
    off = effects.post(event, Counter())
    assert off == sum(posting.amount for posting in postings(DEFAULT_RULES, event)) != 0
