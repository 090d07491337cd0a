"""Numbered SQL migrations and the small runner that applies them.

A migration is a file `NNNN_name.sql` beside this one, numbered from 0001 without a gap. Each is applied once,
in its own transaction, and its SHA-256 is kept in `ledger_migrations.migration`; from then on the file is
never edited. A migration that creates objects in schema `ledger` begins with `SET LOCAL ROLE ledger_owner;`
(from 0003 on).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Literal, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, tuple_row

ADVISORY_KEY = 0x6C65_6467_6572
"""The advisory lock ("ledger" in ASCII) that lets one process at a time migrate a database."""
TURN_SECONDS_MAX = 300
"""How long a process waits while another one migrates the same database."""
LOCK_SECONDS_MAX = 5
"""How long a migration waits for a lock on a table, while everybody queues behind it."""
STATEMENT_SECONDS_MAX = 60
"""How long one statement of a migration may run; a migration that needs more says so itself (SET LOCAL)."""

_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_BOOKKEEPING = b"""
CREATE SCHEMA IF NOT EXISTS ledger_migrations;
CREATE TABLE IF NOT EXISTS ledger_migrations.migration (
    number     integer     PRIMARY KEY CHECK (number > 0),
    name       text        NOT NULL UNIQUE,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text        NOT NULL DEFAULT session_user,
    seconds    float8      NOT NULL
);
GRANT USAGE ON SCHEMA ledger_migrations TO PUBLIC;
GRANT SELECT ON ledger_migrations.migration TO PUBLIC;
"""
_GRANTS = b"""
DO $$ BEGIN
    IF NOT has_database_privilege('ledger_projector', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON DATABASE %I TO ledger_projector', current_database());
    END IF;
END $$
"""
"""Rights on the database itself travel neither in a dump nor from a template: looked at every time."""

Database = str | psycopg.Connection[object] | psycopg.Connection[TupleRow]


class MigrationError(Exception):
    """The database cannot be migrated; the message is one sentence that says why and what to do."""


class Migration(NamedTuple):
    """A migration as this version of the program has it. `sha256` is over the text with LF line ends."""

    number: int
    name: str
    sha256: str
    text: bytes


class Applied(NamedTuple):
    """A migration that was applied just now, or would be (`seconds` is None in a dry run)."""

    number: int
    name: str
    seconds: float | None


class Status(NamedTuple):
    """Where one migration stands. `applied_at` is None while it is pending.

    `edited`: the file is not what was applied. `unknown`: applied by a version newer than this one.
    """

    number: int
    name: str
    state: Literal["applied", "pending", "edited", "unknown"]
    applied_at: datetime | None


class _Record(NamedTuple):
    name: str
    sha256: str
    applied_at: datetime


def migrations() -> list[Migration]:
    """Read the migrations of this version, in order; `MigrationError` when a number is missing or twice."""
    found = []
    for file in files(__name__).iterdir():
        if match := _FILE.match(file.name):
            text = file.read_bytes().replace(b"\r\n", b"\n")
            name = file.name.removesuffix(".sql")
            found.append(Migration(int(match[1]), name, hashlib.sha256(text).hexdigest(), text))
    found.sort()
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(
                f"migration {expected:04} is missing or stands twice: found {migration.name} in its place"
            )
    return found


def apply(database: Database, *, dry_run: bool = False) -> list[Applied]:
    """Apply what is pending, in order, and tell what was applied; nothing pending is an empty list.

    `database` is a conninfo string or an open connection that is not inside a transaction. Safe when several
    processes do it at once: one migrates, the others wait and find it done. A dry run only reads. Raises
    `MigrationError` when the database was migrated by a newer version, when an applied file was edited, when
    the login may not migrate, or when a migration fails (which leaves no trace of it; those before it stay).
    """
    with _open(database) as connection:
        known = migrations()
        pending = _pending(known, _records(connection))
        if dry_run or not pending:
            if not dry_run:
                _grant(connection)
            return [Applied(migration.number, migration.name, None) for migration in pending]
        applied = []
        for migration in known:
            seconds = _apply_one(connection, migration, known)
            if seconds is not None:
                applied.append(Applied(migration.number, migration.name, seconds))
        _grant(connection)
        return applied


def status(database: Database) -> list[Status]:
    """Tell where every migration stands: those of this version, and those that only the database knows."""
    with _open(database) as connection:
        records = _records(connection)
    known = {migration.number: migration for migration in migrations()}
    rows = []
    for number in sorted(known.keys() | records.keys()):
        record, migration = records.get(number), known.get(number)
        if migration is None and record is not None:
            rows.append(Status(number, record.name, "unknown", record.applied_at))
        elif migration is not None:
            rows.append(_status_of(migration, record))
    return rows


def _status_of(migration: Migration, record: _Record | None) -> Status:
    if record is None:
        return Status(migration.number, migration.name, "pending", None)
    same = (record.name, record.sha256) == (migration.name, migration.sha256)
    return Status(migration.number, migration.name, "applied" if same else "edited", record.applied_at)


@contextmanager
def _open(database: Database) -> Iterator[psycopg.Connection[TupleRow]]:
    """Give an idle autocommit connection with tuple rows, whatever the caller's settings are."""
    if isinstance(database, str):
        with psycopg.connect(
            database, autocommit=True, application_name="billing-ledger migrate"
        ) as connection:
            yield connection
        return
    if database.info.transaction_status is not TransactionStatus.IDLE:
        raise MigrationError("migrations need a connection that is not inside a transaction")
    before = database.autocommit, database.row_factory
    borrowed: psycopg.Connection[TupleRow] = database  # type: ignore[assignment]
    borrowed.autocommit, borrowed.row_factory = True, tuple_row
    try:
        yield borrowed
    finally:
        if not database.closed:
            borrowed.autocommit, borrowed.row_factory = before  # type: ignore[assignment]


def _records(connection: psycopg.Connection[TupleRow]) -> dict[int, _Record]:
    # Not to_regclass(): it may remember from before we waited for our turn that there was no such table.
    present = connection.execute(
        "SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'ledger_migrations' AND tablename = 'migration'"
    ).fetchone()
    if present is None:
        return {}
    rows = connection.execute(
        "SELECT number, name, sha256, applied_at FROM ledger_migrations.migration ORDER BY number"
    )
    return {number: _Record(*rest) for number, *rest in rows}


def _pending(known: list[Migration], records: dict[int, _Record]) -> list[Migration]:
    """Tell what is still to be applied, or refuse a database that this version does not understand."""
    newer = [record.name for number, record in records.items() if number > len(known)]
    if newer:
        raise MigrationError(
            f"this database has migration {newer[0]}, which this version does not know: it was migrated "
            "by a newer version of billing-ledger; run that version, or restore a backup made before it"
        )
    for migration in known:
        record = records.get(migration.number)
        if record and _status_of(migration, record).state == "edited":
            raise MigrationError(
                f"migration {migration.name} was edited after it was applied to this database "
                f"as {record.name} (applied sha256 {record.sha256[:12]}…, file {migration.sha256[:12]}…); "
                "put the file back and write a new migration instead"
            )
    return [migration for migration in known if migration.number not in records]


def _apply_one(
    connection: psycopg.Connection[TupleRow], migration: Migration, known: list[Migration]
) -> float | None:
    """Apply one migration in one transaction; None when somebody else did it while we waited for our turn."""
    try:
        with connection.transaction():
            connection.execute(
                f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{TURN_SECONDS_MAX}s'".encode()
            )
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_KEY,))
            if migration not in _pending(known, _records(connection)):
                return None
            connection.execute(
                f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s';"
                f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s';"
                "SET LOCAL client_min_messages = warning".encode()
            )
            started = time.perf_counter()
            connection.execute(_BOOKKEEPING)
            connection.execute(migration.text)
            seconds = time.perf_counter() - started
            connection.execute("RESET ROLE")
            connection.execute(
                "INSERT INTO ledger_migrations.migration (number, name, sha256, seconds)"
                " VALUES (%s, %s, %s, %s)",
                (migration.number, migration.name, migration.sha256, seconds),
            )
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationError(
            f"migration {migration.name} did not get its lock in time (another migration or a long "
            "transaction is running); nothing of it was applied, try again"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"migration {migration.name} needs a login that owns the database and may create roles: "
            f"{error.diag.message_primary}"
        ) from error
    except psycopg.Error as error:
        if connection.closed:
            raise
        raise MigrationError(
            f"migration {migration.name} failed and left no trace: {_sentence(error)}"
        ) from error
    return seconds


def _sentence(error: psycopg.Error) -> str:
    position = f" (character {error.diag.statement_position})" if error.diag.statement_position else ""
    hint = f"; {error.diag.message_hint}" if error.diag.message_hint else ""
    return f"{error.diag.message_primary or error}{position}{hint}"


def _grant(connection: psycopg.Connection[TupleRow]) -> None:
    """Renew the rights on the database itself; a login that may not grant them leaves them as they are."""
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_KEY,))
            connection.execute(_GRANTS)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
        return
