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


class _Effect(NamedTuple):
    """Of one type of event: `stated` is what it does to accounts, `sum` what all its postings come to.

    Both name a measure by its place behind the currency in what `read` gives of an event's data, all at once,
    and by its factor; factors that are zero are left out.
    """

    read: Callable[[Data], tuple[str, *tuple[int, ...]]]
    stated: Sequence[tuple[str, int, int]]
    sum: Sequence[tuple[int, int]]


def _effect(type_: str) -> _Effect:
    stated, whole = Counter[tuple[str, str]](), Counter[str]()
    for rule in DEFAULT_RULES:
        if rule.event == type_ and rule.part == "now":
            whole[rule.measure] += rule.sign
            if rule.account in STATED:
                stated[rule.account, rule.measure] += rule.sign
    places = {measure: place for place, measure in enumerate(whole)}
    return _Effect(
        attrgetter("currency", *(_attribute(type_, measure) for measure in places)),
        [(account, places[measure], factor) for (account, measure), factor in stated.items() if factor],
        [(places[measure], factor) for measure, factor in whole.items() if factor],
    )


def _attribute(type_: str, measure: str) -> str:
    """Name what holds a measure: most often a field of its own name."""
    field = EVENTS[type_].amount_field() if measure == "amount" else None
    return measure if field is None else field


OF_TYPE = {type_: _effect(type_) for type_ in {rule.event for rule in DEFAULT_RULES}}
"""Of each type of event that is posted, its effect."""


def post(event: Event, balances: Balances) -> int:
    """Add what an event does to the balances; tells the sum of all its postings, which should be zero."""
    effect = OF_TYPE.get(event.type)
    if effect is None:
        return 0
    read, stated, ties = effect
    currency, *measured = read(event.data)
    accounts = balances.get(currency)
    if accounts is None:
        accounts = balances[currency] = dict.fromkeys(STATED, 0)
    for account, place, factor in stated:
        accounts[account] += factor * measured[place]
    total = 0
    for place, factor in ties:
        total += factor * measured[place]
    return total
