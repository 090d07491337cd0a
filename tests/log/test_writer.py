"""What the writer answers: recorded, replayed, in conflict or refused, alone, together and all or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.log.posting import (
    BOOK,
    ISSUE,
    OPEN,
    OPEN_BOOK,
    Ask,
    account,
    charge,
    message,
    opening,
    pay,
    post,
    read_log,
    receipt,
    refund,
    said,
    writer,
)

from ledger.errors import Conflict, Refusal
from ledger.log.writer import Writer


@pytest.fixture
def works(database: str) -> Iterator[Writer]:
    """A writer on a book in which Alice and Bob are customers, at positions 2 and 3."""
    with writer(database) as works:
        post(works, *opening("alice", "bob"))
        yield works


def test_a_message_is_recorded_and_its_receipt_says_where(database: str, works: Writer) -> None:
    recorded = receipt(works, message(charge("c1"), "k1"))
    row = read_log(database).rows[-1]
    assert recorded.status == "recorded"
    assert recorded.recordedtime == row.recorded_at
    (event,) = recorded.events
    assert (event.type, event.position, event.version) == ("charge.posted", 4, 2)
    assert event.leaf == row.leaf.hex()
    assert recorded.position == 4


def test_a_repeated_message_gets_its_first_receipt_although_the_state_moved_on(works: Writer) -> None:
    first = {
        key: receipt(works, message(ask, key))
        for key, ask in [("k1", charge("c1")), ("k2", ISSUE), ("k3", pay("p1", 5_000)), ("k4", refund("r1"))]
    }
    assert [len(answer.events) for answer in first.values()] == [1, 1, 2, 1]
    for key, ask in [("k4", refund("r1")), ("k3", pay("p1", 5_000)), ("k2", ISSUE), ("k1", charge("c1"))]:
        again = receipt(works, message(ask, key))
        assert again.status == "replayed"
        assert (again.recordedtime, again.events) == (first[key].recordedtime, first[key].events)


def test_a_key_that_comes_with_other_content_names_the_first_difference_and_where_the_key_is(
    database: str, works: Writer
) -> None:
    receipt(works, message(charge("c1", 100), "k1"))
    (outcome,) = post(works, message(charge("c1", 101), "k1"))
    assert isinstance(outcome, Conflict)
    assert (outcome.code, outcome.pointer) == ("key_conflict", "/data/net")
    assert outcome.values == {"source": "test", "id": "k1", "position": 4}
    assert len(read_log(database).rows) == 4


BATCHES: list[tuple[str, list[tuple[str, Ask]], list[str]]] = [
    ("the later twin is the replay", [("k", charge("c")), ("k", charge("c"))], ["recorded 4", "replayed 4"]),
    ("or the conflict", [("k", charge("c")), ("k", charge("d"))], ["recorded 4", "! key_conflict"]),
    ("a refused twin is judged anew", [("k", refund("r")), ("l", pay("p")), ("k", refund("r"))],
     ["! refund_exceeds_credit", "recorded 4", "recorded 5"]),
    ("a charge is there to be billed", [("k", charge("c")), ("l", ISSUE)], ["recorded 4", "recorded 5"]),
    ("a charge's name is taken", [("k", charge("c")), ("l", charge("c"))], ["recorded 4", "! charge_exists"]),
    ("money is there to send back", [("k", pay("p")), ("l", refund("r"))], ["recorded 4", "recorded 5"]),
    ("money is sent back once", [("k", pay("p")), ("l", refund("r")), ("m", refund("s"))],
     ["recorded 4", "recorded 5", "! refund_exceeds_credit"]),
    ("a refusal takes no position", [("k", refund("r")), ("l", charge("c"))],
     ["! refund_exceeds_credit", "recorded 4"]),
    ("a decision has several", [("k", charge("c")), ("l", pay("p")), ("m", ISSUE), ("n", charge("d"))],
     ["recorded 4", "recorded 5", "recorded 6 7", "recorded 8"]),
]  # fmt: skip


@pytest.mark.parametrize(("asks", "then"), [row[1:] for row in BATCHES], ids=[row[0] for row in BATCHES])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
def test_messages_see_what_came_before_them_in_one_batch_as_if_they_came_one_by_one(
    database: str, works: Writer, asks: list[tuple[str, Ask]], then: list[str], together: bool
) -> None:
    messages = [message(ask, key) for key, ask in asks]
    outcomes = post(works, *messages) if together else [post(works, each)[0] for each in messages]
    assert said(outcomes) == then
    read_log(database)


VERSIONS: list[tuple[str, Ask, int, str]] = [
    ("the version it has", charge("c"), 1, "recorded 4"),
    ("an earlier one", charge("c"), 0, "! version_unexpected"),
    ("a later one", charge("c"), 2, "! version_unexpected"),
    ("the book's own", account("till"), 1, "recorded 4"),
    ("not the book's own", account("till"), 0, "! version_unexpected"),
]


@pytest.mark.parametrize(
    ("ask", "expected", "then"), [row[1:] for row in VERSIONS], ids=[r[0] for r in VERSIONS]
)
def test_a_message_may_say_which_version_of_its_stream_it_was_made_for(
    works: Writer, ask: Ask, expected: int, then: str
) -> None:
    (outcome,) = post(works, message(ask, "k", expectedversion=expected))
    assert said([outcome]) == [then]
    if isinstance(outcome, Refusal):
        assert outcome.pointer == "/expectedversion"
        assert (outcome.values["version"], outcome.values["expected_version"]) == (1, expected)


def test_versions_are_counted_within_a_batch_and_a_repeat_needs_none(works: Writer) -> None:
    first = message(charge("c1"), "k1", expectedversion=1)
    both = [
        first,
        message(charge("c2"), "k2", expectedversion=1),
        message(charge("c3"), "k3", expectedversion=2),
    ]
    assert said(post(works, *both)) == ["recorded 4", "! version_unexpected", "recorded 5"]
    assert said(post(works, first)) == ["replayed 4"]
    assert said(post(works, message(OPEN, "k4", "carol", expectedversion=0))) == ["recorded 6"]


ATOMIC: list[tuple[str, list[tuple[str, Ask]], list[str]]] = [
    ("all are accepted", [("k", charge("c")), ("l", ISSUE)], ["recorded 4", "recorded 5"]),
    ("a repeat among them", [("open alice", OPEN), ("k", charge("c"))], ["replayed 2", "recorded 4"]),
    ("twins", [("k", charge("c")), ("k", charge("c"))], ["recorded 4", "replayed 4"]),
]
NOTHING: list[tuple[str, list[tuple[str, Ask]], str]] = [
    ("the first is refused", [("k", refund("r")), ("l", charge("c"))], "! refund_exceeds_credit"),
    (
        "the last is refused",
        [("k", charge("c")), ("l", ISSUE), ("m", refund("r"))],
        "! refund_exceeds_credit",
    ),
    ("a key is in conflict", [("k", charge("c")), ("k", charge("d"))], "! key_conflict"),
    ("an old key is", [("k", charge("c")), ("open alice", charge("d"))], "! key_conflict"),
    ("the book's own changed too", [("k", account("till")), ("l", account("till"))], "! account_exists"),
]


@pytest.mark.parametrize(("asks", "then"), [row[1:] for row in ATOMIC], ids=[row[0] for row in ATOMIC])
def test_an_atomic_batch_is_recorded_as_a_whole(
    works: Writer, asks: list[tuple[str, Ask]], then: list[str]
) -> None:
    assert said(post(works, *(message(ask, key) for key, ask in asks), atomic=True)) == then


@pytest.mark.parametrize(("asks", "then"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING])
def test_an_atomic_batch_with_a_refusal_leaves_no_trace(
    database: str, works: Writer, asks: list[tuple[str, Ask]], then: str
) -> None:
    """TigerBeetle create_transfer tests: in the log, in the numbers, in the states, and in the keys.

    All of it may be sent again.
    """
    before = read_log(database)
    outcomes = post(works, *(message(ask, key) for key, ask in asks), atomic=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert f"! {refusals[0].code}" == then
    assert read_log(database) == before
    rest = [message(charge("c"), "k"), message(ISSUE, "i"), message(account("till"), "a")]
    assert said(post(works, *rest)) == ["recorded 4", "recorded 5", "recorded 6"]
    assert [row.invoice for row in read_log(database).rows[4:5]] == ["INV-1"]


def test_each_book_has_its_own_log(database: str, works: Writer) -> None:
    others = works.submit("other", opening("alice"))
    receipt(works, message(charge("c1"), "k1"))
    assert said(others.result(10)) == ["recorded 1", "recorded 2"]
    for book, length in ((BOOK, 4), ("other", 2)):
        assert len(read_log(database, book).rows) == length


def test_a_book_that_was_not_opened_takes_nothing(database: str) -> None:
    with writer(database) as works:
        assert said(post(works, message(OPEN, "k"))) == ["! book_unknown"]
        assert said(post(works)) == []
        both = message(OPEN_BOOK, "book"), message(OPEN, "k")
        assert said(post(works, *both)) == [
            "recorded 1",
            "recorded 2",
        ]
    read_log(database)


def test_recorded_time_never_goes_back_and_each_commit_has_its_own(database: str, works: Writer) -> None:
    """The clock may go back; here the head is an hour ahead of it."""
    receipt(works, message(charge("c0"), "k0"))
    with psycopg.connect(database) as owner:
        owner.execute("UPDATE ledger.head SET recorded_at = recorded_at + interval '1 hour'")
        ahead = owner.execute("SELECT recorded_at FROM ledger.head").fetchone()
    times = [receipt(works, message(charge(f"c{n}"), f"k{n}")).recordedtime for n in range(1, 4)]
    assert ahead is not None
    assert ahead[0] < times[0] < times[1] < times[2]
    read_log(database)
