"""Disputes: a complaint (about an invoice, its lines or an unbilled charge), an inquiry, a chargeback.

The events and what opens a dispute are here; what resolves one is in `resolution.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from ledger.allocation import take_back
from ledger.book import Book, refuse_undatable
from ledger.charge import find_unbilled, refuse_not_unbilled
from ledger.credit_note import (
    CreditedLine,
    LineNumber,
    refuse_repeated_lines,
    refuse_unknown_lines,
    taxes_of_lines,
)
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import (
    Amount,
    CurrencyCode,
    Day,
    Name,
    Net,
    Text,
    refuse_field,
    require_currency,
)
from ledger.message import Message
from ledger.parts import Dispute, DisputeKind, Invoice, Source
from ledger.references import find_invoice, find_payment, refuse_currency, refuse_dated_before, refuse_void
from ledger.state import Customer

Lines = Annotated[list[LineNumber], msgspec.Meta(min_length=1)]


class DisputeOpen(Data, frozen=True, kw_only=True):
    """Open a dispute.

    A complaint is about an invoice, some of its lines, or an unbilled charge; an inquiry about an invoice or
    a payment; a chargeback about a payment. Without `amount` it is all that can be disputed. The amount of a
    complaint about an invoice is gross, of one about a charge net.
    """

    dispute: Name
    kind: DisputeKind
    invoice: Name | None = None
    lines: Lines | None = None
    charge: Name | None = None
    payment: Name | None = None
    currency: CurrencyCode | None = None
    amount: Amount | None = None
    fee: Amount | None = None
    reason: Text
    respond_by: Day | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        _refuse_misshapen(self)


class DisputeOpened(Decided, frozen=True, kw_only=True):
    """A dispute is open. `held` moved from receivable to disputed, `charged_back` and `fee` left the bank."""

    dispute: Name
    kind: DisputeKind
    invoice: Name | None = None
    lines: list[int] | None = None
    charge: Name | None = None
    payment: Name | None = None
    currency: CurrencyCode
    amount: Net
    held: Net = 0
    charged_back: Net = 0
    fee: Net = 0
    reason: Text
    respond_by: Day | None = None


_ABOUT: dict[DisputeKind, tuple[str, ...]] = {
    "complaint": ("invoice", "charge"),
    "inquiry": ("invoice", "payment"),
    "chargeback": ("payment",),
}
"""What each kind of dispute may be about, exactly one of them."""


def _refuse_misshapen(data: DisputeOpen) -> None:
    about = _ABOUT[data.kind]
    for field in ("invoice", "charge", "payment"):
        if field not in about:
            refuse_field(getattr(data, field), field, f"a {data.kind} is about {' or '.join(about)}")
    named = [field for field in about if getattr(data, field) is not None]
    if len(named) != 1:
        raise Malformed(
            "dispute_not_about_one",
            f"a {data.kind} is about exactly one {' or '.join(about)}, not {len(named)}",
            pointer=f"/data/{about[0]}", kind=data.kind, about=about,
        )  # fmt: skip
    if data.kind != "chargeback":
        refuse_field(data.fee, "fee", "only a chargeback costs a fee")
    if data.kind != "complaint" or data.invoice is None:
        refuse_field(data.lines, "lines", "only a complaint about an invoice names lines")
    refuse_repeated_lines(data.lines or ())


def open_(book: Book, customer: Customer, message: Message, data: DisputeOpen, now: datetime) -> list[Draft]:
    """Decide on `dispute.open`, by what the dispute is about."""
    if data.payment is not None:
        return _about_payment(book, customer, message, data, now)
    if data.charge is not None:
        return [_about_charge(book, customer, message, data, now)]
    return [_about_invoice(book, customer, message, data, now)]


def _about_payment(
    book: Book, customer: Customer, message: Message, data: DisputeOpen, now: datetime
) -> list[Draft]:
    """Open a chargeback or an inquiry about a payment.

    Chargebacks of one payment together never pass it; within it they are recorded whatever else went back of
    it. Each takes the unallocated rest first, then undoes allocations, newest first
    [docs/domain.md, Disputes].
    """
    source = find_payment(customer, data.payment or "")
    _refuse_currency(data, f"payment {source.key}", source.currency)
    refuse_undatable(book, message, now)
    _refuse_taken(customer, data)
    limit = source.amount - source.charged_back
    amount = _amount_within(data, limit, "chargeback_exceeds_payment", f"payment {source.key}")
    if data.kind == "inquiry":
        return [_opened(data, source.currency, amount)]
    opened = _opened(data, source.currency, amount, charged_back=amount, fee=data.fee or 0)
    return [opened, *take_back(source, amount, data.dispute)]


def _about_charge(
    book: Book, customer: Customer, message: Message, data: DisputeOpen, now: datetime
) -> Draft:
    """Open a complaint about an unbilled charge: it stays off invoices until that is resolved."""
    name = data.charge or ""
    found = find_unbilled(customer, name)
    if found is not None:
        _refuse_currency(data, f"charge {name}", found.currency)
    refuse_undatable(book, message, now)
    _refuse_taken(customer, data)
    charge = refuse_not_unbilled(customer, name, found)
    refuse_dated_before(message, f"charge {name}", charge.occurred_at)
    if charge.dispute is not None:
        raise Refusal(
            "charge_disputed", f"the charge {name} is in dispute {charge.dispute} already",
            pointer="/data/charge", charge=name, dispute=charge.dispute,
        )  # fmt: skip
    return _opened(
        data, charge.currency, _amount_within(data, charge.net, "dispute_exceeds_charge", f"charge {name}")
    )


def _about_invoice(
    book: Book, customer: Customer, message: Message, data: DisputeOpen, now: datetime
) -> Draft:
    """Open a complaint or an inquiry about an invoice.

    A complaint is gross and at most the total less live credit notes and other open complaints; an upheld one
    is in its credit note. What of it is due goes from receivable to disputed; what is paid already moves
    nothing.
    """
    invoice = find_invoice(customer, data.invoice or "")
    _refuse_currency(data, f"invoice {invoice.number}", invoice.currency)
    refuse_unknown_lines(invoice, data.lines or ())
    refuse_undatable(book, message, now)
    _refuse_taken(customer, data)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    limit = invoice.total - invoice.credited
    if data.kind == "inquiry":
        return _opened(
            data, invoice.currency, _amount_within(data, limit, "dispute_exceeds_invoice", invoice.number)
        )
    limit -= sum(customer.disputes[name].amount for name in invoice.disputes)
    if data.lines is not None:
        limit = min(limit, gross_of(invoice, creditable_lines(invoice, data.lines)))
    amount = _amount_within(data, limit, "dispute_exceeds_invoice", f"invoice {invoice.number}")
    return _opened(data, invoice.currency, amount, held=min(amount, invoice.receivable))


def creditable_lines(invoice: Invoice, numbers: list[int] | None) -> list[CreditedLine]:
    """Name all that can still be credited of an invoice, or of some of its lines."""
    return [
        CreditedLine(line=number, net=invoice.lines[number - 1].creditable)
        for number in numbers or range(1, len(invoice.lines) + 1)
        if invoice.lines[number - 1].creditable
    ]


def gross_of(invoice: Invoice, lines: list[CreditedLine]) -> int:
    """Sum what a credit note over these lines would come to, tax included."""
    return sum(line.net for line in lines) + sum(tax.tax for tax in taxes_of_lines(invoice, lines))


def _refuse_currency(data: DisputeOpen, what: str, currency: str) -> None:
    if data.currency is not None:
        refuse_currency(what, currency, "dispute", data.currency)


def _refuse_taken(customer: Customer, data: DisputeOpen) -> None:
    if data.dispute in customer.disputes or data.dispute in customer.resolved:
        raise Refusal(
            "dispute_exists", f"the dispute {data.dispute} was opened before",
            pointer="/data/dispute", dispute=data.dispute,
        )  # fmt: skip


def _amount_within(data: DisputeOpen, limit: int, code: str, of: str) -> int:
    amount = limit if data.amount is None else data.amount
    if amount > limit or amount < 1:
        raise Refusal(
            code, f"{amount} is more than the {limit} of {of} that can be disputed",
            pointer="/data/amount", amount=amount, limit=limit, of=of,
        )  # fmt: skip
    return amount


def _opened(
    data: DisputeOpen, currency: str, amount: int, *, held: int = 0, charged_back: int = 0, fee: int = 0
) -> Draft:
    opened = DisputeOpened(
        dispute=data.dispute,
        kind=data.kind,
        invoice=data.invoice,
        lines=data.lines,
        charge=data.charge,
        payment=data.payment,
        currency=currency,
        amount=amount,
        held=held,
        charged_back=charged_back,
        fee=fee,
        reason=data.reason,
        respond_by=data.respond_by,
    )
    return Draft("dispute.opened", opened)


def evolve_opened(customer: Customer, event: Event, data: DisputeOpened) -> None:
    """Keep the dispute open, and keep what it is about out of the way of billing and dunning."""
    customer.disputes[data.dispute] = Dispute(
        data.dispute, data.kind, data.currency, data.amount, event.time,
        data.invoice, data.charge, data.payment, data.lines, data.held, data.fee,
    )  # fmt: skip
    if data.charge is not None:
        customer.unbilled[data.charge].dispute = data.dispute
    elif data.kind == "complaint":
        _hold(customer.invoice(data.invoice or ""), customer, data)
    elif data.kind == "chargeback":
        _charge_back(customer.source(data.payment or ""), customer, data)


def _hold(invoice: Invoice | None, customer: Customer, data: DisputeOpened) -> None:
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    invoice.receivable -= data.held
    invoice.disputed += data.held
    invoice.disputes.append(data.dispute)
    customer.keep_invoice(invoice)


def _charge_back(source: Source | None, customer: Customer, data: DisputeOpened) -> None:
    assert source is not None  # noqa: S101 - recorded, so decided: it is there
    source.left -= data.charged_back
    source.charged_back += data.charged_back
    customer.keep_source(source)
