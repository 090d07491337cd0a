"""Words of every language: the same keys, and no value that is lost on the way."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter

import pytest

from ledger_api import letters
from ledger_api.explaining.telling import WORDS
from ledger_api.tongue import LANGUAGES, Language, Tongue, words_of

FIRST = date(2026, 2, 1)
OTHERS = [language for language in LANGUAGES if language != "en"]


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("package", [WORDS, letters.WORDS])
@pytest.mark.parametrize("language", OTHERS)
def test_every_language_says_everything_with_all_its_values(language: Language, package: str) -> None:
    english, other = words_of(package, "en"), words_of(package, language)
    assert list(other) == list(english)
    assert {key: places(text) for key, text in other.items()} == {
        key: places(text) for key, text in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_can_be_read_aloud(language: Language) -> None:
    """It ends as a sentence, and holds no brackets, slashes or signs that nobody would say."""
    for key, text in words_of(WORDS, language).items():
        assert text == text.strip(), key
        assert not re.search(r"[()\[\]/*&|<>_]", re.sub(r"\{\w+\}", "", text)), key
        if not key.startswith(("per_", "when_")):
            assert text.endswith("."), key


@pytest.mark.parametrize(
    ("locale", "money", "day", "percent"),
    [
        ("en", "€1,234,567.89", "February 1, 2026", "7.5%"),
        ("en-GB", "€1,234,567.89", "1 February 2026", "7.5%"),
        ("da", "1.234.567,89 €", "1. februar 2026", "7,5 %"),
        ("de-AT", "€ 1.234.567,89", "1. Februar 2026", "7,5 %"),
        ("es", "1.234.567,89 €", "1 de febrero de 2026", "7,5 %"),
        ("el", "1.234.567,89 €", "1 Φεβρουαρίου 2026", "7,5%"),
        ("et", "1 234 567,89 €", "1. veebruar 2026", "7,5%"),
        ("fr", "€1,234,567.89", "February 1, 2026", "7.5%"),
    ],
)  # fmt: skip
def test_money_and_days_are_those_of_the_customers_country(
    locale: str, money: str, day: str, percent: str
) -> None:
    tongue = Tongue(WORDS, None, locale, "Europe/Berlin")
    said = tongue.money(123_456_789, "EUR"), tongue.day(FIRST), tongue.percent("7.50")
    assert tuple(re.sub(r"[\u00a0\u202f]", " ", each) for each in said) == (money, day, percent)


def test_a_currency_has_its_own_digits_and_a_price_all_of_its_own() -> None:
    tongue = Tongue(WORDS, "en", "da", "Europe/Berlin")
    assert tongue.money(-1, "EUR") == "\N{MINUS SIGN}€0.01"
    assert tongue.money(1234, "JPY") == "¥1,234"
    assert tongue.money(1234, "BHD") == "BHD\N{NO-BREAK SPACE}1.234"
    assert tongue.money(10**15, "EUR") == "€10,000,000,000,000.00"
    assert tongue.money_each("0.0125", "EUR") == "€0.000125"
    assert tongue.money_each("3100", "EUR") == "€31.00"
    assert tongue.number("81234.5") == "81,234.5"
