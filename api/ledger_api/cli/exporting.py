"""`billing-ledger export`: the log of a book, byte for byte as it was hashed, or as tables and journals."""

from __future__ import annotations

import sys
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ledger_api.cli.output import print_json, progress

if TYPE_CHECKING:
    from ledger_api.files.exporting import Exported, Lines, Reach, Span
    from ledger_api.files.formats import Order
    from ledger_api.files.target import Target


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command("export")(export_log)


class Form(StrEnum):
    """What the file is written as."""

    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"
    hledger = "hledger"
    ledger = "ledger"
    beancount = "beancount"


class What(StrEnum):
    """What the rows of a table are."""

    events = "events"
    postings = "postings"


class Clock(StrEnum):
    """Which of an entry's two dates is its date where there can be one only."""

    occurred = "occurred"
    recorded = "recorded"


def export_log(
    *,
    file: Annotated[Path | None, typer.Argument(help="File to write; standard output without it.")] = None,
    book: Annotated[str, typer.Option(help="The book.")],
    format_: Annotated[
        Form, typer.Option("--format", help="The log's own lines, a table, or a journal for that program.")
    ] = Form.ndjson,
    what: Annotated[What | None, typer.Option(help="Rows of a table: events, or their postings.")] = None,
    clock: Annotated[Clock, typer.Option(help="What a journal for beancount is dated by.")] = Clock.occurred,
    log: Annotated[
        Path | None,
        typer.Option(help="Read this export, and no database; not for ndjson.", exists=True, dir_okay=False),
    ] = None,
    from_: Annotated[
        int | None, typer.Option("--from", min=1, help="First position; 1 without it.", show_default=False)
    ] = None,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this position instead.")] = None,
    to: Annotated[
        int | None, typer.Option(min=0, help="Last position; the end of the log without it.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where FILE ends; Parquet, behind the parts that were left."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Tell what was written as JSON.")] = False,
) -> None:
    """Write events, one a line, exactly the bytes that were recorded; tell the SHA-256 of the whole file.

    A file that has the log from its beginning also has its root told, and held to the log's own: exit code 5
    when they differ. What is told goes to standard error when the events go to standard output.

    The other formats are made from the same bytes: tables as csv or parquet, and journals for hledger, ledger
    and beancount, with the balances of the read models behind them for those programs to check.

    What FILE held is replaced when all of the export is there, and not before: until then it is written to
    FILE.partial, from which --resume goes on when there is no FILE. Tables as csv and journals are made from
    the beginning again, and --resume holds what is there to them before it adds the rest. Parquet is put
    together from parts in FILE.partial.rows, and --resume makes those that are not there, or not of this log.
    """
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.files.exporting import Reach  # noqa: PLC0415
    from ledger_api.files.target import Target  # noqa: PLC0415

    if resume and file is None:
        raise ConfigurationError("--resume goes on where a file ends: name the file")
    reach, target = Reach(from_, after, to), Target(file, resume)
    if format_ is Form.ndjson:
        if what is not None or log is not None:
            raise ConfigurationError("--what and --log are for the other formats: name one with --format")
        _export_lines(book, reach, target, as_json=json)
        return
    from ledger_api.files.formats import JOURNALS, Order, format_of, what_of  # noqa: PLC0415

    form = format_of(format_.value)
    rows = what_of(form, None if what is None else what.value)
    if form in JOURNALS and (after or (from_ or 1) > 1):
        raise ConfigurationError("a journal begins with the book: it has no --from and no --after")
    order = Order(book, 0, sys.maxsize, form, rows, clock.value)
    order, sha256 = _from_log(order, reach, target) if log is None else _from_file(order, reach, target, log)
    _tell_other(order, sha256, file, as_json=json)


def _from_log(order: Order, reach: Reach, target: Target) -> tuple[Order, str]:
    """Export from the database.

    Where an export breaks off, the database still sends: closing the connection ends that, and a rollback
    would wait for it for ever.
    """
    from ledger.database import connect  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.exporting import head_of  # noqa: PLC0415
    from ledger_api.files.formats import export_from_log  # noqa: PLC0415

    with (
        runtime() as found,
        closing(connect(found.conninfo, statement_seconds_max=0)) as connection,
    ):
        order = order.within(reach.of(order.book, head_of(connection, order.book).position))
        with progress(f"Exporting {order.book}", order.upto) as advance:
            return order, export_from_log(connection, order, target, advance)


def _from_file(order: Order, reach: Reach, target: Target, log: Path) -> tuple[Order, str]:
    from ledger_api.files.formats import export_from_file  # noqa: PLC0415
    from ledger_api.files.importing import count_lines  # noqa: PLC0415
    from ledger_api.files.target import refuse_reading  # noqa: PLC0415

    refuse_reading(target, log)
    with log.open("rb") as lines:
        order = order.within(reach.of(order.book, count_lines(lines)))
        with progress(f"Exporting {order.book}", order.upto) as advance:
            return order, export_from_file(lines, order, target, advance)


def _export_lines(book: str, reach: Reach, target: Target, *, as_json: bool) -> None:
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.exporting import Lines, head_of, prepare_resume, refuse_other_root  # noqa: PLC0415
    from ledger_api.files.target import opened  # noqa: PLC0415

    with runtime() as found:
        with found.connect() as connection:
            head = head_of(connection, book)
        span = reach.of(book, head.position)
        with opened(target) as out:
            lines = prepare_resume(out, span) if target.resume else Lines(span.after)
            if reach.begins and lines.after != span.after:
                raise ConfigurationError(
                    f"{out.name} begins with position {lines.after + 1}, not with {span.after + 1}"
                )
            span = span._replace(after=lines.position)
            told = _write(found.conninfo, span, out, lines)
            refuse_other_root(book, head, lines)
    _tell(span, told, target.file, as_json=as_json)


def _write(conninfo: str, span: Span, out: BinaryIO, lines: Lines) -> Exported:
    from ledger.database import connect  # noqa: PLC0415
    from ledger_api.files.exporting import export  # noqa: PLC0415

    with (
        connect(conninfo, statement_seconds_max=0) as connection,
        progress(f"Exporting {span.book}", span.upto - span.after) as written,
    ):
        return export(connection, span, out, lines, written)


def _tell_other(order: Order, sha256: str, file: Path | None, *, as_json: bool) -> None:
    """Tell what a table or a journal is of, and its hash."""
    facts = {"book": order.book, "format": order.format, "what": order.what, "from": order.after + 1,
             "to": order.upto, "sha256": sha256}  # fmt: skip
    if as_json and file is not None:
        print_json(facts)
        return
    where = f"{_positions(order.after, order.upto)}, sha256 {sha256}"
    print(f"{order.what} of {order.book}, {where}", file=sys.stderr if file is None else sys.stdout)


def _tell(span: Span, told: Exported, file: Path | None, *, as_json: bool) -> None:
    root = None if told.root is None else told.root.hex()
    facts = {
        "book": span.book,
        "from": span.after + 1,
        "to": span.upto,
        "events": told.events,
        "bytes": told.bytes,
        "sha256": told.sha256,
        "root": root,
    }
    if file is None:
        print(f"{told.events:,} events of {span.book}, sha256 {told.sha256}, root {root}", file=sys.stderr)
    elif as_json:
        print_json(facts)
    else:
        print(f"{told.events:,} events of {span.book}, {_positions(span.after, span.upto)}, in {file}")
        print(f"sha256 {told.sha256}")
        if root is not None:
            print(f"root {root}")


def _positions(after: int, upto: int) -> str:
    return f"positions {after + 1} to {upto}" if after < upto else f"none behind position {after}"
