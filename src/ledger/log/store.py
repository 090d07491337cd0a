"""The log's SQL, spoken by its one writer: all within the transaction that holds the book's head.

Global order is made in one place: `lock_head` takes the row lock of the book's head, and whoever holds it
is the only one that appends to that book. Positions are therefore gapless and in commit order, and a reader
that has seen position n has seen everything before it. The cost is one append at a time per book; the
writer pays it once for many messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import psycopg

from ledger.event import Event, encode_canonical
from ledger.log import merkle
from ledger.sql import queries

_SQL = queries("ledger.log", "store.sql")

COPY_TYPES = (
    "text", "int8", "text", "int8", "text", "text", "text", "text", "text", "text", "int8",
    "timestamptz", "timestamptz", "text", "int8", "int4", "bytea", "bytea",
)  # fmt: skip


_SEPARATOR = "\x1f"
"""Joins keys into one parameter; messages refuse it in every text."""


class Head(NamedTuple):
    """Where a book's log ends, and the recorded time that the next append gets."""

    position: int
    frontier: list[bytes]
    recorded_at: datetime


class Row(NamedTuple):
    """One row of `ledger.event`, in the order of `copy_events`."""

    book: str
    position: int
    stream: str
    version: int
    type: str
    source: str
    event_id: str
    customer: str | None
    invoice: str | None
    currency: str | None
    amount: int | None
    occurred_at: datetime
    recorded_at: datetime
    principal: str
    causation: int
    decision_size: int
    state: bytes
    leaf: bytes


Columns = tuple[
    str, int, str, int, str, str, str, str | None, str | None, str | None, int | None, datetime, datetime,
    str, int, int,
]  # fmt: skip
"""The typed columns of a row."""


class Found(NamedTuple):
    """One event of a decision that was recorded before."""

    causation: int
    position: int
    version: int
    type: str
    recorded_at: datetime
    leaf: bytes
    state: bytes


def row_of(event: Event) -> Row:
    """Turn an event into its row: the bytes, their leaf hash, and the columns that repeat them."""
    state = encode_canonical(event)
    return Row(*columns_of(event), state, merkle.leaf_hash(state))


def columns_of(event: Event) -> Columns:
    """Repeat an event in the columns of its row, all but the bytes and their leaf hash, in their order."""
    invoice, currency, amount = event.data.repeated()
    return (
        event.book, event.position, event.stream, event.version, event.type, event.source, event.id,
        event.subject, invoice, currency, amount, event.time, event.recordedtime, event.principal,
        event.causation, event.decisionsize,
    )  # fmt: skip


def prepare(conn: psycopg.Connection) -> None:
    """Make a fresh connection fit for appending."""
    conn.execute(_SQL["steady_plans"])
    conn.commit()


def plan_anew(conn: psycopg.Connection) -> None:
    """Forget the plans of this connection.

    Because the log has become much larger than when they were made.
    """
    conn.execute(_SQL["plan_anew"])


Keys = Sequence[tuple[str, str]]


def lock(
    conn: psycopg.Connection, book: str, keys: Keys
) -> tuple[Head, dict[tuple[str, str], tuple[int, int]]]:
    """Lock the book's head and look up idempotency keys (source, id), in one round trip.

    Returns the head, and for each key that is taken the first position and the size of its decision.
    """
    with conn.pipeline():
        head = conn.execute(_SQL["lock_head"], (book,), binary=True)
        taken = conn.execute(
            _SQL["find_keys"],
            {
                "book": book,
                "sources": _SEPARATOR.join([source for source, _ in keys]),
                "ids": _SEPARATOR.join([id_ for _, id_ in keys]),
            },
            binary=True,
        )
        row = head.fetchone()
        found = {keys[n - 1]: (position, size) for n, position, size in taken.fetchall()}
    if row is None:
        conn.execute(_SQL["create_head"], (book,))
        return lock(conn, book, keys)
    return Head(row[0], merkle.unpack(row[1]), row[2]), found


def position_of(conn: psycopg.Connection, book: str) -> int:
    """Tell where the log of a book ends; 0 when there is no such book."""
    row = conn.execute(_SQL["position"], (book,)).fetchone()
    return 0 if row is None else int(row[0])


def move_head(conn: psycopg.Connection, book: str, head: Head) -> None:
    """Say where the log ends now, in the transaction that appended."""
    conn.execute(
        _SQL["move_head"],
        {
            "book": book,
            "position": head.position,
            "frontier": merkle.pack(head.frontier),
            "recorded_at": head.recorded_at,
        },
    )


@contextmanager
def copying(conn: psycopg.Connection) -> Iterator[Callable[[Row], None]]:
    """Give what takes rows in, one by one, as long as the block lasts; the caller holds the lock."""
    with conn.cursor() as cursor, cursor.copy(_SQL["copy_events"]) as copy:
        copy.set_types(COPY_TYPES)
        yield copy.write_row


class Append:
    """Rows on their way to the end of a book's log; the caller holds the lock.

    A row is sent as soon as it is decided, so that the database takes it in while the next message is judged.
    Nothing is visible to anybody before `commit`.
    """

    def __init__(self, conn: psycopg.Connection, book: str, head: Head) -> None:
        self._conn = conn
        self._book = book
        self._head = head
        self._leaves: list[bytes] = []
        self._open = ExitStack()
        self._write_row: Callable[[Row], None] | None = None

    def write(self, row: Row) -> None:
        """Send one row."""
        if self._write_row is None:
            self._write_row = self._open.enter_context(copying(self._conn))
        self._write_row(row)
        self._leaves.append(row.leaf)

    def __len__(self) -> int:
        return len(self._leaves)

    def commit(self) -> Head:
        """Move the head and commit; without rows, only let go of the lock."""
        head = self._head
        if not self._leaves:
            self._conn.rollback()
            return head
        self._open.close()
        frontier = merkle.extend(head.frontier, head.position, self._leaves)
        moved = Head(head.position + len(self._leaves), frontier, head.recorded_at)
        with self._conn.pipeline():
            move_head(self._conn, self._book, moved)
            self._conn.commit()
        return moved

    def abandon(self) -> None:
        """Take everything back."""
        with suppress(_Abandoned):
            self._open.__exit__(_Abandoned, _Abandoned(), None)
        self._conn.rollback()


class _Abandoned(Exception):  # noqa: N818
    """Ends a COPY that shall not be."""


def decisions(
    conn: psycopg.Connection, book: str, firsts: Iterable[tuple[int, int]]
) -> dict[int, list[Found]]:
    """Read whole decisions by (first position, size), keyed by first position."""
    starts, sizes = zip(*firsts, strict=True)
    rows = conn.execute(
        _SQL["decisions"], {"book": book, "firsts": list(starts), "sizes": list(sizes)}, binary=True
    )
    found: dict[int, list[Found]] = {}
    for row in rows:
        event = Found(*row)
        found.setdefault(event.causation, []).append(event)
    return found


def streams(conn: psycopg.Connection, book: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Read whole streams, each in the order of its versions."""
    yield from conn.execute(_SQL["streams"], {"book": book, "streams": list(names)}, binary=True)


def last_numbered(conn: psycopg.Connection, book: str) -> Iterator[bytes]:
    """Read the last event of each type that takes numbers, of those that there are."""
    for (state,) in conn.execute(_SQL["last_numbered"], {"book": book}, binary=True):
        yield state


def tail(conn: psycopg.Connection, book: str, after: int) -> Iterator[bytes]:
    """Read the events behind a position, in order."""
    for (state,) in conn.execute(_SQL["tail"], {"book": book, "after": after}, binary=True):
        yield state
