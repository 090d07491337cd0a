"""The library's own recorder cases pass on our log, and what they do not ask is asked here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    TrackingRecorderTestCase,
)

from ledger.log.recorder import LedgerDatastore, LedgerRecorder
from ledger_projections.cursors import Cursors


def _stream() -> str:
    return f"customer/{uuid4()}"


class _OnTheLog:
    """Gives each of the library's cases a recorder on a fresh database."""

    conninfo: str

    @pytest.fixture(autouse=True)
    def _database(self, database: str) -> Iterator[None]:
        self.conninfo = database
        self.datastores: list[LedgerDatastore] = []
        yield
        for datastore in self.datastores:
            datastore.close()

    def new_originator_id(self) -> str:
        return _stream()

    def create_recorder(self) -> LedgerRecorder:
        datastore = LedgerDatastore(self.conninfo)
        self.datastores.append(datastore)
        return LedgerRecorder(datastore, book="main")


class TestApplicationRecorder(_OnTheLog, ApplicationRecorderTestCase[LedgerRecorder]):
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = True

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(_OnTheLog, NonInterleavingNotificationIDsBaseCase):
    pass


class TestTrackingRecorder(_OnTheLog, TrackingRecorderTestCase):
    def create_recorder(self) -> Any:
        return Cursors(self.conninfo)


# Without these names pytest would collect the abstract cases themselves.
del ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase, TrackingRecorderTestCase

Make = Callable[[], LedgerRecorder]


@pytest.fixture
def make(database: str) -> Iterator[Make]:
    datastores: list[LedgerDatastore] = []

    def recorder() -> LedgerRecorder:
        datastores.append(LedgerDatastore(database))
        return LedgerRecorder(datastores[-1], book="main")

    yield recorder
    for datastore in datastores:
        datastore.close()


def _event(stream: str, version: int, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, "something.happened", state)


@pytest.mark.parametrize("version", [3, 42, 0, 1])
def test_a_version_that_does_not_follow_is_refused_and_leaves_no_gap(make: Make, version: int) -> None:
    recorder, stream = make(), _stream()
    recorder.insert_events([_event(stream, 1)])
    with pytest.raises(IntegrityError, match=f"is at version 1, the event is version {version}"):
        recorder.insert_events([_event(stream, version)])
    assert recorder.insert_events([_event(stream, 2)]) == list(range(2, 3))


def test_a_gap_inside_one_append_records_nothing_of_it(make: Make) -> None:
    recorder, stream = make(), _stream()
    with pytest.raises(IntegrityError):
        recorder.insert_events([_event(stream, 1), _event(stream, 3)])
    assert recorder.select_notifications(None, 10) == []


def test_an_append_held_open_is_never_passed_over_by_a_reader(make: Make, database: str) -> None:
    """The hole that the library's own cases miss: a later append must wait, so no reader sees it first."""
    recorder = make()
    recorder.insert_events([_event(_stream(), 1)])
    with psycopg.connect(database) as holder:
        holder.execute("SELECT position FROM ledger.head WHERE book = 'main' FOR UPDATE")
        second = threading.Thread(target=recorder.insert_events, args=([_event(_stream(), 1)],))
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert [n.id for n in recorder.select_notifications(None, 10)] == [1]
        holder.rollback()
    second.join(10)
    assert [n.id for n in recorder.select_notifications(None, 10)] == [1, 2]


def test_a_failed_append_gives_its_positions_back(make: Make) -> None:
    recorder, stream = make(), _stream()
    recorder.insert_events([_event(stream, 1)])
    for _ in range(3):
        with pytest.raises(IntegrityError):
            recorder.insert_events([_event(stream, 1)])
    assert recorder.insert_events([_event(stream, 2)]) == list(range(2, 3))


def test_a_subscription_outlives_its_listener_and_misses_nothing(make: Make, database: str) -> None:
    recorder = make()
    with recorder.subscribe(gt=None) as subscription, psycopg.connect(database, autocommit=True) as admin:
        recorder.insert_events([_event(_stream(), 1)])
        assert next(subscription).id == 1
        for position in (2, 3):
            killed = admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND query LIKE 'LISTEN%%'"
            ).fetchall()
            assert killed == [(True,)]
            recorder.insert_events([_event(_stream(), 1)])
            assert next(subscription).id == position
            _await_listener(admin)


def _await_listener(admin: psycopg.Connection) -> None:
    for _ in range(100):
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.05) WHERE datname = current_database()"
            " AND query LIKE 'LISTEN%%' AND pid <> pg_backend_pid()"
        ).fetchone()
        if row is not None and row[0]:
            return
    raise AssertionError("the subscription does not listen again")
