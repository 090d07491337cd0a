"""Who looked: each time that a person asks for customers' data, recorded before they get an answer.

Each book has a chain of its own: the hash of an entry is over the hash before it and the entry's bytes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

import msgspec
import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.errors import Unavailable
from ledger.event import encode_canonical
from ledger.sql import queries

SQL = queries("ledger", "access_log.sql")
log = structlog.get_logger("ledger.access_log")

FIRST = bytes(32)
"""What the first hash of a chain is over, in the place of the one before."""
WAITING_MAX = 10_000
"""Looks that wait to be recorded; one more is answered 503."""
TOGETHER_MAX = 1_000
"""Looks that one commit takes."""

Connection = psycopg.Connection[TupleRow]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for customers' data: who, in which role and with which key, for what, and why.

    `customer` is None where the address names a number that is not there, or no customer: what it shows is of
    several. `query` is what was asked for, and of when, with `?` for what a person put in words of their own;
    entries from before it was recorded have none. `reason` is None where none was given and none was needed.
    """

    book: str
    customer: str | None
    key: str
    method: str
    path: str
    principal: str
    query: str = ""
    reason: str | None
    request: str
    role: str | None


class Entry(Look, frozen=True, kw_only=True):
    """A look as it is recorded: its number in the book, and when."""

    at: datetime
    number: int


class Chained(NamedTuple):
    """An entry with its bytes, and the hash that the chain has come to with it."""

    entry: Entry
    raw: bytes
    hash: bytes


def chain(looks: Iterable[Look], number: int, before: bytes, at: datetime) -> Iterator[Chained]:
    """Give the looks of one book their numbers and chain them to what is there."""
    for look in looks:
        number += 1
        entry = Entry(**msgspec.structs.asdict(look), at=at, number=number)
        raw = encode_canonical(entry)
        before = next_hash(before, raw)
        yield Chained(entry, raw, before)


def next_hash(before: bytes, raw: bytes) -> bytes:
    """Tell what the chain comes to with one more entry."""
    return sha256(before + raw).digest()


def append(connection: Connection, looks: Sequence[Look]) -> None:
    """Record looks, all or none, each behind the last of its book."""
    at = datetime.now(UTC)
    with connection.transaction():
        for book, group in groupby(sorted(looks, key=lambda look: look.book), key=lambda look: look.book):
            connection.execute(SQL["begin_access"], {"book": book, "first": FIRST})
            row = connection.execute(SQL["lock_access"], {"book": book}, binary=True).fetchone()
            assert row is not None  # noqa: S101 - it was made, or was there
            _insert(connection, book, list(chain(group, row[0], row[1], at)))


def _insert(connection: Connection, book: str, chained: Sequence[Chained]) -> None:
    values = {
        "book": book,
        "numbers": [each.entry.number for each in chained],
        "looked_at": [each.entry.at for each in chained],
        "principals": [each.entry.principal for each in chained],
        "customers": [each.entry.customer for each in chained],
        "entries": [each.raw for each in chained],
        "hashes": [each.hash for each in chained],
    }
    connection.execute(SQL["add_access"], values)
    last = chained[-1]
    connection.execute(SQL["move_access"], {"book": book, "number": last.entry.number, "hash": last.hash})


class AccessLog:
    """A thread that records looks, as many together as came while the last commit was under way."""

    def __init__(self, connection: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._connection = connection
        self._waiting: queue.Queue[tuple[Look, Future[None]] | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="ledger-access-log", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread works."""
        return self._thread.is_alive()

    def record(self, look: Look) -> Future[None]:
        """Record a look; done when it is on disk, failed with `Unavailable` when it could not be."""
        future: Future[None] = Future()
        try:
            self._waiting.put_nowait((look, future))
        except queue.Full:
            raise Unavailable("too many looks wait to be recorded") from None
        return future

    def __enter__(self) -> AccessLog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            taken, ended = [first], False
            while len(taken) < TOGETHER_MAX and not ended and not self._waiting.empty():
                more = self._waiting.get()
                ended = more is None
                if more is not None:
                    taken.append(more)
            self._append(taken)
            if ended:
                return

    def _append(self, taken: Sequence[tuple[Look, Future[None]]]) -> None:
        failure: Unavailable | None = Unavailable("the look could not be recorded, so nothing is shown")
        try:
            with self._connection() as connection:
                append(connection, [look for look, _ in taken])
            failure = None
        except Unavailable as error:
            failure = error
        except psycopg.Error as error:
            log.error("looks_not_recorded", looks=len(taken), error=type(error).__name__)  # noqa: TRY400 - no values
        finally:
            for _, future in taken:
                if failure is None:
                    future.set_result(None)
                else:
                    future.set_exception(failure)
