"""What is stored: bytes that are hashed as they are, columns that repeat them, and one tree over all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec
import psycopg
import pytest
from tests.ledger.test_books import SOME, busy
from tests.ledger.world import World
from tests.log.posting import charge, message, opening, pay, post, read_log, receipt, said, writer
from tests.log.test_merkle import tree_hash

from ledger import decider
from ledger.event import Event, encode_canonical
from ledger.log import merkle, store
from ledger.log.outcome import Receipt
from ledger.message import Message


class Story(NamedTuple):
    """What a world was told, and the events that it led to."""

    messages: list[Message]
    events: list[Event]


def stories(patch: pytest.MonkeyPatch) -> dict[str, Story]:
    """A busy book for every message that there is, and that message at its end."""
    told: list[Message] = []
    take = World.take

    def listen(world: World, said_: Message) -> list[Event]:
        told.append(said_)
        return take(world, said_)

    patch.setattr(World, "take", listen)
    found = {}
    for type_, ask in SOME.items():
        told.clear()
        world, customer = busy(type_)
        world.post(ask, customer=customer)
        found[type_] = Story(list(told), list(world.events))
    return found


def test_every_message_leads_in_the_log_to_the_events_that_the_rules_alone_give(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every kind of event is stored as `read_log` holds it to: bytes, columns, leaves, frontier."""
    types = set()
    with writer(database) as works:
        for book, story in stories(monkeypatch).items():
            outcomes = works.submit(book, story.messages).result(60)
            assert all(isinstance(outcome, Receipt) for outcome in outcomes), said(outcomes)
            stored = read_log(database, book)
            assert [essence(event) for event in stored.events] == [essence(event) for event in story.events]
            types |= {event.type for event in stored.events}
    assert types == decider.EVENTS.keys()


def essence(event: Event) -> tuple[object, ...]:
    """An event without what differs from log to log: the book, the moment, and what is reckoned from it."""
    reckoned = [name for name in ("expires_at", "valid_until") if getattr(event.data, name, None) is not None]
    data = msgspec.structs.replace(event.data, **dict.fromkeys(reckoned, event.time))
    return (
        event.position, event.stream, event.version, event.type, event.source, event.id, event.time,
        event.causation, event.decisionsize, event.principal, data,
    )  # fmt: skip


def test_postgresql_itself_finds_every_leaf_in_the_bytes(database: str) -> None:
    with writer(database) as works:
        post(works, *opening(), *(message(charge(f"c{n}", n + 1), f"k{n}") for n in range(300)))
    with psycopg.connect(database) as conn:
        wrong = conn.execute(
            "SELECT count(*) FILTER (WHERE leaf <> sha256('\\x00'::bytea || state)), count(*)"
            " FROM ledger.event"
        ).fetchone()
        states = conn.execute("SELECT state FROM ledger.event ORDER BY position").fetchall()
        head = conn.execute("SELECT position, frontier FROM ledger.head").fetchone()
    assert wrong == (0, 302)
    leaves = [sha256(b"\x00" + state).digest() for (state,) in states]
    assert head is not None
    assert merkle.root(merkle.unpack(head[1])) == tree_hash(leaves)


def test_the_frontier_in_the_head_is_that_of_all_leaves_after_every_commit(database: str) -> None:
    number = 0
    with writer(database) as works:
        post(works, *opening())
        for size in (1, 2, 3, 5, 8, 13, 1, 1, 21, 64):
            post(works, *(message(charge(f"c{n}"), f"k{n}") for n in range(number, number + size)))
            number += size
            stored = read_log(database)
            assert stored.head.position == number + 2
            assert merkle.root(stored.head.frontier) == tree_hash([row.leaf for row in stored.rows])


def test_the_bytes_are_canonical_json_in_the_words_of_cloudevents(database: str) -> None:
    with writer(database) as works:
        post(works, *opening())
        receipt(works, message(pay("p1", 5), "zoë", time="2026-01-02T05:04:05.25+02:00"))
    stored = read_log(database)
    raw, event = stored.rows[2].state, stored.events[2]
    document = json.loads(raw)
    recorded = event.recordedtime.isoformat().replace("+00:00", "Z")
    assert document == {
        "book": "main", "causation": 3, "data": {"amount": 5, "currency": "EUR", "payment": "p1"},
        "decisionsize": 1, "id": "zoë", "position": 3, "principal": "principal", "recordedtime": recorded,
        "source": "test", "specversion": "1.0", "subject": "alice", "time": "2026-01-02T03:04:05.250000Z",
        "type": "payment.received", "version": 2,
    }  # fmt: skip
    assert raw == json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_same_event_has_the_same_bytes_for_ever() -> None:
    """Written down here once: should these bytes change, no leaf of any log would be found again."""
    event = decider.read_event(STORED)
    assert encode_canonical(event) == STORED
    row = store.row_of(event)
    assert row.leaf.hex() == "af86a610cad71cd85c0703936269029262541cd6f23527a27e2c71d5c7cca717"
    assert row._replace(state=b"", leaf=b"") == store.Row(
        book="main", position=7, stream="customer/alice", version=3, type="charge.posted", source="/billing",
        event_id="0190f3e2", customer="alice", invoice=None, currency="EUR", amount=1250,
        occurred_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        recorded_at=datetime(2026, 1, 2, 3, 4, 6, 789, tzinfo=UTC), principal="crm", causation=7,
        decision_size=1, state=b"", leaf=b"",
    )  # fmt: skip


STORED = (
    b'{"book":"main","causation":7,"data":{"charge":"c1","currency":"EUR","net":1250,"service":"mobile"},'
    b'"decisionsize":1,"id":"0190f3e2","position":7,"principal":"crm",'
    b'"recordedtime":"2026-01-02T03:04:06.000789Z","source":"/billing","specversion":"1.0",'
    b'"subject":"alice","time":"2026-01-02T03:04:05Z","type":"charge.posted","version":3}'
)


def test_a_later_decision_takes_the_bytes_of_an_earlier_one_as_they_are(database: str) -> None:
    """A repeat is compared with what was stored, in whatever order and spelling it comes."""
    posted = message(charge("c1", 100), "k1")
    with writer(database) as works:
        post(works, *opening())
        first = receipt(works, posted)
    backwards = dict(reversed(charge("c1", 100)[1].items()))
    again = message(("charge.posted", backwards), "k1", time="2026-01-02T04:04:05+01:00")
    with writer(database) as works:
        answer = receipt(works, again)
    assert msgspec.structs.replace(answer, status="recorded") == first
