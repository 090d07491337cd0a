"""Verifying that ends early: stopped, failed, or kept out; whatever it was, nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import AdminShutdown, InsufficientPrivilege, QueryCanceled
from psycopg.rows import TupleRow
from tests.tlog.test_signing import as_superuser
from tests.verify.test_read_models import BOOK, folded_book, found

from ledger.database import connect
from ledger.errors import Unavailable
from ledger.verify.passes import pool
from ledger_api.cli.verify import verify
from ledger_projections import building, locks, verifying
from ledger_projections.filling import LANES
from ledger_projections.folding import Target
from ledger_projections.installing import make_schema
from ledger_projections.readmodel import READ_MODELS, ReadModel
from ledger_projections.standing import told_safe
from ledger_projections.stopping import Stopping
from ledger_projections.verifying import check_read_models

__all__ = ["folded_book"]


def fails(_: Stopping) -> None:
    raise Unavailable("the verification was stopped by a failure")


@pytest.mark.parametrize("stop", [Stopping.set, fails])
def test_a_check_that_is_stopped_begins_nothing_more_and_leaves_nothing_behind(
    folded_book: str, stop: Callable[[Stopping], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Target] = []

    def counted(connection: psycopg.Connection[TupleRow], target: Target) -> None:
        begun.append(target)
        make_schema(connection, target)

    monkeypatch.setattr("ledger_projections.building.make_schema", counted)
    stopping = Stopping()
    with pytest.raises(Unavailable, match="the verification was stopped"):
        check_read_models(folded_book, BOOK, lambda _: stop(stopping), stopping)
    assert 0 < len(begun) <= LANES < len(READ_MODELS)
    with connect(folded_book) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%@verify'").fetchall()
    assert not left
    assert found(check_read_models(folded_book, BOOK)) == {}


def stop_once_it_waits(database: str, stopping: Stopping, lanes: int) -> None:
    with connect(database, role=None) as looking:
        waiting = (
            "SELECT FROM pg_locks WHERE NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while len(looking.execute(waiting).fetchall()) < lanes:  # all that goes on at once
            time.sleep(0.05)
    stopping.set()


@pytest.mark.parametrize(
    ("table", "lanes"),
    [("balances.account_total", 1), ("ledger.event", 1), ("ledger.event", LANES)],
    ids=["before it looks", "at its look", "at its folds"],
)
def test_a_statement_under_way_ends_when_the_check_is_stopped(
    folded_book: str, table: str, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = Stopping()
    with connect(folded_book, role=None, autocommit=False) as other:
        other.execute("SET LOCAL idle_in_transaction_session_timeout = '20s'")

        def lock() -> None:
            other.execute(f"LOCK TABLE {table}".encode())  # until that ends, nothing does
            threading.Thread(target=stop_once_it_waits, args=(folded_book, stopping, lanes)).start()

        def looked(models: Sequence[ReadModel], otherwise: frozenset[str]) -> object:
            lock()
            return told_safe(models, otherwise)

        if lanes == LANES:
            monkeypatch.setattr(verifying, "told_safe", looked)
        else:
            lock()
        began = time.monotonic()
        with pytest.raises(Unavailable, match="the verification was stopped"):
            check_read_models(folded_book, BOOK, stopping=stopping)
        assert time.monotonic() - began < 15


def end_once_they_wait(database: str) -> None:
    waiting = (
        "FROM pg_locks WHERE NOT granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with connect(database, role=None) as boss:
        while len(boss.execute(f"SELECT {waiting}".encode()).fetchall()) < LANES:
            time.sleep(0.05)
        boss.execute(f"SELECT pg_terminate_backend(min(pid)) {waiting}".encode())


def test_a_connection_that_ends_under_way_is_told_as_what_it_was(
    folded_book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(folded_book, role=None, autocommit=False) as other:

        def looked(models: Sequence[ReadModel], otherwise: frozenset[str]) -> object:
            other.execute("LOCK TABLE ledger.event")
            threading.Thread(target=end_once_they_wait, args=(folded_book,)).start()
            return told_safe(models, otherwise)

        monkeypatch.setattr(verifying, "told_safe", looked)
        with pytest.raises(AdminShutdown):
            check_read_models(folded_book, BOOK)


def test_a_process_that_is_killed_is_told_in_a_sentence() -> None:
    with pytest.raises(Unavailable, match="a process of the verification was killed"), pool(1) as made:
        made.submit(os.abort).result()


def test_a_statement_that_begins_when_others_are_cancelled_ends_too(database: str) -> None:
    stopping = Stopping()
    with connect(database) as connection, stopping.ends(connection):
        stopping.set()
        time.sleep(0.3)
        with pytest.raises(QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")


def test_nothing_is_left_behind_nor_does_what_was_left_by_a_killed_one_matter(folded_book: str) -> None:
    left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%@verify'"
    with connect(folded_book) as connection:
        connection.execute('CREATE SCHEMA "journal@verify" CREATE TABLE posting (book text)')
        assert found(check_read_models(folded_book, BOOK)) == {}
        assert connection.execute(left).fetchone() == (0,)


HOLDING = """
import sys
from ledger.verify.passes import pool
if __name__ == "__main__":
    with pool(1) as made:
        holds = "import fcntl, time; file = open({!r}); fcntl.flock(file, fcntl.LOCK_EX); time.sleep(60)"
        made.submit(exec, holds.format(sys.argv[1]), {}).result()
"""


def is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_until(it_is: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not it_is():
        assert time.monotonic() - began < 30
        time.sleep(0.05)


def test_the_processes_of_a_verification_that_is_killed_end_with_it(tmp_path: Path) -> None:
    program, lock = tmp_path / "holding.py", tmp_path / "lock"
    program.write_text(HOLDING)
    lock.touch()
    verification = subprocess.Popen([sys.executable, program, lock])
    wait_until(lambda: is_held(lock))
    verification.kill()
    verification.wait()
    wait_until(lambda: not is_held(lock))


def held(connection: psycopg.Connection[TupleRow]) -> int:
    """Count the advisory locks of a session."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    ).fetchone()
    assert row is not None
    return int(row[0])


def leave_what_cannot_be_dropped(database: str, connection: psycopg.Connection[TupleRow]) -> None:
    with verifying.alone(connection, READ_MODELS):
        assert held(connection) == len(READ_MODELS) + 1
        as_superuser(database, 'CREATE SCHEMA "journal@verify"')


def test_what_is_locked_is_given_back_whatever_fails(database: str) -> None:
    with connect(database) as rebuilding, connect(database) as connection:
        locks.lock(rebuilding, locks.REBUILD, READ_MODELS[-1].name)
        with pytest.raises(Unavailable, match="by another process"), verifying.alone(connection, READ_MODELS):
            pytest.fail("a read model that is being rebuilt was verified")
        assert held(connection) == 0
        locks.unlock(rebuilding, locks.REBUILD, READ_MODELS[-1].name)
        with pytest.raises(InsufficientPrivilege):
            leave_what_cannot_be_dropped(database, connection)
        assert held(connection) == 0


def test_that_others_rebuild_is_told_before_the_log_was_verified(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_slowly(*_: object, advance: Callable[[int], None], **__: object) -> None:
        for _tenth in range(600):
            time.sleep(0.1)
            advance(1)
        pytest.fail("the log was verified to its end")

    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setattr("ledger.verify.book.verify_book", verify_slowly)
    with connect(database) as other:
        locks.lock(other, locks.REBUILD, building.VERIFY)
        with pytest.raises(Unavailable, match="verified or rebuilt by another process"):
            verify(BOOK, json=True)
