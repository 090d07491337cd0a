"""`billing-ledger key`: the keys of the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.errors import LedgerError
from ledger_api.cli.output import Json, print_facts, print_rows

app = typer.Typer(help="The keys of the HTTP API.", no_args_is_help=True)


def register(to: typer.Typer) -> None:
    """Add the commands."""
    to.add_typer(app, name="key")


@app.command()
def create(
    principal: Annotated[str, typer.Argument(help="Who acts with the key: written into every event.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it may do: read, post, govern (messages about the book itself), admin (rebuilds), "
            "person (personal data) or audit (who looked at it). Repeatable."
        ),
    ],
    source: Annotated[
        list[str] | None, typer.Option(help="A source that it may post as, exactly or with * at the end.")
    ] = None,
    book: Annotated[
        str | None, typer.Option(help="The one book that it opens; without it, all books.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="The role that a person acts in, for policies of authority: agent.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key. It is shown this once: the database keeps only its hash."""
    from ledger_api import keys  # noqa: PLC0415
    from ledger_api.cli.runtime import OWNER, runtime  # noqa: PLC0415

    with runtime() as found, found.connect(OWNER) as connection:
        id_, key = keys.create(
            connection, book=book, principal=principal, scopes=scope, sources=source or [], role=role
        )
    print_facts({"id": id_, "key": key}, as_json=json)


@app.command("list")
def list_keys(json: Json = False) -> None:
    """List all keys, those that were revoked too."""
    from ledger_api import keys  # noqa: PLC0415
    from ledger_api.cli.runtime import OWNER, runtime  # noqa: PLC0415

    with runtime() as found, found.connect(OWNER) as connection:
        rows = keys.list_all(connection)
    columns = keys.Key._fields
    if json:
        print_rows(columns, rows, as_json=True)
        return
    shown = [row._replace(book=row.book or "all books", role=row.role or "") for row in rows]
    joined = [tuple(" ".join(cell) if isinstance(cell, list) else cell for cell in row) for row in shown]
    print_rows(columns, joined, as_json=False)


@app.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as it is listed.")],
    json: Json = False,
) -> None:
    """Stop a key for good; a running server notices within a few seconds."""
    from ledger_api import keys  # noqa: PLC0415
    from ledger_api.cli.runtime import OWNER, runtime  # noqa: PLC0415

    with runtime() as found, found.connect(OWNER) as connection:
        if not keys.revoke(connection, id_):
            raise LedgerError(f"there is no working key {id_}")
    print_facts({"id": id_, "revoked": True}, as_json=json)
