"""A log out of its lines: the events of an export, in an empty book again, byte for byte as recorded.

All or nothing, in one transaction that holds the head of the book like any append does: a log that is there
in part would look like a whole one. Nothing is decided anew. Each line is held to what it says of itself and
to the lines before it, so that what comes out is a log that the writer could have written by now; that it is
the one which it did write, only a checkpoint that was kept outside can show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

from ledger.decider import UNREADABLE, read_event
from ledger.errors import ConfigurationError, IntegrityError
from ledger.event import LEDGER, Event
from ledger.log import merkle, store
from ledger.tlog.checkpoint import Checkpoint
from ledger.verify.offline import verify_file
from ledger.verify.rows import check_streams

_TOLD_LINES = 1_000
"""Lines after which whoever watches is told of them."""


class Imported(NamedTuple):
    """What a log has now: its events, and the root over them."""

    events: int
    root: bytes


def import_log(
    conn: psycopg.Connection,
    book: str,
    lines: Iterable[bytes],
    outside: Sequence[Checkpoint] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Append the lines of an exported log, with their line ends, to a book that is empty.

    `outside` are checkpoints that were kept elsewhere: the lines have to extend each of them. Raises
    `ConfigurationError` when the book has events already, and `IntegrityError`, naming the line, when the
    lines are not a log's; then nothing was changed.
    """
    try:
        with conn.transaction():
            head, _ = store.lock(conn, book, ())
            refuse_used(conn, book)
            log = LogLines(book, outside, head.recorded_at)
            with store.copying(conn) as write:
                for line in lines:
                    write(log.read(line))
                    if log.tree.size % _TOLD_LINES == 0:
                        advance(_TOLD_LINES)
            imported = log.finish()
            _refuse_broken_streams(conn, book, imported.events)
            frontier, recorded = log.tree.frontier, log.last.recordedtime
            store.move_head(conn, book, store.Head(imported.events, frontier, recorded))
    except (psycopg.IntegrityError, psycopg.DataError, OverflowError) as error:
        raise IntegrityError(f"the log does not take the lines in: {error}") from error
    advance(imported.events % _TOLD_LINES)
    return imported


def refuse_used(conn: psycopg.Connection, book: str) -> None:
    """Refuse a book that has events already, with `ConfigurationError`."""
    if position := store.position_of(conn, book):
        raise ConfigurationError(
            f"the book {book} has {position} events: a log is imported into an empty book only"
        )


def refuse_wrong(path: Path, advance: Callable[[int], None] = lambda _: None) -> None:
    """Verify a file before anything of it is stored: what is wrong in a log stays there for ever.

    Raises `IntegrityError` with the first thing that is wrong, `ConfigurationError` when the file is empty.
    """
    wrong = [each for each in verify_file(path, advance=advance).checks if each.found]
    if wrong:
        found = sum(each.found for each in wrong)
        raise IntegrityError(
            f"{wrong[0].name}: {wrong[0].findings[0].said} ({found} wrong: verify --offline lists them); "
            "nothing was stored"
        )


def _refuse_broken_streams(conn: psycopg.Connection, book: str, upto: int) -> None:
    for finding in check_streams(conn, book, upto).findings:
        raise IntegrityError(f"line {finding.position}: {finding.said}")


class LogLines:
    """What was read so far of the lines of a book's log, and the tree over it.

    `outside` are checkpoints that were kept elsewhere, which the lines have to extend. `now` is the ledger's
    clock, where it is known: whatever is recorded behind a line is recorded later than it, so that one from
    the future would take the clock of its book along.
    """

    def __init__(self, book: str, outside: Sequence[Checkpoint] = (), now: datetime | None = None) -> None:
        self._book = book
        self._now = now
        self._outside: dict[int, set[bytes]] = {}
        """The roots that checkpoints name, by their sizes, as far as they were not compared yet."""
        for each in outside:
            self._outside.setdefault(each.size, set()).add(each.root)
        self._decision: Event | None = None
        """The first event of the decision that the last line belongs to."""
        self._last: Event | None = None
        self.tree = merkle.Growing()

    @property
    def last(self) -> Event:
        """The last event."""
        if self._last is None:
            raise IntegrityError("there are no lines: an exported log begins with book.opened")
        return self._last

    def read(self, line: bytes) -> store.Row:
        """Make the row that a line was exported from, or raise `IntegrityError`."""
        number = self.tree.size + 1
        state = line.removesuffix(b"\n")
        if len(state) == len(line):
            raise IntegrityError(f"line {number} has no end: the file was cut off there")
        try:
            event = read_event(state)
        except UNREADABLE as error:
            raise IntegrityError(f"line {number} is no event that was recorded: {error}") from error
        row = store.row_of(event)
        if row.state != state:
            raise IntegrityError(f"line {number} is not as it was recorded: its JSON is not canonical")
        for said in (self._misplaced(event, number), self._mistimed(event), self._misdecided(event)):
            if said is not None:
                raise IntegrityError(f"line {number} {said}")
        self._last = event
        self.tree.add(row.leaf)
        self._compare(number)
        return row

    def _misplaced(self, event: Event, number: int) -> str | None:
        """Say why an event cannot stand where it does."""
        if event.book != self._book:
            return f"is of the book {event.book}, not of {self._book}"
        if event.position != number:
            return f"holds position {event.position}"
        if (event.type == "book.opened") is not (number == 1):
            return f"is {event.type}: a log begins with book.opened, and has one"
        if not 0 < event.version <= number:
            return f"has version {event.version}"
        return None

    def _mistimed(self, event: Event) -> str | None:
        """Say why an event cannot have been recorded when it says."""
        if self._last is not None and event.recordedtime < self._last.recordedtime:
            return f"was recorded {event.recordedtime}, before the line before it"
        if self._now is not None and event.recordedtime > self._now:
            return f"was recorded {event.recordedtime}, in the future: the ledger's clock says {self._now}"
        return None

    def _misdecided(self, event: Event) -> str | None:
        """Say why an event cannot be of the decision that it names; each stands together, and whole."""
        first = self._decision
        if first is None or event.position == first.position + first.decisionsize:
            self._decision = event
            if event.causation == event.position and event.decisionsize > 0:
                return None
            return f"names position {event.causation} as its cause, and should be the first of its decision"
        expected = (first.position, first.decisionsize, first.subject, LEDGER, str(event.position))
        if (event.causation, event.decisionsize, event.subject, event.source, event.id) != expected:
            return f"does not belong to the {first.decisionsize} events of position {first.position}"
        return None

    def _compare(self, size: int) -> None:
        """Hold the tree to the checkpoints of its size, if there are any."""
        for root in self._outside.pop(size, ()):
            if root != self.tree.root:
                raise IntegrityError(
                    f"the checkpoint at {size} has the root {root.hex()}, "
                    f"the lines come to {self.tree.root.hex()}"
                )

    def finish(self) -> Imported:
        """Tell what was read, or raise `IntegrityError` when something is missing at the end."""
        first, size = self._decision, self.tree.size
        if first is not None and self.last.position != first.position + first.decisionsize - 1:
            raise IntegrityError(
                f"the decision at position {first.position} has {first.decisionsize} events, "
                f"the lines end at {size}"
            )
        for each in filter(None, self._outside):
            raise IntegrityError(f"the checkpoint at {each} is behind the last line, {size}")
        return Imported(self.last.position, self.tree.root)
