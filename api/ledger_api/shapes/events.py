"""Shapes of the event feed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import Shape


class StoredEvent(Shape):
    """An event as it was recorded: CloudEvents 1.0 with the ledger's own attributes."""

    book: str
    causation: int = Field(description="Position of the first event of the same decision.")
    data: dict[str, object]
    decisionsize: int = Field(description="Events of that decision.")
    id: str
    position: int
    principal: str
    recordedtime: datetime
    source: str
    specversion: Literal["1.0"]
    subject: str | None = None
    time: datetime
    type: str = Field(examples=["charge.posted"])
    version: int


class EventPage(Shape):
    """Events in order."""

    items: list[StoredEvent]
    next: int = Field(description="The `after` of the next page.")
    head: int = Field(description="Position of the book's last event.")
