"""Exports in other forms than the log's own lines, from the database or from a file of those lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

import psycopg

from ledger.decider import UNREADABLE, read_event
from ledger.errors import ConfigurationError, IntegrityError
from ledger.log.importing import LogLines
from ledger_api.files.exporting import Span, stored_events
from ledger_api.files.journals import Balances, Clock, Program, Wanted, journal_of
from ledger_api.files.parquet import Table, write_parquet
from ledger_api.files.tables import Stored, What, csv_of, rows_of
from ledger_api.files.target import Target, behind, is_plain, opened

Format = Literal["csv", "parquet", "hledger", "ledger", "beancount"]

JOURNALS: frozenset[str] = frozenset(get_args(Program))
"""The formats that are journals."""

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

    def within(self, span: Span) -> Order:
        """Tell the same order for the events of a span."""
        return self._replace(after=span.after, upto=span.upto)


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
    are not as far as the journal, or what is there to be resumed is of another export.
    """
    first = 0 if order.what == "postings" else order.after
    balances = None
    if order.format in JOURNALS:
        balances = Balances(connection, order.book, order.upto, order.clock)
    states = stored_events(connection, Span(order.book, first, order.upto))
    return _export(order, _told(_read(states, first), advance), balances, target)


def export_from_file(
    lines: Iterable[bytes], order: Order, target: Target, advance: Callable[[int], None]
) -> str:
    """Export from a file of the log's own lines from the first on, each held to those before it.

    Raises `IntegrityError`, naming the line, when they are not those of a log of this book.
    """
    first = 0 if order.what == "postings" else order.after
    events = (each for each in _told(_held(lines, order), advance) if each.event.position > first)
    return _export(order, events, None, target)


def _read(states: Iterable[bytes], after: int) -> Iterator[Stored]:
    """Read events, which have to follow each other."""
    for position, state in enumerate(states, after + 1):
        try:
            event = read_event(state)
        except UNREADABLE as error:
            raise IntegrityError(f"the bytes at position {position} are no event: {error}") from error
        if event.position != position:
            raise IntegrityError(f"the bytes at position {position} are of position {event.position}")
        yield Stored(event, state)


def _held(lines: Iterable[bytes], order: Order) -> Iterator[Stored]:
    """Read the lines of a log as far as they are wanted; its end counts when they are wanted up to there."""
    log, rest = LogLines(order.book), iter(lines)
    for line in islice(rest, order.upto):
        row = log.read(line)
        yield Stored(log.last, row.state)
    if next(rest, None) is None:
        log.finish()


def _told(events: Iterable[Stored], advance: Callable[[int], None]) -> Iterator[Stored]:
    """Tell whoever watches of the events that pass."""
    number = 0
    for number, each in enumerate(events, 1):
        yield each
        if number % _TOLD_EVENTS == 0:
            advance(_TOLD_EVENTS)
    advance(number % _TOLD_EVENTS)


def _export(order: Order, events: Iterable[Stored], balances: Balances | None, target: Target) -> str:
    if order.format == "parquet":
        return _export_parquet(order, events, target)
    if order.format == "csv":
        text = csv_of(order.what, rows_of(order.what, events, order.after))
    else:
        wanted = Wanted(order.book, order.format, order.clock)
        text = journal_of(wanted, (each.event for each in events), balances)
    digest = hashlib.sha256()
    pieces = _pieces(text, digest.update)
    with opened(target) as out:
        for piece in behind(pieces, out) if target.resume else pieces:
            out.write(piece)
    return digest.hexdigest()


def _pieces(text: Iterator[str], passing: Callable[[bytes], None]) -> Iterator[bytes]:
    """Put lines together into few large pieces, and show each to `passing`."""
    while piece := "".join(islice(text, _PIECES)).encode():
        passing(piece)
        yield piece


def _export_parquet(order: Order, events: Iterable[Stored], target: Target) -> str:
    if target.file is None or not is_plain(target.file):
        raise ConfigurationError("Parquet is written to a file: name one")
    with opened(Target(target.file)) as out:
        path = Path(out.name)
        write_parquet(path, Table(order.what, order.after), events, resume=target.resume)
        with path.open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest()
