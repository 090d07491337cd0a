"""Tax: the book's dated rates, and the tax of an invoice and of its credit notes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.errors import Malformed
from ledger.event import Data
from ledger.fields import Day, Decimal, Name, Net, Text
from ledger.money import decimal_text, percent_of

EXEMPT = "exempt"
REVERSE_CHARGE = "reverse_charge"
UNTAXED = frozenset({EXEMPT, REVERSE_CHARGE})
"""Categories that every book has, at no tax: a customer's tax treatment puts them in place of a charge's."""


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

    def __post_init__(self) -> None:
        refuse_fixed(self.category, "/data/category")


class Tax(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The tax of one category at one rate: EN 16931 BG-23."""

    category: Name
    rate: Text
    base: Net
    tax: Net


DEFAULT_RATES = (TaxRate(category="standard", rate="0", from_=date(1, 1, 1)),)
"""A book that is opened without tax rates charges no tax, and its `book.opened` says so."""


class Rate(NamedTuple):
    """A rate in percent from a date on; `position` of the event that says so, 0 where none does."""

    from_: date
    rate: str
    position: int = 0


class TaxTable(msgspec.Struct):
    """The dated rates of a book, by category, latest first."""

    rates: dict[str, list[Rate]]

    @classmethod
    def of(cls, rates: Iterable[TaxRate], position: int) -> TaxTable:
        """Build the table from rates in any order, all said by one event."""
        table = cls({category: [Rate(date.min, "0")] for category in sorted(UNTAXED)})
        for rate in rates:
            table.put(rate.category, rate.from_, rate.rate, position)
        return table

    def put(self, category: str, from_: date, rate: str | int, position: int) -> None:
        """Let a rate hold from a date on, in place of one that begins on the same day."""
        dated = [each for each in self.rates.get(category, ()) if each.from_ != from_]
        self.rates[category] = sorted([*dated, Rate(from_, decimal_text(rate), position)], reverse=True)

    def rate_on(self, category: str, day: date) -> Rate | None:
        """Tell the rate in force on a day, None where the category has none yet."""
        return next((rate for rate in self.rates.get(category, ()) if rate.from_ <= day), None)


def refuse_fixed(category: str, pointer: str) -> None:
    """Refuse a rate for a category that is untaxed by its nature."""
    if category in UNTAXED:
        raise Malformed(
            "tax_category_untaxed", f"the category {category} is untaxed in every book",
            pointer=pointer, tax_category=category,
        )  # fmt: skip


def taxes_of(lines: Iterable[tuple[str, str, int]]) -> list[Tax]:
    """Tax (category, rate, net after discount) lines: each group's sum times its rate [BR-CO-17, BR-S-08]."""
    bases: dict[tuple[str, str], int] = {}
    for category, rate, net in lines:
        bases[category, rate] = bases.get((category, rate), 0) + net
    return [
        Tax(category=category, rate=rate, base=base, tax=percent_of(base, rate))
        for (category, rate), base in bases.items()
    ]


def cumulated_tax(rate: str, credited_base: int, credited_tax: int, net: int) -> int:
    """Tax of a credit note over `net` more [docs/domain.md, Credit notes].

    It is the tax of all that is credited by then, less what earlier notes took: so all notes together give
    exactly the invoice's tax. Where earlier notes were voided, those left may hold a unit more than their
    share: then a note takes nothing until that is made up for.
    """
    return max(0, percent_of(credited_base + net, rate) - credited_tax)
