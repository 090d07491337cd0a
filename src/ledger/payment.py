"""Payments: money in, a bounce, a failure. What happened at a bank is never refused for a limit."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.allocation import NOT_YET, AllocationMade, Purse, SourceName, settle, take_back
from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, Net, Text, require_currency
from ledger.message import Message
from ledger.parts import Source
from ledger.references import find_invoice, find_payment, refuse_currency
from ledger.state import Customer


class AllocationAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which invoice a payment is meant for, and how much of it."""

    invoice: Name
    amount: Amount


class PaymentReceived(Data, frozen=True, kw_only=True):
    """Money in. Without `allocations` the ledger allocates it; with them, also none, they are made."""

    payment: Name
    currency: CurrencyCode
    amount: Amount
    method: Text | None = None
    reference: Text | None = None
    allocations: list[AllocationAsked] | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.allocations:
            _refuse_impossible(self.allocations, self.amount)


class PaymentReturned(Data, frozen=True, kw_only=True):
    """A bounce of a payment, of the whole or of a part, and what the bank charged us for it."""

    payment: Name
    currency: CurrencyCode
    amount: Amount
    fee: Net = 0
    reason: Text

    def __post_init__(self) -> None:
        require_currency(self.currency)


class PaymentFailed(Data, frozen=True, kw_only=True):
    """A payment that did not come about; no money moved."""

    payment: Name
    currency: CurrencyCode
    amount: Amount
    reason: Text

    def __post_init__(self) -> None:
        require_currency(self.currency)


def _refuse_impossible(allocations: list[AllocationAsked], received: int) -> None:
    invoices = [asked.invoice for asked in allocations]
    if len(set(invoices)) < len(invoices):
        raise Malformed(
            "invoice_repeated",
            "an invoice stands twice in the allocations",
            pointer="/data/allocations",
            invoices=invoices,
        )
    asked = sum(asked.amount for asked in allocations)
    if asked > received:
        raise Malformed(
            "allocations_exceed_payment", f"the allocations sum to {asked}, the payment is {received}",
            pointer="/data/allocations", asked=asked, received=received,
        )  # fmt: skip


def receive(
    book: Book, customer: Customer, message: Message, data: PaymentReceived, now: datetime
) -> list[Draft]:
    """Decide on `payment.received`: a payment is received once, for invoices of its own currency."""
    asked = data.allocations
    if asked:
        _refuse_unknown(customer, data, asked)
    refuse_undatable(book, message, now)
    refuse_received(customer, data.payment)
    received = Draft(message.type, data)
    if asked is not None:
        return [received, *_as_asked(customer, message, data, asked)]
    if not customer.open_invoices:
        return [received]
    purse = Purse(message.time, NOT_YET, data.payment, data.amount)
    return [received, *settle(customer, data.currency, message.time, purses=(purse,))]


def refuse_received(customer: Customer, payment: str) -> None:
    """Refuse a payment that was received before, in another message."""
    if payment in customer.open_sources or payment in customer.spent_sources:
        raise Refusal(
            "payment_exists", f"the payment {payment} was received before",
            pointer="/data/payment", payment=payment,
        )  # fmt: skip


def _refuse_unknown(customer: Customer, data: PaymentReceived, asked: list[AllocationAsked]) -> None:
    for place, each in enumerate(asked):
        pointer = f"/data/allocations/{place}/invoice"
        invoice = find_invoice(customer, each.invoice, pointer)
        refuse_currency(f"invoice {each.invoice}", invoice.currency, "payment", data.currency, pointer)


def _as_asked(
    customer: Customer, message: Message, data: PaymentReceived, asked: list[AllocationAsked]
) -> list[Draft]:
    """Allocate as the payer said, as far as it is due: money that is there is not refused for a limit."""
    drafts = []
    for each in asked:
        invoice = find_invoice(customer, each.invoice)
        amount = min(each.amount, invoice.receivable)
        if amount > 0:
            made = AllocationMade(
                source=SourceName(payment=data.payment),
                invoice=each.invoice,
                currency=data.currency,
                amount=amount,
            )
            drafts.append(Draft("allocation.made", made, max(message.time, invoice.issued_at)))
    return drafts


def return_(
    book: Book, customer: Customer, message: Message, data: PaymentReturned, now: datetime
) -> list[Draft]:
    """Decide on `payment.returned`: out of the unallocated rest, then out of what was allocated last."""
    source = find_payment(customer, data.payment)
    refuse_currency(f"payment {data.payment}", source.currency, message.type, data.currency)
    refuse_undatable(book, message, now)
    return [Draft(message.type, data), *take_back(source, data.amount)]


def fail(book: Book, customer: Customer, message: Message, data: PaymentFailed, now: datetime) -> list[Draft]:
    """Decide on `payment.failed`: only of a payment that was not received; that one would be returned."""
    refuse_undatable(book, message, now)
    if customer.source(data.payment) is not None:
        raise Refusal(
            "payment_exists", f"the payment {data.payment} was received: what bounces is payment.returned",
            pointer="/data/payment", payment=data.payment,
        )  # fmt: skip
    return [Draft(message.type, data)]


def evolve_received(customer: Customer, event: Event, data: PaymentReceived) -> None:
    """Hold the payment as credit until it is allocated."""
    customer.open_sources[data.payment] = Source(
        data.payment, data.currency, data.amount, event.time, event.position, data.amount
    )


def evolve_returned(customer: Customer, _: Event, data: PaymentReturned) -> None:
    """Take the money out of the payment; what was allocated of it is undone by the events that follow."""
    source = customer.source(data.payment)
    assert source is not None  # noqa: S101 - recorded, so decided: it is there
    source.left -= data.amount
    source.returned += data.amount
    customer.keep_source(source)
