"""Exports in other forms than the log's own lines, from the database or from a file of those lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast, get_args

import msgspec
import psycopg

from ledger.decider import read_event
from ledger.errors import ConfigurationError, IntegrityError, LedgerError
from ledger_api.files.exporting import Span, stored_events
from ledger_api.files.journals import Balances, Clock, Program, Wanted, journal_of
from ledger_api.files.tables import Stored, What, csv_of, rows_of, write_parquet

Format = Literal["csv", "parquet", "hledger", "ledger", "beancount"]

JOURNALS: frozenset[str] = frozenset(get_args(Program))
"""The formats that are journals."""
Target = Path | BinaryIO
"""A file to be written, or one that is open."""

_TOLD_EVENTS = 1_000
"""Events after which whoever watches is told of them."""
_PIECES = 4_096
"""Lines of a table, or entries of a journal, that are written at once."""


class Order(NamedTuple):
    """What to export: events behind `after` up to `upto`, as which rows, in which form, by which clock."""

    book: str
    after: int
    upto: int
    format: Format
    what: What
    clock: Clock


def format_of(name: str) -> Format:
    """Tell the format of a name. Raises `ConfigurationError` when there is none."""
    for each in get_args(Format):
        if name == each:
            return cast(Format, each)
    raise ConfigurationError(f"there is no format {name}")


def what_of(format_: Format, asked: What | None) -> What:
    """Tell what a format has rows of. Raises `ConfigurationError` when it cannot have those asked for."""
    if format_ in JOURNALS:
        if asked == "events":
            raise ConfigurationError(f"a journal for {format_} has postings, it cannot have events")
        return "postings"
    return asked or "events"


def export_from_log(
    connection: psycopg.Connection, order: Order, target: Target, advance: Callable[[int], None]
) -> str:
    """Export from the database, a journal with the read models' balances; tells its SHA-256 (hex).

    Raises `IntegrityError` when bytes are no event or are missing, `ConfigurationError` when the read models
    are not as far as the journal.
    """
    first = 0 if order.what == "postings" else order.after
    balances = None
    if order.format in JOURNALS:
        balances = Balances(connection, order.book, order.upto, order.clock)
    states = stored_events(connection, Span(order.book, first, order.upto))
    return _export(order, _read(states, first, advance), balances, target)


def export_from_file(
    lines: Iterable[bytes], order: Order, target: Target, advance: Callable[[int], None]
) -> str:
    """Export from a file of the log's own lines from the first on; nothing is there to hold it to."""
    first = 0 if order.what == "postings" else order.after
    states = islice((line.rstrip(b"\n") for line in lines), order.upto)
    events = (each for each in _read(states, 0, advance) if each.event.position > first)
    return _export(order, events, None, target)


def _read(states: Iterable[bytes], after: int, advance: Callable[[int], None]) -> Iterator[Stored]:
    """Read events, which have to follow each other."""
    position = after
    for state in states:
        position += 1
        try:
            event = read_event(state)
        except (LedgerError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise IntegrityError(f"the bytes at position {position} are no event: {error}") from error
        if event.position != position:
            raise IntegrityError(f"the bytes at position {position} are of position {event.position}")
        yield Stored(event, state)
        if position % _TOLD_EVENTS == 0:
            advance(_TOLD_EVENTS)
    advance((position - after) % _TOLD_EVENTS)


def _export(order: Order, events: Iterable[Stored], balances: Balances | None, target: Target) -> str:
    if order.format == "parquet":
        if not isinstance(target, Path):
            raise ConfigurationError("Parquet is written to a file: name one")
        write_parquet(target, order.what, rows_of(order.what, events, order.after))
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if order.format == "csv":
        text = csv_of(order.what, rows_of(order.what, events, order.after))
    else:
        wanted = Wanted(order.book, order.format, order.clock)
        text = journal_of(wanted, (each.event for each in events), balances)
    if isinstance(target, Path):
        with target.open("wb") as out:
            return _write(text, out)
    return _write(text, target)


def _write(text: Iterator[str], out: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := "".join(islice(text, _PIECES)).encode():
        digest.update(piece)
        out.write(piece)
    return digest.hexdigest()
