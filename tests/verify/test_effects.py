"""What verifying works out of the posting rules once is what they post of every event that was ever recorded."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from tests.golden.reading import golden, golden_types

from ledger.decider import read_event
from ledger.invariants import STATED
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.verify import effects


@pytest.mark.parametrize("type_", sorted(effects.POST))
def test_effects_are_the_sums_of_the_postings(type_: str) -> None:
    lines = golden(type_)
    assert lines
    for line in lines:
        event = read_event(line.stored)
        posted, total = Counter[tuple[str, str]](), 0
        for posting in postings(DEFAULT_RULES, event):
            total += posting.amount
            if posting.account in STATED:
                posted[posting.currency, posting.account] += posting.amount
        balances: effects.Balances = {}
        assert effects.post([event], balances) == set()
        assert total == 0
        assert _moved(balances) == {key: sum_ for key, sum_ in posted.items() if sum_}


def test_effects_of_events_together_are_those_of_each() -> None:
    """Of all types and in several currencies, however they lie."""
    events = [read_event(line.stored) for type_ in sorted(effects.POST) for line in golden(type_)]
    events += [
        read_event(event.replace(b'"currency":"EUR"', b'"currency":"USD"'))
        for event in [line.stored for line in golden("charge.posted")]
    ]
    apart: effects.Balances = {}
    for event in events:
        effects.post([event], apart)
    together: effects.Balances = {}
    effects.post(events, together)
    assert len(together) > 1
    assert together == apart


def _moved(balances: effects.Balances) -> dict[tuple[str, str], int]:
    return {
        (currency, account): sum_ for currency, of in balances.items() for account, sum_ in of.items() if sum_
    }


@pytest.mark.parametrize("type_", ["charge.posted", "charge.reversed"])
def test_a_service_period_changes_nothing_of_what_is_looked_at(type_: str) -> None:
    """Effects leave the rules for periods out: there have to be such events above."""
    read = [msgspec.json.decode(line.stored)["data"] for line in golden(type_)]
    assert {"period" in data for data in read} == {True, False}


def test_every_type_that_is_posted_has_effects() -> None:
    assert set(effects.POST) == {rule.event for rule in DEFAULT_RULES} <= set(golden_types())


def test_an_event_whose_measures_do_not_tie_is_out_of_balance() -> None:
    (line, *_) = golden("invoice.issued")
    event = read_event(line.stored)
    off = read_event(line.stored.replace(b'"amount":', b'"amount":1', 1))
    assert sum(posting.amount for posting in postings(DEFAULT_RULES, off)) != 0
    assert effects.post([event, off, event], {}) == {event.type}
    assert effects.post([event, event], {}) == set()
