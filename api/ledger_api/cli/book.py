"""`billing-ledger book`: the books, one for each legal entity."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from ledger_api.cli.output import Json, print_facts, print_rows

app = typer.Typer(help="The books: one for each legal entity.", no_args_is_help=True)


def register(to: typer.Typer) -> None:
    """Add the commands."""
    to.add_typer(app, name="book")


@app.command("list")
def list_books(json: Json = False) -> None:
    """List the books: name, currency, time zone, and where each one's log ends."""
    from ledger.book import BookOpened  # noqa: PLC0415
    from ledger.decider import read_event  # noqa: PLC0415
    from ledger.errors import IntegrityError  # noqa: PLC0415
    from ledger.sql import queries  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    rows = []
    with runtime() as found, found.connect() as connection:
        for book, position, recorded_at, state in connection.execute(
            queries("ledger_api.cli", "book.sql")["books"]
        ):
            opened = read_event(bytes(state)).data
            if not isinstance(opened, BookOpened):
                raise IntegrityError(f"the log of book {book} does not begin with book.opened")
            rows.append((book, opened.name, opened.currency, opened.time_zone, position, recorded_at))
    print_rows(("book", "name", "currency", "time_zone", "position", "recorded_at"), rows, as_json=json)


@app.command("open")
def open_book(
    book: Annotated[str, typer.Argument(help="The book's own short name, as it stands in addresses.")],
    name: Annotated[str, typer.Option(help="The legal entity.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the currency that it reports in.")],
    time_zone: Annotated[
        str, typer.Option(help="IANA name of the time zone in which its days begin.")
    ] = "UTC",
    invoice_prefix: Annotated[str, typer.Option(help="What its invoice numbers begin with.")] = "INV-",
    credit_note_prefix: Annotated[str, typer.Option(help="What its credit note numbers begin with.")] = "CN-",
    principal: Annotated[str | None, typer.Option(help="Who opens it.", show_default="your login")] = None,
    json: Json = False,
) -> None:
    """Open a book, with the default chart of accounts, posting rules and tax rates."""
    from ledger_api.cli.posting import post_one  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    data = {
        "name": name,
        "currency": currency,
        "time_zone": time_zone,
        "invoice_prefix": invoice_prefix,
        "credit_note_prefix": credit_note_prefix,
    }
    with runtime() as found:
        receipt = post_one(found, book, "book.opened", data, principal or getpass.getuser())
    print_facts(
        {"book": book, "position": receipt.position, "recordedtime": receipt.recordedtime}, as_json=json
    )
