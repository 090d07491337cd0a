"""The access log of a book: every hash from the stored bytes, and the columns that repeat them."""

from __future__ import annotations

import time

import msgspec

from ledger.access_log import FIRST, SQL, Connection, Entry, next_hash
from ledger.verify.findings import Check, Finding, check, part

_decode = msgspec.json.Decoder(Entry).decode
COMPARED = "each entry of the access log with the chain of hashes, its columns, and where the log ends"


def check_looks(connection: Connection, book: str) -> Check:
    """Recompute the chain; what does not hold is named by the entry's number."""
    began = time.monotonic()
    findings: list[Finding] = []
    number, before = 0, FIRST
    with connection.transaction(), connection.cursor(name="looks", binary=True) as cursor:
        cursor.execute(SQL["access_rows"], {"book": book})
        for at, looked_at, principal, customer, raw, stored in cursor:
            number += 1
            if at != number:
                findings.append(Finding(f"entry {number} of the access log is missing"))
                number = at
            before = next_hash(before, raw)
            if before != stored:
                findings.append(
                    Finding(f"entry {at} of the access log hashes to {before.hex()}, not {stored.hex()}")
                )
                before = stored  # what follows is held against what is there: one change, one finding
            if (book, at, looked_at, principal, customer) != _said(raw):
                findings.append(Finding(f"the columns of entry {at} of the access log are not what it says"))
    row = connection.execute(SQL["access_end"], {"book": book}, binary=True).fetchone()
    if (number, before) != ((0, FIRST) if row is None else tuple(row)):
        ends = 0 if row is None else row[0]
        findings.append(Finding(f"the access log ends with entry {number}, but {ends} are said to be there"))
    return check("access", COMPARED, "entries", time.monotonic() - began, [part(number, findings)])


def _said(raw: bytes) -> tuple[object, ...] | None:
    """Tell what the columns should hold; None when the bytes are no entry."""
    try:
        entry = _decode(raw)
    except msgspec.DecodeError:
        return None
    return entry.book, entry.number, entry.at, entry.principal, entry.customer
