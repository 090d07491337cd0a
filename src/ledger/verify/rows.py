"""The second pass: every typed column from the stored bytes, and the bytes from what they say."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.decider import read_event
from ledger.errors import IntegrityError
from ledger.log.store import COPY_TYPES, Row, row_of
from ledger.verify.findings import Finding, Part, part
from ledger.verify.leaves import SQL, Connection, stream


def check_rows(connection: Connection, book: str, after: int, upto: int) -> Part:
    """Compare each row with the one that its bytes would be appended as."""
    findings: list[Finding] = []
    recorded: datetime | None = None
    count = 0
    for values in stream(connection, "rows", COPY_TYPES, book=book, after=after, upto=upto):
        row = Row(*values)
        count += 1
        said = _wrong(row)
        if said is not None:
            findings.append(Finding(said, row.position))
        if recorded is not None and row.recorded_at < recorded:
            before = f"position {row.position} was recorded {row.recorded_at}, before the one before it"
            findings.append(Finding(before, row.position))
        recorded = row.recorded_at
    return part(count, findings)


def _wrong(row: Row) -> str | None:
    """Say what of a row its bytes deny, None when nothing."""
    try:
        expected = row_of(read_event(row.state))
    except (IntegrityError, msgspec.MsgspecError) as error:
        return f"the bytes at position {row.position} are no event: {error}"
    if expected == row:
        return None
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
