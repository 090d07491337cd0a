"""What each role may do with the log, and nothing else."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from ledger.database import connect

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

# What a role may do with a table of the log; what is not here it may not do.
MAY = {
    ("ledger_writer", "event"): {"SELECT", "INSERT"},
    ("ledger_writer", "head"): {"SELECT", "INSERT", "UPDATE"},
    ("ledger_projector", "event"): {"SELECT"},
    ("ledger_projector", "head"): {"SELECT"},
    ("ledger_verifier", "event"): {"SELECT"},
    ("ledger_verifier", "head"): {"SELECT"},
    ("ledger_service", "event"): {"SELECT", "INSERT"},
    ("ledger_service", "head"): {"SELECT", "INSERT", "UPDATE"},
    ("ledger_service", "api_key"): {"SELECT"},
}
ROLES = (
    "ledger_writer", "ledger_projector", "ledger_finance", "ledger_auditor", "ledger_service", "ledger_vault",
    "ledger_verifier",
)  # fmt: skip
TRICKS = (
    "UPDATE ledger.event SET amount = 0",
    "TRUNCATE ledger.event",
    "ALTER TABLE ledger.event DISABLE TRIGGER ALL",
    "DROP TRIGGER event_is_immutable ON ledger.event",
    "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "CREATE VIEW ledger.mine AS SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SET ROLE ledger_owner",
    "CREATE ROLE more SUPERUSER",
)
"""What no role does, whatever it tries."""
EVENT = sql.SQL(
    "INSERT INTO ledger.event VALUES ('b', 1, 'book', 1, 'book.opened', 'test', '1', NULL, NULL, NULL, NULL,"
    " now(), now(), 'test', 1, 1, 'x', sha256('x'))"
)
HEAD = sql.SQL("INSERT INTO ledger.head VALUES ('b', 0, '', now())")


@pytest.mark.parametrize("table", ["event", "head", "api_key"])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_with_a_table_what_is_listed_and_no_more(database: str, role: str, table: str) -> None:
    with psycopg.connect(database) as connection:
        has = {
            right
            for right in RIGHTS
            for (yes,) in connection.execute(
                "SELECT has_table_privilege(%s, %s, %s)", (role, f"ledger.{table}", right)
            )
            if yes
        }
        assert has == MAY.get((role, table), set())


@pytest.mark.parametrize("role", [*ROLES, "ledger_owner"])
def test_nobody_logs_in_as_a_role_or_has_powers_over_the_cluster(database: str, role: str) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = %s",
            (role,),
        ).fetchone()
        assert row == (False,) * 6


def test_the_log_belongs_to_the_owner_and_not_to_who_serves(database: str) -> None:
    with psycopg.connect(database) as connection:
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(owner) FROM ("
            " SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'ledger'::regnamespace"
            " UNION SELECT proowner FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace"
            " UNION SELECT nspowner FROM pg_namespace WHERE nspname = 'ledger') owners"
        ).fetchall()
        assert owners == [("ledger_owner",)]
        assert not _one(connection, "SELECT pg_has_role('ledger_service', 'ledger_owner', 'MEMBER')")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.event SET amount = 0",
        "DELETE FROM ledger.event",
        "TRUNCATE ledger.event",
        "DELETE FROM ledger.head",
        "DROP TABLE ledger.event",
        "ALTER TABLE ledger.event DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "INSERT INTO ledger.api_key (id, principal, hash, scopes) VALUES ('k', 'p', sha256('k'), '{admin}')",
        "CREATE TABLE ledger.other ()",
        "SET ROLE ledger_owner",
        "COPY ledger.event TO PROGRAM 'cat'",
    ],
)
def test_the_service_can_append_and_cannot_undo(database: str, statement: str) -> None:
    with connect(database) as connection, connection.transaction(force_rollback=True):
        connection.execute(HEAD)
        connection.execute(EVENT)
    # As a login of its own: a superuser that only became the service could go back to what it was.
    with (
        _login(database, "ledger_service") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(statement))


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("role", ROLES)
def test_no_role_gets_around_what_it_may(database: str, role: str, trick: str) -> None:
    with _login(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL(trick))


def test_not_even_the_owner_changes_what_was_recorded(database: str) -> None:
    with connect(database) as connection:
        connection.execute(HEAD)
        connection.execute(EVENT)
    with connect(database, role="ledger_owner") as connection:
        for statement in (
            "UPDATE ledger.event SET amount = 0",
            "DELETE FROM ledger.event",
            "TRUNCATE ledger.event",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(statement)


def test_finance_reads_the_read_models_that_the_service_makes_and_only_reads(database: str) -> None:
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA balances; CREATE TABLE balances.balance (book text, amount bigint)")
        connection.execute("INSERT INTO balances.balance VALUES ('b', 7), ('other', 1)")
        connection.execute("SELECT ledger.keep_books_apart('balances')")
        connection.execute("ALTER SCHEMA balances RENAME TO balances_old")
    with connect(database, role="ledger_finance") as connection:
        assert _one(connection, "SELECT sum(amount) FROM balances_old.balance") is None
        connection.execute("SET ledger.book = 'b'")
        assert _one(connection, "SELECT sum(amount) FROM balances_old.balance") == 7
        for statement in ("DELETE FROM balances_old.balance", "CREATE TABLE balances_old.x ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM ledger.event")


def _login(database: str, role: str) -> psycopg.Connection:
    """Connect as if `role` were the login: there is no way back to a superuser."""
    connection = psycopg.connect(database, autocommit=True)
    connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
    return connection


def _one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
