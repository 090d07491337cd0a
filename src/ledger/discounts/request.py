"""Requests: a discount beyond its asker's authority, decided by a second person or withdrawn."""

from __future__ import annotations

from datetime import datetime

from ledger.book import Book
from ledger.customer import refuse_closed
from ledger.discounts import authority
from ledger.discounts.authority import Authority, Held
from ledger.discounts.discount import DiscountGranted, pending_of, refuse_charge_gone
from ledger.discounts.offer import DiscountOffered, refuse_expired
from ledger.discounts.terms import Terms, recorded
from ledger.errors import Refusal, Unauthorised
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Name, Text
from ledger.message import Message
from ledger.parts import PendingDiscount
from ledger.state import Customer


class DiscountApprove(Data, frozen=True, kw_only=True):
    """Approve what somebody else asked for: it is granted, or offered, under the approver's authority."""

    discount: Name
    reason: Text | None = None


class DiscountApproved(Decided, frozen=True, kw_only=True):
    """A second person approved a request."""

    discount: Name
    reason: Text | None = None
    authority: Authority


class DiscountDecline(Data, frozen=True, kw_only=True):
    """Decline what somebody else asked for."""

    discount: Name
    reason: Text


class DiscountDeclined(Decided, frozen=True, kw_only=True):
    """A second person declined a request."""

    discount: Name
    reason: Text
    authority: Authority


class DiscountWithdraw(Data, frozen=True, kw_only=True):
    """Withdraw what oneself asked for, while nobody has decided on it."""

    discount: Name
    reason: Text


class DiscountWithdrawn(Decided, frozen=True, kw_only=True):
    """Who asked for a discount does not want it decided any more."""

    discount: Name
    reason: Text


def approve(
    book: Book, customer: Customer, message: Message, data: DiscountApprove, now: datetime
) -> list[Draft]:
    """Decide on `discount.approve`: never by the asker, and within the approver's own authority."""
    waiting, terms = pending_of(book, customer, message, data.discount, "request", now)
    refuse_closed(customer, message)
    held = _second_person(book, message, waiting, data.discount, now)
    refuse_charge_gone(customer, terms)
    if waiting.until is not None:
        refuse_expired(book, message, data.discount, waiting.until)
    _refuse_uncovered(held, customer, terms)
    by = held.authority
    approved = DiscountApproved(discount=data.discount, reason=data.reason, authority=by)
    if waiting.until is None:
        follows = Draft("discount.granted", recorded(DiscountGranted, terms, authority=by))
    else:
        offered = recorded(DiscountOffered, terms, authority=by, offered_until=waiting.until)
        follows = Draft("discount.offered", offered)
    return [Draft("discount.approved", approved), follows]


def decline(
    book: Book, customer: Customer, message: Message, data: DiscountDecline, now: datetime
) -> list[Draft]:
    """Decide on `discount.decline`: never by the asker."""
    waiting, _ = pending_of(book, customer, message, data.discount, "request", now)
    held = _second_person(book, message, waiting, data.discount, now)
    declined = DiscountDeclined(discount=data.discount, reason=data.reason, authority=held.authority)
    return [Draft("discount.declined", declined)]


def withdraw(
    book: Book, customer: Customer, message: Message, data: DiscountWithdraw, now: datetime
) -> list[Draft]:
    """Decide on `discount.withdraw`: by the asker only."""
    waiting, _ = pending_of(book, customer, message, data.discount, "request", now)
    if message.principal != waiting.principal:
        raise Unauthorised(
            "withdrawal_not_allowed", f"{waiting.principal} asked for {data.discount}: only they withdraw it",
            pointer="/data/discount", discount=data.discount, asked_by=waiting.principal,
            principal=message.principal,
        )  # fmt: skip
    return [Draft("discount.withdrawn", DiscountWithdrawn(discount=data.discount, reason=data.reason))]


def _second_person(
    book: Book, message: Message, waiting: PendingDiscount, discount: str, now: datetime
) -> Held:
    """Return the authority of who decides: another principal than who asked, in a role that approves."""
    held = authority.held_by(book, message, now)
    if message.principal == waiting.principal:
        raise Unauthorised(
            "self_approval", f"{message.principal} asked for {discount}: somebody else decides",
            pointer="/data/discount", discount=discount, principal=message.principal,
        )  # fmt: skip
    if held is None or not held.role.approves:
        raise Unauthorised(
            "approval_not_allowed", f"{message.principal} may not decide on the requests of others",
            principal=message.principal, role=message.role,
        )  # fmt: skip
    return held


def _refuse_uncovered(held: Held, customer: Customer, terms: Terms) -> None:
    beyond = authority.exceeded(held, customer, terms)
    if beyond is not None:
        raise Refusal(
            "authority_exceeded",
            f"{terms.discount} is beyond the authority of {held.role.role} too: {beyond.limit} "
            f"{beyond.asked or 'without bound'} where {beyond.allowed} is allowed",
            pointer="/data/discount", discount=terms.discount, role=held.role.role, limit=beyond.limit,
            allowed=beyond.allowed, asked=beyond.asked,
        )  # fmt: skip


def evolve_declined(customer: Customer, _: Event, data: DiscountDeclined) -> None:
    """Let the request rest; its name stays taken."""
    del customer.pending_discounts[data.discount]
    customer.ended_discounts.add(data.discount)


def evolve_withdrawn(customer: Customer, _: Event, data: DiscountWithdrawn) -> None:
    """Let the request rest; its name stays taken."""
    del customer.pending_discounts[data.discount]
    customer.ended_discounts.add(data.discount)
