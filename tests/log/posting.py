"""Messages in few words, a writer for a while, and what must hold of every log whatever happened to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import sql

from ledger import decider
from ledger.database import connect
from ledger.errors import Refusal
from ledger.event import Event, encode_canonical
from ledger.log import merkle, store
from ledger.log.outcome import Outcome, Receipt
from ledger.log.writer import Committed, Writer
from ledger.message import Message, read_message
from ledger.settings import Settings

BOOK = "main"
SOURCE = "test"
TIME = "2026-01-02T03:04:05Z"

Ask = tuple[str, dict[str, object]]
"""A message's type and data."""

OPEN_BOOK: Ask = ("book.opened", {"name": "Book", "currency": "EUR", "time_zone": "Europe/Berlin"})
OPEN: Ask = ("customer.opened", {"currency": "EUR"})
ISSUE: Ask = ("invoice.issue", {})


def chance_of(seed: int) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)  # noqa: S311


def charge(name: str, net: int = 100) -> Ask:
    return "charge.posted", {"charge": name, "service": "mobile", "currency": "EUR", "net": net}


def pay(name: str, amount: int = 100) -> Ask:
    return "payment.received", {"payment": name, "currency": "EUR", "amount": amount}


def refund(name: str, amount: int = 100) -> Ask:
    return "refund.issue", {"refund": name, "currency": "EUR", "amount": amount}


def account(name: str) -> Ask:
    return "account.added", {"account": name, "name": name, "kind": "asset"}


def message(ask: Ask, key: str, customer: str | None = "alice", **attributes: object) -> Message:
    """Read a message as it would come over the wire; a book's own message has no customer."""
    type_, data = ask
    envelope: dict[str, object] = {"specversion": "1.0", "id": key, "source": SOURCE, "type": type_}
    if type_ not in decider.OF_BOOK:
        envelope["subject"] = customer
    raw = msgspec.json.encode({**envelope, "time": TIME, "data": data, **attributes})
    return read_message(raw, decider.DECODERS, "principal")


def opening(*customers: str) -> list[Message]:
    """Open the book and its customers."""
    return [
        message(OPEN_BOOK, "book"),
        *(message(OPEN, f"open {name}", name) for name in customers or ("alice",)),
    ]


@contextmanager
def writer(
    conninfo: str, watch: Callable[[Committed], None] | None = None, **limits: float
) -> Iterator[Writer]:
    """Give a writer that works while the block lasts."""
    settings = Settings(**limits)  # type: ignore[arg-type]  # each limit is of its own type
    works = Writer(lambda: connect(conninfo), settings, watch)
    works.start()
    try:
        yield works
    finally:
        works.stop()


def post(works: Writer, *messages: Message, atomic: bool = False) -> list[Outcome]:
    """Post messages together and wait for their outcomes."""
    return works.submit(BOOK, messages, atomic=atomic).result(60)


def receipt(works: Writer, posted: Message) -> Receipt:
    """Post one message that is accepted."""
    (outcome,) = post(works, posted)
    assert isinstance(outcome, Receipt), outcome
    return outcome


def said(outcomes: Sequence[Outcome]) -> list[str]:
    """Say of each outcome its status and positions, or the refusal's code."""
    return [
        f"! {outcome.code}"
        if isinstance(outcome, Refusal)
        else f"{outcome.status} {' '.join(str(event.position) for event in outcome.events)}"
        for outcome in outcomes
    ]


class Stored(NamedTuple):
    """A whole log: its rows, the events that their bytes are, and its head."""

    rows: list[store.Row]
    events: list[Event]
    head: store.Head

    @property
    def keys(self) -> list[str]:
        """The keys of the messages that were recorded, in order."""
        return [event.id for event in self.events if event.source == SOURCE]


_ROWS = sql.SQL("SELECT {} FROM ledger.event WHERE book = %s ORDER BY position").format(
    sql.SQL(", ").join(map(sql.Identifier, store.Row._fields))
)


def read_log(conninfo: str, book: str = BOOK) -> Stored:
    """Read a whole log, and check what must hold of any.

    In one snapshot: what a killed writer sent last may be committed at any moment.
    """
    with psycopg.connect(conninfo, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = [store.Row(*row) for row in conn.execute(_ROWS, (book,))]
        head = conn.execute(
            "SELECT position, frontier, recorded_at FROM ledger.head WHERE book = %s", (book,)
        ).fetchone()
    assert head is not None
    position, frontier, recorded_at = head
    events = [decider.read_event(row.state) for row in rows]
    stored = Stored(rows, events, store.Head(position, merkle.unpack(frontier), recorded_at))
    check(stored)
    return stored


def check(stored: Stored) -> None:
    """Hold a log to its promises: places without gaps, keys once, bytes as hashed, one tree over all."""
    rows, events, head = stored
    assert [row.position for row in rows] == list(range(1, head.position + 1))
    assert head.frontier == merkle.extend([], 0, (merkle.leaf_hash(row.state) for row in rows))
    versions = Counter[str]()
    for row, event in zip(rows, events, strict=True):
        assert row == store.row_of(event), "the columns repeat the bytes"
        assert encode_canonical(event) == row.state, "the bytes are canonical"
        versions[row.stream] += 1
        assert row.version == versions[row.stream]
    assert len({(row.source, row.event_id) for row in rows}) == len(rows)
    recorded = [row.recorded_at for row in rows]
    assert recorded == sorted(recorded)
    assert not rows or head.recorded_at == recorded[-1]
    _check_decisions(rows)


def _check_decisions(rows: list[store.Row]) -> None:
    """Each decision's events stand next to each other, whole, and its first one carries the key."""
    at = 0
    while at < len(rows):
        first = rows[at]
        decision = rows[at : at + first.decision_size]
        assert len(decision) == first.decision_size
        assert {(row.causation, row.decision_size, row.stream) for row in decision} == {
            (first.position, first.decision_size, first.stream)
        }
        assert all((row.source, row.event_id) == ("ledger", str(row.position)) for row in decision[1:])
        at += first.decision_size
