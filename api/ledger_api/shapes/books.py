"""Shapes of books."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, Shape


class Book(Shape):
    """A legal entity, with a log of its own."""

    book: str = Field(examples=["main"])
    name: str
    currency: CurrencyCode
    time_zone: str = Field(examples=["Europe/Berlin"])
    opened_at: datetime
    position: int = Field(description="Position of its last event.")
    recorded_at: datetime = Field(description="When that was recorded.")


class Books(Shape):
    """Books in order of name."""

    items: list[Book]
    next: str | None
