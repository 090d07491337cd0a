"""The customer: who owes. The consistency boundary: all rules about one customer see one state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import CurrencyCode, Text, require_currency
from ledger.message import Message
from ledger.state import Invoice, Source, Unbilled

TaxTreatment = Literal["standard", "exempt", "reverse_charge"]
PaymentDays = Annotated[int, msgspec.Meta(ge=0, le=365)]
BillingDay = Annotated[int, msgspec.Meta(ge=1, le=28)]
Locale = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?\Z")]
"""A language, with a country or without: `da`, `en-GB`."""


class CustomerOpened(Data, frozen=True, kw_only=True):
    """A customer begins, with these terms. Never personal data."""

    currency: CurrencyCode
    payment_days: PaymentDays = 14
    billing_day: BillingDay = 1
    locale: Locale = "en"
    tax_treatment: TaxTreatment = "standard"
    segment: Text | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)


class CustomerChanged(Data, frozen=True, kw_only=True):
    """Other terms from now on; what is absent stays as it was."""

    currency: CurrencyCode | None = None
    payment_days: PaymentDays | None = None
    billing_day: BillingDay | None = None
    locale: Locale | None = None
    tax_treatment: TaxTreatment | None = None
    segment: Text | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if all(getattr(self, field) is None for field in self.__struct_fields__):
            raise Malformed("nothing_changed", "customer.changed names no term that changes", pointer="/data")


class CustomerClosed(Data, frozen=True, kw_only=True):
    """The customer ends: who ended it, and the reason code."""

    by: Literal["customer", "book"]
    reason: Text


class Customer(msgspec.Struct):
    """What the rules need of a customer."""

    currency: str
    payment_days: int
    tax_treatment: TaxTreatment
    closed_at: datetime | None = None
    unbilled: dict[str, Unbilled] = {}
    """Charges that no invoice bills yet, in the order in which they were recorded."""
    charges: dict[str, str] = {}
    """Of every other charge ever posted, the invoice that bills it, or "" when it was reversed."""
    open_invoices: dict[str, Invoice] = {}
    """Invoices with something due."""
    settled_invoices: dict[str, bytes] = {}
    open_sources: dict[str, Source] = {}
    """Payments and credit notes that are not used up (or are overdrawn)."""
    spent_sources: dict[str, bytes] = {}


def refuse_unopened(customer: Customer | None, message: Message) -> Customer:
    """Return the customer, or refuse a message about one who was never opened."""
    if customer is None:
        raise Refusal(
            "customer_unknown",
            f"there is no customer {message.subject}",
            pointer="/subject",
            customer=message.subject,
        )
    return customer


def open_customer(book: Book, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    """Decide on `customer.opened`: once for each customer."""
    refuse_undatable(book, message, now)
    if customer is not None:
        raise Refusal(
            "customer_exists",
            f"the customer {message.subject} is open already",
            pointer="/subject",
            customer=message.subject,
        )
    return [Draft(message.type, message.data)]


def evolve_opened(_: Customer | None, event: Event) -> Customer:
    """The customer with their first terms."""
    data: CustomerOpened = event.data  # type: ignore[assignment]
    return Customer(currency=data.currency, payment_days=data.payment_days, tax_treatment=data.tax_treatment)
