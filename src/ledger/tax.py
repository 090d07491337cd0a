"""Tax: the book's dated rates, and the tax of an invoice and of its credit notes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from ledger.event import Data
from ledger.fields import Day, Decimal, Name

EXEMPT = "exempt"
REVERSE_CHARGE = "reverse_charge"
UNTAXED = frozenset({EXEMPT, REVERSE_CHARGE})
"""Categories that every book has, at no tax for ever: what a customer's tax treatment puts in place of a charge's."""


class TaxRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rate of one category from a date on, in percent."""

    category: Name
    rate: Decimal
    from_: Day = msgspec.field(name="from")


class TaxRateChanged(Data, frozen=True, kw_only=True):
    """From a date on, a category is taxed at this rate, in percent. A category that is new begins with it."""

    category: Name
    rate: Decimal
    from_: Day = msgspec.field(name="from")


DEFAULT_RATES = (TaxRate(category="standard", rate="0", from_=date(1, 1, 1)),)
"""A book that is opened without tax rates charges no tax, and its `book.opened` says so."""


class TaxTable(msgspec.Struct):
    """The dated rates of a book, by category, latest first."""

    rates: dict[str, list[tuple[date, str]]]

    @classmethod
    def of(cls, rates: Iterable[TaxRate]) -> TaxTable:
        """Build the table from rates in any order."""
        table = cls({category: [(date.min, "0")] for category in sorted(UNTAXED)})
        for rate in rates:
            table.put(rate.category, rate.from_, rate.rate)
        return table

    def put(self, category: str, from_: date, rate: str) -> None:
        """Let a rate hold from a date on, in place of one that begins on the same day."""
        dated = [entry for entry in self.rates.get(category, ()) if entry[0] != from_]
        self.rates[category] = sorted([*dated, (from_, rate)], reverse=True)

    def rate_on(self, category: str, day: date) -> str | None:
        """Tell the rate in force on a day, None where the category has none yet."""
        for from_, rate in self.rates.get(category, ()):
            if from_ <= day:
                return rate
        return None
