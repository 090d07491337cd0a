"""Workspaces in which earlier moments are looked at: empty for everybody else, and cleared when they fill."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from tests.projections.histories import post_lives
from tests.projections.rows import Connection

from ledger.database import connect, with_settings
from ledger.errors import Unavailable
from ledger.log.writer import Writer
from ledger.settings import Settings
from ledger_projections import past
from ledger_projections.past import Past, Question, ask, install_workspaces
from ledger_projections.readmodel import READ_MODELS

BOOK = "main"
FOREVER = {"day": "infinity", "instant": "infinity", "today": "2026-03-01"}
DUE = Question(
    ["customer-1"], ("invoices",),
    "SELECT i.invoice, i.due FROM invoices.standing AS i WHERE i.book = %(book)s ORDER BY i.position",
    {"book": BOOK},
)  # fmt: skip


@pytest.fixture
def connection(database: str) -> Connection:
    """Give a connection to a log with customers in it, and to its workspaces."""
    works = Writer(lambda: connect(database), Settings())
    works.start()
    try:
        post_lives(works, BOOK, 5)
    finally:
        works.stop()
    connection = connect(database)
    install_workspaces(connection)
    return connection


def asked(conninfo: str, *moments: Past, workspace: int = 0) -> list[str]:
    """Ask for the invoices of a customer as of moments, one after the other on one connection."""

    async def work() -> list[str]:
        async with await psycopg.AsyncConnection.connect(with_settings(conninfo), autocommit=True) as conn:
            return [await ask(conn, workspace, moment, DUE) for moment in moments]

    return asyncio.run(work())


def rows_left(connection: Connection) -> int:
    """Count what anybody else sees in the workspaces."""
    names = [f"{name}@past1" for name in ("log", *(model.name for model in READ_MODELS))]
    tables = connection.execute(
        "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace::regnamespace::text = ANY (%s)",
        ([f'"{name}"' for name in names],),
    ).fetchall()
    assert len(tables) > len(READ_MODELS)
    counts = [
        connection.execute(f'SELECT count(*) FROM {schema}."{table}"'.encode()).fetchone()  # noqa: S608 - names of ours
        for schema, table in tables
    ]
    return sum(row[0] for row in counts if row)


def test_nothing_is_left_of_a_question_and_everybody_gets_the_same_answer(
    database: str, connection: Connection
) -> None:
    moments = [Past(BOOK, upto, **FOREVER) for upto in (5, 20, 60, 20)]
    first = asked(database, *moments)
    assert first == asked(database, *moments, workspace=1)
    assert first[1] == first[3]
    assert len(set(first)) > 1
    assert rows_left(connection) == 0


def test_a_workspace_that_fills_up_is_cleared(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = Past(BOOK, 60, **FOREVER)
    (before,) = asked(database, moment)
    monkeypatch.setattr(past, "LEFT_BYTES_MAX", 64 << 10)
    assert asked(database, *[moment] * 40) == [before] * 40
    (size,) = connection.execute("""SELECT pg_relation_size('"log@past1".event')""").fetchone() or (0,)
    assert 0 < size < 256 << 10


def test_a_workspace_of_another_version_is_made_anew(database: str, connection: Connection) -> None:
    connection.execute("""COMMENT ON SCHEMA "log@past1" IS 'another'""")
    with pytest.raises(Unavailable):
        asked(database, Past(BOOK, 20, **FOREVER))
    install_workspaces(connection)
    assert asked(database, Past(BOOK, 20, **FOREVER))
    oid = connection.execute("""SELECT '"log@past1".event'::regclass::oid""").fetchone()
    install_workspaces(connection)
    assert connection.execute("""SELECT '"log@past1".event'::regclass::oid""").fetchone() == oid


def test_finance_does_not_see_workspaces(connection: Connection) -> None:
    row = connection.execute(
        """SELECT has_schema_privilege('ledger_finance', 'invoices@past1', 'USAGE')"""
    ).fetchone()
    assert row == (False,)
