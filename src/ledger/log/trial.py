"""Trying messages out: decided by the very same rules on the very same states, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from ledger import decider
from ledger.errors import Refusal
from ledger.event import BOOK_STREAM, Draft, Event, stream_of
from ledger.log import store
from ledger.log.states import States
from ledger.message import Message


@contextmanager
def _as_of_now(conn: psycopg.Connection) -> Iterator[None]:
    """See the log as it stands at one moment, and change nothing."""
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with conn.transaction():
        yield


def decide_only(
    conn: psycopg.Connection, book: str, messages: Sequence[Message]
) -> list[list[Draft] | Refusal]:
    """Decide messages about customers, each as if it were the next one to come; no lock is taken.

    Each message is judged by itself: two about one customer do not see each other.
    """
    with _as_of_now(conn):
        states = States(book, cached_events_max=0)
        states.catch_up(conn, 0)
        states.load(conn, dict.fromkeys(m.subject for m in messages if m.subject is not None))
        now = datetime.now(UTC)
        return [_decided(states, message, now) for message in messages]


def _decided(states: States, message: Message, now: datetime) -> list[Draft] | Refusal:
    customer = None if message.subject is None else states.customer(message.subject).state
    try:
        return decider.decide(states.book, customer, message, now)
    except Refusal as refusal:
        return refusal


def history(conn: psycopg.Connection, book: str, customer: str) -> list[Event]:
    """Read all events of a customer and of the book itself, in the order of the log."""
    with _as_of_now(conn):
        streams = store.streams(conn, book, [BOOK_STREAM, stream_of(customer)])
        events = [decider.read_event(state) for _, state in streams]
    return sorted(events, key=lambda event: event.position)
