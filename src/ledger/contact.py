"""Contacts: a customer calls, writes or comes by; somebody answers, or nobody does; it ends.

How long they waited, how many gave up and how long an answer took follows from these three facts.
"""

from __future__ import annotations

from datetime import datetime

from ledger.book import Book, refuse_undatable
from ledger.customer import Locale
from ledger.errors import Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import Name, Text
from ledger.message import Message
from ledger.parts import Contact
from ledger.references import find_contact, refuse_dated_before
from ledger.state import Customer

ABANDONED = "abandoned"
"""The outcome of a contact that ended before anybody answered, and of no other."""


class ContactArrived(Data, frozen=True, kw_only=True):
    """Somebody wants something, and waits from now on.

    The subject is the customer that they say they are: whether they are, `caller.verified` tells.
    """

    contact: Name
    channel: Text
    queue: Text
    topic: Text | None = None
    language: Locale | None = None


class ContactAnswered(Data, frozen=True, kw_only=True):
    """The waiting is over: somebody attends to them. Without `agent` it is whoever posts this."""

    contact: Name
    agent: Name | None = None


class ContactEnded(Data, frozen=True, kw_only=True):
    """The contact is over, with this outcome; one that nobody answered was abandoned."""

    contact: Name
    outcome: Text


def arrive(
    book: Book, customer: Customer, message: Message, data: ContactArrived, now: datetime
) -> list[Draft]:
    """Decide on `contact.arrived`: each contact once, of customers who have left too."""
    refuse_undatable(book, message, now)
    if data.contact in customer.contacts or data.contact in customer.ended_contacts:
        raise Refusal(
            "contact_exists", f"the contact {data.contact} arrived before",
            pointer="/data/contact", contact=data.contact,
        )  # fmt: skip
    return [Draft(message.type, data)]


def answer(
    book: Book, customer: Customer, message: Message, data: ContactAnswered, now: datetime
) -> list[Draft]:
    """Decide on `contact.answered`: once, after it arrived and before it ended."""
    contact = _open(book, customer, message, data.contact, now)
    if contact.answered_at is not None:
        raise Refusal(
            "contact_answered", f"the contact {data.contact} was answered before",
            pointer="/data/contact", contact=data.contact, answered_at=contact.answered_at.isoformat(),
        )  # fmt: skip
    return [Draft(message.type, data)]


def end(book: Book, customer: Customer, message: Message, data: ContactEnded, now: datetime) -> list[Draft]:
    """Decide on `contact.ended`: once; abandoned is what nobody answered [docs/domain.md, Contacts]."""
    contact = _open(book, customer, message, data.contact, now)
    answered = contact.answered_at is not None
    if answered is (data.outcome == ABANDONED):
        code, said = ("contact_answered", "was") if answered else ("contact_not_answered", "was never")
        raise Refusal(
            code, f"the contact {data.contact} {said} answered, it cannot end {data.outcome}",
            pointer="/data/outcome", contact=data.contact, outcome=data.outcome,
        )  # fmt: skip
    return [Draft(message.type, data)]


def _open(book: Book, customer: Customer, message: Message, name: str, now: datetime) -> Contact:
    """Return a contact that goes on, and that was there at the time of the message."""
    contact = find_contact(customer, name)
    refuse_undatable(book, message, now)
    if contact is None:
        raise Refusal("contact_ended", f"the contact {name} is over", pointer="/data/contact", contact=name)
    refuse_dated_before(message, f"contact {name}", contact.answered_at or contact.arrived_at)
    return contact


def evolve_arrived(customer: Customer, event: Event, data: ContactArrived) -> None:
    """Let the contact wait."""
    customer.contacts[data.contact] = Contact(event.time)


def evolve_answered(customer: Customer, event: Event, data: ContactAnswered) -> None:
    """Remember that it waits no more."""
    customer.contacts[data.contact].answered_at = event.time


def evolve_ended(customer: Customer, _: Event, data: ContactEnded) -> None:
    """Keep its name alone: it arrives once."""
    del customer.contacts[data.contact]
    customer.ended_contacts.add(data.contact)
