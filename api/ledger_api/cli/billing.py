"""`billing-ledger bill`: the billing run, page by page through HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli import REFUSED
from ledger_api.cli.output import Json, print_json, print_rows, progress

if TYPE_CHECKING:
    from ledger_api.client import Client
    from ledger_api.client.billing import Page, Result, Sums


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command("bill")(bill)


def bill(
    *,
    through: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Bill periods that end by this date.")
    ],
    book: Annotated[str, typer.Option(help="The book to bill.")] = "main",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be billed, customer by customer.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="A running ledger; without it, a service of our own.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Its API key (or BILLING_LEDGER_KEY).")] = None,
    home: Annotated[Path | None, typer.Option(help="Data folder of the embedded PostgreSQL.")] = None,
    json: Json = False,
) -> None:
    """Bill every customer who is due: what was agreed on, what was used, one invoice each.

    Interrupted, however rudely, or run twice, also at once: it goes on, and nobody is billed twice. Exit code
    3 when the billing of a customer was refused.
    """
    from ledger_api.cli.connecting import Wants, connected, use_home  # noqa: PLC0415
    from ledger_api.client.billing import Sums  # noqa: PLC0415

    use_home(home)
    sums = Sums()
    with connected(url, key, Wants(book, _principal(), ("ledger/billing",))) as client:
        for page in _pages(client, book, through.date().isoformat(), dry_run=dry_run):
            for result in page.results:
                sums.add(result)
                if dry_run and not json and result.status == "due":
                    print(_line(result))
            sys.stdout.flush()
    if json:
        print_json(sums.facts())
    else:
        _tell(sums, dry_run=dry_run)
    if sums.refused:
        raise typer.Exit(REFUSED)


def _principal() -> str:
    """Tell who bills: whoever is logged in."""
    import getpass  # noqa: PLC0415

    return getpass.getuser()


def _pages(client: Client, book: str, through: str, *, dry_run: bool) -> Iterator[Page]:
    from ledger_api.client.billing import pages  # noqa: PLC0415

    run = pages(client, book, through, dry_run=dry_run)
    first = next(run)
    what = f"{'Trying' if dry_run else 'Billing'} through {through}"
    with progress(what, first.customers, "customers") as looked_at:
        looked_at(first.looked_at)
        yield first
        for page in run:
            looked_at(page.looked_at)
            yield page


def _line(result: Result) -> str:
    return f"{result.customer}\t{result.currency}\t{'' if result.total is None else result.total}"


def _tell(sums: Sums, *, dry_run: bool) -> None:
    rows = [(currency, *of) for currency, of in sorted(sums.totals.items())]
    print_rows(("currency", "invoices", "total"), rows, as_json=False)
    done = f"{sums.done:,} {'would be billed' if dry_run else 'billed'}"
    print(f"{done}, {sums.replayed:,} by this run before, {sums.not_due:,} not due, {sums.refused:,} refused")
    if sums.refusals:
        print_rows(("refused", "customers", "first", "because"), list(sums.refusals.values()), as_json=False)
