"""`billing-ledger verify`: whether anything of a book was changed, and whether what it says can be so."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ledger_api.cli.output import Json, print_json, print_rows, progress

if TYPE_CHECKING:
    from ledger.tlog.checkpoint import Checkpoint
    from ledger.verify.book import Report
    from ledger.verify.findings import Verdict

EXIT_CODES: Mapping[Verdict, int] = {"passed": 0, "not compared": 1, "wrong": 5}
"""What the command ends with: what could not be compared is no alarm, and not clean either."""

_PASSES = 2
"""Passes that go through all events: leaves; columns and invariants."""

_UNSIGNED = "Nobody looked at who signed the checkpoints given: give the public key that you kept as --key."


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(verify)


def verify(
    book: Annotated[str | None, typer.Option(help="The book.")] = None,
    offline: Annotated[
        Path | None, typer.Option(help="An export of the whole log, instead of a book: needs no database.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint that you kept: the log has to extend it. May be given several times. "
            "Who signed it is looked at with --key only."
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="A public key of the log that you kept, as its line or as a file of such lines: one of them "
            "has to have signed each checkpoint. May be given several times."
        ),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(help="A checkpoint up to which all was verified before: only what follows is read."),
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option(help="File for what is found on the way; when it is there, go on where it ends."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each core without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Recompute a book from its stored bytes and compare: leaves, tree, columns, invariants, read models.

    Ends with 5 when anything is wrong, and names the first bad position, what is wrong, and what it was
    compared with. Ends with 1 when nothing is wrong in what was compared, but something could not be: a read
    model that is not built, stands still or waits for its rebuild. A checkpoint kept elsewhere is what makes
    a rewritten history show: what lies in the database alone could have been rewritten with it.
    """
    if (book is None) is (offline is None):
        raise typer.BadParameter("name a --book, or a file to verify --offline")
    if offline is not None and (since is not None or notes is not None):
        raise typer.BadParameter("--since and --notes are about a book in the database, not --offline")
    if key and not (checkpoint or since):
        raise typer.BadParameter("--key is about checkpoints that you kept: give --checkpoint or --since too")
    began = time.monotonic()
    given = _Given(checkpoint or [], key or [], since, notes)
    with ExitStack() as stack:
        if offline:
            report = _verify_file(offline, given, processes)
        else:
            report = _verify(stack, str(book), given, processes)
        _tell(report, time.monotonic() - began, as_json=json)
        if (checkpoint or since) and not key:
            print(_UNSIGNED, file=sys.stderr if json else sys.stdout)
        sys.stdout.flush()  # nobody waits for the report until a server of our own has stopped
    if ends_with := EXIT_CODES[report.verdict]:
        raise typer.Exit(ends_with)


class _Given(NamedTuple):
    """What whoever verifies has kept, as given: checkpoints, keys, one of the last time, and notes."""

    checkpoints: list[Path]
    keys: list[str]
    since: Path | None
    notes: Path | None

    def read(self, book: str | None) -> tuple[list[Checkpoint], Checkpoint | None]:
        """Read the checkpoints of a book, and that of the last time."""
        from ledger_api.files.checkpoints import read_checkpoint_file, read_keys  # noqa: PLC0415

        keys = read_keys(self.keys)
        since = None if self.since is None else read_checkpoint_file(self.since, keys, book)
        return [read_checkpoint_file(path, keys, book) for path in self.checkpoints], since


def _verify_file(path: Path, given: _Given, processes: int | None) -> Report:
    """Verify an export."""
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger.verify.offline import book_of, verify_file  # noqa: PLC0415

    try:
        outside, _ = given.read(book_of(path))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    with progress(f"Verifying {path.name}", None) as advance:
        return verify_file(path, outside, processes=processes, advance=advance)


def _verify(stack: ExitStack, book: str, given: _Given, processes: int | None) -> Report:
    """Verify a book in the database and, beside, the read models that are made of it.

    Python is busy with the one and the database with the other; neither leaves a core without work when it
    waits, or comes to its end. The database is there as long as the stack: a server of our own stops after
    the report is told.
    """
    import msgspec  # noqa: PLC0415

    from ledger.verify.book import verify_book  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415
    from ledger_projections.readmodel import READ_MODELS  # noqa: PLC0415
    from ledger_projections.stopping import Stopping  # noqa: PLC0415
    from ledger_projections.verifying import check_read_models  # noqa: PLC0415

    outside, since = given.read(book)
    found = stack.enter_context(runtime())
    with found.connect() as connection:
        row = connection.execute("SELECT position FROM ledger.head WHERE book = %s", (book,)).fetchone()
    events = (_PASSES + len(READ_MODELS)) * (0 if row is None else int(row[0]))
    stopping = Stopping()
    with (
        progress(f"Verifying {book}", events) as advance,
        ThreadPoolExecutor(1, "ledger-verify") as beside,
    ):
        models = beside.submit(check_read_models, found.conninfo, book, advance, stopping)

        def go_on(events: int) -> None:
            if models.done():
                models.result()  # what keeps read models from being compared is not told hours later
            advance(events)

        try:
            report = verify_book(
                found.conninfo, book, outside, since=since, notes=given.notes,
                processes=processes, advance=go_on,
            )  # fmt: skip
            return msgspec.structs.replace(report, checks=[*report.checks, *models.result()])
        finally:
            stopping.set()


def _tell(report: Report, seconds: float, *, as_json: bool) -> None:
    if as_json:
        print_json(_facts(report, seconds))
        return
    rows = [
        (each.name, each.said, each.count, each.unit,
         f"{each.seconds:.1f}", each.compared)
        for each in report.checks
    ]  # fmt: skip
    print_rows(("check", "result", "compared", "unit", "seconds", "what with what"), rows, as_json=False)
    for each in report.checks:
        for finding in each.findings:
            print(f"{each.name}: {finding.said}")
    rate = f"{report.position / max(seconds, 1e-6):,.0f} events/s"
    print(f"{report.book}, {report.position:,} events, root {report.root.hex()}")
    print(f"{_said(report)} ({seconds:.1f} s, {rate})")


def _said(report: Report) -> str:
    """Say in words what was found, and how to have compared what was not."""
    found = report.verdict
    if found == "passed":
        return "nothing is wrong"
    said = "NOT as it was recorded" if found == "wrong" else "nothing is wrong in what was compared"
    if not report.not_compared:
        return said
    missing = ", ".join(report.not_compared)
    return f"{said}; NOT COMPARED: {missing}; run billing-ledger rebuild, and verify again"


def _facts(report: Report, seconds: float) -> dict[str, object]:
    checks = [
        {
            "name": each.name,
            "result": each.result,
            "compared": each.compared,
            "count": each.count,
            "unit": each.unit,
            "seconds": round(each.seconds, 3),
            "found": each.found,
            "findings": [{"position": finding.position, "said": finding.said} for finding in each.findings],
        }
        for each in report.checks
    ]
    return {
        "book": report.book,
        "position": report.position,
        "root": report.root.hex(),
        "result": report.verdict,
        "passed": report.passed,
        "first_position": report.first_position,
        "seconds": round(seconds, 3),
        "checks": checks,
    }
