"""Shapes of discounts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, MinorUnits, Shape


class TakenOff(Shape):
    """What a discount took off so far, in one currency."""

    currency: CurrencyCode
    amount: MinorUnits


class Discount(Shape):
    """A discount granted to a customer."""

    discount: str
    customer: CustomerId
    state: Literal["granted", "used_up", "revoked"]
    left_over: int | None = Field(description="What is left of a fixed amount that is granted once.")
    uses_left: int | None = Field(
        description="On how many more invoices it counts; null: for ever, or by amount."
    )
    kind: Literal["percent", "fixed"]
    percent: str | None
    amount: int | None
    currency: str | None
    charge: str | None
    service: str | None
    invoices: int | None = Field(description="For how many invoices; null: for ever.")
    until: date | None
    uses: int = Field(description="On how many invoices it counted.")
    reason: str
    campaign: str | None
    granted_at: datetime
    granted_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None
    position: int
    taken_off: list[TakenOff] = Field(description="By currency; void invoices left out.")


class DiscountPage(Shape):
    """Discounts in the order in which they were granted."""

    items: list[Discount]
    next: str | None
