"""Numbers of invoices and credit notes: taken in the order of the log, and without gaps in each series.

A range of the log knows the numbers before it only when all ranges are put together. So it holds all but the
first of each series to the one before, and leaves the first for then.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ledger import invariants
from ledger.decider import UNREADABLE
from ledger.verify.findings import FINDINGS_MAX, Finding, Part, part


class _Number(msgspec.Struct, frozen=True):
    series: str | None = None
    sequence: int | None = None


class Numbered(msgspec.Struct, frozen=True):
    """Of an event that takes a number of a series: its place, and the number."""

    position: int
    data: _Number


_decode = msgspec.json.Decoder(Numbered).decode


class Taken(msgspec.Struct, frozen=True):
    """The numbers that a range takes: what is wrong among them, and of each series the first and the last."""

    part: Part
    first: list[Numbered]
    last: dict[str, int]


class Taking:
    """Takes the numbers of one range, event by event in the order of positions."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._count = 0
        self._first: dict[str, Numbered] = {}
        self._last: dict[str, int] = {}

    def take(self, state: bytes) -> None:
        """Take the number of an event, by its stored bytes."""
        self._count += 1
        try:
            event = _decode(state)
        except UNREADABLE as error:
            self._findings.append(Finding(f"an event that takes a number cannot be read: {error}"))
            return
        said = invariants.gap(event, self._last)
        series = event.data.series
        if series is not None and series not in self._first:
            self._first[series] = event
        elif said is not None:
            self._findings.append(_finding(said))

    def finish(self) -> Taken:
        """Tell what was taken."""
        return Taken(part(self._count, self._findings), list(self._first.values()), self._last)


def put_together(ranges: Iterable[Taken]) -> Part:
    """Hold the numbers of all ranges, in order, to their series."""
    findings: list[Finding] = []
    last: dict[str, int] = {}
    count = unnamed = 0
    for taken in ranges:
        gaps = [invariants.gap(event, last) for event in taken.first]
        findings += [_finding(said) for said in gaps if said is not None]
        findings += taken.part.findings
        unnamed += taken.part.found - len(taken.part.findings)
        last |= taken.last
        count += taken.part.count
    return Part(count, findings[:FINDINGS_MAX], len(findings) + unnamed)


def _finding(said: str) -> Finding:
    return Finding(f"{invariants.numbers_have_no_gaps.__name__}: {said}")
