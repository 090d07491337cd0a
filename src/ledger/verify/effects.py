"""What events do to the balances that customers' states speak of, and how they balance.

The default rules, worked out once: most of what they post cancels out for every event of a type, whatever it
measures, and there is nothing to compute of that. A service period lets other rules post, which come to the
same here: they only move what is earned by when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from ledger.decider import EVENTS
from ledger.event import Data, Event
from ledger.invariants import STATED
from ledger.posting_rules import DEFAULT_RULES

Balances = dict[str, dict[str, int]]
"""Of each currency, of each account that states speak of: minor units."""


Measure = Callable[[Data], int | None]
"""Reads what a rule measures off the data of an event, in minor units."""


class _Effect(NamedTuple):
    """Of one type of event: `stated` is what it does to accounts, `sum` what all its postings come to.

    Both are factors of measures, of which those that are zero are left out.
    """

    stated: Sequence[tuple[str, Measure, int]]
    sum: Sequence[tuple[Measure, int]]


def _effect(type_: str) -> _Effect:
    stated, whole = Counter[tuple[str, str]](), Counter[str]()
    for rule in DEFAULT_RULES:
        if rule.event == type_ and rule.part == "now":
            whole[rule.measure] += rule.sign
            if rule.account in STATED:
                stated[rule.account, rule.measure] += rule.sign
    read = {measure: _reading(type_, measure) for measure in whole}
    return _Effect(
        [(account, read[measure], factor) for (account, measure), factor in stated.items() if factor],
        [(read[measure], factor) for measure, factor in whole.items() if factor],
    )


def _reading(type_: str, measure: str) -> Measure:
    """Find what reads a measure: most often a field."""
    data = EVENTS[type_]
    if measure != "amount":
        return attrgetter(measure)
    field = data.amount_field()
    return (lambda of: of.repeated()[2]) if field is None else attrgetter(field)


OF_TYPE = {type_: _effect(type_) for type_ in {rule.event for rule in DEFAULT_RULES}}
"""Of each type of event that is posted, its effect."""


def post(event: Event, balances: Balances) -> int:
    """Add what an event does to the balances; tells the sum of all its postings, which should be zero."""
    effect = OF_TYPE.get(event.type)
    if effect is None:
        return 0
    data = event.data
    stated, ties = effect
    currency = getattr(data, "currency", None) or ""
    accounts = balances.get(currency)
    if accounts is None:
        accounts = balances[currency] = dict.fromkeys(STATED, 0)
    for account, read, factor in stated:
        measured = read(data)
        if measured:
            accounts[account] += factor * measured
    total = 0
    for read, factor in ties:
        total += factor * (read(data) or 0)
    return total
