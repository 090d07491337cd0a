"""What the model of a customer's money is made of, and how it rounds and splits: docs/domain.md, Money.

Nothing here or in `money.py` imports the ledger: it is a second opinion, written from the page alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from math import floor


class Denied(Exception):  # noqa: N818 - a refusal is no error
    """The model would refuse it, for this rule."""


def rounded(value: Fraction) -> int:
    """Round half away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """Split by largest remainder, ties by place."""
    whole = sum(weights)
    exact = [Fraction(amount * weight, whole) if whole else Fraction(0) for weight in weights]
    parts = [floor(each) for each in exact]
    places = sorted(range(len(exact)), key=lambda place: (parts[place] - exact[place], place))
    for place in places[: amount - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass
class Charge:
    """Something delivered; `place` is "unbilled", "reversed", or the invoice that bills it."""

    name: str
    service: str
    net: int
    currency: str
    category: str
    at: datetime
    supplied: date
    place: str = "unbilled"
    dispute: str | None = None


@dataclass
class Line:
    """One line of an invoice: its net after discounts, and what of it is credited."""

    charge: str
    gross_net: int
    net: int
    category: str
    rate: Fraction
    credited: int = 0

    @property
    def left(self) -> int:
        """What can be credited of it."""
        return self.net - self.credited


@dataclass
class Note:
    """A credit note that lives."""

    invoice: str
    lines: list[tuple[int, int]]
    taxes: dict[tuple[str, Fraction], int]
    to_receivable: int
    to_disputed: int
    to_credit: int
    dispute: str | None


@dataclass
class Invoice:
    """An invoice; what is due of it is `receivable` + `disputed`."""

    number: str
    sequence: int
    currency: str
    at: datetime
    due_on: date
    lines: list[Line]
    discounts: list[tuple[str, int]]
    total: int = 0
    receivable: int = 0
    disputed: int = 0
    written_off: int = 0
    allocated: int = 0
    void: bool = False
    notes: list[str] = field(default_factory=list)
    credited_tax: dict[tuple[str, Fraction], int] = field(default_factory=dict)

    def base(self, group: tuple[str, Fraction], credited: bool = False) -> int:
        """Sum a tax group's nets, or what is credited of them."""
        lines = [line for line in self.lines if (line.category, line.rate) == group]
        return sum(line.credited if credited else line.net for line in lines)

    def taxes(self) -> dict[tuple[str, Fraction], int]:
        """Tax of each category and rate [EN 16931 BR-CO-17]."""
        groups = dict.fromkeys((line.category, line.rate) for line in self.lines)
        return {group: rounded(self.base(group) * group[1]) for group in groups}

    def note_taxes(self, lines: Sequence[tuple[int, int]]) -> dict[tuple[str, Fraction], int]:
        """Tax of crediting these lines, by cumulation: all notes together give exactly the invoice's."""
        nets: dict[tuple[str, Fraction], int] = {}
        for number, net in lines:
            line = self.lines[number - 1]
            group = line.category, line.rate
            nets[group] = nets.get(group, 0) + net
        return {
            group: max(
                0, rounded((self.base(group, True) + net) * group[1]) - self.credited_tax.get(group, 0)
            )
            for group, net in nets.items()
        }


@dataclass
class Source:
    """A payment or a credit note, and what was used of it, the newest last."""

    key: str
    currency: str
    amount: int
    at: datetime
    order: int
    left: int
    gone: int = 0
    """What went back in whatever way."""
    charged_back: int = 0
    used: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Discount:
    """A discount that was granted, as its event says."""

    name: str
    percent: Fraction | None
    amount: int
    currency: str | None
    charge: str | None
    service: str | None
    at: datetime
    until: date
    uses: int | None
    left: int | None
    revoked: bool = False


@dataclass
class Dispute:
    """An open dispute."""

    kind: str
    amount: int
    invoice: str | None = None
    charge: str | None = None
    payment: str | None = None
    held: int = 0
    fee: int = 0
    undone: list[tuple[str, int]] = field(default_factory=list)
