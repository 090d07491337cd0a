"""The runner of migrations: once, in order, by one process at a time, never past what it does not know."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

import ledger_migrations
from ledger.database import connect
from ledger.embedded import Embedded
from ledger_migrations import Migration, MigrationError, apply, migrations, status

_numbers = itertools.count(1)


@pytest.fixture
def empty(server: str, administration: psycopg.Connection) -> Iterator[str]:
    """Conninfo of a database without anything in it."""
    name = sql.Identifier(f"ledger_empty_{os.getpid()}_{next(_numbers)}")
    administration.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        yield make_conninfo(server, dbname=name.as_string().strip('"'))
    finally:
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Conninfo of a server of its own: nobody has made the roles there yet."""
    with Embedded(tmp_path_factory.mktemp("c")).running() as conninfo:
        yield conninfo


def _known(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    """Let the runner know these migrations and no others."""
    made = [
        Migration(number, f"{number:04}_step", hashlib.sha256(text.encode()).hexdigest(), text.encode())
        for number, text in enumerate(texts, start=1)
    ]
    monkeypatch.setattr(ledger_migrations, "migrations", lambda: made)


def _schemas(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information|^public$'"
        )
        return {name for (name,) in rows}


def test_all_are_applied_in_order_and_a_second_time_nothing_is_left_to_do(empty: str) -> None:
    assert {row.state for row in status(empty)} == {"pending"}
    assert [done.name for done in apply(empty)] == [migration.name for migration in migrations()]
    assert apply(empty) == []
    assert {row.state for row in status(empty)} == {"applied"}


def test_a_dry_run_tells_what_would_be_applied_and_leaves_no_trace(empty: str) -> None:
    would = apply(empty, dry_run=True)
    assert [done.name for done in would] == [migration.name for migration in migrations()]
    assert {done.seconds for done in would} == {None}
    assert _schemas(empty) == set()


def test_a_failing_migration_leaves_no_trace_and_those_before_it_stay(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(monkeypatch, "CREATE SCHEMA one", "CREATE SCHEMA two; SELECT nonsense")
    with pytest.raises(
        MigrationError, match='0002_step failed and left no trace: column "nonsense" does not exist'
    ):
        apply(empty)
    assert _schemas(empty) == {"ledger_migrations", "one"}
    _known(monkeypatch, "CREATE SCHEMA one", "CREATE SCHEMA two")
    assert [done.name for done in apply(empty)] == ["0002_step"]


def test_a_file_edited_after_it_was_applied_is_refused_by_name(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(monkeypatch, "CREATE SCHEMA one")
    apply(empty)
    _known(monkeypatch, "CREATE SCHEMA one; -- and a thought", "CREATE SCHEMA two")
    with pytest.raises(MigrationError, match="0001_step was edited after it was applied"):
        apply(empty)
    assert [row.state for row in status(empty)] == ["edited", "pending"]
    assert "two" not in _schemas(empty)


def test_a_database_migrated_by_a_newer_version_is_refused(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(monkeypatch, "CREATE SCHEMA one", "CREATE SCHEMA two")
    apply(empty)
    _known(monkeypatch, "CREATE SCHEMA one")
    with pytest.raises(MigrationError, match="has migration 0002_step, which this version does not know"):
        apply(empty)
    assert [row.state for row in status(empty)] == ["applied", "unknown"]


def test_many_processes_at_once_apply_each_migration_once(empty: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = [name for names in pool.map(apply, [empty] * 4) for name in names]
    assert sorted(done_one.number for done_one in done) == [migration.number for migration in migrations()]


def test_many_databases_of_one_cluster_may_be_migrated_at_once(cluster: str) -> None:
    names = [f"race_{number}" for number in range(4)]
    with psycopg.connect(cluster, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(apply, [make_conninfo(cluster, dbname=name) for name in names]))
    assert [len(applied) for applied in done] == [len(migrations())] * 4


def test_the_owner_of_a_database_who_may_create_roles_migrates_without_being_superuser(
    cluster: str,
) -> None:
    with psycopg.connect(cluster, autocommit=True) as connection:
        for (role,) in connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^ledger_'"
        ).fetchall():
            connection.execute(
                sql.SQL("ALTER ROLE {} RENAME TO {}").format(*map(sql.Identifier, (role, f"old_{role}")))
            )
        connection.execute("CREATE ROLE plain LOGIN CREATEROLE PASSWORD 'plain'")
        connection.execute("CREATE DATABASE plain OWNER plain")
    plain = make_conninfo(cluster, dbname="plain", user="plain", password="plain")
    apply(plain)
    with connect(plain) as connection:
        assert connection.execute("SELECT session_user, current_user").fetchone() == (
            "plain",
            "ledger_service",
        )
        connection.execute("CREATE SCHEMA balances")


def test_a_login_that_may_not_migrate_is_told_so(empty: str, administration: psycopg.Connection) -> None:
    administration.execute("DROP ROLE IF EXISTS ledger_test_guest")
    administration.execute("CREATE ROLE ledger_test_guest LOGIN PASSWORD 'guest'")
    guest = make_conninfo(empty, user="ledger_test_guest", password="guest")
    with pytest.raises(MigrationError, match="0001_log needs a login that owns the database"):
        apply(guest)
    apply(empty)
    assert apply(guest) == []
    administration.execute("DROP ROLE ledger_test_guest")


def test_a_migration_does_not_queue_behind_a_long_transaction(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(monkeypatch, "CREATE TABLE public.busy ()")
    apply(empty)
    _known(monkeypatch, "CREATE TABLE public.busy ()", "ALTER TABLE public.busy ADD COLUMN late integer")
    monkeypatch.setattr(ledger_migrations, "LOCK_SECONDS_MAX", 0.1)
    with psycopg.connect(empty) as reader:
        reader.execute("SELECT FROM public.busy")
        with pytest.raises(MigrationError, match="0002_step did not get its lock in time"):
            apply(empty)
    assert [done.name for done in apply(empty)] == ["0002_step"]


def test_a_borrowed_connection_comes_back_as_it_was(empty: str) -> None:
    with psycopg.connect(empty, row_factory=dict_row) as connection:
        apply(connection)
        assert not connection.autocommit
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
        with pytest.raises(MigrationError, match="not inside a transaction"):
            apply(connection)


def test_rights_on_the_database_come_back_with_the_next_run(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE CREATE ON DATABASE {} FROM ledger_projector").format(name))
        apply(connection)
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA balances")


def test_files_are_numbered_without_a_gap_and_line_ends_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_migrations, "files", lambda _: tmp_path)
    (tmp_path / "0001_one.sql").write_bytes(b"SELECT 1;\nSELECT 2;\n")
    unix = migrations()
    (tmp_path / "0001_one.sql").write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert migrations() == unix
    (tmp_path / "0003_three.sql").touch()
    with pytest.raises(MigrationError, match="migration 0002 is missing"):
        migrations()


def test_read_models_that_are_there_already_are_put_under_their_policies(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations()
    monkeypatch.setattr(ledger_migrations, "migrations", lambda: known[:9])
    apply(empty)
    with connect(empty) as service:
        for schema in ("balances", "replayed_balances"):
            service.execute(
                f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.balance (book text);"  # noqa: S608
                f" INSERT INTO {schema}.balance VALUES ('main'), ('other');"
                f" CREATE VIEW {schema}.seen AS SELECT book FROM {schema}.balance;"
                f" CREATE FUNCTION {schema}.all_seen() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER"
                f" BEGIN ATOMIC SELECT book FROM {schema}.balance; END".encode()
            )
        service.execute("INSERT INTO ledger.read_model VALUES ('balances', '1', 'live', '{}')")
    monkeypatch.setattr(ledger_migrations, "migrations", lambda: known)
    assert [done.number for done in apply(empty)] == [migration.number for migration in known[9:]]
    with connect(empty, role="ledger_finance") as finance:
        for what in ("balance", "seen", "all_seen() AS f (book)"):
            question = f"SELECT book FROM balances.{what}".encode()  # noqa: S608
            assert finance.execute(question).fetchall() == []
        finance.execute("SET ledger.book = 'main'")
        for what in ("balance", "seen", "all_seen() AS f (book)"):
            question = f"SELECT book FROM balances.{what}".encode()  # noqa: S608
            assert finance.execute(question).fetchall() == [("main",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            finance.execute("SELECT book FROM replayed_balances.balance")
