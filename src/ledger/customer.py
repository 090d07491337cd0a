"""The customer: who owes. The consistency boundary: all rules about one customer see one state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import CurrencyCode, Net, Text, require_currency
from ledger.message import Message
from ledger.state import Customer

__all__ = ["Customer", "CustomerChanged", "CustomerClosed", "CustomerOpened"]

TaxTreatment = Literal["standard", "exempt", "reverse_charge"]
PaymentDays = Annotated[int, msgspec.Meta(ge=0, le=365)]
BillingDay = Annotated[int, msgspec.Meta(ge=1, le=28)]
Locale = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?\Z")]
"""A language, with a country or without: `da`, `en-GB`."""


class CustomerOpened(Data, frozen=True, kw_only=True):
    """A customer begins, with these terms. Never personal data.

    `credit_limit` is told to whoever decides on new business; no rule refuses by it: what is delivered is
    charged [docs/domain.md, Terms].
    """

    currency: CurrencyCode
    payment_days: PaymentDays = 14
    billing_day: BillingDay = 1
    locale: Locale = "en"
    tax_treatment: TaxTreatment = "standard"
    segment: Text | None = None
    credit_limit: Net | None = None

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
    credit_limit: Net | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if all(getattr(self, field) is None for field in self.__struct_fields__):
            raise Malformed("nothing_changed", "customer.changed names no term that changes", pointer="/data")


class CustomerClosed(Data, frozen=True, kw_only=True):
    """The customer ends: who ended it, and the reason code."""

    by: Literal["customer", "book"]
    reason: Text


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


def refuse_closed(customer: Customer, message: Message) -> None:
    """Refuse what is new business with a customer who has left; the old is still billed, paid and settled."""
    if customer.closed_at is not None and message.time > customer.closed_at:
        closed_at = customer.closed_at.isoformat()
        raise Refusal(
            "customer_closed", f"the customer {message.subject} was closed at {closed_at}",
            pointer="/subject", customer=message.subject, closed_at=closed_at,
        )  # fmt: skip


def open_customer(book: Book, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    """Decide on `customer.opened`: once for each customer."""
    refuse_undatable(book, message, now)
    if customer is not None:
        raise Refusal(
            "customer_exists", f"the customer {message.subject} is open already",
            pointer="/subject", customer=message.subject,
        )  # fmt: skip
    return [Draft(message.type, message.data)]


def change(
    book: Book, customer: Customer, message: Message, data: CustomerChanged, now: datetime
) -> list[Draft]:
    """Decide on `customer.changed`."""
    refuse_undatable(book, message, now)
    refuse_closed(customer, message)
    return [Draft(message.type, data)]


def close(
    book: Book, customer: Customer, message: Message, data: CustomerClosed, now: datetime
) -> list[Draft]:
    """Decide on `customer.closed`: once. What is open stays open: the last invoice and payment come after."""
    refuse_undatable(book, message, now)
    if customer.closed_at is not None:
        raise Refusal(
            "customer_closed",
            f"the customer {message.subject} was closed at {customer.closed_at.isoformat()}",
            pointer="/subject", customer=message.subject, closed_at=customer.closed_at.isoformat(),
        )  # fmt: skip
    return [Draft(message.type, data)]


def evolve_opened(_: Customer | None, event: Event) -> Customer:
    """Begin a customer with their first terms."""
    data = event.data
    assert isinstance(data, CustomerOpened)  # noqa: S101 - narrows the type
    return Customer(
        currency=data.currency,
        payment_days=data.payment_days,
        tax_treatment=data.tax_treatment,
        opened_at=event.time,
        billing_day=data.billing_day,
        treatment_position=event.position,
    )


def evolve_changed(customer: Customer, event: Event, data: CustomerChanged) -> None:
    """Take over the terms that the rules need."""
    customer.currency = data.currency or customer.currency
    if data.tax_treatment is not None:
        customer.tax_treatment, customer.treatment_position = data.tax_treatment, event.position
    if data.payment_days is not None:
        customer.payment_days = data.payment_days
    if data.billing_day is not None:
        customer.billing_day = data.billing_day


def evolve_closed(customer: Customer, event: Event, _: CustomerClosed) -> None:
    """Remember since when there is no new business."""
    customer.closed_at = event.time
