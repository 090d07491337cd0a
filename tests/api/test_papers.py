"""How documents are written and set: words, money, pages, and texts that nobody would print."""

from __future__ import annotations

import asyncio
import re
import string
import threading
import tomllib
from importlib.resources import files
from io import BytesIO

import pytest
from hypothesis import given, settings
from pypdf import PdfReader
from tests.api.papers import TEXTS, WORDS, addressing, invoice, line

from ledger.errors import Unavailable
from ledger_api.metrics import Metrics
from ledger_api.papers.billed import invoice_paper
from ledger_api.papers.html import as_html
from ledger_api.papers.paper import plain, reason_of
from ledger_api.papers.pdf import as_pdf
from ledger_api.papers.press import Press
from ledger_api.tongue import LANGUAGES, Language, Tongue, words_of

SPACE = "\N{NO-BREAK SPACE}"


def _places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_everything_and_puts_every_value_in(language: Language) -> None:
    english, theirs = words_of(WORDS, "en"), words_of(WORDS, language)
    assert list(theirs) == list(english)
    assert {key: _places(text) for key, text in theirs.items()} == {
        key: _places(text) for key, text in english.items()
    }
    assert all(text == text.strip() != "" for text in theirs.values())


def test_every_word_is_used() -> None:
    folder = files("ledger_api.papers")
    code = "".join(each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".py"))
    used = re.compile(r"\"(\w+)\"|category_|note_|entry_|reason_")
    named = set(used.findall(code))
    unused = [
        key
        for key in words_of(WORDS, "en")
        if key not in named and not key.startswith(("category_", "note_", "entry_", "reason_"))
    ]
    assert unused == []
    assert tomllib.loads(folder.joinpath("words/en.toml").read_text("utf-8")) == dict(words_of(WORDS, "en"))


@pytest.mark.parametrize(
    ("locale", "currency", "minor", "written"),
    [
        ("en", "EUR", 123456789, "€1,234,567.89"),
        ("en-GB", "GBP", -5, "\N{MINUS SIGN}£0.05"),
        ("da-DK", "DKK", 123456, f"1.234,56{SPACE}kr."),
        ("de-DE", "EUR", 123456, f"1.234,56{SPACE}€"),
        ("de-AT", "EUR", 123456, f"€{SPACE}1.234,56"),
        ("es-ES", "EUR", 1234567, f"12.345,67{SPACE}€"),
        ("el-GR", "EUR", 123456, f"1.234,56{SPACE}€"),
        ("et-EE", "EUR", 1234567, f"12{SPACE}345,67{SPACE}€"),
        ("de-DE", "JPY", 1234, f"1.234{SPACE}¥"),
        ("en", "BHD", 1234567, f"BHD{SPACE}1,234.567"),
        ("xx", "EUR", 100, "€1.00"),
        ("en-ZZ", "EUR", 10**15, "€10,000,000,000,000.00"),
    ],
)  # fmt: skip
def test_money_is_written_as_the_country_does_with_the_digits_of_the_currency(
    locale: str, currency: str, minor: int, written: str
) -> None:
    assert Tongue(WORDS, None, locale, "UTC").money(minor, currency) == written


def test_the_language_that_is_asked_for_wins_over_the_customers_country() -> None:
    assert Tongue(WORDS, "de", "en-GB", "UTC").day("2026-03-01") == "1. März 2026"
    assert Tongue(WORDS, None, "en-GB", "UTC").day("2026-03-01") == "1 March 2026"
    assert Tongue(WORDS, "en", "en", "UTC").day("2026-03-01") == "March 1, 2026"


@pytest.mark.parametrize(
    ("language", "reason", "words"),
    [
        ("en", "agreement_changed", "The agreement was changed"),
        ("da", "agreement_changed", "Aftalen er ændret"),
        ("de", "mistake", "Ein Irrtum"),
        ("es", "duplicate", "Facturado dos veces"),
        ("el", "goodwill", "Καλή θέληση"),
        ("et", "service_outage", "Teenus ei olnud saadaval"),
        ("de", "own_code_7", "Own code 7"),
        ("de", "Zwei Tage ohne Netz, tv_box", "Zwei Tage ohne Netz, tv_box"),
        ("en", "", ""),
    ],
)
def test_a_reason_is_written_in_words(language: Language, reason: str, words: str) -> None:
    assert reason_of(Tongue(WORDS, language, "en", "UTC"), reason) == words


def test_an_instant_is_dated_where_the_book_is() -> None:
    instant = "2026-03-01T23:30:00+00:00"
    assert Tongue(WORDS, "en", "en-GB", "Europe/Berlin").day(instant) == "2 March 2026"
    assert Tongue(WORDS, "en", "en-GB", "America/New_York").day(instant) == "1 March 2026"


def test_a_price_below_a_cent_keeps_its_digits_and_others_have_the_usual_ones() -> None:
    tongue = Tongue(WORDS, "en", "en", "UTC")
    assert [tongue.price(price, "EUR") for price in ("0.0125", "1999", "12.50", "0")] == [
        "0.000125", "19.99", "0.125", "0.00",
    ]  # fmt: skip
    assert (tongue.number("1234.50"), tongue.percent("8.10"), tongue.percent("25")) == (
        "1,234.5",
        "8.1%",
        "25%",
    )


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_whatever_is_written_on_an_invoice_it_is_set(description: str, service: str) -> None:
    billed = invoice([line(1, 100, description=description), line(2, 100, description=service * 4)])
    paper = invoice_paper(addressing("el"), billed)
    assert as_pdf(paper).startswith(b"%PDF-1.7")
    assert b"<script" not in as_html(paper)


def test_every_character_that_is_set_as_it_is_has_a_glyph() -> None:
    shown = "".join(
        map(chr, (*range(0x20, 0x7F), *range(0xA1, 0x250), *range(0x370, 0x460), *range(0x1E00, 0x2000)))
    )
    billed = invoice(
        [line(number, 0, description=part) for number, part in enumerate(re.findall(".{1,80}", shown), 1)]
    )
    assert as_pdf(invoice_paper(addressing(), billed)).startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    "text", ["李小龙", "😀 party", "עברית", "العربية", "ก็", "𝔘𝔫", "a" + "\u0301" * 40, "\ud83d"]
)
def test_what_the_fonts_lack_is_set_as_a_box_and_shown_on_the_page_as_it_is(text: str) -> None:
    paper = invoice_paper(addressing(), invoice([line(1, 100, description=text)]))
    assert as_pdf(paper).startswith(b"%PDF-1.7")
    assert plain(text) in as_html(paper).decode()


def test_nothing_turns_the_direction_of_a_text_or_hides_in_it() -> None:
    assert plain("a\u202eb\u2066c\u200bd\u0000e\u2028f") == "abcd e f"
    assert plain("e\u0301") == "é"


def test_a_thousand_lines_carry_their_sum_from_page_to_page() -> None:
    billed = invoice([line(number, 1_000) for number in range(1, 1_001)])
    pages = [
        page.extract_text() for page in PdfReader(BytesIO(as_pdf(invoice_paper(addressing(), billed)))).pages
    ]
    carried = [re.search(r"Carried forward\s+([\d,.]+)", page) for page in pages]
    brought = [re.search(r"Brought forward\s+([\d,.]+)", page) for page in pages]
    assert len(pages) > 20
    assert brought[0] is None
    assert carried[-1] is None
    assert [match and match[1] for match in carried[:-1]] == [match and match[1] for match in brought[1:]]
    numbers = [[int(each) for each in re.findall(r"^(\d+)\s+fibre", page, re.MULTILINE)] for page in pages]
    sums = [match[1] for match in carried if match is not None]
    assert sums == [f"{10 * page[-1]:,}.00" for page in numbers if page][:-1]
    assert "Page 2 of" in pages[1]


def test_more_documents_than_may_wait_are_refused_for_now() -> None:
    async def story() -> None:
        going_on = threading.Event()
        with Press(1, Metrics()) as press:
            first = asyncio.create_task(press.run(lambda: b"set" if going_on.wait(30) else b""))
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await press.run(lambda: b"one too many")
            going_on.set()
            assert await first == b"set"
            assert await press.run(lambda: b"next") == b"next"

    asyncio.run(story())
