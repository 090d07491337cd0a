"""A COMMIT whose end is unknown: every message ends as recorded or replayed, never doubled and never lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from tests.log.posting import (
    BOOK,
    ISSUE,
    chance_of,
    charge,
    message,
    opening,
    pay,
    post,
    read_log,
    receipt,
    said,
    writer,
)
from tests.log.proxy import Fate, Proxy
from tests.log.test_queue import charges, head_held, until

from ledger.errors import Unavailable
from ledger.log.outcome import Receipt
from ledger.log.recorder import LedgerDatastore, LedgerRecorder

ENDINGS = [
    [Fate.REPLY_IS_LOST],
    [Fate.IS_LOST],
    [Fate.IS_LATE],
    [Fate.IS_LOST, Fate.IS_LOST, Fate.REPLY_IS_LOST],
    [Fate.IS_LOST, Fate.IS_LATE],
]


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    """A proxy before a book in which Alice is a customer."""
    with writer(database) as works:
        post(works, *opening("alice", "bob"))
    with Proxy(database) as proxy:
        yield proxy


@pytest.mark.parametrize("fates", ENDINGS, ids=lambda fates: " ".join(fate.name for fate in fates))
def test_a_message_is_recorded_once_and_its_sender_is_told_so(
    database: str, proxy: Proxy, fates: list[Fate]
) -> None:
    with writer(proxy.conninfo) as works:
        proxy.commits(*fates)
        first = receipt(works, message(charge("c1"), "k1"))
        assert proxy.met == fates
        assert (first.status, first.position) == ("recorded", 4)
        again = receipt(works, message(charge("c1"), "k1"))
        assert (again.status, again.events) == ("replayed", first.events)
        assert said(post(works, message(ISSUE, "k2"))) == ["recorded 5"]
    assert len(read_log(database).rows) == 5


@pytest.mark.parametrize("fates", ENDINGS, ids=lambda fates: " ".join(fate.name for fate in fates))
def test_a_batch_keeps_its_answers_twins_repeats_and_refusals_with_it(
    database: str, proxy: Proxy, fates: list[Fate]
) -> None:
    batch = [
        message(charge("c1"), "k1"),
        message(pay("p1", 5_000), "k2"),
        message(charge("c1"), "k1"),
        message(charge("c2"), "k1"),
        message(charge("c1"), "k3"),
        message(ISSUE, "k4"),
        *opening("alice"),
        message(ISSUE, "k4"),
    ]
    with writer(proxy.conninfo) as works:
        proxy.commits(*fates)
        outcomes = post(works, *batch)
        assert said(outcomes) == [
            "recorded 4", "recorded 5", "replayed 4", "! key_conflict", "! charge_exists", "recorded 6 7",
            "replayed 1", "replayed 2", "replayed 6 7",
        ]  # fmt: skip
    assert len(read_log(database).rows) == 7


@pytest.mark.parametrize("fates", ENDINGS, ids=lambda fates: " ".join(fate.name for fate in fates))
def test_an_atomic_batch_is_there_as_a_whole(database: str, proxy: Proxy, fates: list[Fate]) -> None:
    with writer(proxy.conninfo) as works:
        proxy.commits(*fates)
        outcomes = post(works, message(charge("c1"), "k1"), message(ISSUE, "k2"), atomic=True)
        assert said(outcomes) == ["recorded 4", "recorded 5"]
    read_log(database)


def test_what_another_writer_recorded_meanwhile_is_a_replay(database: str, proxy: Proxy) -> None:
    """The recorded time tells the own commit from another's."""
    with writer(proxy.conninfo) as works, writer(database) as other:
        proxy.commits(Fate.IS_LOST)
        with head_held(database):
            mine = works.submit(BOOK, charges(1, 1))
            until(lambda: works.queued_messages == 0)
        until(lambda: proxy.met == [Fate.IS_LOST])
        theirs = other.submit(BOOK, charges(1, 1))
        both = sorted([*said(mine.result(10)), *said(theirs.result(10))])
        assert both == ["recorded 4", "replayed 4"]
    read_log(database)


def test_a_writer_that_gives_up_says_so_and_the_repeat_tells_what_became_of_it(
    database: str, proxy: Proxy
) -> None:
    with writer(proxy.conninfo, write_retry_seconds_max=0) as works:
        for number, fate in enumerate((Fate.REPLY_IS_LOST, Fate.IS_LOST), start=1):
            proxy.commits(fate)
            with pytest.raises(Unavailable, match="cannot record now"):
                receipt(works, message(charge(f"c{number}"), f"k{number}"))
        assert said(post(works, *charges(1, 2))) == ["replayed 4", "recorded 5"]
    read_log(database)


def test_a_database_that_comes_back_in_time_is_waited_for(proxy: Proxy) -> None:
    with writer(proxy.conninfo) as works:
        receipt(works, message(charge("c1"), "k1"))
        proxy.close_door()
        proxy.cut()
        waiting = works.submit(BOOK, charges(2, 2))
        time.sleep(0.6)
        assert not waiting.done()
        proxy.open_door()
        assert said(waiting.result(10)) == ["recorded 5"]


def test_a_database_that_stays_away_is_not_waited_for_for_ever(database: str, proxy: Proxy) -> None:
    with writer(proxy.conninfo, write_retry_seconds_max=0.5) as works:
        receipt(works, message(charge("c1"), "k1"))
        proxy.close_door()
        proxy.cut()
        with pytest.raises(Unavailable, match="cannot record now") as away:
            receipt(works, message(charge("c2"), "k2"))
        assert away.value.retry_after_seconds >= 1
        assert works.alive
        proxy.open_door()
        assert said(post(works, *charges(1, 2))) == ["replayed 4", "recorded 5"]
    read_log(database)


def test_whatever_becomes_of_two_hundred_commits_nothing_is_lost_or_doubled(
    database: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.log.writer._RECONNECT_PAUSE_SECONDS", 0)
    chance = chance_of(1)
    proxy.late_seconds = 0.01
    recorded = {}
    with writer(proxy.conninfo) as works:
        for number in range(0, 400, 2):
            fates = chance.choices([Fate.PASSES, Fate.REPLY_IS_LOST, Fate.IS_LOST, Fate.IS_LATE], k=1)
            proxy.commits(*fates)
            sent = charges(number, number + 1)
            for asked, outcome in zip(sent, post(works, *sent), strict=True):
                assert isinstance(outcome, Receipt)
                assert outcome.status == "recorded"
                recorded[asked.id] = outcome.position
    stored = read_log(database)
    assert {row.event_id: row.position for row in stored.rows[3:]} == recorded
    assert len(recorded) == 400
    assert len(proxy.met) > 100


@pytest.mark.parametrize("fates", ENDINGS, ids=lambda fates: " ".join(fate.name for fate in fates))
def test_the_library_s_recorder_finds_its_own_append_again(proxy: Proxy, fates: list[Fate]) -> None:
    datastore = LedgerDatastore(proxy.conninfo)
    recorder = LedgerRecorder(datastore, book="library")
    events = [StoredEvent("a", version, "something.happened", b"{}") for version in (1, 2)]
    try:
        recorder.insert_events([StoredEvent("b", 1, "something.happened", b"{}")])
        proxy.commits(*fates)
        assert recorder.insert_events(events) == [2, 3]
        assert [n.id for n in recorder.select_notifications(None, 10)] == [1, 2, 3]
        with pytest.raises(IntegrityError):
            recorder.insert_events(events)
    finally:
        datastore.close()
