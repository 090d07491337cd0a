"""Shapes of customers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, Shape


class CustomerTerms(Shape):
    """A customer's terms."""

    customer: CustomerId
    status: Literal["open", "closed", "erased"]
    currency: CurrencyCode
    payment_days: int
    billing_day: int
    locale: str
    tax_treatment: Literal["standard", "exempt", "reverse_charge"]
    segment: str | None
    credit_limit: int | None = Field(
        description="Up to what the customer may owe, unbilled deliveries included: told, never enforced."
    )
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closing_reason: str | None
    erased_at: datetime | None
    position: int = Field(description="Position of the customer.opened.")


class CustomerPage(Shape):
    """Customers in order of name."""

    items: list[CustomerTerms]
    next: str | None


class AgreedService(Shape):
    """A service that a customer takes."""

    service: str
    description: str | None
    quantity: str = Field(description="An exact decimal.", examples=["1"])
    unit_price: str = Field(description="Minor units, an exact decimal.", examples=["2990"])
    interval: Literal["month", "quarter", "year"]
    tax_category: str
    billed: Literal["advance", "arrears"]
    to: date | None = Field(description="Last day of the service, where it has one of its own.")


class Agreement(Shape):
    """The services that a customer takes from a date on."""

    from_: date = Field(alias="from")
    services: list[AgreedService]


class Activity(Shape):
    """How much happened with a customer."""

    events: int
    charges: int
    invoices: int
    credit_notes: int
    payments: int
    disputes: int
    last_occurred_at: datetime
    last_position: int


class Customer(CustomerTerms):
    """A customer with what was agreed on and how much happened."""

    agreements: list[Agreement]
    activity: Activity | None
