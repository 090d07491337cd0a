"""Opening disputes: how much of what can be disputed, and what a chargeback undoes."""

from __future__ import annotations

from datetime import datetime

from ledger.allocation import take_back
from ledger.book import Book, refuse_undatable
from ledger.charge import find_unbilled, refuse_not_unbilled
from ledger.credit_note import CreditedLine, refuse_unknown_lines, taxes_of_lines
from ledger.disputes.dispute import DisputeOpen, DisputeOpened, DisputeResolved
from ledger.errors import Refusal
from ledger.event import Draft
from ledger.message import Message
from ledger.parts import Invoice, Source
from ledger.references import (
    find_dispute,
    find_invoice,
    find_payment,
    refuse_currency,
    refuse_dated_before,
    refuse_resolved,
    refuse_void,
)  # fmt: skip
from ledger.state import Customer


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
    if data.inquiry is not None:
        find_dispute(customer, data.inquiry, "/data/inquiry")
    _refuse_currency(data, f"payment {source.key}", source.currency)
    refuse_undatable(book, message, now)
    _refuse_taken(customer, data)
    became = [] if data.inquiry is None else [_became_chargeback(customer, message, source, data.inquiry)]
    limit = source.amount - source.charged_back
    amount = _amount_within(data, limit, "chargeback_exceeds_payment", f"payment {source.key}")
    if data.kind == "inquiry":
        return [_opened(data, source.currency, amount)]
    opened = _opened(data, source.currency, amount, charged_back=amount, fee=data.fee or 0)
    return [opened, *became, *take_back(source, amount, data.dispute)]


def _became_chargeback(customer: Customer, message: Message, source: Source, name: str) -> Draft:
    """End the inquiry that a chargeback follows: the bank was not convinced, so it is lost."""
    inquiry = refuse_resolved(customer, name, "/data/inquiry")
    refuse_dated_before(message, f"dispute {name}", inquiry.opened_at)
    if inquiry.kind != "inquiry" or inquiry.payment not in (None, source.key):
        raise Refusal(
            "inquiry_not_fitting", f"dispute {name} is no inquiry about payment {source.key}",
            pointer="/data/inquiry", dispute=name, kind=inquiry.kind, payment=source.key,
        )  # fmt: skip
    resolved = DisputeResolved(
        dispute=name, kind="inquiry", invoice=inquiry.invoice, payment=inquiry.payment,
        currency=inquiry.currency, outcome="lost", amount=0, reason="became_chargeback",
    )  # fmt: skip
    return Draft("dispute.resolved", resolved)


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
        inquiry=data.inquiry,
        reason=data.reason,
        respond_by=data.respond_by,
    )
    return Draft("dispute.opened", opened)
