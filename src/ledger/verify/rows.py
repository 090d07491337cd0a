"""Rows: every typed column from the stored bytes, and the bytes from what they say."""

from __future__ import annotations

import msgspec

from ledger.decider import read_event
from ledger.errors import IntegrityError
from ledger.event import Event
from ledger.log.store import COPY_TYPES, Row, row_of
from ledger.verify.findings import Finding, Part, part
from ledger.verify.leaves import SQL, Connection, stream


def check_rows_of_nobody(connection: Connection, book: str, upto: int, since: int) -> Part:
    """Compare each row that belongs to no customer with the one that its bytes would be appended as."""
    findings: list[Finding] = []
    count = 0
    values = {"book": book, "upto": upto, "since": since}
    for columns in stream(connection, "rows_of_nobody", COPY_TYPES, **values):
        read(Row(*columns), findings)
        count += 1
    return part(count, findings)


def read(row: Row, findings: list[Finding]) -> Event | None:
    """Read the event of a row, and add what its columns deny; None when the bytes are no event."""
    try:
        event = read_event(row.state)
    except (IntegrityError, msgspec.MsgspecError) as error:
        findings.append(Finding(f"the bytes at position {row.position} are no event: {error}", row.position))
        return None
    expected = row_of(event)
    if expected != row:
        findings.append(Finding(_said(row, expected), row.position))
    return event


def _said(row: Row, expected: Row) -> str:
    parts = [
        f"column {name} is {_shown(stored)}, the bytes say {_shown(said)}"
        for name, stored, said in zip(Row._fields, row, expected, strict=True)
        if stored != said
    ]
    return f"position {row.position}: {'; '.join(parts)}"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) == 32 else f"{value[:80]!r}{'…' if len(value) > 80 else ''}"
    return repr(value) if isinstance(value, str) else str(value)


def check_streams(connection: Connection, book: str, upto: int) -> Part:
    """Find streams whose versions have gaps or do not follow their positions."""
    findings = [
        Finding(f"stream {name} has {count} events and versions up to {last}", first)
        for name, first, count, last in connection.execute(
            SQL["broken_streams"], {"book": book, "upto": upto}
        )
    ]
    return part(upto, findings)
