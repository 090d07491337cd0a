"""A mapping file: how the rows of a CSV file become messages, written down in TOML.

    row = "{customerID}"                # names the row: every key of a message made from it begins with this
    source = "crm"

    [csv]                                   # optional: how the file is written
    delimiter = ";"
    encoding = "utf-8-sig"

    [[message]]                             # one for each message that a row leads to, in this order
    type = "charge.posted"
    subject = "{customerID}"                # {column} stands for the cell of that column; {{ }} for braces
    time = { column = "Date", as = "instant", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
    skip_when_empty = ["Amount"]            # no such message from rows where one of these cells is empty

    [message.data]                          # as the message's type asks for it
    charge = "{row}"
    currency = "EUR"
    net = { column = "Amount", as = "minor", currency = "EUR" }      # "12.5" becomes 1250, exactly
    service = { column = "Kind", values = { A = "line", B = "data" } }

A value is a constant, a text with columns in braces, a list, a table of values, or a table with `column` (or
`text`) and what to make of it: `as` (text, integer, decimal, minor, date, instant), `values` (a look-up,
applied first), `optional = true` (an empty cell leaves the field out). Numbers are never floats, so nothing
is rounded.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple, cast

from ledger_api.client import message
from ledger_api.files.mapping_values import (
    Cells,
    Make,
    MappingError,
    RowError,
    cell_of,
    read_object,
    read_template,
    read_value,
    refuse_unknown,
    table_of,
    text_of,
)


class Mapped(NamedTuple):
    """One message made from a row: its customer (None: the book's), and the message as JSON."""

    customer: str | None
    raw: bytes


class _Plan(NamedTuple):
    type: str
    id: Make
    source: Make
    subject: Make | None
    time: Make
    data: Make
    required: tuple[str, ...]


class RowMapping:
    """A mapping file, read and checked once; `messages` then follows it row by row."""

    def __init__(self, document: Mapping[str, object]) -> None:
        refuse_unknown(document, {"row", "source", "csv", "message"}, "the mapping")
        options = table_of(document.get("csv", {}), "[csv]")
        refuse_unknown(options, {"delimiter", "encoding", "quotechar"}, "[csv]")
        self.encoding = text_of(options.get("encoding", "utf-8-sig"), "[csv] encoding")
        self._delimiter = text_of(options.get("delimiter", ","), "[csv] delimiter")
        self._quote = text_of(options.get("quotechar", '"'), "[csv] quotechar")
        self._row = read_template(text_of(document.get("row"), "row"), "row")
        plans = document.get("message")
        if not isinstance(plans, list) or not plans:
            raise MappingError("the mapping has no [[message]]: it says nothing about what a row leads to")
        source = document.get("source")
        self._plans = [_plan(table_of(plan, "[[message]]"), source) for plan in plans]

    @classmethod
    def read(cls, path: Path) -> RowMapping:
        """Read a mapping file, or raise `MappingError`."""
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise MappingError(f"{path}: {error}") from error

    def rows(self, lines: IO[str]) -> Iterator[tuple[int, Cells | RowError]]:
        """Read the rows of a CSV file with a heading, each with the number of its last line, from 1."""
        reader = csv.reader(lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)
        heading: list[str] | None = None
        try:
            for cells in reader:
                if heading is None:
                    heading = cells
                elif len(cells) == len(heading):
                    yield reader.line_num, dict(zip(heading, cells, strict=True))
                elif cells:
                    wrong = f"{len(cells)} cells under a heading of {len(heading)}"
                    yield reader.line_num, RowError(wrong)
        except csv.Error as error:
            raise MappingError(f"line {reader.line_num}: {error}") from error

    def messages(self, cells: Cells) -> list[Mapped]:
        """Make the messages of one row, or raise `RowError` naming what is wrong with it."""
        cells = {**cells, "row": cast(str, self._row(cells))}
        wanted = (plan for plan in self._plans if all(cell_of(cells, column) for column in plan.required))
        return [_made(plan, cells) for plan in wanted]


def _made(plan: _Plan, cells: Cells) -> Mapped:
    subject = None if plan.subject is None else cast(str | None, plan.subject(cells))
    raw = message(
        plan.type,
        id_=cast(str, plan.id(cells)),
        source=cast(str, plan.source(cells)),
        time_=cast(str, plan.time(cells)),
        subject=subject,
        data=cast(dict[str, object], plan.data(cells)),
    )
    return Mapped(subject, raw)


def _plan(plan: Mapping[str, object], source: object) -> _Plan:
    refuse_unknown(
        plan, {"type", "id", "source", "subject", "time", "data", "skip_when_empty"}, "[[message]]"
    )
    type_ = text_of(plan.get("type"), "[[message]] type")
    required = plan.get("skip_when_empty", [])
    if not isinstance(required, list):
        raise MappingError(f"{type_} skip_when_empty is no list of columns")
    return _Plan(
        type=type_,
        id=read_value(plan.get("id", "{row}/" + type_), f"{type_} id"),
        source=read_value(text_of(plan.get("source", source), f"{type_} source"), f"{type_} source"),
        subject=read_value(plan["subject"], f"{type_} subject") if "subject" in plan else None,
        time=read_value(plan.get("time"), f"{type_} time"),
        data=read_object(table_of(plan.get("data", {}), f"{type_} data"), f"{type_} data"),
        required=tuple(text_of(column, f"{type_} skip_when_empty") for column in required),
    )
