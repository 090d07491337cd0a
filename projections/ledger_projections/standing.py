"""How the live read models stand: which of them can be compared, and where their cursors are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, left_out, part
from ledger_projections.filling import open_connection
from ledger_projections.folding import SQL as REGISTRY
from ledger_projections.installing import registered, schema_exists
from ledger_projections.readmodel import ReadModel
from ledger_projections.stopping import Stopping

_SQL = queries("ledger_projections", "standing.sql")

Connection = psycopg.Connection[TupleRow]


def why_not(connection: Connection, model: ReadModel) -> str | None:
    """Say why a read model cannot be compared, None when it can."""
    row = registered(connection).get(model.name)
    if row is None:
        if schema_exists(connection, model.name):
            return "its schema is not registered as one of ours: rename or drop it first"
        return "it is not built yet"
    if row.version != model.version:
        return f"another version of the program made it, {row.version}, and it waits for its rebuild"
    needed = next((each for each in model.needs if why_not(connection, each)), None)
    if needed is not None:
        return f"it is folded from {needed.name}, which is not compared"
    return None if row.state == "live" else f"it stands still: {row.error}"


def check_cursors(connection: Connection, book: str) -> Check:
    """Hold every cursor of a book, of rebuilds too, to the end of the log.

    From a cursor beyond it, the fold would pass by what is recorded next.
    """
    rows = connection.execute(_SQL["cursors"], {"book": book}).fetchall()
    findings = [
        Finding(f"the cursor of {model} stands at {position}, the log ends at {head}", head + 1)
        for model, position, head in rows
        if position > head
    ]
    compared = "how far each read model has folded with the end of the log"
    return check("cursors", compared, "cursors", 0, [part(len(rows), findings)])


def tables_of(connection: Connection, schema: str) -> list[str]:
    """Name the tables of a schema."""
    rows = connection.execute(REGISTRY["tables"], {"schema": schema}).fetchall()
    return [str(table) for (table,) in rows]


@contextmanager
def kept_as_it_is(conninfo: str, models: Sequence[ReadModel], stopping: Stopping) -> Iterator[Connection]:
    """Let nobody put anything in the place of a live table: what is looked at first is what is read then.

    Gives a connection for the look.
    """
    with (
        open_connection(conninfo) as keeper,
        open_connection(conninfo) as connection,
        stopping.ends(keeper),
        stopping.ends(connection),
        keeper.transaction(),
    ):
        keeper.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        live = [
            sql.Identifier(model.name, name) for model in models for name in tables_of(keeper, model.name)
        ]
        if live:
            keeper.execute(sql.SQL(_SQL["keep"]).format(tables=sql.SQL(", ").join(live)))
        yield connection


def told_safe(models: Sequence[ReadModel], otherwise: frozenset[str]) -> tuple[list[ReadModel], list[Check]]:
    """Tell read models that can be read from those in which that could run what somebody put there.

    A view in the place of a table, or a policy, runs with the rights of whoever verifies. What is folded from
    what is not read is not read either.
    """
    safe: list[ReadModel] = []
    unread: list[Check] = []
    for model in models:  # each after those it needs
        needed = next((each.name for each in model.needs if each not in safe), None)
        if model.name in otherwise:
            why = "it is not as this version makes it, as definitions says, so nothing of it is read"
        elif needed is not None:
            why = f"it is folded from {needed}, of which nothing is read"
        else:
            safe.append(model)
            continue
        unread.append(left_out(model.name, why, "rows"))
    return safe, unread
