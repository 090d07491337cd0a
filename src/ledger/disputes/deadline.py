"""Deadlines of disputes: what happens when an answer is awaited until a day and none comes.

The ledger acts by itself, once: a chargeback is lost, a complaint is escalated. An inquiry moves no money and
its bank says what follows, so nothing happens to it [docs/domain.md, Disputes].
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger.book import Book, refuse_undatable
from ledger.disputes.dispute import DisputeResolved
from ledger.disputes.handling import DisputeEscalated
from ledger.errors import Malformed, Refusal
from ledger.event import LEDGER, Data, Draft
from ledger.fields import Day, Name
from ledger.message import Message
from ledger.parts import Deadline
from ledger.references import find_dispute, refuse_resolved
from ledger.state import Customer

SOURCE = f"{LEDGER}/deadlines"
"""The CloudEvents source of what the ledger posts when a deadline has passed; no API key may post as it."""
NOTICE_MIN = timedelta(days=1)
"""Time between recording a deadline and acting on it: whoever is told late still has a day to answer."""
REASON = "deadline_passed"


class DisputeLapse(Data, frozen=True, kw_only=True):
    """Act on a deadline that passed without evidence. Only the ledger posts this."""

    dispute: Name
    respond_by: Day


def lapse(book: Book, customer: Customer, message: Message, data: DisputeLapse, now: datetime) -> list[Draft]:
    """Decide on `dispute.lapse`: on the deadline that the dispute still has, and not before it passed."""
    if message.principal != LEDGER:
        raise Malformed("type_reserved", f"only the ledger posts {message.type}", pointer="/type")
    find_dispute(customer, data.dispute)
    refuse_undatable(book, message, now)
    dispute = refuse_resolved(customer, data.dispute)
    deadline = dispute.deadline
    if deadline is None or deadline.respond_by != data.respond_by or dispute.kind == "inquiry":
        raise Refusal(
            "deadline_not_open", f"the dispute {data.dispute} does not wait until {data.respond_by} any more",
            pointer="/data/respond_by", dispute=data.dispute, respond_by=data.respond_by.isoformat(),
        )  # fmt: skip
    acts_at = passes_at(book, deadline)
    if now < acts_at:
        raise Refusal(
            "deadline_not_passed", f"nothing happens to dispute {data.dispute} before {acts_at.isoformat()}",
            pointer="/data/respond_by", dispute=data.dispute, acts_at=acts_at.isoformat(),
        )  # fmt: skip
    if dispute.kind == "complaint":
        escalated = DisputeEscalated(
            dispute=data.dispute, level=dispute.level + 1, reason=REASON, lapsed=data.respond_by
        )
        return [Draft("dispute.escalated", escalated)]
    lost = DisputeResolved(
        dispute=data.dispute, kind=dispute.kind, payment=dispute.payment, currency=dispute.currency,
        outcome="lost", amount=0, reason=REASON, lapsed=data.respond_by,
    )  # fmt: skip
    return [Draft("dispute.resolved", lost)]


def passes_at(book: Book, deadline: Deadline) -> datetime:
    """Tell when a deadline has passed: its day is over in the book's time zone, and NOTICE_MIN went by."""
    day_is_over = book.end_of(deadline.respond_by) + timedelta.resolution
    return max(day_is_over, deadline.recorded_at + NOTICE_MIN)
