"""Snapshots: what the writer would go on from is the state that the events come to at that version."""

from __future__ import annotations

from typing import NamedTuple

from ledger.log import snapshots
from ledger.state import Replayed
from ledger.verify.findings import Finding
from ledger.verify.leaves import SQL, Connection


class Kept(NamedTuple):
    """A snapshot as it is stored."""

    stream: str
    version: int
    state: bytes

    def held_to(self, customer: Replayed | None) -> Finding | None:
        """Compare it with a customer folded up to its version; None when all is well."""
        if customer is not None and snapshots.holds(self.state, customer.packed()):
            return None
        return Finding(
            f"the snapshot of {self.stream} at version {self.version} is not what its events come to"
        )


def kept_between(connection: Connection, values: dict[str, object]) -> dict[str, Kept]:
    """Read the snapshots of a share of the streams, by stream."""
    rows = connection.execute(
        SQL["snapshots_between"], {**values, "program": snapshots.program()}, binary=True
    )
    return {row[0]: Kept(*row) for row in rows}


def of_nothing(connection: Connection, book: str) -> list[Finding]:
    """Find snapshots of a version that the log does not have."""
    rows = connection.execute(SQL["snapshots_of_nothing"], {"book": book, "program": snapshots.program()})
    return [
        Finding(f"there is a snapshot of {stream} at version {version}, which the log does not have")
        for stream, version in rows
    ]
