"""`billing-ledger diff`: what changed in a book between two moments, and which events did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli.output import Json, print_json, print_rows, progress

if TYPE_CHECKING:
    from ledger_api.cli.runtime import Runtime
    from ledger_projections.differing import Change

SHOWN_EVENTS_MAX = 4
"""Events that a line of the table names; JSON names all."""
SHOWN_LETTERS_MAX = 120
"""Letters of what an event says that a line of the table shows; JSON has all of it."""


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(diff)


def diff(
    before: Annotated[str, typer.Argument(help="A position, or a recorded time.")],
    after: Annotated[str, typer.Argument(help="A later one.")],
    book: Annotated[str, typer.Option(help="The book.")],
    json: Json = False,
) -> None:
    """Show what the events between two moments of a book's log changed.

    Each line is one figure or state that differs, with the events in between that bear on it: balances of
    accounts and customers; customers and their terms, agreements and billing; invoices, payments, credit
    notes, reminders, disputes, discounts, contacts, notes, callers and trials. Every other event is a line
    with what it says. What time alone does (an invoice is overdue, an offer expires) is no event, and is not
    shown.
    """
    import asyncio  # noqa: PLC0415

    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_projections.differing import differences  # noqa: PLC0415

    with runtime() as found:
        first, last = (_position(found, book, moment) for moment in (before, after))
        if first > last:
            raise ConfigurationError(f"{before} is after {after}: name the earlier moment first")
        with progress(f"Comparing {book}", None, "customers") as advance:
            changes = asyncio.run(differences(found.conninfo, book, first, last, advance))
    _tell(book, first, last, changes, as_json=json)


def _position(found: Runtime, book: str, moment: str) -> int:
    from ledger_projections.replaying import past_at  # noqa: PLC0415

    with found.connect() as connection:
        if moment.isdecimal():
            return past_at(connection, book, int(moment[:18])).upto
        return past_at(connection, book, recorded=moment).upto


def _tell(book: str, first: int, last: int, changes: list[Change], *, as_json: bool) -> None:
    if as_json:
        print_json({"book": book, "from": first, "to": last, "changes": [each._asdict() for each in changes]})
        return
    rows = [
        (
            each.noun,
            each.item,
            each.customer,
            each.field,
            each.before,
            _begun(each.after),
            each.currency,
            _by(each.events),
        )
        for each in changes
    ]
    print_rows(
        ("what", "name", "customer", "of it", "before", "after", "currency", "by"), rows, as_json=False
    )


def _begun(value: str | int | None) -> str | int | None:
    if isinstance(value, str) and len(value) > SHOWN_LETTERS_MAX:
        return f"{value[:SHOWN_LETTERS_MAX]}…"
    return value


def _by(events: Sequence[int]) -> str:
    shown = " ".join(map(str, events[:SHOWN_EVENTS_MAX]))
    more = len(events) - SHOWN_EVENTS_MAX
    return f"{shown} and {more:,} more" if more > 0 else shown
