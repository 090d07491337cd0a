"""`billing-ledger export`: the log of a book, byte for byte as it was hashed, or as tables and journals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_api.cli.output import print_json, progress

if TYPE_CHECKING:
    from ledger_api.files.exporting import Exported, Lines, Span
    from ledger_api.files.formats import Order, Target


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
        Path | None, typer.Option(help="Read this export, and no database.", exists=True, dir_okay=False)
    ] = None,
    from_: Annotated[int, typer.Option("--from", min=1, help="First position.")] = 1,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this position instead.")] = None,
    to: Annotated[
        int | None, typer.Option(min=0, help="Last position; the end of the log without it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where FILE ends.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Tell what was written as JSON.")] = False,
) -> None:
    """Write events, one a line, exactly the bytes that were recorded; tell the SHA-256 of the whole file.

    A file that has the log from its beginning also has its root told, and held to the log's own: exit code 5
    when they differ. What is told goes to standard error when the events go to standard output.

    The other formats are made from the same bytes: tables as csv or parquet, and journals for hledger, ledger
    and beancount, with the balances of the read models behind them for those programs to check.
    """
    start = from_ - 1 if after is None else after
    if format_ is Form.ndjson:
        _refuse_of_others(resume=resume, file=file, others=(what, log))
        _export_lines(file, book, start, to, resume=resume, as_json=json)
        return
    from ledger_api.files.formats import Order, format_of, what_of  # noqa: PLC0415

    form = format_of(format_.value)
    rows = what_of(form, None if what is None else what.value)
    order = Order(book, start, sys.maxsize if to is None else to, form, rows, clock.value)
    _refuse_of_lines(order, resume=resume)
    _export_as(order, file, log, as_json=json)


def _refuse_of_others(*, resume: bool, file: Path | None, others: Sequence[object]) -> None:
    from ledger.errors import ConfigurationError  # noqa: PLC0415

    if resume and file is None:
        raise ConfigurationError("--resume goes on where a file ends: name the file")
    if any(others):
        raise ConfigurationError("--what and --log are for the other formats: name one with --format")


def _refuse_of_lines(order: Order, *, resume: bool) -> None:
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.files.formats import JOURNALS  # noqa: PLC0415

    if resume:
        raise ConfigurationError("only the log's own lines can be resumed")
    if order.format in JOURNALS and order.after:
        raise ConfigurationError("a journal begins with the book: it has no --from and no --after")


def _refuse_unwritable(file: Path | None) -> None:
    from ledger.errors import ConfigurationError  # noqa: PLC0415

    try:
        if file is not None:
            file.open("wb").close()
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error


def _export_as(order: Order, file: Path | None, log: Path | None, *, as_json: bool) -> None:
    """Export a table or a journal, and tell what it is of and its hash."""
    _refuse_unwritable(file)
    target = sys.stdout.buffer if file is None else file
    order, sha256 = _from_log(order, target) if log is None else _from_file(order, target, log)
    facts = {"book": order.book, "format": order.format, "what": order.what, "from": order.after + 1,
             "to": order.upto, "sha256": sha256}  # fmt: skip
    if as_json and file is not None:
        print_json(facts)
        return
    where = f"positions {order.after + 1} to {order.upto}, sha256 {sha256}"
    print(f"{order.what} of {order.book}, {where}", file=sys.stderr if file is None else sys.stdout)


def _from_log(order: Order, target: Target) -> tuple[Order, str]:
    from ledger.database import connect  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.exporting import head_of  # noqa: PLC0415
    from ledger_api.files.formats import export_from_log  # noqa: PLC0415

    with (
        runtime() as found,
        connect(found.conninfo, statement_seconds_max=0) as connection,
    ):
        order = order._replace(upto=min(order.upto, head_of(connection, order.book).position))
        with progress(f"Exporting {order.book}", order.upto) as advance:
            return order, export_from_log(connection, order, target, advance)


def _from_file(order: Order, target: Target, log: Path) -> tuple[Order, str]:
    from ledger_api.files.formats import export_from_file  # noqa: PLC0415
    from ledger_api.files.importing import count_lines  # noqa: PLC0415

    with log.open("rb") as lines:
        order = order._replace(upto=min(order.upto, count_lines(lines)))
        with progress(f"Exporting {order.book}", order.upto) as advance:
            return order, export_from_file(lines, order, target, advance)


def _export_lines(
    file: Path | None, book: str, after: int, to: int | None, *, resume: bool, as_json: bool
) -> None:
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_api.files.exporting import Lines, Span, head_of, prepare_resume, refuse_other_root  # noqa: PLC0415

    lines = Lines(after)
    with runtime() as found:
        if resume and file is not None:
            lines = prepare_resume(file, book)
        with found.connect() as connection:
            head = head_of(connection, book)
        start = lines.position
        span = Span(book, start, max(start, head.position if to is None else min(to, head.position)))
        told = _write(found.conninfo, span, file, lines, append=resume)
    _tell(span, told, file, as_json=as_json)
    refuse_other_root(book, head, lines)


def _write(conninfo: str, span: Span, file: Path | None, lines: Lines, *, append: bool) -> Exported:
    from ledger.database import connect  # noqa: PLC0415
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api.files.exporting import export  # noqa: PLC0415

    try:
        out = nullcontext(sys.stdout.buffer) if file is None else file.open("ab" if append else "wb")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    with (
        out as writing,
        connect(conninfo, statement_seconds_max=0) as connection,
        progress(f"Exporting {span.book}", span.upto - span.after) as written,
    ):
        return export(connection, span, writing, lines, written)


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
        print(f"{told.events:,} events of {span.book}, positions {span.after + 1} to {span.upto}, in {file}")
        print(f"sha256 {told.sha256}")
        if root is not None:
            print(f"root {root}")
