"""Shapes of dunning."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CustomerId, Shape


class OverdueInvoice(Shape):
    """An invoice past its due date. All amounts are minor units of `currency`."""

    customer: CustomerId
    invoice: str
    currency: str
    due_on: str
    days_overdue: int
    amount: int = Field(description="What is due and not in dispute.")
    disputed: int
    reminders: int = Field(description="How many were sent.")
    last_kind: str | None
    last_sent_on: str | None
    next_step: int | None = Field(description="Null when the book's dunning has no further step.")
    next_kind: str | None
    next_minimum: int | None = Field(description="Of less than this nobody is reminded.")
    next_on: str | None = Field(description="First day on which it may be sent.")
    ready: bool = Field(description="Whether it is to be sent on the day asked for.")
    position: int = Field(description="Position of the invoice.issued.")


class Overdue(Shape):
    """Overdue invoices in the order in which they were issued."""

    items: list[OverdueInvoice]
    next: str | None


class Reminder(Shape):
    """A reminder that was sent."""

    invoice: str
    step: int
    customer: CustomerId
    kind: str
    currency: str
    amount: int = Field(description="What was due and not in dispute, in minor units.")
    days_overdue: int
    sent_on: str
    sent_at: datetime
    sent_by: str
    position: int


class ReminderPage(Shape):
    """Reminders in the order in which they were sent."""

    items: list[Reminder]
    next: str | None


class RunItem(Shape):
    """One reminder of a dunning run."""

    customer: CustomerId
    invoice: str
    step: int
    kind: str
    currency: str
    amount: int
    position: int = Field(description="Position of the invoice.issued.")
    status: Literal["ready", "sent", "refused"] = Field(description="ready: it would be sent (dry run).")
    code: str | None = Field(
        description="Why it was refused; `key_conflict`: another run sent it at this moment."
    )


class Run(Shape):
    """What a dunning run sent, or would send, of one page of invoices."""

    through: str
    dry_run: bool
    items: list[RunItem]
    next: str | None
