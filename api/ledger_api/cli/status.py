"""`billing-ledger status`: what there is, how far it has come, and what stands still."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

import ledger
from ledger.sql import queries
from ledger_api.cli.output import Json, print_facts, print_json, print_rows

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

    from ledger_api.cli.runtime import Runtime

BOOK = ("book", "position", "recorded_at")
READ_MODEL = ("read_model", "state", "lag", "error")


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(status)


def status(json: Json = False) -> None:
    """Tell which database it is, where each book's log ends, and how far behind each read model is."""
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    with runtime(migrate=False) as found:
        facts, migrated = _database(found)
        books, models = _contents(found) if migrated else ([], [])
    if json:
        parts = {
            "books": [dict(zip(BOOK, row, strict=True)) for row in books],
            "read_models": [dict(zip(READ_MODEL, row, strict=True)) for row in models],
        }
        print_json({**facts, **parts})
        return
    print_facts(facts, as_json=False)
    for columns, rows in ((BOOK, books), (READ_MODEL, models)):
        print()
        print_rows(columns, rows, as_json=False)


def _database(found: Runtime) -> tuple[dict[str, object], bool]:
    """Tell what the database is, and whether its schema is there: `status` itself changes nothing."""
    from ledger_api.cli.runtime import migration_errors  # noqa: PLC0415
    from ledger_migrations import status as read_status  # noqa: PLC0415

    with found.connect(role=None) as connection, migration_errors():
        states = Counter(migration.state for migration in read_status(connection))
        ((version, size),) = connection.execute(queries("ledger_api.cli", "status.sql")["server"]).fetchall()
    facts = {
        "version": ledger.__version__,
        "database": str(found),
        "postgresql": version,
        "bytes": size,
        "migrations": ", ".join(f"{number} {state}" for state, number in states.items()),
    }
    return facts, not states["pending"]


def _contents(found: Runtime) -> tuple[list[TupleRow], list[TupleRow]]:
    sql = queries("ledger_api.cli", "status.sql")
    with found.connect() as connection:
        return connection.execute(sql["books"]).fetchall(), connection.execute(sql["read_models"]).fetchall()
