"""`billing-ledger replay`: all read models as of an earlier moment, in schemas of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger_api.cli.output import Json, print_facts, progress


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(replay)


def replay(
    *,
    book: Annotated[str, typer.Option(help="The book.")],
    schema: Annotated[
        str, typer.Option(help="What the schemas' names begin with: q1 makes q1_journal, q1_invoices, …")
    ],
    as_of_position: Annotated[
        int | None, typer.Option(min=0, help="As the log stood at this position.")
    ] = None,
    as_of_recorded: Annotated[
        str | None, typer.Option(help="As the log stood at this time, like 2026-01-31T23:59:59Z.")
    ] = None,
    as_of_occurred: Annotated[
        str | None, typer.Option(help="Only what occurred by the end of this date, or by this time.")
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Drop the schemas of an earlier replay.")] = False,
    json: Json = False,
) -> None:
    """Build all read models of a book as they were at a moment, beside those in use; finance may read them.

    They are made by the same SQL as those in use, and nothing folds them any further. The moment is included;
    without one it is now. A position or recorded time may be combined with an occurred one.
    """
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_projections.readmodel import READ_MODELS  # noqa: PLC0415
    from ledger_projections.replaying import Replay, past_at  # noqa: PLC0415

    if as_of_position is not None and as_of_recorded is not None:
        raise ConfigurationError("--as-of-position and --as-of-recorded say the same: give one of them")
    with runtime() as found:
        replaying = Replay(found.conninfo, schema)
        if drop:
            print_facts({"schema": schema, "dropped": replaying.drop()}, as_json=json)
            return
        with found.connect() as connection:
            past = past_at(connection, book, as_of_position, as_of_recorded, as_of_occurred)
        with progress(f"Replaying {book}", past.upto * len(READ_MODELS)) as advance:
            replayed = replaying.run(past, advance)
    facts = {
        "book": book,
        "position": past.upto,
        "occurred_by": past.instant if past.instant != "infinity" else past.day,
        "schemas": list(replayed.schemas) if json else ", ".join(replayed.schemas),
        "events_folded": replayed.events,
        "seconds": round(replayed.seconds, 3),
        "events_per_second": round(replayed.events / replayed.seconds),
    }
    print_facts(facts, as_json=json)
