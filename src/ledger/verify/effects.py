"""What events do to the balances that customers' states speak of, and how they balance.

The default rules, worked out once: most of what they post cancels out for every event of a type, whatever it
measures, and there is nothing to compute of that. A service period lets other rules post, which come to the
same here: they only move what is earned by when.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from ledger.decider import EVENTS
from ledger.event import Data, Event
from ledger.invariants import STATED
from ledger.posting_rules import DEFAULT_RULES

Balances = dict[str, dict[str, int]]
"""Of each currency, of each account that states speak of: minor units."""
Post = Callable[[Sequence[Data], Balances], bool]
"""Adds what events of a type do to the balances; tells whether the postings of each come to zero."""


def post(events: Iterable[Event], balances: Balances) -> set[str]:
    """Add what events do to the balances; name the types of which the postings of one do not come to zero.

    Those of a type together: what is summed up at once takes a third of the time.
    """
    of_types = defaultdict[str, list[Data]](list)
    for event in events:
        of_types[event.type].append(event.data)
    return {type_ for type_, of in of_types.items() if type_ in POST and not POST[type_](of, balances)}


def _post(type_: str) -> Post:
    """Work out what the events of a type do: to the accounts, and what all their postings come to.

    A measure is named by its place among those that are read of an event's data, all at once, and has a
    factor; what has a factor of zero is left out.
    """
    stated, whole = Counter[tuple[str, str]](), Counter[str]()
    for rule in DEFAULT_RULES:
        if rule.event == type_ and rule.part == "now":
            whole[rule.measure] += rule.sign
            if rule.account in STATED:
                stated[rule.account, rule.measure] += rule.sign
    places = {measure: place for place, measure in enumerate(whole, 1)}
    read = attrgetter("currency", *(_attribute(type_, measure) for measure in places))
    effects = [(account, places[measure], factor) for (account, measure), factor in stated.items() if factor]
    ties = [(places[measure], factor) for measure, factor in whole.items() if factor]

    def post_all(of: Sequence[Data], balances: Balances) -> bool:
        measured = list(map(read, of))
        currencies = {each[0] for each in measured}
        for currency in currencies:
            accounts = balances.get(currency)
            if accounts is None:
                accounts = balances[currency] = dict.fromkeys(STATED, 0)
            same = measured if len(currencies) == 1 else [each for each in measured if each[0] == currency]
            columns = list(zip(*same, strict=True))
            for account, place, factor in effects:
                accounts[account] += factor * sum(columns[place])
        return not ties or not any(sum([factor * each[place] for place, factor in ties]) for each in measured)

    return post_all


def _attribute(type_: str, measure: str) -> str:
    """Name what holds a measure: most often a field of its own name."""
    field = EVENTS[type_].amount_field() if measure == "amount" else None
    return measure if field is None else field


POST = {type_: _post(type_) for type_ in {rule.event for rule in DEFAULT_RULES}}
"""Of each type of event that is posted, what it does."""
