"""E-invoices: valid by the schema and the rules of EN 16931, and equal to the invoice to the cent."""

from __future__ import annotations

from decimal import Decimal
from xml.etree.ElementTree import Element, fromstring

import msgspec
import pytest
from facturx import xml_check_xsd  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.einvoice_rules import broken_rules
from tests.api.papers import TEXTS, invoice, invoices, line
from tests.api.sellers import BUYER, SELLER

from ledger.errors import IntegrityError, Malformed
from ledger.money import EXPONENTS
from ledger.person import Address, Person
from ledger.seller import Bank, Seller
from ledger_api.papers.einvoice import as_einvoice
from ledger_api.papers.hybrid import declare
from ledger_api.papers.vouchers import Invoice

SPACE = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
SELLS, BUYS = msgspec.convert(SELLER, Seller), msgspec.convert(BUYER, Person)
ADDRESS = msgspec.convert(BUYER["address"], Address)
TOTALS = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"


def _settlement(root: Element) -> Element:
    (found,) = root.iterfind(".//ram:ApplicableHeaderTradeSettlement", SPACE)
    return found


def _amount(element: Element, path: str) -> Decimal:
    (found,) = element.iterfind(path, SPACE)
    return Decimal(found.text or "")


def _text(element: Element, path: str) -> str:
    return element.findtext(path, "", SPACE)


@settings(max_examples=50, deadline=None)
@given(invoices())
def test_any_invoice_is_valid_and_its_totals_are_the_ledgers(billed: Invoice) -> None:
    written = as_einvoice(SELLS, BUYS, billed)
    assert written == as_einvoice(SELLS, BUYS, billed)
    assert xml_check_xsd(written, flavor="factur-x", level="en16931")
    assert broken_rules(written) == []
    root = fromstring(written)  # noqa: S314 - we wrote it
    settlement = _settlement(root)
    unit = Decimal(1).scaleb(-EXPONENTS[billed.currency])
    lines = [
        _amount(each, ".//ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount")
        for each in root.iterfind(".//ram:IncludedSupplyChainTradeLineItem", SPACE)
    ]
    groups = settlement.findall("ram:ApplicableTradeTax", SPACE)
    bases = [_amount(group, "ram:BasisAmount") for group in groups]
    taxes = [_amount(group, "ram:CalculatedAmount") for group in groups]
    net = _amount(settlement, f"{TOTALS}/ram:LineTotalAmount")
    total = _amount(settlement, f"{TOTALS}/ram:GrandTotalAmount")
    assert sum(lines) == net == (billed.net - billed.discount) * unit  # BR-CO-10
    assert sum(bases) == net == _amount(settlement, f"{TOTALS}/ram:TaxBasisTotalAmount")  # BR-CO-13
    assert sum(taxes) == billed.tax * unit == _amount(settlement, f"{TOTALS}/ram:TaxTotalAmount")  # BR-CO-14
    assert total == net + sum(taxes) == billed.total * unit  # BR-CO-15
    assert _amount(settlement, f"{TOTALS}/ram:DuePayableAmount") == total  # BR-CO-16
    for group, base, tax in zip(
        groups, bases, taxes, strict=True
    ):  # BR-CO-17; two categories of one rate round apart
        rate = _amount(group, "ram:RateApplicablePercent")
        assert abs(tax - base * rate / 100) <= unit


def test_each_category_has_its_code_and_what_is_untaxed_says_why() -> None:
    names = ("standard", "reduced", "food", "zero", "exempt", "reverse_charge")
    billed = invoice([line(number, 1_000, category=name) for number, name in enumerate(names, 1)])
    root = fromstring(as_einvoice(SELLS, BUYS, billed))  # noqa: S314 - we wrote it
    groups = [
        (_text(each, "ram:CategoryCode"), _text(each, "ram:RateApplicablePercent"),
         _text(each, "ram:BasisAmount"), _text(each, "ram:ExemptionReason"))
        for each in _settlement(root).iterfind("ram:ApplicableTradeTax", SPACE)
    ]  # fmt: skip
    assert groups == [
        ("S", "25", "10.00", ""), ("S", "8.1", "20.00", ""), ("Z", "0", "10.00", ""),
        ("E", "0", "10.00", "Exempt from VAT"), ("AE", "0", "10.00", "Reverse charge"),
    ]  # fmt: skip


def test_it_names_seller_buyer_account_and_reference() -> None:
    root = fromstring(as_einvoice(SELLS, BUYS, invoice([line(1, 100)])))  # noqa: S314 - we wrote it
    said = {
        name: _text(root, f".//ram:{path}")
        for name, path in {
            "seller": "SellerTradeParty/ram:Name",
            "vat id": "SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID",
            "buyer": "BuyerTradeParty/ram:Name",
            "city": "BuyerTradeParty/ram:PostalTradeAddress/ram:CityName",
            "iban": "PayeePartyCreditorFinancialAccount/ram:IBANID",
            "reference": "PaymentReference",
        }.items()
    }
    assert said == {
        "seller": "Nordlys Fibernet ApS", "vat id": "DK12345678", "buyer": "Aurelia Quistgaard & Sønner",
        "city": "København", "iban": "DK5000400440116243", "reference": "INV-7",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.none() | TEXTS, st.lists(TEXTS, max_size=5), TEXTS, st.none() | TEXTS, st.none() | TEXTS)
def test_whatever_a_person_is_called_and_lives_at_no_rule_is_broken(
    name: str | None, lines: list[str], city: str, region: str | None, description: str | None
) -> None:
    address = msgspec.structs.replace(ADDRESS, lines=lines, city=city, region=region)
    person = msgspec.structs.replace(BUYS, name=name, address=address)
    written = as_einvoice(SELLS, person, invoice([line(1, 100, description=description)]))
    assert xml_check_xsd(written)
    assert broken_rules(written) == []


@pytest.mark.parametrize("nothing", [" ", "\u200b", "\u202e "])
def test_a_line_whose_texts_say_nothing_is_named_by_its_number(nothing: str) -> None:
    said = msgspec.structs.replace(line(3, 100, description=nothing), service=nothing)
    written = as_einvoice(SELLS, BUYS, invoice([said]))
    assert xml_check_xsd(written)
    assert broken_rules(written) == []
    assert _text(fromstring(written), ".//ram:SpecifiedTradeProduct/ram:Name") == "3"  # noqa: S314 - we wrote it


def test_what_a_seller_does_not_say_is_left_out() -> None:
    seller = msgspec.structs.replace(
        SELLS, registration=" ", address=msgspec.structs.replace(ADDRESS, region=" ")
    )
    written = as_einvoice(seller, BUYS, invoice([line(1, 100)]))
    assert xml_check_xsd(written)
    assert broken_rules(written) == []


def test_a_sum_that_is_not_its_parts_breaks_the_rules_that_say_so() -> None:
    written = as_einvoice(SELLS, BUYS, invoice([line(1, 1_000)]))
    wrong = written.replace(b"<ram:GrandTotalAmount>12.50", b"<ram:GrandTotalAmount>12.51")
    assert [said.partition("-Inv")[0].partition("-Am")[0] for said in broken_rules(wrong)] == [
        "[BR-CO-15]", "[BR-CO-16]",
    ]  # fmt: skip


def test_a_buyer_who_is_not_shown_is_named_by_the_customers_id() -> None:
    written = as_einvoice(SELLS, None, invoice([line(1, 100)]))
    assert xml_check_xsd(written)
    # Without an address, which is a person's own, these are broken and no others.
    assert [said.partition("-An")[0].partition("-The")[0] for said in broken_rules(written)] == [
        "[BR-10]", "[BR-11]", "Element 'ram:PostalTradeAddress' must occur exactly 1 times.",
    ]  # fmt: skip
    assert _text(fromstring(written), ".//ram:BuyerTradeParty/ram:Name") == "c-1001"  # noqa: S314 - we wrote it


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.4\ntrailer <<>> startxref 0 %%EOF", b"\x00" * 100])
def test_metadata_is_added_to_no_other_pdf_than_typsts(pdf: bytes) -> None:
    with pytest.raises(IntegrityError):
        declare(pdf)


@pytest.mark.parametrize("iban", ["DK5000400440116243", "DE89370400440532013000", "EE382200221020145685"])
def test_an_iban_is_known_by_its_check_digits(iban: str) -> None:
    assert msgspec.convert({"iban": iban}, Bank).iban == iban
    wrong = iban[:-1] + ("1" if iban[-1] != "1" else "2")
    with pytest.raises(Malformed, match="iban_invalid"):
        msgspec.convert({"iban": wrong}, Bank)
