"""What keeps the log as it is: taken away or weakened in any way, a verification says so."""

from __future__ import annotations

import psycopg
import pytest

from ledger.verify.guards import check_guards

ANOTHER = "DROP TRIGGER event_is_immutable ON ledger.event; CREATE TRIGGER event_is_immutable BEFORE"
ALWAYS = "; ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER event_is_immutable"
OPENED = {
    "ALTER TABLE ledger.event DISABLE TRIGGER event_is_immutable":
        "the trigger event_is_immutable of ledger.event is not always enabled",
    "ALTER TABLE ledger.event ENABLE TRIGGER event_is_immutable":  # not where session_replication_role is replica
        "the trigger event_is_immutable of ledger.event is not always enabled",
    f"{ANOTHER} TRUNCATE ON ledger.event FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change(){ALWAYS}":
        "the trigger event_is_immutable of ledger.event is another one",
    f"{ANOTHER} UPDATE OR DELETE OR TRUNCATE ON ledger.event FOR EACH STATEMENT"
    f" EXECUTE FUNCTION ledger.refuse_backward_head(){ALWAYS}":
        "the trigger event_is_immutable of ledger.event is another one",
    f"{ANOTHER} UPDATE OR DELETE OR TRUNCATE ON ledger.event FOR EACH STATEMENT WHEN (false)"
    f" EXECUTE FUNCTION ledger.refuse_change(){ALWAYS}":
        "the trigger event_is_immutable of ledger.event is another one",
    "CREATE TRIGGER own BEFORE INSERT ON ledger.event FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()":
        "ledger.event has a trigger own, which no migration made",
    "CREATE RULE own AS ON INSERT TO ledger.checkpoint DO ALSO NOTHING":
        "ledger.checkpoint has a rule own, which no migration made",
    "CREATE FUNCTION ledger.own() RETURNS int LANGUAGE sql AS 'SELECT 1'":
        "the function ledger.own is of no migration",
    "CREATE FUNCTION audit.own() RETURNS int LANGUAGE sql AS 'SELECT 1'": "the function audit.own is of no migration",
    "GRANT UPDATE ON ledger.event TO ledger_writer": "ledger_writer may UPDATE ledger.event",  # it may add rows
    "GRANT INSERT ON ledger.event TO ledger_service": "ledger_service may INSERT ledger.event",  # another role may
    "GRANT UPDATE ON ledger.event TO ledger_service": "ledger_service may UPDATE ledger.event",
    "GRANT UPDATE (amount) ON ledger.event TO ledger_service": "ledger_service may UPDATE ledger.event",
    "GRANT TRUNCATE ON ledger.access TO PUBLIC": "everybody may TRUNCATE ledger.access",
    "GRANT INSERT ON audit.event TO ledger_auditor": "ledger_auditor may INSERT audit.event",
    "ALTER TABLE ledger.tile_hash OWNER TO ledger_service": "ledger.tile_hash belongs to ledger_service",
    "ALTER FUNCTION ledger.moment() OWNER TO ledger_service": "the function ledger.moment belongs to ledger_service",
    "ALTER TABLE ledger.cursor DISABLE ROW LEVEL SECURITY": "ledger.cursor shows the rows of all books to everybody",
    "ALTER TABLE ledger.fold_failure DISABLE ROW LEVEL SECURITY":
        "ledger.fold_failure shows the rows of all books to everybody",
    "ALTER ROLE ledger_service SUPERUSER": "the role ledger_service is a superuser",
    "ALTER ROLE ledger_finance BYPASSRLS": "the role ledger_finance is free of row-level security",
    "ALTER ROLE ledger_writer REPLICATION": "the role ledger_writer is free to replicate",
    "ALTER ROLE ledger_vault CREATEROLE": "the role ledger_vault is free to make roles",
    "ALTER ROLE ledger_verifier CREATEROLE": "the role ledger_verifier is free to make roles",
    "GRANT ledger_owner TO ledger_writer": "the role ledger_writer is a member of ledger_owner",
}  # fmt: skip
"""Statements of a superuser, and what a verification says of each."""


def said_after(database: str, *statements: str) -> list[str]:
    """Verify as it would be after some statements, none of which is kept: roles are those of all databases."""
    with psycopg.connect(database) as boss:
        for statement in statements:
            boss.execute(statement.encode())
        boss.execute("SET LOCAL ROLE ledger_verifier")
        said = [finding.said for finding in check_guards(boss).findings]
        boss.rollback()
    return said


def test_what_the_migrations_made_is_as_it_should_be(database: str) -> None:
    assert said_after(database) == []


@pytest.mark.parametrize("statement", OPENED)
def test_a_door_that_was_left_open_is_named(database: str, statement: str) -> None:
    assert OPENED[statement] in said_after(database, statement)


def test_every_trigger_and_function_of_the_migrations_is_missed(database: str) -> None:
    with psycopg.connect(database) as boss:
        triggers = boss.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid"
            " WHERE c.relnamespace = 'ledger'::regnamespace AND NOT tgisinternal"
        ).fetchall()
        functions = boss.execute(
            "SELECT oid::regprocedure::text, 'ledger.' || proname FROM pg_proc"
            " WHERE pronamespace = 'ledger'::regnamespace"
        ).fetchall()
    for name, table in triggers:
        said = said_after(database, f"DROP TRIGGER {name} ON {table}")
        assert said == [f"the trigger {name} of {table} is missing"]
    for signature, name in functions:
        emptied = f"UPDATE pg_proc SET prosrc = 'SELECT 1' WHERE oid = '{signature}'::regprocedure"
        assert said_after(database, emptied) == [f"the function {name} is another one"]
    assert (len(triggers), len(functions)) == (10, 10)
