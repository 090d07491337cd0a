"""The log as a file: the stored bytes of each event, one a line, exactly as they were hashed.

Any number of lines from the front is a valid export, so one that was interrupted goes on where its file ends.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

import msgspec
import orjson
import psycopg

from ledger.errors import ConfigurationError, IntegrityError
from ledger.log import merkle
from ledger.sql import queries

_SQL = queries("ledger_api.files", "exporting.sql")
_WRITE_BYTES = 1 << 20
"""Bytes that are collected before they are hashed and written."""
_TAIL_BYTES = 1 << 16
"""Bytes that are read at a time when looking for the end of a file's last whole line."""


class Span(NamedTuple):
    """Which events: those behind `after` up to `upto`, that one included."""

    book: str
    after: int
    upto: int


class Reach(NamedTuple):
    """Which positions were asked for: from `first` on or behind `after`, up to `to` or else to the end."""

    first: int | None = None
    after: int | None = None
    to: int | None = None

    @property
    def begins(self) -> bool:
        """Whether it was said where to begin."""
        return self.first is not None or self.after is not None

    def of(self, book: str, end: int) -> Span:
        """Tell the events of a log that ends at `end`; there may be none behind `after`, where it is the end.

        Raises `ConfigurationError` when the log does not come that far, or nothing can be meant.
        """
        if self.first is not None and self.after is not None:
            raise ConfigurationError("--from and --after both say where to begin: give one of them")
        after = self.after or 0 if self.first is None else self.first - 1
        least = after if self.first is None else self.first
        if least > end:
            raise ConfigurationError(f"the log of {book} ends at position {end}, it has no {least}")
        if self.to is not None and self.to < least:
            raise ConfigurationError(f"--to {self.to} is before position {least}, where the export begins")
        return Span(book, after, end if self.to is None else min(self.to, end))


class Exported(NamedTuple):
    """What was written: events and bytes of this run; of the whole file its SHA-256 (hex), and the root."""

    events: int
    root: bytes | None
    bytes: int
    sha256: str


class Head(NamedTuple):
    """Where the log of a book ends, and the root over it."""

    position: int
    root: bytes


class Lines:
    """A file of lines as it grows: its hash, and the tree over its lines, which are the log's leaves."""

    def __init__(self, after: int = 0) -> None:
        self.after = after
        """The position before the first line."""
        self._digest = hashlib.sha256()
        self._tree = merkle.Growing()

    def add(self, data: bytes) -> int:
        """Add whole lines; tells how many they are."""
        self._digest.update(data)
        before = self._tree.size
        add = self._tree.add
        for line in data.split(b"\n")[:-1]:
            add(hashlib.sha256(b"\0" + line).digest())
        return self._tree.size - before

    @property
    def position(self) -> int:
        """The position of the last line."""
        return self.after + self._tree.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of all bytes, in hex."""
        return self._digest.hexdigest()

    @property
    def root(self) -> bytes | None:
        """The root over the log as far as the file goes; None when the file does not begin with the log."""
        return None if self.after else self._tree.root


class _Line(msgspec.Struct):
    position: int


Buffer = bytes | bytearray | memoryview

_read_line = msgspec.json.Decoder(_Line).decode


def head_of(connection: psycopg.Connection, book: str) -> Head:
    """Say where the log of a book ends. Raises `ConfigurationError` when there is no such book."""
    row = connection.execute(_SQL["head_of_book"], {"book": book}).fetchone()
    if row is None:
        raise ConfigurationError(f"there is no book {book}")
    return Head(int(row[0]), merkle.root(merkle.unpack(bytes(row[1]))))


def export(
    connection: psycopg.Connection,
    span: Span,
    out: BinaryIO,
    file: Lines,
    written: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write events to `out`; `file` knows what it holds already, `written` is told of events.

    The events come as one stream of one statement, so memory stays flat. Raises `IntegrityError` when the log
    does not have them all.
    """
    events = total = 0
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_events"], span._asdict()) as copy:
        for data in _gathered(copy):
            out.write(data)
            lines = file.add(data)
            written(lines)
            events, total = events + lines, total + len(data)
    if events != span.upto - span.after:
        raise _incomplete(span, events)
    return Exported(events, file.root, total, file.sha256)


def refuse_other_root(book: str, head: Head, file: Lines) -> None:
    """Hold a file that has the whole log to the head's own root; `IntegrityError` when they differ.

    The lines that an earlier run wrote are in the root too: so this also finds those that were changed since.
    """
    if file.position == head.position and file.root not in (None, head.root):
        found = b"" if file.root is None else file.root
        raise IntegrityError(
            f"the lines come to the root {found.hex()}, the head of {book} at {head.position} has "
            f"{head.root.hex()}: the log or the file was changed"
        )


def stored_events(connection: psycopg.Connection, span: Span) -> Iterator[bytes]:
    """Give the stored bytes of events, one after the other. Raises `IntegrityError` when one is missing."""
    events = 0
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_events"], span._asdict()) as copy:
        for block in copy:
            events += 1
            yield bytes(block)[:-1]
    if events != span.upto - span.after:
        raise _incomplete(span, events)


def _incomplete(span: Span, events: int) -> IntegrityError:
    return IntegrityError(
        f"the log of {span.book} has {events} events behind position {span.after} up to {span.upto}"
    )


def _gathered(blocks: Iterable[Buffer]) -> Iterator[bytes]:
    """Gather the driver's blocks, one an event, into few large ones."""
    waiting: list[Buffer] = []
    size = 0
    for block in blocks:
        waiting.append(block)
        size += len(block)
        if size >= _WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def prepare_resume(file: BinaryIO, span: Span) -> Lines:
    """Cut a file behind its last whole line, and read what it holds up to there; it may be empty.

    An empty file begins like the span. Raises `ConfigurationError` when the file is no export of this book,
    positions are missing in it, or it goes beyond the span; then nothing was changed in it.
    """
    _refuse_other_content(file, span.book)
    end = _end_of_lines(file)
    lines = Lines(span.after)
    if end:
        file.seek(0)
        lines = Lines(_position_of(file.readline(), file.name) - 1)
        last = _position_of(_last_line(file, end), file.name)
        file.seek(0)
        for data in _whole_lines(file, end):
            lines.add(data)
        if last != lines.position:
            raise ConfigurationError(
                f"{file.name} ends with position {last} and should with {lines.position}: "
                "lines are missing or more than once in it; nothing was changed in it"
            )
        if last > span.upto:
            raise ConfigurationError(
                f"{file.name} ends with position {last}, behind {span.upto}, where this export ends; "
                "nothing was changed in it"
            )
    file.truncate(end)
    file.seek(end)
    return lines


def _whole_lines(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Read what lies before `end`, which is behind a line, in large pieces that are whole lines."""
    rest = b""
    while more := file.read(min(_WRITE_BYTES, end - file.tell())):
        data = rest + more
        cut = data.rfind(b"\n") + 1
        yield data[:cut]
        rest = data[cut:]


def _refuse_other_content(file: BinaryIO, book: str) -> None:
    """Refuse a file that does not begin like an export: of the sorted keys of an event, book is the first."""
    begins = b'{"book":' + orjson.dumps(book) + b","
    file.seek(0)
    found = file.read(len(begins))
    if found != begins[: len(found)]:
        raise ConfigurationError(f"{file.name} is no export of the book {book}; nothing was changed in it")


def _end_of_lines(file: BinaryIO) -> int:
    """Find the place behind the last line end."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        start = max(0, at - _TAIL_BYTES)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _last_line(file: BinaryIO, end: int) -> bytes:
    """Read the last line, which ends at `end`."""
    start = end - 1
    while start > 0:
        step = max(0, start - _TAIL_BYTES)
        file.seek(step)
        found = file.read(start - step).rfind(b"\n")
        start = step
        if found >= 0:
            start = step + found + 1
            break
    file.seek(start)
    return file.read(end - start)


def _position_of(line: bytes, name: str) -> int:
    try:
        return _read_line(line).position
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name} is no export of a log: a line is none: {error}") from error
