"""Invoices: lines, discounts, taxes per category, a gapless number. Complete in themselves, never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from ledger.allocation import Due, settle
from ledger.book import Book, refuse_undatable
from ledger.charge import nothing_to_bill, reversal
from ledger.discounts import use as discount_use
from ledger.discounts.use import DiscountUsed
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import (
    CurrencyCode,
    Day,
    Decimal,
    Instant,
    Name,
    Net,
    Period,
    Position,
    Text,
    in_utc,
    require_currency,
)
from ledger.message import Message
from ledger.money import AMOUNT_MAX
from ledger.parts import Invoice, Line, TaxGroup, Unbilled
from ledger.references import find_invoice, refuse_dated_before, refuse_void
from ledger.state import Customer
from ledger.tax import Rate, Tax, taxes_of

ROUNDING = "category-half-away"
"""The policy, stored on the invoice: tax per category, half away from zero [EN 16931 BR-CO-10..17]."""


class InvoiceIssue(Data, frozen=True, kw_only=True):
    """Bill what is unbilled in one currency and occurred up to `through` (without it, the message's time)."""

    currency: CurrencyCode | None = None
    through: Instant | None = None
    expected_total: Net | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.through is not None and self.through.tzinfo is not UTC:
            msgspec.structs.force_setattr(self, "through", in_utc(self.through, "/data/through"))


class InvoiceLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One line: the charge it bills, its net, its share of the discounts, and the rate on its supply date."""

    line: int
    charge: Name
    service: Text
    description: Text | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    net: Net
    discount: Net = 0
    tax_category: Text
    rate: Text
    supplied_on: Day
    period: Period | None = None
    rate_position: Position | None = None


class InvoiceIssued(Decided, frozen=True, kw_only=True):
    """An invoice. `amount` is the total: net - discount + tax."""

    invoice: Name
    series: Literal["invoice"]
    sequence: int
    currency: CurrencyCode
    issued_on: Day
    due_on: Day
    lines: list[InvoiceLine]
    discounts: list[DiscountUsed]
    taxes: list[Tax]
    net: Net
    discount: Net
    tax: Net
    amount: Net
    rounding: Text


class InvoiceVoid(Data, frozen=True, kw_only=True):
    """Take an invoice back. Its charges become unbilled again, or are reversed with it."""

    invoice: Name
    reason: Text
    reverse_charges: bool = False


class InvoiceVoided(Decided, frozen=True, kw_only=True):
    """An invoice was taken back whole; `charges` are unbilled again and `discounts` may be used again."""

    invoice: Name
    currency: CurrencyCode
    net: Net
    discount: Net
    tax: Net
    amount: Net
    charges: list[Name]
    discounts: list[DiscountUsed]
    reason: Text


def issue(book: Book, customer: Customer, message: Message, data: InvoiceIssue, now: datetime) -> list[Draft]:
    """Decide on `invoice.issue`: bill what is unbilled, discount it, tax it, number it, use credit on it."""
    through = data.through or message.time
    if through > message.time:
        raise Malformed(
            "through_ahead",
            f"an invoice of {message.time.isoformat()} cannot bill through {through.isoformat()}",
            pointer="/data/through", through=through.isoformat(), time=message.time.isoformat(),
        )  # fmt: skip
    refuse_undatable(book, message, now)
    currency = data.currency or customer.currency
    charges = billable(customer, currency, through)
    if not charges:
        raise nothing_to_bill(currency, through)
    issued = compose(book, customer, charges, message.time)
    refuse_limits(issued, data.expected_total)
    due = Due(issued.due_on, message.time, issued.sequence, issued.invoice, issued.amount)
    return [Draft("invoice.issued", issued), *settle(customer, currency, message.time, dues=(due,))]


def billable(customer: Customer, currency: str, through: datetime) -> list[Unbilled]:
    """Pick the charges that are due to be billed; one in dispute stays off [docs/domain.md, Disputes]."""
    charges = [
        charge
        for charge in customer.unbilled.values()
        if charge.currency == currency and charge.occurred_at <= through and charge.dispute is None
    ]
    charges.sort(key=lambda charge: charge.occurred_at)
    return charges


def compose(book: Book, customer: Customer, charges: list[Unbilled], issued_at: datetime) -> InvoiceIssued:
    """Compute the invoice of these charges: discounts, taxes, number; or refuse a charge without a rate."""
    issued_on = book.day_of(issued_at)
    used, shares = discount_use.apply(customer.discounts.values(), charges, issued_at, issued_on)
    lines = [
        _line(book, customer, number, charge, share)
        for number, (charge, share) in enumerate(zip(charges, shares, strict=True), start=1)
    ]
    taxes = taxes_of((line.tax_category, line.rate, line.net - line.discount) for line in lines)
    net, taken, tax = sum(line.net for line in lines), sum(shares), sum(each.tax for each in taxes)
    sequence = book.numbers["invoice"] + 1
    return InvoiceIssued(
        invoice=f"{book.prefixes['invoice']}{sequence}",
        series="invoice",
        sequence=sequence,
        currency=charges[0].currency,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=customer.payment_days),
        lines=lines,
        discounts=used,
        taxes=taxes,
        net=net,
        discount=taken,
        tax=tax,
        amount=net - taken + tax,
        rounding=ROUNDING,
    )


def _line(book: Book, customer: Customer, number: int, charge: Unbilled, share: int) -> InvoiceLine:
    supplied_on = charge.period.to if charge.period is not None else book.day_of(charge.occurred_at)
    category, rate = _tax_on(book, customer, charge, supplied_on)
    return InvoiceLine(
        line=number,
        charge=charge.charge,
        service=charge.service,
        description=charge.description,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        net=charge.net,
        discount=share,
        tax_category=category,
        rate=rate.rate,
        supplied_on=supplied_on,
        period=charge.period,
        rate_position=rate.position or None,
    )


def _tax_on(book: Book, customer: Customer, charge: Unbilled, day: date) -> tuple[str, Rate]:
    """Tell category and rate: by the customer's treatment, else the charge's category on its supply date."""
    if customer.tax_treatment != "standard":
        return customer.tax_treatment, Rate(day, "0", customer.treatment_position)
    rate = book.taxes.rate_on(charge.tax_category, day)
    if rate is None:
        raise Refusal(
            "tax_rate_unknown",
            f"charge {charge.charge}: the book has no rate for {charge.tax_category} on {day}",
            charge=charge.charge, tax_category=charge.tax_category, day=day.isoformat(),
        )  # fmt: skip
    return charge.tax_category, rate


def refuse_limits(issued: InvoiceIssued, expected_total: int | None = None) -> None:
    """Refuse a total that no amount may be, or that is another than the one expected."""
    if max(issued.amount, issued.net) > AMOUNT_MAX:
        raise Refusal(
            "amount_too_large", f"the total would be {issued.amount}, more than {AMOUNT_MAX}",
            amount=issued.amount, amount_max=AMOUNT_MAX,
        )  # fmt: skip
    if expected_total is not None and expected_total != issued.amount:
        raise Refusal(
            "total_unexpected", f"the total is {issued.amount}, {expected_total} was expected",
            pointer="/data/expected_total", total=issued.amount, expected_total=expected_total,
            currency=issued.currency,
        )  # fmt: skip


def void(book: Book, customer: Customer, message: Message, data: InvoiceVoid, now: datetime) -> list[Draft]:
    """Decide on `invoice.void`: only what nothing was done with yet; otherwise a credit note is the way.

    [Stripe invoice status; Kill Bill voidInvoice; Lago Invoice#voidable?]
    """
    invoice = find_invoice(customer, data.invoice)
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    for code, held, what in (
        ("invoice_allocated", invoice.allocated, "is allocated to it"),
        ("invoice_credited", invoice.credited, "is credited of it"),
        ("invoice_written_off", invoice.written_off, "is written off of it"),
        ("invoice_disputed", len(invoice.disputes), "disputes are open about it"),
    ):
        if held:
            raise Refusal(
                code, f"invoice {invoice.number} cannot be void: {held} {what}",
                pointer="/data/invoice", invoice=invoice.number, held=held,
            )  # fmt: skip
    charges = [line.charge for line in invoice.lines]
    drafts = [Draft("invoice.voided", _voided(invoice, data.reason))]
    if data.reverse_charges:
        drafts += [Draft("charge.reversed", reversal(each, each.net, data.reason)) for each in charges]
    return drafts


def _voided(invoice: Invoice, reason: str) -> InvoiceVoided:
    net = sum(line.charge.net for line in invoice.lines)
    after = sum(line.net for line in invoice.lines)
    return InvoiceVoided(
        invoice=invoice.number,
        currency=invoice.currency,
        net=net,
        discount=net - after,
        tax=invoice.total - after,
        amount=invoice.total,
        charges=[line.charge.charge for line in invoice.lines],
        discounts=[DiscountUsed(discount=name, amount=amount) for name, amount in invoice.discounts],
        reason=reason,
    )


def evolve_issued(customer: Customer, event: Event, data: InvoiceIssued) -> None:
    """Bill the charges, use the discounts up, and owe the total."""
    lines = []
    for line in data.lines:
        charge = customer.unbilled.pop(line.charge)
        customer.charges[line.charge] = data.invoice
        lines.append(Line(charge, line.net - line.discount, line.tax_category, line.rate))
    used = [(each.discount, each.amount) for each in data.discounts]
    discount_use.use(customer, used, data.currency)
    groups = [TaxGroup(tax.category, tax.rate) for tax in data.taxes]
    customer.keep_invoice(
        Invoice(
            data.invoice, data.sequence, data.currency, event.time, data.due_on, data.amount, data.amount,
            lines, groups, used,
        )
    )  # fmt: skip


def evolve_number(book: Book, _: Event, data: InvoiceIssued) -> None:
    """Take the next number of the series."""
    book.numbers[data.series] = data.sequence


def evolve_voided(customer: Customer, _: Event, data: InvoiceVoided) -> None:
    """Give the charges back to what waits for an invoice, and the discounts to use."""
    invoice = customer.invoice(data.invoice)
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    for line in invoice.lines:
        del customer.charges[line.charge.charge]
        customer.unbilled[line.charge.charge] = line.charge
    discount_use.give_back(customer, invoice.discounts, invoice.currency)
    invoice.void = True
    invoice.receivable = 0
    invoice.lines, invoice.taxes, invoice.discounts = [], [], []
    customer.keep_invoice(invoice)
