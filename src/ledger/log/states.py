"""What the writer keeps in memory of one book: the states that decisions need, always as of one position.

The log is the cache's coherence: under the head's lock, whatever others appended is folded in before
anything is decided. Nothing here is ever written anywhere; it may be thrown away at any time.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from ledger.book import Book
from ledger.customer import Customer
from ledger.decider import evolve_book, evolve_customer, read_event
from ledger.event import BOOK_STREAM, Event, stream_of
from ledger.log import snapshots, store
from ledger.log.snapshots import Snapshot

NUMBERED = ("invoice.issued", "credit_note.issued")
"""Events that take the next number of a series; the book's state knows the last of each.

The statements `last_numbered` and `leaves` name the same ones.
"""

_CUSTOMERS_A_QUERY = 500
"""Streams read in one go: enough to save round trips, few enough to hold what is read in memory."""


class Stream:
    """One customer's state, its version (0: nothing recorded yet), and up to where a snapshot has it."""

    __slots__ = ("kept", "state", "version")

    def __init__(self) -> None:
        self.state: Customer | None = None
        self.version = 0
        self.kept = 0


class States:
    """The states of one book as of `position`; None: nothing was read yet."""

    def __init__(self, book: str, cached_events_max: int) -> None:
        self.book_name = book
        self._events_max = cached_events_max
        self.forget()

    def forget(self) -> None:
        """Throw everything away; the next use reads it from the log."""
        self.position: int | None = None
        self.book: Book | None = None
        self.book_version = 0
        self._customers: dict[str, Stream] = {}
        self._events = 0

    def undo(self, conn: psycopg.Connection, customers: Iterable[str]) -> None:
        """Throw away what an abandoned decision has changed: these customers, and the book's own state."""
        for customer in customers:
            stream = self._customers.pop(customer, None)
            self._events -= stream.version if stream is not None else 0
        self.book, self.book_version = None, 0
        self._read_book(conn)

    def catch_up(self, conn: psycopg.Connection, head: int) -> None:
        """Fold what others appended since this process last held the lock (which it holds now)."""
        if self.position is None or head - self.position > self._events_max:
            self.forget()
            self._read_book(conn)
        elif head > self.position:
            for state in store.tail(conn, self.book_name, self.position):
                event = read_event(state)
                if event.subject is None or event.subject in self._customers:
                    self.apply(event)
                elif event.type in NUMBERED:
                    self.book = evolve_book(self.book, event)
        self.position = head

    def load(self, conn: psycopg.Connection, customers: Iterable[str]) -> list[str]:
        """Have the states of these customers at hand, reading the missing ones in one query; gives those."""
        missing = []
        for customer in customers:
            stream = self._customers.pop(customer, None)
            if stream is None:
                missing.append(customer)
                stream = Stream()
            self._customers[customer] = stream  # at the end: used last
        if missing:
            self._read_customers(conn, missing)
        return missing

    def customer(self, customer: str) -> Stream:
        """Return a customer's state; `load` has brought it here."""
        return self._customers[customer]

    def version(self, customer: str | None) -> int:
        """Return the version of a stream: of the customer's, or of the book's own."""
        return self.book_version if customer is None else self._customers[customer].version

    def apply(self, event: Event) -> None:
        """Let one event change the states it concerns."""
        if event.subject is None:
            self.book = evolve_book(self.book, event)
            self.book_version = event.version
            return
        stream = self._customers[event.subject]
        stream.state = evolve_customer(stream.state, event)
        stream.version = event.version
        self._events += 1
        if event.type in NUMBERED:
            self.book = evolve_book(self.book, event)

    def trim(self, passing: Iterable[str] = ()) -> list[Snapshot]:
        """Forget those who only pass, then customers used longest ago until the rest fit the limit.

        Gives those worth a snapshot.
        """
        forgotten = [self._let_go(customer) for customer in passing]
        while self._events > self._events_max and len(self._customers) > 1:
            forgotten.append(self._let_go(next(iter(self._customers))))
        return _worth_keeping(forgotten)

    def _let_go(self, customer: str) -> tuple[str, Stream]:
        stream = self._customers.pop(customer)
        self._events -= stream.version
        return customer, stream

    def worth_keeping(self) -> list[Snapshot]:
        """Give the states of which there is no snapshot, or an old one: for the next who starts."""
        return _worth_keeping(self._customers.items())

    def _read_book(self, conn: psycopg.Connection) -> None:
        for _, state in store.streams(conn, self.book_name, [BOOK_STREAM]):
            event = read_event(state)
            self.book = evolve_book(self.book, event)
            self.book_version = event.version
        for state in store.last_numbered(conn, self.book_name):
            self.book = evolve_book(self.book, read_event(state))

    def _read_customers(self, conn: psycopg.Connection, customers: list[str]) -> None:
        for at in range(0, len(customers), _CUSTOMERS_A_QUERY):
            streams = {stream_of(c): self._customers[c] for c in customers[at : at + _CUSTOMERS_A_QUERY]}
            for name, version, state in snapshots.find(conn, self.book_name, list(streams)):
                stream = streams[name]
                stream.state = state
                stream.version = stream.kept = version
            versions = {name: stream.version for name, stream in streams.items()}
            for name, stored in snapshots.behind(conn, self.book_name, versions):
                stream = streams[name]
                event = read_event(stored)
                stream.state = evolve_customer(stream.state, event)
                stream.version = event.version
            self._events += sum(stream.version for stream in streams.values())


def _worth_keeping(streams: Iterable[tuple[str, Stream]]) -> list[Snapshot]:
    return [
        Snapshot(stream_of(customer), stream.version, stream.state)
        for customer, stream in streams
        if stream.state is not None and stream.version >= stream.kept + snapshots.EVENTS_MIN
    ]
