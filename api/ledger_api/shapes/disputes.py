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
    deadline: str | None = Field(description="The last day to answer, while an answer is awaited.")
    lapsed: str | None = Field(description="The last deadline that passed without an answer.")
    inquiry: str | None = Field(description="The inquiry that became this chargeback.")
    assignee: str | None
    level: int = Field(description="How often it was escalated.")
    escalated_to: str | None
    evidence: int = Field(description="How many files of evidence were submitted.")
    withdrawn_at: datetime | None
    touched_at: datetime | None = Field(description="When somebody first did something about it.")
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


class QueuedDispute(Shape):
    """An open dispute as whoever works on it needs it. The amount is minor units of `currency`."""

    dispute: str
    customer: CustomerId
    kind: Literal["complaint", "inquiry", "chargeback"]
    invoice: str | None
    charge: str | None
    payment: str | None
    currency: str | None
    amount: int | None
    reason: str
    deadline: str | None = Field(description="The last day to answer, while an answer is awaited.")
    overdue: bool = Field(description="Whether that day is over in the book's time zone.")
    lapsed: str | None = Field(description="The last deadline that passed without an answer.")
    assignee: str | None
    level: int = Field(description="How often it was escalated.")
    escalated_to: str | None
    evidence: int = Field(description="How many files of evidence were submitted.")
    withdrawn_at: datetime | None
    opened_at: datetime
    touched_at: datetime | None = Field(description="When somebody first did something about it.")
    waiting_hours: int = Field(description="Whole hours since it was opened.")
    untouched_hours: int = Field(description="Whole hours until it was first touched, or until now.")
    position: int


class DisputeQueue(Shape):
    """Open disputes, the most urgent first."""

    items: list[QueuedDispute]
    next: str | None


class StoredFile(Shape):
    """A file that is kept, and that `dispute.submit_evidence` may name."""

    sha256: str
    size: int = Field(description="Its bytes.")
    media_type: str


class SubmittedFile(StoredFile):
    """A file that was submitted as evidence."""

    name: str
    submitted_at: datetime
    submitted_by: str
    position: int


class Evidence(Shape):
    """The files of a dispute in the order in which they were submitted."""

    files: list[SubmittedFile]


class Work(Shape):
    """What one assignee has open."""

    assignee: str | None = Field(description="Null: what waits in the queue.")
    open: int
    complaints: int
    inquiries: int
    chargebacks: int
    escalated: int
    overdue: int
    untouched: int = Field(description="How many nobody has done anything about yet.")
    next_deadline: str | None
    oldest_opened_at: datetime


class Workload(Shape):
    """Open disputes by who works on them."""

    assignees: list[Work]
