"""Handling a dispute while it is open: who works on it, its evidence, its escalation, its withdrawal.

Nothing here moves money.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Day, Name, Sha256, Text, refuse_far_day
from ledger.message import Message
from ledger.parts import Deadline, Dispute
from ledger.references import find_dispute, refuse_dated_before, refuse_resolved
from ledger.state import Customer

EVIDENCE_FILES_MAX = 100
"""Files of evidence of one dispute: more is no evidence that anybody reads, and all are in its state."""

MEDIA_TYPE = r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*\Z"
MediaType = Annotated[str, msgspec.Meta(max_length=127, pattern=MEDIA_TYPE)]
"""A media type in lower case, without parameters: `application/pdf`."""
Size = Annotated[int, msgspec.Meta(ge=1, le=2**40)]
"""Bytes of a file."""


class DisputeAssign(Data, frozen=True, kw_only=True):
    """Give a dispute to somebody, or to somebody else; without `assignee` it goes back to the queue."""

    dispute: Name
    assignee: Name | None = None


class DisputeAssigned(Decided, frozen=True, kw_only=True):
    """Somebody works on the dispute now; nobody, when `assignee` is absent."""

    dispute: Name
    assignee: Name | None = None


class DisputeSubmitEvidence(Data, frozen=True, kw_only=True):
    """Submit one file of evidence, which was stored before: the log holds its SHA-256 and never the file."""

    dispute: Name
    name: Text
    media_type: MediaType
    size: Size
    sha256: Sha256


class DisputeEvidenceSubmitted(Decided, frozen=True, kw_only=True):
    """A file of evidence was submitted. The deadline that the dispute had is met."""

    dispute: Name
    name: Text
    media_type: MediaType
    size: Size
    sha256: Sha256


class DisputeEscalate(Data, frozen=True, kw_only=True):
    """Bring a complaint to a higher level: to whom, and why. `respond_by` gives that level its deadline."""

    dispute: Name
    to: Text
    reason: Text
    respond_by: Day | None = None

    def __post_init__(self) -> None:
        if self.respond_by is not None:
            refuse_far_day(self.respond_by, "/data/respond_by")


class DisputeEscalated(Decided, frozen=True, kw_only=True):
    """A complaint is at a higher level.

    `level` counts from 1. Without a new `respond_by` the deadline stays as it was. `lapsed` is the deadline
    that passed, when the ledger escalated it by itself: `to` is absent then.
    """

    dispute: Name
    to: Text | None = None
    level: int
    reason: Text
    respond_by: Day | None = None
    lapsed: Day | None = None


class DisputeWithdraw(Data, frozen=True, kw_only=True):
    """Record that the customer withdrew a chargeback. The bank still decides, so the dispute stays open."""

    dispute: Name
    reason: Text


class DisputeWithdrawn(Decided, frozen=True, kw_only=True):
    """The customer withdrew a chargeback, which is not yet won [Stripe, Dispute withdrawals]."""

    dispute: Name
    reason: Text


def assign(
    book: Book, customer: Customer, message: Message, data: DisputeAssign, now: datetime
) -> list[Draft]:
    """Decide on `dispute.assign`: any open dispute, to somebody who does not have it already."""
    dispute = _at_hand(book, customer, message, data.dispute, now)
    if dispute.assignee == data.assignee:
        who = data.assignee or "nobody"
        raise Refusal(
            "assignee_unchanged", f"the dispute {data.dispute} is with {who} already",
            pointer="/data/assignee", dispute=data.dispute, assignee=data.assignee,
        )  # fmt: skip
    return [Draft("dispute.assigned", DisputeAssigned(dispute=data.dispute, assignee=data.assignee))]


def submit_evidence(
    book: Book, customer: Customer, message: Message, data: DisputeSubmitEvidence, now: datetime
) -> list[Draft]:
    """Decide on `dispute.submit_evidence`: a file once for each dispute."""
    dispute = _at_hand(book, customer, message, data.dispute, now)
    if data.sha256 in dispute.evidence:
        raise Refusal(
            "evidence_exists", f"the dispute {data.dispute} has this file already",
            pointer="/data/sha256", dispute=data.dispute, sha256=data.sha256,
        )  # fmt: skip
    if len(dispute.evidence) >= EVIDENCE_FILES_MAX:
        raise Refusal(
            "evidence_too_many", f"the dispute {data.dispute} has {EVIDENCE_FILES_MAX} files, the most",
            pointer="/data/dispute", dispute=data.dispute, files_max=EVIDENCE_FILES_MAX,
        )  # fmt: skip
    submitted = DisputeEvidenceSubmitted(
        dispute=data.dispute, name=data.name, media_type=data.media_type, size=data.size, sha256=data.sha256
    )
    return [Draft("dispute.evidence_submitted", submitted)]


def escalate(
    book: Book, customer: Customer, message: Message, data: DisputeEscalate, now: datetime
) -> list[Draft]:
    """Decide on `dispute.escalate`: complaints only; of the others the bank decides."""
    dispute = _at_hand(book, customer, message, data.dispute, now)
    _refuse_kind(dispute, message, "complaint")
    escalated = DisputeEscalated(
        dispute=data.dispute, to=data.to, level=dispute.level + 1, reason=data.reason,
        respond_by=data.respond_by,
    )  # fmt: skip
    return [Draft("dispute.escalated", escalated)]


def withdraw(
    book: Book, customer: Customer, message: Message, data: DisputeWithdraw, now: datetime
) -> list[Draft]:
    """Decide on `dispute.withdraw`: chargebacks only, once; what is withdrawn otherwise is resolved by it."""
    dispute = _at_hand(book, customer, message, data.dispute, now)
    _refuse_kind(dispute, message, "chargeback")
    if dispute.withdrawn:
        raise Refusal(
            "dispute_withdrawn", f"the dispute {data.dispute} is withdrawn already",
            pointer="/data/dispute", dispute=data.dispute,
        )  # fmt: skip
    return [Draft("dispute.withdrawn", DisputeWithdrawn(dispute=data.dispute, reason=data.reason))]


def _at_hand(book: Book, customer: Customer, message: Message, name: str, now: datetime) -> Dispute:
    """Return an open dispute that the message is not dated before."""
    find_dispute(customer, name)
    refuse_undatable(book, message, now)
    dispute = refuse_resolved(customer, name)
    refuse_dated_before(message, f"dispute {name}", dispute.opened_at)
    return dispute


def _refuse_kind(dispute: Dispute, message: Message, kind: str) -> None:
    if dispute.kind != kind:
        raise Refusal(
            "dispute_of_other_kind",
            f"{message.type} is for a {kind}; {dispute.dispute} is of the kind {dispute.kind}",
            pointer="/data/dispute", dispute=dispute.dispute, kind=dispute.kind, wanted=kind,
        )  # fmt: skip


def evolve_assigned(customer: Customer, _: Event, data: DisputeAssigned) -> None:
    """Remember who works on it."""
    customer.disputes[data.dispute].assignee = data.assignee


def evolve_evidence(customer: Customer, _: Event, data: DisputeEvidenceSubmitted) -> None:
    """Remember the file; the deadline is met."""
    dispute = customer.disputes[data.dispute]
    dispute.evidence.append(data.sha256)
    dispute.deadline = None


def evolve_escalated(customer: Customer, event: Event, data: DisputeEscalated) -> None:
    """Raise the level; the deadline is the new one, or none after it passed."""
    dispute = customer.disputes[data.dispute]
    dispute.level = data.level
    if data.respond_by is not None or data.lapsed is not None:
        dispute.deadline = Deadline.of(data.respond_by, event)


def evolve_withdrawn(customer: Customer, _: Event, data: DisputeWithdrawn) -> None:
    """Remember that it was withdrawn."""
    customer.disputes[data.dispute].withdrawn = True
