"""Verification of callers: each attempt is an event, never its secret, and too many failures lock.

Whether a secret was right is found out where the secrets are, before the attempt is judged here; but nobody
is told of it unless the attempt is recorded. So while a customer is locked, a right secret and a wrong one
get the same answer [docs/domain.md, Verification].
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import LEDGER, Data, Decided, Draft, Event
from ledger.fields import Instant, Name
from ledger.message import Message
from ledger.references import find_contact
from ledger.state import Customer
from ledger.verification_policy import ATTEMPTS_MAX, Method, Verification

SOURCE = f"{LEDGER}/verification"
"""The CloudEvents source of what is posted about attempts; no API key may post as it, so nobody verifies a
caller but by the addresses that compare secrets."""


class VerificationStart(Data, frozen=True, kw_only=True):
    """Send a one-time code to the contact on record. Only the ledger posts this, when it is asked to."""

    contact: Name | None = None


class VerificationStarted(Decided, frozen=True, kw_only=True):
    """A one-time code is to be sent, which works until `expires_at`. The code is in no event."""

    contact: Name | None = None
    expires_at: Instant


class CallerVerify(Data, frozen=True, kw_only=True):
    """An attempt to prove who one is, and how it went. Only the ledger posts this."""

    contact: Name | None = None
    method: Method
    result: Literal["passed", "failed"]


class CallerVerified(Decided, frozen=True, kw_only=True):
    """An attempt of a caller to prove who they are. One without a contact stands until `valid_until`."""

    contact: Name | None = None
    method: Method
    result: Literal["passed", "failed"]
    valid_until: Instant | None = None


def start(
    book: Book, customer: Customer, message: Message, data: VerificationStart, now: datetime
) -> list[Draft]:
    """Decide on `verification.start`: of codes, too, no more are sent than attempts may fail."""
    policy = _policy(book, customer, message, data.contact, "one_time_code", now)
    _refuse_locked(customer, policy, now)
    sent = [at for at in customer.codes_sent if at > now - timedelta(minutes=policy.within_minutes)]
    if len(sent) >= policy.attempts_max:
        raise Refusal(
            "code_limit", f"{len(sent)} codes were sent within {policy.within_minutes} minutes",
            codes=len(sent), within_minutes=policy.within_minutes,
        )  # fmt: skip
    expires_at = now + timedelta(minutes=policy.code_minutes)
    return [Draft("verification.started", VerificationStarted(contact=data.contact, expires_at=expires_at))]


def verify(
    book: Book, customer: Customer, message: Message, data: CallerVerify, now: datetime
) -> list[Draft]:
    """Decide on `caller.verify`: recorded as it went, unless too many attempts failed just now."""
    policy = _policy(book, customer, message, data.contact, data.method, now)
    _refuse_locked(customer, policy, now)
    stands = data.result == "passed" and data.contact is None
    verified = CallerVerified(
        contact=data.contact,
        method=data.method,
        result=data.result,
        valid_until=now + timedelta(minutes=policy.valid_minutes) if stands else None,
    )
    return [Draft("caller.verified", verified)]


def _policy(
    book: Book, customer: Customer, message: Message, contact: str | None, method: Method, now: datetime
) -> Verification:
    """Return the policy in force; refuse a contact that does not go on, and a method that is not allowed."""
    if message.source != SOURCE:
        raise Malformed("type_reserved", f"only the ledger posts {message.type}", pointer="/type")
    found = None if contact is None else find_contact(customer, contact)
    refuse_undatable(book, message, now)
    if contact is not None and found is None:
        raise Refusal(
            "contact_ended", f"the contact {contact} is over", pointer="/data/contact", contact=contact
        )
    policy = book.policies.verification.on(book.day_of(now))
    if policy is None or method not in policy.methods:
        allowed = [] if policy is None else list(policy.methods)
        raise Refusal(
            "method_not_agreed", f"the book verifies nobody by {method}",
            pointer="/data/method", method=method, allowed=allowed,
        )  # fmt: skip
    return policy


def _refuse_locked(customer: Customer, policy: Verification, now: datetime) -> None:
    """Refuse any attempt once too many failed within the window, by the ledger's clock, whoever made them."""
    window = timedelta(minutes=policy.within_minutes)
    failed = [at for at in customer.failed_attempts if at > now - window]
    if len(failed) >= policy.attempts_max:
        until = (failed[-policy.attempts_max] + window).isoformat()
        raise Refusal(
            "verification_locked", f"{len(failed)} attempts failed, the next one may be made at {until}",
            attempts_max=policy.attempts_max, within_minutes=policy.within_minutes, locked_until=until,
        )  # fmt: skip


def evolve_started(customer: Customer, event: Event, _: VerificationStarted) -> None:
    """Remember the last codes that were sent, as many as any policy counts."""
    customer.codes_sent = [*customer.codes_sent, event.recordedtime][-ATTEMPTS_MAX:]


def evolve_verified(customer: Customer, event: Event, data: CallerVerified) -> None:
    """Remember the last failures, as many as any policy counts."""
    if data.result == "failed":
        customer.failed_attempts = [*customer.failed_attempts, event.recordedtime][-ATTEMPTS_MAX:]
