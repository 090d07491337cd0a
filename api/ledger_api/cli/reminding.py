"""`billing-ledger remind`: the reminders that are due, sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict
from urllib.parse import urlencode

import typer

from ledger_api.cli import REFUSED
from ledger_api.cli.output import Json, print_json, print_rows, progress

if TYPE_CHECKING:
    from ledger_api.client import Client

SENT_MEANWHILE = "key_conflict"
"""Another run sent the same reminder at the same moment: that is what was wanted."""


class _Item(TypedDict):
    status: str
    kind: str
    currency: str
    code: str | None
    amount: int


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command("remind")(remind)


def remind(
    *,
    book: Annotated[str, typer.Option(help="The book.")],
    through: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Send what is due by then."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be sent.")] = False,
    url: Annotated[
        str | None, typer.Option(help="A running ledger; without it, a service of our own.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Its API key (or BILLING_LEDGER_KEY).")] = None,
    home: Annotated[Path | None, typer.Option(help="Data folder of the embedded PostgreSQL.")] = None,
    json: Json = False,
) -> None:
    """Remind of overdue invoices as the book's policy of dunning says, each step once.

    Safe to run twice, to interrupt, and to run in several places at once. Exit code 3 when a reminder was
    refused: the invoice changed in the meantime.
    """
    from ledger_api.cli.connecting import Wants, connected, use_home  # noqa: PLC0415

    use_home(home)
    counts = Counter[tuple[str, str, str, str]]()
    amounts = Counter[tuple[str, str, str, str]]()
    wants = Wants(book, "remind", ("billing-ledger/command-line",))
    with connected(url, key, wants) as client, progress("Reminders", None, "invoices") as advance:
        for items in _runs(client, book, through.date().isoformat(), dry_run=dry_run):
            for item in items:
                what = (item["status"], item["kind"], item["currency"], item["code"] or "")
                counts[what] += 1
                amounts[what] += item["amount"]
            advance(len(items))
    columns = ("status", "kind", "currency", "code", "reminders", "amount")
    rows = [(*what, counts[what], amounts[what]) for what in sorted(counts)]
    if json:
        said = [dict(zip(columns, row, strict=True)) for row in rows]
        print_json(
            {"book": book, "through": through.date().isoformat(), "dry_run": dry_run, "reminders": said}
        )
    else:
        print_rows(columns, rows, as_json=False)
    if any(status == "refused" and code != SENT_MEANWHILE for status, _, _, code in counts):
        raise typer.Exit(REFUSED)


def _runs(client: Client, book: str, through: str, *, dry_run: bool) -> Iterator[list[_Item]]:
    """Run page by page."""
    import orjson  # noqa: PLC0415

    asked = {"through": through, "dry_run": str(dry_run).lower(), "limit": "1000"}
    while True:
        found = orjson.loads(client.post(f"/v1/books/{book}/remind?{urlencode(asked)}", b"", "").body)
        yield found["items"]
        if found["next"] is None:
            return
        asked["page"] = found["next"]
