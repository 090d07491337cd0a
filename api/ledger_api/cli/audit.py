"""`billing-ledger audit`: a folder that an auditor can keep, and recompute without this program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ledger_api.cli.output import Json, print_facts


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(audit)


def audit(
    book: Annotated[str, typer.Option(help="The book.")],
    out: Annotated[Path, typer.Option(help="The folder to write: new, or empty.")],
    as_of_occurred: Annotated[
        str | None, typer.Option(help="Reports of what is dated by this day; everything without it.")
    ] = None,
    proof: Annotated[
        list[int] | None, typer.Option(help="Position of an event to prove. May be given several times.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint that you kept: the log has to extend it. May be given several times."
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="With --checkpoint: a public key that you kept, or a file of them; one signed each."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a folder: log, signed checkpoint, proofs, reports, verification, and how to recompute it all.

    Ends with 5 when verifying finds anything wrong, with 1 when a read model could not be compared; the
    folder is written then too, and says so. What else keeps it from being written leaves nothing of it.
    """
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.audit.folder import Wanted, write_audit  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.cli.verify import EXIT_CODES  # noqa: PLC0415

    if as_of_occurred is not None and len(as_of_occurred) != len("2026-01-31"):
        raise ConfigurationError(f"{as_of_occurred} is no date like 2026-01-31")
    if key and not checkpoint:
        raise typer.BadParameter("--key is about checkpoints that you kept: give --checkpoint too")
    wanted = Wanted(book, as_of_occurred, proof or (), checkpoint or (), key or ())

    def tell(what: str) -> None:
        print(f"Auditing {book}: {what}", file=sys.stderr, flush=True)

    with runtime() as found:
        written = write_audit(found.conninfo, wanted, out, tell)
    facts = {
        "book": book,
        "position": written.position,
        "root": written.report.root.hex(),
        "result": written.report.verdict,
        "passed": written.report.passed,
        "files": written.files,
        "folder": str(out),
    }
    print_facts(facts, as_json=json)
    if ends_with := EXIT_CODES[written.report.verdict]:
        raise typer.Exit(ends_with)
