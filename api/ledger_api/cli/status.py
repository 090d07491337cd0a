"""`billing-ledger status`: what there is, how far it has come, and what stands still."""

from __future__ import annotations

import typer

from ledger_api.cli.output import Json, print_facts, print_json, print_rows


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(status)


def status(json: Json = False) -> None:
    """Tell which database it is, where each book's log ends, and how far behind each read model is."""
    import ledger  # noqa: PLC0415
    from ledger.sql import queries  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    sql = queries("ledger_api.cli", "status.sql")
    with runtime(migrate=False) as found, found.connect() as connection:
        server = connection.execute(sql["server"]).fetchall()[0]
        books = connection.execute(sql["books"]).fetchall()
        models = connection.execute(sql["read_models"]).fetchall()
    facts = {
        "version": ledger.__version__,
        "database": str(found),
        "postgresql": server[0],
        "bytes": server[1],
    }
    book_columns, model_columns = ("book", "position", "recorded_at"), ("read_model", "state", "lag", "error")
    if json:
        parts = {
            "books": [dict(zip(book_columns, row, strict=True)) for row in books],
            "read_models": [dict(zip(model_columns, row, strict=True)) for row in models],
        }
        print_json({**facts, **parts})
        return
    print_facts(facts, as_json=False)
    for columns, rows in ((book_columns, books), (model_columns, models)):
        print()
        print_rows(columns, rows, as_json=False)
