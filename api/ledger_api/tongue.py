"""One language: our words in it, and money, numbers and dates as the customer's country writes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, format_percent

from ledger.money import EXPONENTS

Language = Literal["en", "da", "de", "es", "el", "et"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

WRITTEN_MAX = 10_000
"""Amounts, numbers and dates kept as they are written: the same ones stand on a bill again and again."""

Words = Mapping[str, str]

_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where letters of a currency touch digits: a space belongs there [UTS 35, currency spacing]."""


@cache
def words_of(package: str, language: Language) -> Words:
    """Read the words that a package has of a language; every language has the same keys."""
    text = files(package).joinpath(f"words/{language}.toml").read_text(encoding="utf-8")
    return cast(Words, tomllib.loads(text))


class Tongue:
    """Writes in one language, with the words of one package.

    `locale` is the customer's: `en-GB` says how English dates are written. In another language than the
    customer's that language's own habits count; who speaks none of ours gets English.
    `zone` is the book's time zone, in which an instant becomes a date.
    """

    def __init__(self, package: str, language: Language | None, locale: str, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        spoken = locale.partition("-")[0]
        fallback: Language = spoken if spoken in LANGUAGES else "en"
        self.language: Language = language or fallback
        self._words = words_of(package, self.language)
        self._locale = _locale(locale if spoken == self.language else self.language, self.language)

    def say(self, key: str, **values: str) -> str:
        """Say something, with values in their places."""
        return self._words[key].format(**values)

    def knows(self, key: str) -> bool:
        """Tell whether there are words for a key."""
        return key in self._words

    def amount(self, minor: int, currency: str) -> str:
        """Write an amount of money with as many digits as its currency has, without naming it."""
        return _written(self._locale, "decimal", _major(minor, currency), currency, EXPONENTS[currency])

    def money(self, minor: int, currency: str) -> str:
        """Write an amount of money with its currency."""
        return _written(self._locale, "currency", _major(minor, currency), currency, EXPONENTS[currency])

    def price(self, minor: str, currency: str) -> str:
        """Write a price per unit, given in minor units and often below one, with all its digits."""
        value = _major(minor, currency)
        if value == value.quantize(Decimal(1).scaleb(-EXPONENTS[currency])):
            return self.amount(int(Decimal(minor)), currency)
        return format_decimal(value.normalize(), locale=self._locale, decimal_quantization=False)

    def money_each(self, minor: str, currency: str) -> str:
        """Write a price per unit with its currency, with all its digits."""
        value = _major(minor, currency).normalize()
        digits = max(EXPONENTS[currency], -cast(int, value.as_tuple().exponent))
        return _written(self._locale, "currency", value, currency, digits)

    def number(self, decimal: str) -> str:
        """Write an exact decimal: a quantity."""
        return _number(self._locale, decimal)

    def percent(self, decimal: str) -> str:
        """Write a rate that is given in percent."""
        value = Decimal(decimal).normalize().scaleb(-2)
        return format_percent(value, locale=self._locale, decimal_quantization=False)

    def day(self, day: str | date) -> str:
        """Write a date in full, or that of an instant; text is as ISO 8601 has it."""
        return _day(self._locale, self._date(day))

    def short_day(self, day: str | date) -> str:
        """Write a date in little space."""
        return format_date(self._date(day), "medium", locale=self._locale)

    def country(self, code: str) -> str:
        """Name a country of ISO 3166; the code where it has no name."""
        return str(self._locale.territories.get(code, code))

    def _date(self, day: str | date) -> date:
        if isinstance(day, str):
            day = datetime.fromisoformat(day) if "T" in day else date.fromisoformat(day)
        return day.astimezone(self._zone).date() if isinstance(day, datetime) else day


def _major(minor: str | int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS[currency])


@cache
def _pattern(locale: Locale, kind: Literal["decimal", "currency"], digits: int) -> NumberPattern:
    found = locale.decimal_formats[None] if kind == "decimal" else locale.currency_formats["standard"]
    pattern: NumberPattern = copy(found)
    pattern.frac_prec = (digits, digits)
    return pattern


@lru_cache(WRITTEN_MAX)
def _written(
    locale: Locale, kind: Literal["decimal", "currency"], value: Decimal, currency: str, digits: int
) -> str:
    pattern = _pattern(locale, kind, digits)
    written = str(pattern.apply(value, locale, currency=currency, currency_digits=False))
    return _TOUCHING.sub("\N{NO-BREAK SPACE}", written.replace("-", "\N{MINUS SIGN}"))


@lru_cache(WRITTEN_MAX)
def _number(locale: Locale, decimal: str) -> str:
    return format_decimal(Decimal(decimal), locale=locale, decimal_quantization=False)


@lru_cache(WRITTEN_MAX)
def _day(locale: Locale, day: date) -> str:
    return format_date(day, "long", locale=locale)


@cache
def _locale(wanted: str, language: Language) -> Locale:
    try:
        return Locale.parse(wanted, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(language)
