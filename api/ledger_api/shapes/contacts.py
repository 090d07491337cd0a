"""Shapes of contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CustomerId, Shape


class Contact(Shape):
    """A contact. Times in whole seconds."""

    contact: str
    customer: CustomerId
    channel: str
    queue: str
    topic: str | None
    language: str | None
    state: Literal["waiting", "answered", "ended"]
    outcome: str | None
    arrived_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    ended_at: datetime | None
    waited_seconds: int | None = Field(description="Until it was answered, or abandoned.")
    handled_seconds: int | None = Field(description="From the answer to the end.")
    position: int


class ContactPage(Shape):
    """Contacts in the order in which their arrival was recorded."""

    items: list[Contact]
    next: str | None


class ContactFigures(Shape):
    """How some contacts were served. A percentile is null where there is nothing that it could be of."""

    day: str | None = Field(description="Date of arrival; null for all of them together.")
    key: str | None = Field(description="The queue, channel, topic or language; null: all, or none was told.")
    arrived: int
    waiting: int
    answered: int
    abandoned: int
    answered_within: int = Field(description="Answered within `within_seconds`.")
    answered_within_percent: str = Field(description="The same, of all that arrived.", examples=["81.25"])
    abandoned_percent: str = Field(examples=["6.25"])
    wait_seconds_median: int | None
    wait_seconds_p90: int | None
    abandoned_after_seconds_median: int | None
    handled_seconds_median: int | None
    handled_seconds_p90: int | None
    handled_seconds: int = Field(description="All handling times together.")


class ContactReport(Shape):
    """How contacts were served: each day and key, each key over all days, and all of them."""

    by: Literal["queue", "channel", "topic", "language"]
    within_seconds: int
    days: list[ContactFigures]
    period: list[ContactFigures]
    all: list[ContactFigures] = Field(description="One, or none when nobody came.")
