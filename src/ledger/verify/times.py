"""Recorded times: in the order of the log they never go back, and none is ahead of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from ledger.verify.findings import Finding

AHEAD_MAX = timedelta(minutes=1)
"""How much later than now an event may have been recorded: so far, clocks of two machines may be apart."""


class Recorded(msgspec.Struct, frozen=True):
    """When the first event of a range was recorded, at which position that is, and when the last one was."""

    position: int
    first: datetime
    last: datetime


class Order:
    """Takes times in the order of the log, by event or by range, and holds each to the one before."""

    def __init__(self) -> None:
        self._position = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self.findings: list[Finding] = []

    def take(self, position: int, at: datetime) -> None:
        """Take when the next event was recorded."""
        if self._last is None:
            self._position, self._first = position, at
        elif at < self._last:
            self.findings.append(turned_back(position, at))
        self._last = at

    def add(self, recorded: Recorded | None) -> None:
        """Take the next range, within which all was looked at; None is one without events."""
        if recorded is not None:
            self.take(recorded.position, recorded.first)
            self._last = recorded.last

    def finish(self) -> Recorded | None:
        """Tell what was taken, None when nothing was."""
        if self._first is None or self._last is None:
            return None
        return Recorded(self._position, self._first, self._last)


def turned_back(position: int, at: datetime) -> Finding:
    """Say that an event was recorded before the one before it."""
    return Finding(f"position {position} was recorded {at}, before the one before it", position)


def ahead(position: int, at: datetime | str, now: datetime | str) -> Finding:
    """Say that an event was recorded later than now."""
    return Finding(f"position {position} was recorded {at}, in the future: the clock says {now}", position)
