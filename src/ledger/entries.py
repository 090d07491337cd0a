"""The journal out of the events alone: each event's postings, by the rules and the chart that the log holds.

The read model `journal` does the same in SQL, from the columns of the log. This reads the stored bytes, so
that whoever exports a journal gets what the bytes say, and may hold it to what the read models say.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger.book import AccountAdded, BookOpened
from ledger.event import Event
from ledger.fields import Period
from ledger.money import split
from ledger.policy import PolicyChanged
from ledger.posting_rules import AccountKind, Part, PostingRule


class Posting(NamedTuple):
    """One signed amount in minor units on one account, debit positive; `line` is its place in its event."""

    line: int
    account: str
    amount: int


class Entry(NamedTuple):
    """Postings of one event and date; they sum to zero. Both dates are in the book's time zone."""

    event: Event
    occurred_on: date
    recorded_on: date
    invoice: str | None
    currency: str
    postings: list[Posting]


class _RuleSet(NamedTuple):
    effective_from: date
    position: int
    width: int
    rules: dict[str, list[tuple[int, PostingRule]]]
    """Of each type of event, its rules with their places in the set, from 1."""


class Journal:
    """What the events of one book, read in order, say of its chart, its rules and its days."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountKind] = {}
        self._zone = ZoneInfo("UTC")
        self._sets: list[_RuleSet] = []

    def entries(self, event: Event) -> Iterator[Entry]:
        """Read the next event, and give its entries in the order of their dates."""
        if not self.learn(event):
            yield from self._entries(event)

    def learn(self, event: Event) -> bool:
        """Take in what the next event says of chart, rules and days; tell whether it is about them."""
        data = event.data
        if isinstance(data, BookOpened):
            self._zone = ZoneInfo(data.time_zone)
            self.accounts.update({account.account: account.kind for account in data.accounts or ()})
            self._add(date.min, event.position, data.rules or ())
        elif isinstance(data, AccountAdded):
            self.accounts[data.account] = data.kind
        elif isinstance(data, PolicyChanged):
            if data.rules is not None:
                self._add(data.from_, event.position, data.rules)
        else:
            return False
        return True

    def _add(self, effective_from: date, position: int, rules: list[PostingRule] | tuple[()]) -> None:
        """Keep a set of rules; the one that begins last, and was recorded last, comes first."""
        by_event: dict[str, list[tuple[int, PostingRule]]] = {}
        for line, rule in enumerate(rules, 1):
            by_event.setdefault(rule.event, []).append((line, rule))
        self._sets.append(_RuleSet(effective_from, position, len(rules), by_event))
        self._sets.sort(key=lambda rules: rules[:2], reverse=True)

    def _entries(self, event: Event) -> Iterator[Entry]:
        occurred_on = event.time.astimezone(self._zone).date()
        found = next(each for each in self._sets if each.effective_from <= occurred_on)
        rules = found.rules.get(event.type)
        if rules is None:
            return
        recorded_on = event.recordedtime.astimezone(self._zone).date()
        invoice, currency, _ = event.data.columns()
        for day, postings in _dated(event, rules, found.width, occurred_on):
            if postings:
                yield Entry(event, day, recorded_on, invoice, currency or "", postings)


def _dated(
    event: Event, rules: list[tuple[int, PostingRule]], width: int, occurred_on: date
) -> Iterator[tuple[date, list[Posting]]]:
    """Give postings by date: all on the day; with a period, revenue by the days of each of its months."""
    period: Period | None = getattr(event.data, "period", None)
    if period is None or all(rule.part == "now" for _, rule in rules):
        yield occurred_on, _postings(event, rules, "now")
        return
    yield occurred_on, _postings(event, rules, "deferred")
    months = list(_months(period))
    if len(months) == 1:
        yield period.to, _postings(event, rules, "period")
        return
    amount = event.data.columns().amount or 0
    days = [last.toordinal() - first.toordinal() + 1 for first, last in months]
    for number, ((_, last), share) in enumerate(zip(months, split(amount, days), strict=True), 1):
        yield (
            last,
            [
                Posting(number * width + line, rule.account, rule.sign * share)
                for line, rule in rules
                if rule.part == "period" and share
            ],
        )


def _postings(event: Event, rules: list[tuple[int, PostingRule]], part: Part) -> list[Posting]:
    amount = event.data.columns().amount
    found = []
    for line, rule in rules:
        if rule.part == part:
            measured = amount if rule.measure == "amount" else getattr(event.data, rule.measure, None)
            if measured:
                found.append(Posting(line, rule.account, rule.sign * measured))
    return found


def _months(period: Period) -> Iterator[tuple[date, date]]:
    """Cut a period into the parts of its calendar months: first and last day of each."""
    first = period.from_
    while first <= period.to:
        last = min(period.to, first.replace(day=monthrange(first.year, first.month)[1]))
        yield first, last
        first = date.fromordinal(last.toordinal() + 1)
