"""Shapes of discounts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CustomerId, Shape


class Discount(Shape):
    """A discount granted to a customer."""

    discount: str
    customer: CustomerId
    state: Literal["granted", "used_up", "revoked"]
    left_over: int | None = Field(description="What is left of a fixed amount.")
    kind: Literal["percent", "fixed"]
    percent: str | None
    amount: int | None
    currency: str | None
    charge: str | None
    service: str | None
    invoices: int | None = Field(description="For how many invoices; null: for ever.")
    until: date | None
    used: int
    uses: int
    reason: str
    campaign: str | None
    granted_at: datetime
    granted_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None
    position: int


class DiscountPage(Shape):
    """Discounts in the order in which they were granted."""

    items: list[Discount]
    next: str | None
