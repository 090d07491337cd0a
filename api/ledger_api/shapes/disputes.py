"""Shapes of disputes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CustomerId, Shape


class Dispute(Shape):
    """A dispute. All amounts are minor units of `currency`."""

    dispute: str
    customer: CustomerId
    kind: Literal["complaint", "inquiry", "chargeback"]
    state: Literal["open", "resolved"]
    outcome: str | None
    invoice: str | None
    charge: str | None
    payment: str | None
    currency: str | None
    amount: int | None
    held: int = Field(description="What moved from receivable to disputed.")
    charged_back: int
    fee: int
    upheld: int
    released: int
    restored: int
    fee_returned: int
    reason: str
    resolution: str | None
    respond_by: str | None
    lines: list[object]
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    resolved_by: str | None
    position: int


class DisputePage(Shape):
    """Disputes in the order in which they were opened."""

    items: list[Dispute]
    next: str | None
