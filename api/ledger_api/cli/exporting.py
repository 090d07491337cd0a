"""`billing-ledger export`: the log of a book as lines of JSON, byte for byte as it was hashed."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli.output import print_json, progress

if TYPE_CHECKING:
    from ledger_api.files.exporting import Exported, Found, Span


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command("export")(export_log)


def export_log(
    *,
    file: Annotated[Path | None, typer.Argument(help="File to write; standard output without it.")] = None,
    book: Annotated[str, typer.Option(help="The book.")],
    from_: Annotated[int, typer.Option("--from", min=1, help="First position.")] = 1,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this position instead.")] = None,
    to: Annotated[
        int | None, typer.Option(min=0, help="Last position; the end of the log without it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where FILE ends.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Tell what was written as JSON.")] = False,
) -> None:
    """Write events, one a line, exactly the bytes that were recorded; tell the SHA-256 of the whole file.

    What is told goes to standard error when the events go to standard output.
    """
    import hashlib  # noqa: PLC0415

    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.exporting import Found, Span, head_of, prepare_resume  # noqa: PLC0415

    if resume and file is None:
        raise ConfigurationError("--resume goes on where a file ends: name the file")
    start = Found(from_ - 1 if after is None else after, hashlib.sha256())
    with runtime() as found:
        if resume and file is not None:
            start = prepare_resume(file, book)
        with found.connect() as connection:
            head = head_of(connection, book)
        span = Span(book, start.position, max(start.position, head if to is None else min(to, head)))
        told = _write(found.conninfo, span, file, start, append=resume)
    _tell(span, told, file, as_json=json)


def _write(conninfo: str, span: Span, file: Path | None, start: Found, *, append: bool) -> Exported:
    from ledger.database import connect  # noqa: PLC0415
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.files.exporting import export  # noqa: PLC0415

    try:
        out = nullcontext(sys.stdout.buffer) if file is None else file.open("ab" if append else "wb")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    with (
        out as lines,
        connect(conninfo, statement_seconds_max=0) as connection,
        progress(f"Exporting {span.book}", span.upto - span.after) as written,
    ):
        return export(connection, span, lines, start.digest, written)


def _tell(span: Span, told: Exported, file: Path | None, *, as_json: bool) -> None:
    facts = {
        "book": span.book,
        "from": span.after + 1,
        "to": span.upto,
        "events": told.events,
        "bytes": told.bytes,
        "sha256": told.sha256,
    }
    if file is None:
        print(f"{told.events:,} events of {span.book}, sha256 {told.sha256}", file=sys.stderr)
    elif as_json:
        print_json(facts)
    else:
        print(f"{told.events:,} events of {span.book}, positions {span.after + 1} to {span.upto}, in {file}")
        print(f"sha256 {told.sha256}")
