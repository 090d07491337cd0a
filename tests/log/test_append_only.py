"""What is recorded stays, whoever tries: no role, no owner, no superuser changes it by a statement."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from tests.log.posting import Stored, charge, message, opening, post, read_log, writer

ROLES = (
    "ledger_owner", "ledger_writer", "ledger_projector", "ledger_finance", "ledger_auditor", "ledger_service",
)  # fmt: skip

CHANGES = {
    "update": "UPDATE ledger.event SET amount = 0",
    "update of no row": "UPDATE ledger.event SET amount = 0 WHERE false",
    "update of a hash": "UPDATE ledger.event SET leaf = sha256('x') WHERE position = 2",
    "insert or update": "INSERT INTO ledger.event SELECT * FROM ledger.event"
    " ON CONFLICT (book, position) DO UPDATE SET amount = 0",
    "merge": "MERGE INTO ledger.event e USING ledger.head h ON e.book = h.book WHEN MATCHED THEN DELETE",
    "delete": "DELETE FROM ledger.event",
    "delete of the last": "DELETE FROM ledger.event WHERE position = 4",
    "delete in a query": "WITH gone AS (DELETE FROM ledger.event RETURNING *) SELECT count(*) FROM gone",
    "truncate": "TRUNCATE ledger.event",
    "truncate with what hangs on it": "TRUNCATE ledger.event, ledger.head CASCADE",
    "delete of the head": "DELETE FROM ledger.head",
    "truncate of the head": "TRUNCATE ledger.head",
    "the head back": "UPDATE ledger.head SET position = position - 1",
    "the head's time back": "UPDATE ledger.head SET recorded_at = recorded_at - interval '1 second'",
    "the head of another book": "UPDATE ledger.head SET book = 'other'",
}


@pytest.fixture
def recorded(database: str) -> Iterator[Stored]:
    """A log of four events, which is the same afterwards."""
    with writer(database) as works:
        post(works, *opening("alice", "bob"), message(charge("c1"), "k1"))
    before = read_log(database)
    yield before
    assert read_log(database) == before


def refused(conn: psycopg.Connection, statement: str) -> str:
    """Run a statement that is refused; tell why."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        conn.execute(sql.SQL(statement))
    conn.rollback()
    return str(caught.value)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_what_is_recorded(database: str, role: str) -> None:
    with psycopg.connect(database, options=f"-c role={role}") as conn:
        for change in CHANGES.values():
            refused(conn, change)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("replication", ["origin", "local", "replica"])
def test_neither_does_a_superuser_also_where_ordinary_triggers_are_off(
    database: str, replication: str
) -> None:
    with psycopg.connect(database, options=f"-c session_replication_role={replication}") as conn:
        for change in CHANGES.values():
            why = refused(conn, change)
            assert "append-only" in why or "may not move" in why, change


@pytest.mark.usefixtures("recorded")
def test_an_event_cannot_be_put_between_or_twice(database: str) -> None:
    """Each kind of place can be taken once: position, version of a stream, and key."""
    columns = "book, {position}, stream, {version}, type, source, {key}, customer, invoice, currency, amount,"
    rest = " occurred_at, recorded_at, principal, causation, decision_size, state, leaf FROM ledger.event"
    for position, version, key, constraint in (
        ("position", "version + 10", "'new'", "event_pkey"),
        ("position + 10", "version", "'new'", "event_stream_version"),
        ("position + 10", "version + 10", "event_id", "event_source_id"),
    ):
        row = columns.format(position=position, version=version, key=key) + rest
        with (
            psycopg.connect(database, options="-c role=ledger_writer") as conn,
            pytest.raises(psycopg.errors.UniqueViolation) as caught,
        ):
            conn.execute(sql.SQL(f"INSERT INTO ledger.event SELECT {row} WHERE position = 2"))
        assert caught.value.diag.constraint_name == constraint


GRANTS = {
    "event": {
        "ledger_owner": "DELETE INSERT MAINTAIN REFERENCES SELECT TRIGGER TRUNCATE UPDATE",
        "ledger_writer": "INSERT SELECT",
        "ledger_projector": "SELECT",
        "ledger_verifier": "SELECT",
    },
    "head": {
        "ledger_owner": "DELETE INSERT MAINTAIN REFERENCES SELECT TRIGGER TRUNCATE UPDATE",
        "ledger_writer": "INSERT SELECT UPDATE",
        "ledger_projector": "SELECT",
        "ledger_verifier": "SELECT",
    },
}


@pytest.mark.parametrize("table", GRANTS)
def test_these_are_all_the_grants_on_the_log(database: str, table: str) -> None:
    """Nothing for everybody, and nothing that may be passed on."""
    with psycopg.connect(database) as conn:
        rows = conn.execute(
            "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type,"
            " is_grantable FROM pg_class, aclexplode(relacl) WHERE oid = %s::regclass ORDER BY 1, 2",
            (f"ledger.{table}",),
        ).fetchall()
    found: dict[str, list[str]] = {}
    for role, privilege, _ in rows:
        found.setdefault(role, []).append(privilege)
    maintained = any(privilege == "MAINTAIN" for _, privilege, _ in rows)  # PostgreSQL 17 and newer
    wanted = {
        role: [each for each in listed.split() if each != "MAINTAIN" or maintained]
        for role, listed in GRANTS[table].items()
    }
    assert found == wanted
    assert not any(grantable for _, _, grantable in rows)


def test_every_trigger_that_keeps_the_log_fires_always(database: str) -> None:
    with psycopg.connect(database) as conn:
        triggers = conn.execute(
            "SELECT tgrelid::regclass::text || '.' || tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid IN ('ledger.event'::regclass, 'ledger.head'::regclass)"
        ).fetchall()
    assert dict(triggers) == {
        "ledger.event.event_is_immutable": "A",
        "ledger.head.head_is_kept": "A",
        "ledger.head.head_moves_forward": "A",
    }
