"""Rows: every typed column from the stored bytes, and the bytes from what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from psycopg.rows import TupleRow

from ledger.catalogue import EVENT_DECODERS
from ledger.decider import UNREADABLE, read_event
from ledger.event import Event, encode_canonical, encode_canonical_into, stream_of
from ledger.log.store import Row, columns_of
from ledger.verify.findings import Finding, Part, part
from ledger.verify.leaves import SQL, Connection


class Reading:
    """Reads rows, stream by stream; keeps what is wrong with their columns, and with versions."""

    def __init__(self) -> None:
        self.columns: list[Finding] = []
        self.streams: list[Finding] = []
        self.count = 0
        self._encoded = bytearray()

    def events(self, stream: str, rows: Iterable[TupleRow]) -> Iterator[Event]:
        """Give the events of one stream's rows, which come in the order of versions."""
        before, first, place, version = 0, None, 0, 0
        for place, columns in enumerate(rows, 1):
            position, version = columns[1], columns[3]
            if version != place or position < before:
                first = position if first is None else min(position, first)
            before = position
            event = self.read(columns)
            if event is not None:
                yield event
        self.count += place
        if first is not None:
            self.streams.append(_out_of_order(stream, first, place, version))

    def read(self, columns: TupleRow) -> Event | None:
        """Read the event of a row, and keep what its columns deny; None when they are none of its stream.

        `columns` are those of the row without its leaf hash, which is held against the bytes where leaves
        are. Only the data is read from the bytes. The rest is taken from the columns, which repeat all of it,
        and stands only if the whole comes to the very bytes: that compares both without reading what they
        share.
        """
        (
            book, position, stream, version, type_, source, id_, customer, invoice, currency, amount,
            occurred_at, recorded_at, principal, causation, decision_size, state,
        ) = columns  # fmt: skip
        try:
            data = EVENT_DECODERS[type_](state.partition(_DATA)[2].rpartition(_BEHIND_DATA)[0])
        except (KeyError, *UNREADABLE):
            return _compared(columns, self.columns)
        event = Event(
            book=book, causation=causation, data=data, decisionsize=decision_size, id=id_, position=position,
            principal=principal, recordedtime=recorded_at, source=source, specversion="1.0", subject=customer,
            time=occurred_at, type=type_, version=version,
        )  # fmt: skip
        encode_canonical_into(event, self._encoded)
        if (
            self._encoded == state
            and data.repeated() == (invoice, currency, amount)
            and stream_of(customer) == stream
        ):
            return event
        return _compared(columns, self.columns)


_DATA, _BEHIND_DATA = b',"data":', b',"decisionsize":'
"""Where the data begins and ends in an event's bytes: a text cannot hold either, its quotes are escaped."""


def _compared(columns: TupleRow, findings: list[Finding]) -> Event | None:
    """Read the event of a row from its bytes alone, and say what its columns have instead."""
    position, state = columns[1], columns[-1]
    try:
        event = read_event(state)
    except UNREADABLE as error:
        findings.append(Finding(f"the bytes at position {position} are no event: {error}", position))
        return None
    expected = (*columns_of(event), encode_canonical(event))
    if expected != columns:
        findings.append(Finding(_said(position, columns, expected), position))
    return event if event.stream == columns[2] else None


def _said(position: int, columns: TupleRow, expected: tuple[object, ...]) -> str:
    parts = [
        f"column {name} is {_shown(stored)}, the bytes say {_shown(said)}"
        for name, stored, said in zip(Row._fields[:-1], columns, expected, strict=True)
        if stored != said
    ]
    return f"position {position}: {'; '.join(parts)}"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) == 32 else f"{value[:80]!r}{'…' if len(value) > 80 else ''}"
    return repr(value) if isinstance(value, str) else str(value)


def _out_of_order(stream: str, first: int, count: int, last: int) -> Finding:
    said = f"stream {stream} has {count} events and versions up to {last}"
    return Finding(f"{said}: they do not follow each other at position {first}", first)


def check_streams(connection: Connection, book: str, upto: int) -> Part:
    """Find streams whose versions have gaps or do not follow their positions."""
    findings = [
        _out_of_order(name, first, count, last)
        for name, first, count, last in connection.execute(
            SQL["broken_streams"], {"book": book, "upto": upto}
        )
    ]
    return part(upto, findings)
