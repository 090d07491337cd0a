"""Files as messages: lines of CloudEvents, or rows of CSV through a mapping, posted and counted.

Nothing here judges a message. A line that is no message is sent like any other and refused by the ledger
with its reason; only a row from which no message can be made is counted here, as `row_unreadable`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import msgspec

from ledger.decider import OF_BOOK
from ledger_api.client.bulk import Lanes
from ledger_api.files.mapping import RowMapping
from ledger_api.files.mapping_values import MappingError, RowError

ROW_UNREADABLE = "row_unreadable"
"""The code under which rows are counted that the mapping cannot make a message from."""
_PROGRESS_LINES = 1_000
"""Lines after which whoever watches is told of them."""


class Line(NamedTuple):
    """One message of a file: where it stands, from 1; whose it is (None: the book's own); its JSON."""

    number: int
    customer: str | None
    raw: bytes


class Unreadable(NamedTuple):
    """A row from which no message can be made."""

    number: int
    error: RowError


class _Head(msgspec.Struct):
    type: str = ""
    subject: str = ""


_read_head = msgspec.json.Decoder(_Head).decode


def post_file(file: BinaryIO, mapping: RowMapping | None, lanes: Lanes, read: Callable[[int], None]) -> None:
    """Post all that a file holds; `read` is told of every few lines that are behind us.

    Raises `MappingError` when the mapping does not fit the file, `ClientError` when the ledger does not
    answer.
    """
    lines = ndjson_lines(file) if mapping is None else csv_lines(file, mapping)
    told = last = 0
    for line in lines:
        last = line.number
        if isinstance(line, Line):
            lanes.send(line.raw, line.customer, line.number)
        else:
            lanes.refuse(ROW_UNREADABLE, str(line.error), line.number)
        if last - told >= _PROGRESS_LINES:
            read(last - told)
            told = last
    read(last - told)


def count_lines(file: BinaryIO) -> int:
    """Count the lines of a file, a last one without an end too, and go back to its beginning."""
    lines, last = 0, b"\n"
    while chunk := file.read(1 << 20):
        lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    file.seek(0)
    return lines + (last != b"\n")


def ndjson_lines(file: BinaryIO) -> Iterator[Line]:
    """Read messages, one a line; blank lines mean nothing."""
    for number, raw in enumerate(file, 1):
        line = raw.strip()
        if line:
            yield Line(number, customer_of(line), line)


def customer_of(line: bytes) -> str | None:
    """Tell whose message a line is, as far as one can: what is no message belongs to nobody in particular."""
    try:
        head = _read_head(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return None if head.type in OF_BOOK else head.subject


def csv_lines(file: BinaryIO, mapping: RowMapping) -> Iterator[Line | Unreadable]:
    """Make messages of rows; all those of one row, or the error of that row."""
    text = io.TextIOWrapper(file, mapping.encoding, newline="")
    try:
        for number, cells in mapping.rows(text):
            try:
                if isinstance(cells, RowError):
                    raise cells
                yield from [Line(number, made.customer, made.raw) for made in mapping.messages(cells)]
            except RowError as error:
                yield Unreadable(number, error)
    except UnicodeDecodeError as error:
        raise MappingError(f"the file is not written in {mapping.encoding}: {error}") from error
    finally:
        text.detach()
