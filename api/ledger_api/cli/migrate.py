"""`billing-ledger migrate`: bring the database to the schema of this version."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger_api.cli.output import Json, print_rows

app = typer.Typer(help="Bring the database to the schema of this version.", invoke_without_command=True)


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.add_typer(app, name="migrate")


@app.callback()
def migrate(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be applied.")] = False,
    json: Json = False,
) -> None:
    """Apply what is pending, in order, each migration in one transaction."""
    if context.invoked_subcommand is not None:
        return
    from ledger_api.cli.runtime import migration_errors, runtime  # noqa: PLC0415
    from ledger_migrations import apply  # noqa: PLC0415

    with runtime(migrate=False) as found, found.connect(role=None) as connection, migration_errors():
        applied = apply(connection, dry_run=dry_run)
    if applied or json:
        print_rows(("number", "name", "seconds"), [tuple(row) for row in applied], as_json=json)
    else:
        print("nothing to apply: the schema is that of this version")


@app.command()
def status(json: Json = False) -> None:
    """Tell which migrations are applied, which are pending, and which this version does not know."""
    from ledger_api.cli.runtime import migration_errors, runtime  # noqa: PLC0415
    from ledger_migrations import status as read_status  # noqa: PLC0415

    with runtime(migrate=False) as found, found.connect(role=None) as connection, migration_errors():
        rows = read_status(connection)
    print_rows(("number", "name", "state", "applied_at"), [tuple(row) for row in rows], as_json=json)
