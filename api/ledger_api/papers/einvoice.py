"""The e-invoice: EN 16931 in the syntax of UN/CEFACT (CII), as Factur-X and ZUGFeRD embed it.

It says what was issued, to the cent, and never what was paid since. Amounts are the ledger's own; a line's
share of the discounts is the line's allowance, so that nothing is computed here but two differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from ledger.money import EXPONENTS
from ledger.person import Address, Person
from ledger.seller import Seller
from ledger_api.papers.paper import TaxCode, code_of, plain
from ledger_api.papers.vouchers import Billed, CreditNote, Invoice, Line, TaxGroup

PROFILE = "urn:cen.eu:en16931:2017"
_STANDARD = "urn:un:unece:uncefact:data:standard:"
_SPACES = {
    "rsm": f"{_STANDARD}CrossIndustryInvoice:100",
    "ram": f"{_STANDARD}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_STANDARD}UnqualifiedDataType:100",
    "qdt": f"{_STANDARD}QualifiedDataType:100",
}
for _prefix, _space in _SPACES.items():
    register_namespace(_prefix, _space)

_INVOICE, _CREDIT_NOTE = "380", "381"  # UNTDID 1001
_ONE = "C62"  # UN/ECE recommendation 20: a unit
_CREDIT_TRANSFER = "58"  # UNTDID 4461: SEPA credit transfer
_REASONS: dict[TaxCode, str] = {"E": "Exempt from VAT", "AE": "Reverse charge"}


DECIMALS_MAX = 2
"""Decimals that an amount of an e-invoice has [EN 16931 BR-DEC]: a fils of a dinar cannot be said."""


def is_sayable(currency: str) -> bool:
    """Tell whether amounts of a currency can be said exactly in an e-invoice."""
    return EXPONENTS[currency] <= DECIMALS_MAX


def as_einvoice(seller: Seller, person: Person | None, voucher: Invoice | CreditNote) -> bytes:
    """Write an invoice or a credit note for programs: the same bytes each time."""
    root = Element(_tag("rsm:CrossIndustryInvoice"))
    _put(root, "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", PROFILE)
    document = SubElement(root, _tag("rsm:ExchangedDocument"))
    _put(document, "ram:ID", voucher.number)
    _put(document, "ram:TypeCode", _INVOICE if isinstance(voucher, Invoice) else _CREDIT_NOTE)
    _put_day(document, "ram:IssueDateTime", voucher.issued_on)
    if isinstance(voucher, CreditNote):
        _put_said(document, "ram:IncludedNote/ram:Content", voucher.reason)
    transaction = SubElement(root, _tag("rsm:SupplyChainTradeTransaction"))
    for line in voucher.lines:
        _put_line(transaction, line, voucher.currency)
    agreement = SubElement(transaction, _tag("ram:ApplicableHeaderTradeAgreement"))
    _put_seller(agreement, seller)
    _put_buyer(agreement, voucher.customer, person)
    delivered = "ram:ApplicableHeaderTradeDelivery/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime"
    _put_day(transaction, delivered, max(line.supplied_on for line in voucher.lines))
    _put_settlement(transaction, seller, voucher)
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _put_line(transaction: Element, line: Line, currency: str) -> None:
    item = SubElement(transaction, _tag("ram:IncludedSupplyChainTradeLineItem"))
    _put(item, "ram:AssociatedDocumentLineDocument/ram:LineID", str(line.line))
    product = SubElement(item, _tag("ram:SpecifiedTradeProduct"))
    _put_said(product, "ram:SellerAssignedID", line.service)
    _put(product, "ram:Name", _said(line.description) or _said(line.service) or str(line.line))
    price = line.net if line.unit_price is None else line.unit_price
    path = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount"
    _put(item, path, _major(price, currency))
    quantity = "1" if line.quantity is None or line.unit_price is None else line.quantity
    _put(item, "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", quantity).set("unitCode", _ONE)
    settlement = SubElement(item, _tag("ram:SpecifiedLineTradeSettlement"))
    tax = SubElement(settlement, _tag("ram:ApplicableTradeTax"))
    _put(tax, "ram:TypeCode", "VAT")
    _put(tax, "ram:CategoryCode", code_of(line.tax_category, line.rate))
    _put(tax, "ram:RateApplicablePercent", line.rate)
    period = SubElement(settlement, _tag("ram:BillingSpecifiedPeriod"))
    _put_day(period, "ram:StartDateTime", line.begins_on or line.supplied_on)
    _put_day(period, "ram:EndDateTime", line.ends_on or line.supplied_on)
    if line.discount:
        allowance = SubElement(settlement, _tag("ram:SpecifiedTradeAllowanceCharge"))
        _put(allowance, "ram:ChargeIndicator/udt:Indicator", "false")
        _put(allowance, "ram:ActualAmount", _major(line.discount, currency))
        _put(allowance, "ram:Reason", "Discount")
    total = "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"
    _put(settlement, total, _major(line.net - line.discount, currency))


def _put_seller(agreement: Element, seller: Seller) -> None:
    party = SubElement(agreement, _tag("ram:SellerTradeParty"))
    _put(party, "ram:Name", plain(seller.name))
    _put_said(party, "ram:SpecifiedLegalOrganization/ram:ID", seller.registration)
    _put_address(party, seller.address)
    _put_said(party, "ram:SpecifiedTaxRegistration/ram:ID", seller.vat_id, schemeID="VA")


def _put_buyer(agreement: Element, customer: str, person: Person | None) -> None:
    """Say who buys; of a person who is not known, or not to be shown, the customer's id."""
    party = SubElement(agreement, _tag("ram:BuyerTradeParty"))
    _put(party, "ram:ID", customer)
    _put(party, "ram:Name", _said(None if person is None else person.name) or customer)
    if person is not None and person.address is not None:
        _put_address(party, person.address)
    number = None if person is None else person.tax_number
    if (
        number is not None and number[:2].isalpha() and number[:2].isascii()
    ):  # BR-CO-09: with a country's code
        _put_said(party, "ram:SpecifiedTaxRegistration/ram:ID", number, schemeID="VA")


def _put_address(party: Element, address: Address) -> None:
    written = SubElement(party, _tag("ram:PostalTradeAddress"))
    lines = [*address.lines[:2], ", ".join(address.lines[2:])]
    parts = [
        ("PostcodeCode", address.postal_code),
        *zip(("LineOne", "LineTwo", "LineThree"), lines, strict=False),
        ("CityName", address.city),
        ("CountryID", address.country),
        ("CountrySubDivisionName", address.region),
    ]
    for name, value in parts:
        _put_said(written, f"ram:{name}", value)


def _put_settlement(transaction: Element, seller: Seller, voucher: Invoice | CreditNote) -> None:
    currency = voucher.currency
    settlement = SubElement(transaction, _tag("ram:ApplicableHeaderTradeSettlement"))
    _put(settlement, "ram:PaymentReference", voucher.number)
    _put(settlement, "ram:InvoiceCurrencyCode", currency)
    if seller.bank is not None and isinstance(voucher, Invoice):
        means = SubElement(settlement, _tag("ram:SpecifiedTradeSettlementPaymentMeans"))
        _put(means, "ram:TypeCode", _CREDIT_TRANSFER)
        _put(means, "ram:PayeePartyCreditorFinancialAccount/ram:IBANID", seller.bank.iban)
        if seller.bank.bic is not None:
            _put(means, "ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", seller.bank.bic)
    for code, rate, base, tax in _breakdown(voucher.taxes):
        group = SubElement(settlement, _tag("ram:ApplicableTradeTax"))
        _put(group, "ram:CalculatedAmount", _major(tax, currency))
        _put(group, "ram:TypeCode", "VAT")
        if code in _REASONS:
            _put(group, "ram:ExemptionReason", _REASONS[code])
        _put(group, "ram:BasisAmount", _major(base, currency))
        _put(group, "ram:CategoryCode", code)
        _put(group, "ram:RateApplicablePercent", rate)
    terms = SubElement(settlement, _tag("ram:SpecifiedTradePaymentTerms"))
    if isinstance(voucher, Invoice):
        _put_day(terms, "ram:DueDateDateTime", voucher.due_on)
    else:
        _put(terms, "ram:Description", "Set off against the invoice, or kept as credit")
    _put_totals(settlement, voucher)
    if isinstance(voucher, CreditNote):
        before = SubElement(settlement, _tag("ram:InvoiceReferencedDocument"))
        _put(before, "ram:IssuerAssignedID", voucher.invoice)
        _put_day(before, "ram:FormattedIssueDateTime", voucher.invoice_issued_on, kind="qdt")


def _put_totals(settlement: Element, voucher: Billed) -> None:
    """Write the totals [EN 16931 BR-CO-10 to 17]: the lines are after their allowances."""
    currency = voucher.currency
    totals = SubElement(settlement, _tag("ram:SpecifiedTradeSettlementHeaderMonetarySummation"))
    after = _major(voucher.net - voucher.discount, currency)
    _put(totals, "ram:LineTotalAmount", after)
    _put(totals, "ram:TaxBasisTotalAmount", after)
    _put(totals, "ram:TaxTotalAmount", _major(voucher.tax, currency)).set("currencyID", currency)
    _put(totals, "ram:GrandTotalAmount", _major(voucher.total, currency))
    _put(totals, "ram:DuePayableAmount", _major(voucher.total, currency))


def _breakdown(taxes: Sequence[TaxGroup]) -> Iterator[tuple[TaxCode, str, int, int]]:
    """Sum categories of the book that are the same to EN 16931: it has one group for each code and rate."""
    groups: dict[tuple[TaxCode, str], tuple[int, int]] = {}
    for group in taxes:
        key = code_of(group.category, group.rate), group.rate
        base, tax = groups.get(key, (0, 0))
        groups[key] = base + group.base, tax + group.tax
    for (code, rate), (base, tax) in groups.items():
        yield code, rate, base, tax


def _major(minor: int | str, currency: str) -> str:
    """Write an amount or a price in minor units as a decimal of the currency, exactly."""
    return format(Decimal(minor).scaleb(-EXPONENTS[currency]), "f")


def _said(text: str | None) -> str:
    """Write a caller's text; empty where there is nothing to read."""
    return plain(text or "").strip()


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_SPACES[prefix]}}}{local}"


def _put(parent: Element, path: str, text: str) -> Element:
    for name in path.split("/"):
        parent = SubElement(parent, _tag(name))
    parent.text = text
    return parent


def _put_said(parent: Element, path: str, text: str | None, **attributes: str) -> None:
    """Put a caller's text, if it says anything: no element may be empty."""
    if said := _said(text):
        _put(parent, path, said).attrib.update(attributes)


def _put_day(parent: Element, name: str, day: str, kind: str = "udt") -> None:
    _put(parent, f"{name}/{kind}:DateTimeString", day.replace("-", "")).set("format", "102")
