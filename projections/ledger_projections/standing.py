"""How the live read models stand: which of them can be compared, and where their cursors are."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, part
from ledger_projections.installing import registered, schema_exists
from ledger_projections.readmodel import ReadModel

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
