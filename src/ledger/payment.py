"""Payments: money in, a bounce, a failure. What happened at a bank is never refused for a limit."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.customer import Customer
from ledger.errors import Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, Text, require_currency
from ledger.message import Message
from ledger.state import Source


class AllocationAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which invoice a payment is meant for, and how much of it."""

    invoice: Name
    amount: Amount


class PaymentReceived(Data, frozen=True, kw_only=True):
    """Money in. Without `allocations` the ledger allocates it; with them (also none) exactly these are made."""

    payment: Name
    currency: CurrencyCode
    amount: Amount
    method: Text | None = None
    reference: Text | None = None
    allocations: list[AllocationAsked] | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)


def receive(book: Book, customer: Customer, message: Message, now: datetime) -> list[Draft]:
    """Decide on `payment.received`: a payment is received once."""
    data: PaymentReceived = message.data  # type: ignore[assignment]
    refuse_undatable(book, message, now)
    if data.payment in customer.open_sources or data.payment in customer.spent_sources:
        raise Refusal(
            "payment_exists",
            f"the payment {data.payment} was received before",
            pointer="/data/payment",
            payment=data.payment,
        )
    return [Draft(message.type, data)]


def evolve_received(customer: Customer, event: Event) -> None:
    """The payment is credit until it is allocated."""
    data: PaymentReceived = event.data  # type: ignore[assignment]
    customer.open_sources[data.payment] = Source(
        data.payment, data.currency, data.amount, event.time, data.amount
    )
