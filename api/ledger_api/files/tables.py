"""Events and postings as tables: CSV for a spreadsheet, Parquet for whoever analyses them.

All is made from the stored bytes. CSV is escaped so that no spreadsheet takes a text for a formula; Parquet
has the texts as they are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from ledger.entries import Journal
from ledger.event import Event
from ledger.log.merkle import leaf_hash

What = Literal["events", "postings"]
Cell = str | int | None


class Stored(NamedTuple):
    """An event as it was read, and the bytes that it was read from."""

    event: Event
    state: bytes


_INTEGER, _TEXT, _DATE, _INSTANT = "BIGINT", "VARCHAR", "DATE", "TIMESTAMPTZ"

COLUMNS: dict[What, dict[str, str]] = {
    "events": {
        "position": _INTEGER, "version": _INTEGER, "type": _TEXT, "source": _TEXT, "id": _TEXT,
        "customer": _TEXT, "invoice": _TEXT, "currency": _TEXT, "amount": _INTEGER, "occurred_at": _INSTANT,
        "recorded_at": _INSTANT, "principal": _TEXT, "causation": _INTEGER, "data": _TEXT, "leaf": _TEXT,
    },
    "postings": {
        "position": _INTEGER, "line": _INTEGER, "type": _TEXT, "account": _TEXT, "customer": _TEXT,
        "invoice": _TEXT, "currency": _TEXT, "amount": _INTEGER, "occurred_on": _DATE,
        "occurred_at": _INSTANT, "recorded_at": _INSTANT,
    },
}  # fmt: skip
"""The columns of each table and their types. Amounts are minor units, debit is positive; `data` is JSON."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def rows_of(
    what: What, events: Iterable[Stored], after: int = 0, journal: Journal | None = None
) -> Iterator[tuple[Cell, ...]]:
    """Make the rows of a table; postings need all events from the first one, those up to `after` left out.

    Whoever makes them bit by bit gives a `journal`, which has read the events before these.
    """
    return _event_rows(events) if what == "events" else _posting_rows(events, after, journal or Journal())


def _event_rows(events: Iterable[Stored]) -> Iterator[tuple[Cell, ...]]:
    for event, state in events:
        invoice, currency, amount = event.data.columns()
        yield (
            event.position, event.version, event.type, event.source, event.id, event.subject, invoice,
            currency, amount, _instant(event.time), _instant(event.recordedtime), event.principal,
            event.causation, _data(state), leaf_hash(state).hex(),
        )  # fmt: skip


def _posting_rows(events: Iterable[Stored], after: int, journal: Journal) -> Iterator[tuple[Cell, ...]]:
    for event, _ in events:
        for entry in journal.entries(event):
            if event.position > after:
                for line, account, amount in entry.postings:
                    yield (
                        event.position, line, event.type, account, event.subject, entry.invoice,
                        entry.currency, amount, entry.occurred_on.isoformat(), _instant(event.time),
                        _instant(event.recordedtime),
                    )  # fmt: skip


def _data(state: bytes) -> str:
    """Cut the data out of the bytes: their keys are sorted, so it stands before decisionsize."""
    return state[state.index(b',"data":') + 8 : state.rindex(b',"decisionsize":')].decode()


def _instant(value: object) -> str:
    return str(msgspec.to_builtins(value))


def csv_of(what: What, rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write a table as CSV (RFC 4180) that a spreadsheet may open, line by line."""
    return table_of(what, (list(map(_harmless, row)) for row in rows))


def _harmless(cell: Cell) -> Cell:
    """Put an apostrophe before a text that a spreadsheet would compute [OWASP, CSV injection]."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class _Returning:
    """A file of which writing gives back what was to be written."""

    def write(self, text: str) -> str:
        return text


def table_of(what: What, rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write a table as CSV for a program, line by line, with the texts as they are."""
    write_row = csv.writer(_Returning()).writerow
    yield str(write_row(COLUMNS[what]))
    for row in rows:
        yield str(write_row(row))
