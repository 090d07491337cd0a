"""Migrations are applied while others write: nobody is killed for it, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg
import pytest
from tests.log.posting import BOOK, charge, message, opening, post, read_log, writer
from tests.migrations.test_runner import empty

import ledger_migrations
from ledger.database import connect
from ledger.log import store
from ledger_migrations import MigrationError, apply, migrations, status

__all__ = ["empty"]


class Appending:
    """A transaction that has read the log and is going to append to it."""

    def __init__(self, connection: psycopg.Connection, conninfo: str) -> None:
        head, _ = store.lock(connection, BOOK, [])
        last = read_log(conninfo).events[-1]
        connection.execute("SELECT FROM ledger.event")
        at = last.position + 1
        self._append = store.Append(connection, BOOK, head)
        self._row = store.row_of(
            msgspec.structs.replace(
                last,
                id="late",
                position=at,
                causation=at,
                version=last.version + 1,
                recordedtime=head.recorded_at,
            )
        )

    def go_on(self) -> None:
        """Append, and commit."""
        self._append.write(self._row)
        self._append.commit()


@pytest.fixture
def eleven(empty: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Conninfo of a database as the eleventh migration left it, with a book; the runner knows all of them."""
    known = migrations()
    with monkeypatch.context() as patch:
        patch.setattr(ledger_migrations, "migrations", lambda: known[:11])
        apply(empty)
        with writer(empty) as works:
            post(works, *opening(), message(charge("one"), "one"))
    yield empty
    assert {row.state for row in status(empty)} == {"applied"}
    assert read_log(empty).keys[-2:] == ["one", "late"]


def _waits_for_all_others(conninfo: str) -> bool:
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "SELECT FROM pg_locks WHERE relation = 'ledger.event'::regclass AND mode = 'AccessExclusiveLock'"
            " AND NOT granted"
        )
        return found.rowcount > 0


def test_who_has_read_the_log_appends_while_an_index_is_replaced_by_another(eleven: str) -> None:
    with connect(eleven, autocommit=False) as connection, ThreadPoolExecutor(1) as pool:
        appending = Appending(connection, eleven)
        applying = pool.submit(apply, eleven)
        while not applying.done() and not _waits_for_all_others(eleven):
            time.sleep(0.01)
        appending.go_on()
        assert [done.number for done in applying.result()] == [12, 13, 14]


def test_who_keeps_the_log_open_for_long_puts_the_dropping_of_indexes_off(
    eleven: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_migrations, "LOCK_SECONDS_MAX", 0.1)
    with connect(eleven, autocommit=False) as connection:
        appending = Appending(connection, eleven)
        with pytest.raises(MigrationError, match="0013_types_alone did not get its lock in time"):
            apply(eleven)
        appending.go_on()
    assert [done.number for done in apply(eleven)] == [13, 14]
