"""One language: our words in it, and money, numbers and dates as the customer's country writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, format_percent

from ledger.money import EXPONENTS

Language = Literal["en", "da", "de", "es", "el", "et"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Words = Mapping[str, str]


@cache
def words_of(language: Language) -> Words:
    """Read the words of a language; every language has the same keys."""
    text = files("ledger_api.papers").joinpath(f"words/{language}.toml").read_text(encoding="utf-8")
    return cast(Words, tomllib.loads(text))


class Tongue:
    """Writes in one language. `locale` is the customer's: `en-GB` says how English dates are written.

    `zone` is the book's time zone, in which an instant becomes a date.
    """

    def __init__(self, language: Language | None, locale: str, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        spoken = locale.partition("-")[0]
        fallback: Language = spoken if spoken in LANGUAGES else "en"
        self.language: Language = language or fallback
        self._words = words_of(self.language)
        self._locale = _locale(locale if spoken == self.language else self.language, self.language)

    def say(self, key: str, **values: str) -> str:
        """Say something, with values in their places."""
        return self._words[key].format(**values)

    def knows(self, key: str) -> bool:
        """Tell whether there are words for a key."""
        return key in self._words

    def amount(self, minor: int, currency: str) -> str:
        """Write an amount of money with as many digits as its currency has, without naming it."""
        return self._apply(self._locale.decimal_formats[None], minor, currency)

    def money(self, minor: int, currency: str) -> str:
        """Write an amount of money with its currency."""
        return self._apply(self._locale.currency_formats["standard"], minor, currency)

    def price(self, minor: str, currency: str) -> str:
        """Write a price per unit, given in minor units and often below one, with all its digits."""
        value = Decimal(minor).scaleb(-EXPONENTS[currency])
        if value == value.quantize(Decimal(1).scaleb(-EXPONENTS[currency])):
            return self.amount(int(Decimal(minor)), currency)
        return format_decimal(value.normalize(), locale=self._locale, decimal_quantization=False)

    def number(self, decimal: str) -> str:
        """Write an exact decimal: a quantity."""
        return format_decimal(Decimal(decimal), locale=self._locale, decimal_quantization=False)

    def percent(self, decimal: str) -> str:
        """Write a rate that is given in percent."""
        value = Decimal(decimal).normalize().scaleb(-2)
        return format_percent(value, locale=self._locale, decimal_quantization=False)

    def day(self, day: str | date) -> str:
        """Write a date in full, or that of an instant; text is as ISO 8601 has it."""
        return format_date(self._date(day), "long", locale=self._locale)

    def short_day(self, day: str | date) -> str:
        """Write a date in little space."""
        return format_date(self._date(day), "medium", locale=self._locale)

    def country(self, code: str) -> str:
        """Name a country of ISO 3166; the code where it has no name."""
        return str(self._locale.territories.get(code, code))

    def _date(self, day: str | date) -> date:
        if not isinstance(day, str):
            return day
        if "T" in day:
            return datetime.fromisoformat(day).astimezone(self._zone).date()
        return date.fromisoformat(day)

    def _apply(self, pattern: NumberPattern, minor: int, currency: str) -> str:
        digits = EXPONENTS[currency]
        exact = copy(pattern)
        exact.frac_prec = (digits, digits)
        value = Decimal(minor).scaleb(-digits)
        written = str(exact.apply(value, self._locale, currency=currency, currency_digits=False))
        return written.replace("-", "\u2212")


def _locale(wanted: str, language: Language) -> Locale:
    try:
        return Locale.parse(wanted, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(language)
