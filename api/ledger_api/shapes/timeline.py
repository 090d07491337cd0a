"""Shapes of a customer's timeline."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger_api.shapes.base import Shape


class Happened(Shape):
    """One event in few words; `…/events/{position}` has all of it."""

    version: int = Field(description="Place in the customer's stream, from 1.")
    position: int
    type: str = Field(examples=["payment.received"])
    occurred_at: datetime
    recorded_at: datetime
    principal: str
    source: str
    id: str
    causation: int = Field(description="Position of the first event of the same decision.")
    invoice: str | None
    currency: str | None
    amount: int | None = Field(description="Minor units of the currency; the type says what they are.")
    refers_to: dict[str, object] = Field(
        description="What else the event names, by the names of its fields.", examples=[{"payment": "pay-1"}]
    )


class Timeline(Shape):
    """A customer's events."""

    items: list[Happened]
    next: str | None
