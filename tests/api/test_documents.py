"""Documents over HTTP: what stands on them, for whom, in which language, and that nothing hostile gets through."""

from __future__ import annotations

import html
import re
from io import BytesIO

import pytest
from facturx import (  # type: ignore[import-untyped]
    get_facturx_xml_from_pdf,
    xml_check_xsd,
)
from pypdf import PdfReader
from tests.api.einvoice_rules import broken_rules
from tests.api.live import Caller, Live, open_book, problem
from tests.api.sellers import RATES, introduce, sold_by
from tests.ledger.asks import charge, credit, erase, issue, pay, percent_off, refund, void
from tests.ledger.world import Ask

from ledger_api.tongue import LANGUAGES

INVOICE, NOTE = "/invoices/INV-1", "/credit-notes/CN-1"


@pytest.fixture
def shop(live: Live) -> Caller:
    """Open a book with a seller, and Alice in it, who has an invoice of 1,218.75 EUR, partly paid and credited."""
    caller = open_book(live, live.client(live.key()[1]), name="Nordlys", tax_rates=RATES)
    caller.tell(sold_by())
    caller.tell(("customer.opened", {"currency": "EUR", "locale": "da-DK"}))
    introduce(caller)
    for ask in (
        percent_off("loyal", "10", scope={"service": "fibre"}),
        _usage(),
        charge("c2", 30_000, service="install", description="<script>alert(1)</script> #panic() \u202etxet"),
        issue(),
        pay("p-77", 50_000),
        credit("INV-1", (2, 10_000)),
    ):  # fmt: skip
        caller.tell(ask)
    caller.read("/invoices/INV-1", min_position=caller.head)
    return caller


def _usage() -> Ask:
    """Three months at 250 EUR; a price per unit, in minor units."""
    said = {"quantity": "3", "unit_price": "25000", "description": "Fiber 1000/1000"}
    period = {"from": "2026-02-01", "to": "2026-02-28"}
    return "charge.posted", {"charge": "c1", "service": "fibre", "currency": "EUR", "period": period, **said}


def words(caller: Caller, path: str, **parameters: str | int) -> str:
    """Read a page as a person does: its texts, one space between them, a minus sign as a hyphen."""
    answer = caller.get(path, **parameters)
    assert answer.status_code == 200, answer.text
    texts = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL))
    return " ".join(texts.replace("\N{MINUS SIGN}", "-").split())


def pages(body: bytes) -> list[str]:
    """Read a PDF as another program does: the text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(body)).pages]


def test_an_invoice_says_what_was_issued_what_settled_it_and_what_is_left(shop: Caller) -> None:
    said = words(shop, f"{INVOICE}.html")
    for text in (
        "Faktura INV-1", "Nordlys Fibernet ApS", "Momsnummer DK12345678", "Aurelia Quistgaard & Sønner", "1100 København",
        "Dit momsnummer DK87654321", "Udstedelsesdato 1. marts 2026", "Forfaldsdato 15. marts 2026", "Fiber 1000/1000",
        "Netto 1.050,00 €", "Rabatter -75,00 €", "Netto efter rabat 975,00 €", "Moms 25 % af 975,00 € 243,75 €",
        "I alt 1.218,75 €", "Betaling p-77 -500,00", "Kreditnota CN-1 -125,00", "Til betaling 593,75 €",
        "Betal venligst 593,75 € senest den 15. marts 2026, og angiv INV-1.", "IBAN DK50 0040 0440 1162 43",
    ):  # fmt: skip
        assert text in said, text


def test_in_each_language_it_is_said_in_its_words(shop: Caller) -> None:
    titles = {
        "en": "Invoice",
        "da": "Faktura",
        "de": "Rechnung",
        "es": "Factura",
        "el": "Τιμολόγιο",
        "et": "Arve",
    }
    assert set(titles) == set(LANGUAGES)
    for language, title in titles.items():
        answer = shop.get(f"{INVOICE}.html", language=language)
        assert f'<html lang="{language}">' in answer.text
        assert f"<h1>{title} INV-1</h1>" in answer.text
        (text,) = pages(shop.get(f"{INVOICE}.pdf", language=language).content)
        assert f"{title} INV-1" in text
    assert problem(shop.get(f"{INVOICE}.html", language="fr")) == (400, "parameter_malformed")


def test_a_hostile_text_stands_there_as_it_is_and_does_nothing(shop: Caller) -> None:
    answer = shop.get(f"{INVOICE}.html")
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; #panic() txet" in answer.text
    assert "\u202e" not in answer.text
    csp = answer.headers["content-security-policy"]
    assert csp.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in csp
    (text,) = pages(shop.get(f"{INVOICE}.pdf").content)
    assert "<script>alert(1)</script> #panic()" in " ".join(text.split())


def test_the_pdf_is_the_same_tomorrow_and_holds_the_einvoice(shop: Caller) -> None:
    first = shop.get(f"{INVOICE}.pdf")
    shop.tell(charge("c3", 100))
    again = shop.get(f"{INVOICE}.pdf", min_position=shop.head)
    assert first.content == again.content
    assert first.headers["content-type"] == "application/pdf"
    metadata = PdfReader(BytesIO(first.content)).xmp_metadata
    assert metadata is not None
    assert (metadata.pdfaid_part, metadata.pdfaid_conformance) == ("3", "B")
    name, embedded = get_facturx_xml_from_pdf(first.content)
    assert name == "factur-x.xml"
    assert embedded == shop.get(f"{INVOICE}.xml").content
    assert xml_check_xsd(embedded)
    assert broken_rules(embedded) == []


def test_a_credit_note_is_shown_and_written_too(shop: Caller) -> None:
    note = shop.read(NOTE)
    assert (note["net"], note["tax"], note["total"], note["lowers_due"], note["left_as_credit"]) == (
        10_000, 2_500, 12_500, 12_500, 0,
    )  # fmt: skip
    assert [(line["line"], line["net"]) for line in note["lines"]] == [(2, 10_000)]
    said = words(shop, f"{NOTE}.html", language="en")
    for text in ("Credit note CN-1", "For invoice INV-1", "Line 2 of invoice INV-1", "Total €125.00",
                 "Set off against the invoice €125.00"):  # fmt: skip
        assert text in said, text
    xml = shop.get(f"{NOTE}.xml").content
    assert xml_check_xsd(xml)
    assert broken_rules(xml) == []
    assert get_facturx_xml_from_pdf(shop.get(f"{NOTE}.pdf").content)[1] == xml
    assert problem(shop.get("/credit-notes/CN-9")) == (404, "credit_note_unknown")
    assert problem(shop.get("/credit-notes/CN-9.pdf")) == (404, "credit_note_unknown")
    assert problem(shop.get("/invoices/INV-9.pdf")) == (404, "invoice_unknown")


def test_a_statement_carries_the_balance_from_before_the_period_to_its_end(shop: Caller) -> None:
    shop.tell(refund("r-1", 10_000, "p-77"))
    shop.read("/customers/alice/balance", min_position=shop.head)
    said = words(shop, "/customers/alice/statement.html", language="en", to="2026-03-31")
    for text in ("Statement of account", "Opening balance 0.00", "Invoice INV-1 1,218.75 1,218.75", "Payment p-77 -500.00",
                 "Credit note CN-1 -125.00 593.75", "Refund r-1 100.00 693.75", "Closing balance €693.75"):  # fmt: skip
        assert text in said, text
    later = words(shop, "/customers/alice/statement.html", language="en", **{"from": "2026-03-02"})
    assert "Opening balance 693.75" in later
    assert "INV-1" not in later
    (text,) = pages(
        shop.get("/customers/alice/statement.pdf", language="de", **{"from": "2026-01-01"}).content
    )
    assert "Kontoauszug" in text
    assert problem(shop.get("/customers/bob/statement.html")) == (404, "customer_unknown")


def test_a_void_invoice_is_marked_as_one(shop: Caller) -> None:
    shop.tell(("customer.opened", {"currency": "EUR"}), customer="bob")
    shop.tell(charge("b1", 1_000), customer="bob")
    shop.tell(issue(), customer="bob")
    shop.tell(void("INV-2"), customer="bob")
    said = words(shop, "/invoices/INV-2.html", language="de", min_position=shop.head)
    assert "STORNIERT" in said
    assert "wurde am 1. März 2026 storniert" in said
    assert "Bitte überweisen" not in said
    assert "STORNIERT" in pages(shop.get("/invoices/INV-2.pdf", language="de").content)[0]


def test_a_zero_invoice_asks_for_nothing_and_a_paid_one_says_thank_you(shop: Caller) -> None:
    shop.tell(("customer.opened", {"currency": "EUR"}), customer="bob")
    for net in (0, 1_000):
        shop.tell(charge(f"b{net}", net, tax_category="zero"), customer="bob")
        shop.tell(issue(), customer="bob")
    shop.tell(pay("p", 1_000), customer="bob")
    zero = words(shop, "/invoices/INV-2.html", language="es", min_position=shop.head)
    assert "Total 0,00 €" in zero
    assert "No queda nada por pagar de esta factura." in zero
    assert "Tipo cero (0,00 €)" in zero
    assert "Arve on täielikult tasutud. Täname." in words(shop, "/invoices/INV-3.html", language="et")


def test_only_who_may_see_persons_gets_them_named_and_says_why(shop: Caller) -> None:
    reader = shop.live.client(shop.live.key("read")[1])
    answer = reader.get(f"{shop.at}{INVOICE}.html")
    assert "Quistgaard" not in answer.text
    assert "<strong><bdi>alice</bdi></strong>" in answer.text
    again = reader.get(f"{shop.at}{INVOICE}.html", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    named = shop.get(f"{INVOICE}.html")
    assert "Quistgaard" in named.text
    assert named.headers["cache-control"] == "no-store"
    assert "etag" not in named.headers
    silent = shop.live.client(shop.live.key("read", "person")[1])
    del silent.headers["Ledger-Reason"]
    assert problem(silent.get(f"{shop.at}{INVOICE}.pdf")) == (400, "reason_missing")


def test_of_a_customer_who_was_erased_the_documents_stay_without_the_name(shop: Caller) -> None:
    shop.tell(pay("p-78", 59_375))
    shop.tell(("customer.closed", {"by": "customer", "reason": "price"}))
    shop.tell(erase())
    answer = shop.get(f"{INVOICE}.html", min_position=shop.head)
    assert answer.status_code == 200
    assert "Quistgaard" not in answer.text


def test_without_a_seller_there_is_a_document_and_no_einvoice(alice: Caller) -> None:
    alice.tell(charge("c1", 0))
    alice.tell(issue())
    assert "Invoice INV-1" in words(alice, "/invoices/INV-1.html", min_position=alice.head)
    assert problem(alice.get("/invoices/INV-1.xml")) == (404, "seller_unknown")
    assert PdfReader(BytesIO(alice.get("/invoices/INV-1.pdf").content)).attachments == {}
    alice.tell(sold_by())
    alice.read("/customers", min_position=alice.head)
    assert problem(alice.get("/invoices/INV-1.xml")) == (404, "seller_unknown")


def test_an_invoice_is_written_as_it_stood_at_an_earlier_moment(shop: Caller) -> None:
    issued = shop.read(INVOICE)["position"]
    said = words(shop, f"{INVOICE}.html", language="en", as_of_position=issued)
    assert "Please pay €1,218.75" in said
    assert "p-77" not in said


def test_a_reason_code_is_told_in_words_in_every_document(shop: Caller) -> None:
    assert "Årsag Ordren er ændret" in words(shop, f"{NOTE}.html")
    assert "Grund Die Bestellung wurde geändert" in words(shop, f"{NOTE}.html", language="de")
    assert "<ram:Content>Ordren er ændret</ram:Content>" in shop.get(f"{NOTE}.xml").text
    shop.tell(charge("c3", 100))
    shop.tell(issue())
    shop.tell(void("INV-2"))
    shop.read(INVOICE, min_position=shop.head)
    assert "Reason: A mistake" in words(shop, "/invoices/INV-2.html", language="en")


@pytest.mark.parametrize("currency", ["BHD", "KWD", "TND"])
def test_no_e_invoice_says_less_than_the_invoice(live: Live, currency: str) -> None:
    """EN 16931 has two decimals [BR-DEC]; a dinar has three."""
    caller = open_book(live, live.client(live.key()[1]), name="Nordlys", tax_rates=RATES)
    caller.tell(sold_by())
    caller.tell(("customer.opened", {"currency": currency, "locale": "en-GB"}))
    for ask in (charge("c1", 1_234, currency=currency), issue(), credit("INV-1", (1, 34))):
        caller.tell(ask)
    caller.read("/credit-notes/CN-1", min_position=caller.head)
    for path in (INVOICE, NOTE):
        answer = caller.get(f"{path}.xml")
        assert problem(answer) == (404, "currency_not_einvoiced")
        assert (answer.json()["values"]["currency"], answer.json()["values"]["decimals_max"]) == (currency, 2)
        assert PdfReader(BytesIO(caller.get(f"{path}.pdf").content)).attachments == {}
    assert "1.234" in words(caller, f"{INVOICE}.html")
