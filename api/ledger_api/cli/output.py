"""What commands print: JSON for programs, tables for people, progress on standard error meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The option that every command has."""

PROGRESS_LINE_SECONDS = 10
"""How often progress is told, a line each time, where there is no terminal to draw a bar on."""


def print_json(value: object) -> None:
    """Print a value as one JSON document: indented for a person's terminal, on one line for a pipe."""
    import orjson  # noqa: PLC0415 - a command that prints a table does without it

    layout = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    sys.stdout.buffer.write(orjson.dumps(value, option=layout | orjson.OPT_APPEND_NEWLINE, default=str))
    sys.stdout.buffer.flush()


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], *, as_json: bool) -> None:
    """Print rows: as JSON a list of objects, on a terminal a table, in a pipe lines with tabs.

    None is null in JSON and empty elsewhere.
    """
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    texts = [["" if cell is None else _text(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (columns, *texts):
            print("\t".join(line))
        return
    from rich.console import Console  # noqa: PLC0415 - drawing is slow to import
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        numbers = bool(rows) and all(isinstance(row[place], int | None) for row in rows)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for line in texts:
        table.add_row(*line)
    Console().print(table)


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print names and values: as JSON one object, else one line each."""
    if as_json:
        print_json(dict(facts))
        return
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {'' if value is None else _text(value)}")


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


@contextmanager
def progress(what: str, total: int | None, unit: str = "events") -> Iterator[Callable[[int], None]]:
    """Show how far a long piece of work is: gives the function to be told of every `n` more that are done.

    On a terminal a bar with rate and time left; elsewhere a line every few seconds; both on standard error,
    so that standard output stays the command's own. `total` None: it is not known how much there is. Several
    threads may tell it.
    """
    shown = _bar(what, total, unit) if sys.stderr.isatty() else _lines(what, total, unit)
    lock = threading.Lock()
    with shown as advance:

        def advance_alone(more: int) -> None:
            with lock:
                advance(more)

        yield advance_alone


@contextmanager
def _bar(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415 - drawing is slow to import
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True) if total is None else TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn() if total is None else TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task(what, total=total, rate="")
        meter = _Meter()

        def advance(more: int) -> None:
            meter.done += more
            bar.update(task, advance=more, rate=f"{meter.rate:,.0f} {unit}/s")

        yield advance


@contextmanager
def _lines(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    meter = _Meter()
    told = time.monotonic()

    def advance(more: int) -> None:
        nonlocal told
        meter.done += more
        if time.monotonic() - told >= PROGRESS_LINE_SECONDS:
            told = time.monotonic()
            tell()

    def tell() -> None:
        of = "" if total is None else f" of {total:,}"
        left = "" if total is None or not meter.rate else f", {(total - meter.done) / meter.rate:,.0f} s left"
        print(f"{what}: {meter.done:,}{of} {unit}, {meter.rate:,.0f}/s{left}", file=sys.stderr, flush=True)

    yield advance
    tell()


class _Meter:
    """How many are done, and how many a second that is since the beginning."""

    def __init__(self) -> None:
        self.done = 0
        self._began = time.monotonic()

    @property
    def rate(self) -> float:
        return self.done / max(time.monotonic() - self._began, 1e-6)
