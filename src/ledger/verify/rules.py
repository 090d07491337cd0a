"""The third pass: every customer's history folded anew, and held to the named invariants."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter

import msgspec

from ledger import invariants
from ledger.book import Book
from ledger.decider import UNREADABLE, evolve_book, evolve_customer, read_event
from ledger.event import BOOK_STREAM, Event
from ledger.log.store import Row
from ledger.posting_rules import DEFAULT_RULES
from ledger.state import Customer, Replayed
from ledger.verify import rows
from ledger.verify.effects import Balances, post
from ledger.verify.findings import Finding, Part, part
from ledger.verify.kept import Kept, kept_between
from ledger.verify.leaves import SQL, Connection, stream

NAMES = (
    *(each.__name__ for each in invariants.OF_CUSTOMER),
    invariants.postings_agree_with_state.__name__,
    invariants.every_event_balances.__name__,
)
"""What is held of every customer and event here, by name."""


class Share(msgspec.Struct, frozen=True):
    """What a share of the streams shows: of rows' columns, versions, the invariants, and snapshots."""

    columns: Part
    streams: Part
    held: Part
    kept: Part

    @property
    def looked_at(self) -> int:
        """How many events."""
        return self.held.count


HELD_ROWS = 100
"""Rows that are taken over at a time, so few that a core still has them at hand when it looks at them."""
POSTED_TOGETHER = 1024
"""Events of a customer that are held at a time, to post them together."""
_STREAM = itemgetter(Row._fields.index("stream"))
_IMPOSSIBLE = (AssertionError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError)
"""How folding ends where an event is about what was never there: no rule recorded it so."""


class Held:
    """Folds customers one after the other, and holds each to the invariants when it is done with them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.count = 0
        self.kept: list[Finding] = []
        self.kept_count = 0

    def take(self, history: Iterable[Event], kept: Kept | None = None) -> None:
        """Fold one customer. Of a history that does not hang together, the rest is left alone.

        On the way the customer's snapshot, if there is one, is held to the state at its version.
        """
        customer: Replayed | None = None
        balances: Balances = {}
        broken = False
        event = None
        kept_at = 0 if kept is None else kept.version
        coming = iter(history)
        while events := list(islice(coming, POSTED_TOGETHER)):
            self.count += len(events)
            for event in events:
                if not broken:
                    try:
                        customer = _evolved(customer, event)
                    except _IMPOSSIBLE as error:
                        broken = True
                        self.findings.append(_does_not_follow(event, error))
                if kept is not None and event.version == kept_at:
                    self._compare(kept, None if broken else customer)
            if untied := post(events, balances):
                self.findings += _out_of_balance(event for event in events if event.type in untied)
        if event is not None and not broken:
            self.findings += _held(customer, balances, event)

    def _compare(self, kept: Kept, customer: Replayed | None) -> None:
        self.kept_count += 1
        finding = kept.held_to(customer)
        if finding is not None:
            self.kept.append(finding)


def _does_not_follow(event: Event, error: Exception) -> Finding:
    said = f"{event.type} at position {event.position} does not follow from what is before it"
    return Finding(f"{said} ({type(error).__name__} {error})".strip(), event.position)


def _out_of_balance(events: Iterable[Event]) -> Iterator[Finding]:
    for event in events:
        for said in invariants.every_event_balances(event, DEFAULT_RULES):
            yield Finding(f"{invariants.every_event_balances.__name__}: {said}", event.position)


def _evolved(customer: Replayed | None, event: Event) -> Replayed | None:
    """Fold an event, into a customer of whom all is looked at in the end."""
    if customer is not None:
        evolve_customer(customer, event)
        return customer
    opened = evolve_customer(None, event)
    return None if opened is None else Replayed.of(opened)


def check_share(
    connection: Connection, book: str, upto: int, since: int, behind: str | None, last: str | None
) -> Share:
    """Hold the customers of a share of the streams, all of their events up to a position, to the invariants.

    On the way, the columns of each row are compared with its bytes, and its version with its place. The share
    is of the streams after `behind` up to `last` by name; None is no bound.
    """
    reading, held = rows.Reading(), Held()
    values = {"book": book, "upto": upto, "since": since, "behind": behind, "last": last}
    kept = kept_between(connection, values)
    for name, of_stream in groupby(stream(connection, "streams_between", HELD_ROWS, **values), key=_STREAM):
        events = reading.events(name, of_stream)
        if name == BOOK_STREAM:
            deque(events, maxlen=0)  # only to be read
        else:
            held.take(events, kept.get(name))
    return Share(
        part(reading.count, reading.columns),
        part(reading.count, reading.streams),
        part(held.count, held.findings),
        part(held.kept_count, held.kept),
    )


def _held(customer: Customer | None, balances: Balances, last: Event) -> Iterator[Finding]:
    if customer is None:
        yield Finding(f"customer {last.subject} has events but was never opened", last.position)
        return
    agree = invariants.postings_agree_with_state
    booked = {(account, currency): sum_ for currency, of in balances.items() for account, sum_ in of.items()}
    agreeing = ((agree.__name__, said) for said in agree(customer, booked))
    for name, said in (*invariants.broken(customer), *agreeing):
        yield Finding(f"{name}: customer {last.subject}: {said}", last.position)


class OfBook(msgspec.Struct, frozen=True):
    """What the book's own history shows."""

    findings: list[Finding]

    @property
    def looked_at(self) -> int:
        """No events that no other pass looks at."""
        return 0


def check_book(connection: Connection, book: str, upto: int) -> OfBook:
    """Hold the book's own history to its rules."""
    findings: list[Finding] = []
    state: Book | None = None
    for (raw,) in connection.execute(SQL["book_stream"], {"book": book, "upto": upto}):
        try:
            state = evolve_book(state, read_event(raw))
        except (*UNREADABLE, *_IMPOSSIBLE) as error:
            findings.append(Finding(f"an event of the book itself cannot be read: {error}"))
    if state is None and upto:
        findings.append(Finding("the book has events but was never opened", 1))
    return OfBook(findings)
