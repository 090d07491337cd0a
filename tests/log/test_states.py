"""What the writer remembers never shows: with a small cache, anew or in turns, the answers are the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import pytest
from tests.log.posting import (
    BOOK,
    ISSUE,
    Ask,
    account,
    chance_of,
    charge,
    message,
    opening,
    pay,
    post,
    read_log,
    refund,
    said,
    writer,
)

from ledger.database import connect
from ledger.event import Event
from ledger.log import store
from ledger.log.states import NUMBERED, States
from ledger.message import Message
from ledger.verify.leaves import SQL as VERIFYING

CUSTOMERS = tuple(f"customer-{n}" for n in range(8))


def history(seed: int, length: int) -> list[Message]:
    """Random messages for a few customers: many are refused, and a tenth come again."""
    chance = chance_of(seed)
    sent = opening(*CUSTOMERS)
    for n in range(length):
        if chance.random() < 0.1:
            sent.append(chance.choice(sent))
            continue
        name = f"{chance.randrange(length)}"
        amount = chance.randint(1, 300)
        asks: Sequence[Ask] = (
            charge(name, amount), charge(name, amount), ISSUE, pay(name, amount), refund(name, amount),
            account(name),
        )  # fmt: skip
        sent.append(message(chance.choice(asks), f"k{n}", chance.choice(CUSTOMERS)))
    return sent


def batches(seed: int, sent: Sequence[Message]) -> list[Sequence[Message]]:
    """Cut messages into batches of one to twenty."""
    chance = chance_of(seed)
    cut, at = [], 0
    while at < len(sent):
        size = chance.randint(1, 20)
        cut.append(sent[at : at + size])
        at += size
    return cut


def essence(conninfo: str) -> list[tuple[object, ...]]:
    """What a log says but for the moment and the hashes over it."""
    return [
        (event.position, event.stream, event.version, event.type, event.source, event.id, event.data)
        for event in read_log(conninfo).events
    ]


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, list[tuple[object, ...]]]]:
    """Filled by the first of the tests below; what the others are compared with."""
    return []


@pytest.mark.parametrize("cached_events_max", [200_000, 40, 3, 0])
def test_a_small_cache_gives_the_answers_of_a_large_one(
    database: str, cached_events_max: int, expected: list[tuple[str, list[tuple[object, ...]]]]
) -> None:
    with writer(database, cached_events_max=cached_events_max) as works:
        answers = [said(post(works, *batch)) for batch in batches(1, history(1, 600))]
        states = works._states[BOOK]
        assert states._events <= cached_events_max or len(states._customers) == 1
    expected.append((str(answers), essence(database)))
    assert expected[-1] == expected[0]


def test_a_writer_that_starts_anew_before_every_batch_gives_the_same_answers(
    database: str, expected: list[tuple[str, list[tuple[object, ...]]]]
) -> None:
    answers = []
    for batch in batches(1, history(1, 600)):
        with writer(database) as works:
            answers.append(said(post(works, *batch)))
    expected.append((str(answers), essence(database)))
    assert expected[-1] == expected[0]


@pytest.mark.parametrize("cached_events_max", [200_000, 5])
def test_writers_that_take_turns_answer_as_one(
    database: str, cached_events_max: int, expected: list[tuple[str, list[tuple[object, ...]]]]
) -> None:
    """Each folds what the other appended: states, versions, numbers of invoices and the book's own."""
    chance = chance_of(2)
    with (
        writer(database, cached_events_max=cached_events_max) as one,
        writer(database, cached_events_max=cached_events_max) as two,
    ):
        answers = [said(post(chance.choice((one, two)), *batch)) for batch in batches(1, history(1, 600))]
    expected.append((str(answers), essence(database)))
    assert expected[-1] == expected[0]


def test_what_another_writer_did_is_known_before_anything_is_decided(database: str) -> None:
    with writer(database) as one, writer(database) as two:
        post(one, *opening("alice", "bob"))
        assert said(post(two, message(charge("c1"), "k1"))) == ["recorded 4"]
        assert said(post(one, message(charge("c1"), "k2"), message(ISSUE, "k3"))) == [
            "! charge_exists", "recorded 5",
        ]  # fmt: skip
        assert said(post(two, message(ISSUE, "k4"))) == ["! nothing_to_bill"]
        assert said(post(two, message(charge("c2"), "k5", "bob"), message(ISSUE, "k6", "bob"))) == [
            "recorded 6", "recorded 7",
        ]  # fmt: skip
        assert said(post(one, message(account("till"), "k7"))) == ["recorded 8"]
        assert said(post(two, message(account("till"), "k8"))) == ["! account_exists"]
        assert said(post(two, message(ISSUE, "k3"))) == ["replayed 5"]
    rows = read_log(database).rows
    assert [(row.invoice, row.customer) for row in rows if row.type == "invoice.issued"] == [
        ("INV-1", "alice"), ("INV-2", "bob"),
    ]  # fmt: skip


def test_an_abandoned_decision_is_forgotten_although_another_writer_appended_meanwhile(database: str) -> None:
    """Undoing reads without the lock, so it may see more than the states are as of; that is folded again."""
    with writer(database) as works:
        post(works, *opening("alice", "bob"), message(charge("c0"), "k0"))
        with connect(database, autocommit=False) as conn:
            states = States(BOOK, 1_000)
            states.catch_up(conn, 4)
            states.load(conn, ["alice", "bob"])
            states.apply(_rejected(read_log(database).events[-1]))
            conn.rollback()
            post(works, message(account("till"), "k1"), message(charge("c1"), "k2"), message(ISSUE, "k3"))
            states.undo(conn, ["alice"])
            conn.rollback()
            head, _ = store.lock(conn, BOOK, [])
            states.catch_up(conn, head.position)
            states.load(conn, ["alice", "bob"])
            fresh = States(BOOK, 1_000)
            fresh.catch_up(conn, head.position)
            fresh.load(conn, ["alice", "bob"])
            for name in ("alice", "bob"):
                assert states.customer(name).state == fresh.customer(name).state
                assert states.version(name) == fresh.version(name)
            assert (states.book, states.book_version) == (fresh.book, fresh.book_version)
            assert states._events == fresh._events


def _rejected(last: Event) -> Event:
    """An event that an atomic batch decided and then took back."""
    return msgspec.structs.replace(
        last,
        data=message(charge("never"), "never").data,
        position=last.position + 1,
        version=last.version + 1,
    )


def test_statements_name_the_events_that_take_numbers_and_no_others() -> None:
    for statement in (store._SQL["last_numbered"], VERIFYING["leaves"]):
        assert sorted(re.findall(r"'(\w+\.\w+)'", statement)) == sorted(NUMBERED)
