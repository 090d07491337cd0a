"""The reports as a fold in Python over the events; it shares nothing with the SQL that is held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ledger.event import Event, encode_canonical
from ledger.money import split

ZONE = ZoneInfo("Europe/Berlin")
Key = tuple[str, ...]
AGES = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "days_over_90")


class Reports:
    """What is reported of the events up to a position that occurred by a day."""

    def __init__(self, events: Iterable[Event], upto: int, day: date) -> None:
        self.day = day
        self._due: dict[str, tuple[str, str, date]] = {}
        self._receivable: Counter[str] = Counter()
        self._disputed: Counter[str] = Counter()
        self.revenue: Counter[Key] = Counter()
        self.tax: Counter[Key] = Counter()
        self._invoices: dict[str, Any] = {}
        for event in events:
            if event.position <= upto and event.subject is not None:
                self._take(
                    event,
                    msgspec.json.decode(encode_canonical(event.data)),
                    event.time.astimezone(ZONE).date(),
                )

    @property
    def aging(self) -> dict[Key, Counter[str]]:
        """By customer and currency, what is due in each age; what is disputed apart."""
        found: dict[Key, Counter[str]] = {}
        for number, (customer, currency, due_on) in self._due.items():
            ages = found.setdefault((customer, currency), Counter())
            ages[_age((self.day - due_on).days)] += self._receivable[number]
            ages["disputed"] += self._disputed[number]
        return {key: +ages for key, ages in found.items() if any(ages.values())}

    def _take(self, event: Event, data: dict[str, Any], on: date) -> None:
        if event.type in ("charge.posted", "charge.reversed"):
            self._earn(data, event.data.columns().amount or 0, on, 1 if event.type == "charge.posted" else -1)
        if event.type == "invoice.issued":
            self._invoices[data["invoice"]] = data
            issued = event.data
            self._due[data["invoice"]] = (event.subject or "", data["currency"], issued.due_on)  # type: ignore[attr-defined]
        if on > self.day:
            return
        for account, amount in _moves(event.type, data):
            (self._receivable if account == "receivable" else self._disputed)[data["invoice"]] += amount
        for service, kind, amount in self._lowered(event.type, data):
            self.revenue[_month(on), service, data["currency"], kind] += amount
        for kind, sign, taxes in self._taxes(event.type, data):
            for tax in taxes:
                key = _month(on), tax["category"], tax["rate"], data["currency"], kind
                self.tax[(*key, "base")] += sign * tax["base"]
                self.tax[(*key, "tax")] += sign * tax["tax"]

    def _earn(self, data: dict[str, Any], net: int, on: date, sign: int) -> None:
        for at, amount in _recognised(data.get("period"), net, on):
            if at <= self.day:
                self.revenue[_month(at), data["service"], data["currency"], "recognised"] += sign * amount

    def _lowered(self, type_: str, data: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
        """Discounts and credits, by the services of the invoice's lines."""
        sign = -1 if type_.endswith(".voided") else 1
        if type_ not in ("invoice.issued", "invoice.voided", "credit_note.issued", "credit_note.voided"):
            return
        lines = self._invoices[data["invoice"]]["lines"]
        if type_.startswith("invoice."):
            for line in lines:
                yield line["service"], "discounts", sign * line.get("discount", 0)
        else:
            for line in data["lines"]:
                yield lines[line["line"] - 1]["service"], "credited", sign * line["net"]

    def _taxes(self, type_: str, data: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
        if type_ == "invoice.voided":
            yield "invoiced", -1, self._invoices[data["invoice"]]["taxes"]
        signs = {
            "invoice.issued": ("invoiced", 1),
            "credit_note.issued": ("credited", 1),
            "credit_note.voided": ("credited", -1),
            "debt.written_off": ("relieved", 1),
            "debt.recovered": ("relieved", -1),
        }
        if type_ in signs:
            yield (*signs[type_], data.get("taxes", ()))


def _moves(type_: str, data: dict[str, Any]) -> list[tuple[str, int]]:
    """What docs/domain.md, Entries, posts to receivable and disputed."""
    amount = data.get("amount", 0)
    to_receivable, to_disputed = data.get("to_receivable", 0), data.get("to_disputed", 0)
    held, released = data.get("held", 0), data.get("released", 0)
    return {
        "invoice.issued": [("receivable", amount)],
        "invoice.voided": [("receivable", -amount)],
        "allocation.made": [("receivable", -amount)],
        "allocation.undone": [("receivable", amount)],
        "credit_note.issued": [("receivable", -to_receivable), ("disputed", -to_disputed)],
        "credit_note.voided": [("receivable", to_receivable), ("disputed", to_disputed)],
        "debt.written_off": [("receivable", -amount)],
        "debt.recovered": [("receivable", amount)],
        "dispute.opened": [("receivable", -held), ("disputed", held)] if held else [],
        "dispute.resolved": [("receivable", released), ("disputed", -released)] if released else [],
    }.get(type_, [])


def _age(days: int) -> str:
    return AGES[min(4, (max(days, 0) + 29) // 30)]


def _month(day: date) -> str:
    return day.replace(day=1).isoformat()


def _recognised(period: dict[str, str] | None, net: int, on: date) -> Iterator[tuple[date, int]]:
    """Earn at once; or over the days of a period, in one part for each month."""
    if period is None:
        yield on, net
        return
    days = Counter[tuple[int, int]]()
    day, last = date.fromisoformat(period["from"]), date.fromisoformat(period["to"])
    ends: dict[tuple[int, int], date] = {}
    while day <= last:
        days[day.year, day.month] += 1
        ends[day.year, day.month] = day
        day += timedelta(days=1)
    yield from zip(ends.values(), split(net, list(days.values())), strict=True)
