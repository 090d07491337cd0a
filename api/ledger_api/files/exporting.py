"""The log as a file: the stored bytes of each event, one a line, exactly as they were hashed.

Any number of lines from the front is a valid export, so one that was interrupted goes on where its file ends.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import orjson
import psycopg

from ledger.errors import ConfigurationError, IntegrityError
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


class Exported(NamedTuple):
    """What was written: events and bytes of this run, and the SHA-256 (hex) of the whole file."""

    events: int
    bytes: int
    sha256: str


class Found(NamedTuple):
    """What a file holds already: the last position, and the hash of its bytes so far."""

    position: int
    digest: hashlib._Hash


class _Line(msgspec.Struct):
    position: int


Buffer = bytes | bytearray | memoryview

_read_line = msgspec.json.Decoder(_Line).decode


def head_of(connection: psycopg.Connection, book: str) -> int:
    """Say where the log of a book ends. Raises `ConfigurationError` when there is no such book."""
    row = connection.execute(_SQL["head_of_book"], {"book": book}).fetchone()
    if row is None:
        raise ConfigurationError(f"there is no book {book}")
    return int(row[0])


def export(
    connection: psycopg.Connection,
    span: Span,
    out: BinaryIO,
    digest: hashlib._Hash,
    written: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write events to `out`; `digest` begins with what the file holds already, `written` is told of events.

    The events come as one stream of one statement, so memory stays flat. Raises `IntegrityError` when the log
    does not have them all.
    """
    events = total = 0
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_events"], span._asdict()) as copy:
        for data in _gathered(copy):
            out.write(data)
            digest.update(data)
            lines = data.count(b"\n")
            written(lines)
            events, total = events + lines, total + len(data)
    if events != span.upto - span.after:
        raise IntegrityError(
            f"the log of {span.book} has {events} events behind position {span.after} up to {span.upto}"
        )
    return Exported(events, total, digest.hexdigest())


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


def prepare_resume(path: Path, book: str) -> Found:
    """Cut a file behind its last whole line, and say which position that is (0: the file is empty or new).

    Raises `ConfigurationError` when the file is no export of this book.
    """
    digest = hashlib.sha256()
    if not path.exists():
        return Found(0, digest)
    with path.open("r+b") as file:
        _refuse_other_content(file, book, path)
        end = _end_of_lines(file)
        position = _position_at(file, end, path) if end else 0
        file.truncate(end)
        file.seek(0)
        for chunk in iter(lambda: file.read(_WRITE_BYTES), b""):
            digest.update(chunk)
    return Found(position, digest)


def _refuse_other_content(file: BinaryIO, book: str, path: Path) -> None:
    """Refuse a file that does not begin like an export: of the sorted keys of an event, book is the first."""
    begins = b'{"book":' + orjson.dumps(book) + b","
    found = file.read(len(begins))
    if found != begins[: len(found)]:
        raise ConfigurationError(f"{path} is no export of the book {book}; nothing was changed in it")


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


def _position_at(file: BinaryIO, end: int, path: Path) -> int:
    """Read the position of the last line, which ends at `end`."""
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
    try:
        return _read_line(file.read(end - start)).position
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no export of a log: its last line is none: {error}") from error
