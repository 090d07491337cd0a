"""Offers: a discount that the customer may accept until a day. The authority is judged when it is offered."""

from __future__ import annotations

from datetime import date, datetime

from ledger.book import Book
from ledger.customer import refuse_closed
from ledger.discounts import authority
from ledger.discounts.authority import Authority
from ledger.discounts.discount import (
    DiscountGranted,
    pending,
    pending_of,
    refuse_charge_gone,
    refuse_ungrantable,
    request,
)
from ledger.discounts.terms import RecordedTerms, Terms, recorded
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Day, Name, Text, refuse_far_day
from ledger.message import Message
from ledger.state import Customer


class DiscountOffer(Terms, frozen=True, kw_only=True):
    """Offer a discount, which the customer may accept until the end of a day.

    What goes beyond the authority of the key's role is a request to a second person, who lets it be offered.
    """

    offered_until: Day

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_far_day(self.offered_until, "/data/offered_until")


class DiscountOffered(RecordedTerms, frozen=True, kw_only=True):
    """A discount was offered to the customer."""

    authority: Authority | None = None
    offered_until: Day


class DiscountAccept(Data, frozen=True, kw_only=True):
    """The customer accepts an offer."""

    discount: Name


class DiscountAccepted(Decided, frozen=True, kw_only=True):
    """The customer accepted an offer, which is granted by that."""

    discount: Name


class DiscountRefuse(Data, frozen=True, kw_only=True):
    """The customer does not want what they were offered."""

    discount: Name
    reason: Text | None = None


class DiscountRefused(Decided, frozen=True, kw_only=True):
    """The customer did not want what they were offered."""

    discount: Name
    reason: Text | None = None


def offer(
    book: Book, customer: Customer, message: Message, data: DiscountOffer, now: datetime
) -> list[Draft]:
    """Decide on `discount.offer`: offered within the authority, else requested of a second person."""
    refuse_ungrantable(book, customer, message, data, now)
    refuse_expired(book, message, data.discount, data.offered_until)
    held = authority.held(book, customer, message, data, now)
    until = data.offered_until
    if held is None:
        return [Draft("discount.offered", recorded(DiscountOffered, data, offered_until=until))]
    exceeds = authority.exceeded(held, customer, data)
    if exceeds is not None:
        return [request(data, held.authority, exceeds, offered_until=until)]
    offered = recorded(DiscountOffered, data, authority=held.authority, offered_until=until)
    return [Draft("discount.offered", offered)]


def accept(
    book: Book, customer: Customer, message: Message, data: DiscountAccept, now: datetime
) -> list[Draft]:
    """Decide on `discount.accept`: in time, and what it is about must still be there."""
    waiting, terms = pending_of(book, customer, message, data.discount, "offer", now)
    refuse_closed(customer, message)
    if waiting.until is not None:
        refuse_expired(book, message, data.discount, waiting.until)
    refuse_charge_gone(customer, terms)
    by = waiting.authority
    under = None if by is None else Authority(role=by[0], policy_from=by[1])
    granted = recorded(DiscountGranted, terms, authority=under)
    return [
        Draft("discount.accepted", DiscountAccepted(discount=data.discount)),
        Draft("discount.granted", granted),
    ]


def refuse(
    book: Book, customer: Customer, message: Message, data: DiscountRefuse, now: datetime
) -> list[Draft]:
    """Decide on `discount.refuse`: an offer that has expired needs no answer any more."""
    waiting, _ = pending_of(book, customer, message, data.discount, "offer", now)
    if waiting.until is not None:
        refuse_expired(book, message, data.discount, waiting.until)
    return [Draft("discount.refused", DiscountRefused(discount=data.discount, reason=data.reason))]


def refuse_expired(book: Book, message: Message, discount: str, until: date) -> None:
    """Refuse what happens after the last day of an offer, in the book's time zone."""
    if book.day_of(message.time) > until:
        raise Refusal(
            "offer_expired", f"{discount} could be accepted until {until}", pointer="/data/discount",
            discount=discount, offered_until=until.isoformat(),
        )  # fmt: skip


def evolve_offered(customer: Customer, event: Event, data: DiscountOffered) -> None:
    """Let the offer wait for the customer."""
    waiting = pending("offer", event, data, data.offered_until)
    if data.authority is not None:
        waiting.authority = (data.authority.role, data.authority.policy_from)
    customer.pending_discounts[data.discount] = waiting


def evolve_refused(customer: Customer, _: Event, data: DiscountRefused) -> None:
    """Let the offer rest; its name stays taken."""
    del customer.pending_discounts[data.discount]
    customer.ended_discounts.add(data.discount)
    customer.refused_offers.add(data.discount)
