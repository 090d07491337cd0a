"""One customer's month as messages, in the order in which they occur."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from ledger_api.client import message
from ledger_api.demo.people import YEAR


class Month(NamedTuple):
    """A calendar month of the demo's year, numbered from 1."""

    number: int
    first: date
    days: int

    @property
    def name(self) -> str:
        """The month as people write it in file names: 2025-03."""
        return f"{self.first:%Y-%m}"

    @property
    def last(self) -> date:
        """The month's last day."""
        return self.first.replace(day=self.days)

    def day(self, number: int) -> date:
        """Give a day of the month, the last one where the month is shorter."""
        return self.first.replace(day=min(number, self.days))

    def holds(self, day: date) -> bool:
        """Whether a day lies in this month."""
        return self.first <= day <= self.last


def month_of(number: int) -> Month:
    """Give one month of the demo's year."""
    return Month(number, date(YEAR, number, 1), calendar.monthrange(YEAR, number)[1])


class Diary:
    """Collects what one customer and its upstream systems send in a month.

    Every message says the hour it occurs in, so that what follows from another one on the same day comes
    after it.
    """

    def __init__(self, customer: str, month: Month, random: Random) -> None:
        self.month = month
        self._customer = customer
        self._random = random
        self._entries: list[tuple[str, int, bytes]] = []

    def add(self, day: date, hour: int, source: str, type_: str, data: Mapping[str, object]) -> None:
        """Note a message of one of the upstream systems."""
        self.add_about(self._customer, day, hour, source, type_, data)

    def add_about(
        self, customer: str, day: date, hour: int, source: str, type_: str, data: Mapping[str, object]
    ) -> None:
        """Note a message that names another customer: the mistakes of upstream systems."""
        number = len(self._entries)
        time = f"{day}T{hour:02}:{self._random.randrange(60):02}:{self._random.randrange(60):02}Z"
        id_ = f"{self._customer}/{self.month.name}/{number}"
        raw = message(type_, id_=id_, source=source, time_=time, data=data, subject=customer)
        self._entries.append((time, number, raw))

    def name(self, kind: str) -> str:
        """Name something new: a charge, a payment, a dispute."""
        return f"{kind}{self._customer[1:]}-{self.month.first:%y%m}-{len(self._entries)}"

    def messages(self, repeated: float) -> list[bytes]:
        """Give what was noted in the order of its time; this share of it is sent twice, as networks do."""
        in_order: list[bytes] = []
        for _, _, raw in sorted(self._entries):
            in_order += [raw, raw] if self._random.random() < repeated else [raw]
        return in_order


def later(day: date, days: int) -> date:
    """Give the day so many days later."""
    return day + timedelta(days=days)
