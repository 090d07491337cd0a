"""Workspaces in which earlier moments are looked at: empty for everybody else, and cleared when they fill."""

from __future__ import annotations

import asyncio
from typing import LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from tests.ledger import asks
from tests.ledger.world import START
from tests.log.posting import writer
from tests.projections.histories import message, post, post_lives
from tests.projections.rows import Connection
from tests.projections.test_plans import scans

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


def asked(conninfo: str, *moments: Past, workspace: int = 0, question: Question = DUE) -> list[str]:
    """Ask as of moments, one after the other on one connection."""

    async def work() -> list[str]:
        async with await psycopg.AsyncConnection.connect(with_settings(conninfo), autocommit=True) as conn:
            return [await ask(conn, workspace, moment, question) for moment in moments]

    return asyncio.run(work())


WHOLE = {
    "invoices": "SELECT t.invoice, t.due FROM invoices.standing AS t WHERE t.book = %(book)s"
    " AND t.customer = 'customer-1' ORDER BY t.position",
    "disputes": "SELECT t.dispute, t.state, t.held FROM disputes.dispute AS t WHERE t.book = %(book)s"
    " AND t.customer = 'customer-1' ORDER BY t.dispute",
}


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("model", WHOLE)
def test_of_a_whole_book_the_same_is_told_as_of_one_customer(database: str, model: str) -> None:
    moments = [
        Past(BOOK, upto, **{**FOREVER, "day": day})
        for upto in (25, 60, 200)
        for day in ("2026-01-21", "2026-01-22", "infinity")
    ]
    alone, among_all = (
        asked(database, *moments, question=Question(customers, (model,), WHOLE[model], {"book": BOOK}))
        for customers in (["customer-1"], None)
    )
    assert among_all == alone
    assert len(set(alone)) > 2


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


@pytest.mark.usefixtures("connection")
def test_a_workspace_that_somebody_holds_is_waited_for_and_no_longer(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "TURN_SECONDS_MAX", 0.3)
    moment = Past(BOOK, 20, **FOREVER)
    with connect(database) as holder, holder.transaction():
        holder.execute('LOCK TABLE "log@past1".turn IN ACCESS SHARE MODE')
        assert asked(database, moment)
        holder.execute('LOCK TABLE "log@past1".turn IN EXCLUSIVE MODE')
        with pytest.raises(Unavailable, match="held"):
            asked(database, moment)
        assert asked(database, moment, workspace=1)
    assert asked(database, moment)


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize(
    "role", ["ledger_finance", "ledger_auditor", "ledger_verifier", "ledger_writer", "ledger_vault"]
)
def test_nobody_who_only_reads_or_writes_the_log_can_hold_a_workspace(database: str, role: str) -> None:
    """An advisory lock of any number they may take: none keeps a question waiting."""
    with connect(database, role=role) as other, other.transaction():
        for table in ("turn", "event"):
            for mode in ("ACCESS SHARE", "EXCLUSIVE"):
                with pytest.raises(InsufficientPrivilege), other.transaction():
                    other.execute(f'LOCK TABLE "log@past1".{table} IN {mode} MODE NOWAIT'.encode())


def test_finance_does_not_see_workspaces(connection: Connection) -> None:
    row = connection.execute(
        """SELECT has_schema_privilege('ledger_finance', 'invoices@past1', 'USAGE')"""
    ).fetchone()
    assert row == (False,)


def read_for(connection: Connection, copy: LiteralString, **values: object) -> tuple[int, str]:
    """Tell how many events a copy looks at, those that it leaves out included, and how it finds them."""
    with connection.transaction(force_rollback=True):
        at = {"schema": "log@past1", "at": ""}
        connection.execute(past._own("begin", 0), at)
        row = connection.execute(
            ("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + past._own(copy, 0)).encode(),
            {"book": BOOK, "upto": 60, "types": None, "streams": ["book"], **FOREVER, **values},
            prepare=False,
        ).fetchone()
    assert row is not None
    read, found = 0, ""
    for scan in scans(row[0][0]["Plan"]):
        if scan["Relation Name"] == "event" and scan["Alias"].startswith("e"):
            rows = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
            read += rows * scan["Actual Loops"]
            found += str(scan)
    return round(read), found


def test_of_a_long_stream_what_came_after_is_not_read(database: str, connection: Connection) -> None:
    """It is read no further than twice as far as the moment, whatever the planner knows of the log."""
    streams = {"streams": ["book", "customer/customer-1"]}
    for step in (None, analyze, grow, analyze):
        if step:
            step(database)
        read, how = read_for(connection, "copy_streams", **streams)
        assert 30 < read < 2 * 64
        assert "event_stream_version" in how
        assert "version <= " in how


@pytest.mark.parametrize("model", ["contacts", "disputes"])
def test_of_a_whole_book_only_what_the_question_is_about_is_read(
    database: str, connection: Connection, model: str
) -> None:
    """Nothing of other types, and of these nothing behind the moment."""
    types = {"types": past._folded((model,)).of_customers, "upto": 200}
    before, how = read_for(connection, "copy_types", **types)
    assert 0 < before < 40, how
    for step in (analyze, grow, analyze):
        step(database)
        read, how_then = read_for(connection, "copy_types", **types)
        assert read == before
        for found in (how, how_then):
            assert "event_of_type" in found
            assert '"position" <= ' in found


def analyze(database: str) -> None:
    """Let the planner count the log, as it does by itself once a minute."""
    with connect(database, role=None) as owner:
        owner.execute("ANALYZE ledger.event")


def grow(database: str) -> None:
    """Go on with the book, most of all with its first customer."""
    with writer(database) as works:
        post_lives(works, BOOK, 20, first=6)
        late = [(asks.charge(f"late-{n}", 1), f"late {n}", START, "customer-1") for n in range(400)]
        post(works, BOOK, [message(*each) for each in late])
