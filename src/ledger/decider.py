"""From a message to events, and from events to state, by the rules of the catalogue.

`decide` is the only way from a message to events and `evolve_customer` / `evolve_book` the only way from
events to state. They touch no database and no clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec

from ledger import book as books
from ledger import customer as customers
from ledger.book import Book
from ledger.catalogue import (
    COMMANDS,
    DECODERS,
    EVENT_DECODERS,
    EVENTS,
    FACTS_OF_BOOK,
    FACTS_OF_CUSTOMER,
    OF_BOOK,
    TO_BOOK,
    TO_CUSTOMER,
)
from ledger.errors import IntegrityError, Malformed, Refusal
from ledger.event import Command, Data, Decided, Draft, Event, decode_stored, encode_canonical
from ledger.message import Message
from ledger.repeats import first_difference
from ledger.state import Customer

__all__ = [
    "DECODERS",
    "EVENTS",
    "OF_BOOK",
    "UNREADABLE",
    "Draft",
    "decide",
    "evolve_book",
    "evolve_customer",
    "first_difference",
    "read_event",
]

_DECIDE = {type_: rule.decide for type_, rule in (FACTS_OF_CUSTOMER | COMMANDS).items()}
_EVOLVE = {type_: rule.evolve for type_, rule in TO_CUSTOMER.items() if rule.evolve is not None}


def decide(book: Book | None, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    """Decide what a message leads to, changing nothing; raise `Refusal` when it breaks a rule."""
    drafts = _drafts(book, customer, message, now)
    if book is not None and book.policies.unposted_ever:
        books.refuse_unposted(book, message, drafts)
    if message.type in COMMANDS:
        _keep_command(drafts[0].data, message)
    return drafts


def _drafts(book: Book | None, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    type_, data = message.type, message.data
    if (message.subject is None) is not (type_ in OF_BOOK):
        raise _wrong_subject(message)
    if isinstance(data, books.BookOpened):
        return books.open_book(book, message, data, now)
    if book is None:
        raise Refusal("book_unknown", "the book is not opened yet")
    decide_customer = _DECIDE.get(type_)
    if decide_customer is not None:
        return decide_customer(book, customers.refuse_unopened(customer, message), message, data, now)
    if type_ == "customer.opened":
        return customers.open_customer(book, customer, message, now)
    return FACTS_OF_BOOK[type_].decide(book, message, data, now)


def _wrong_subject(message: Message) -> Malformed:
    if message.subject is None:
        return Malformed(
            "subject_missing", f"{message.type} is about a customer: name them in subject", pointer="/subject"
        )
    return Malformed(
        "subject_not_allowed", f"{message.type} is about the book, not about {message.subject}",
        pointer="/subject", subject=message.subject,
    )  # fmt: skip


def _keep_command(data: Data, message: Message) -> None:
    """Put the command into the first event that it led to, which nobody else has seen yet."""
    command = Command(type=message.type, data=msgspec.Raw(encode_canonical(message.data)))
    msgspec.structs.force_setattr(cast(Decided, data), "command", command)


UNREADABLE = (IntegrityError, Malformed, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""How reading an event ends when the bytes are none."""


def read_event(state: bytes) -> Event:
    """Read an event from its stored bytes, its data by its type."""
    stored = decode_stored(state)
    decode = EVENT_DECODERS.get(stored.type)
    if decode is None:
        raise IntegrityError(
            f"position {stored.position} of {stored.book} holds an event of unknown type {stored.type}"
        )
    return Event(
        book=stored.book,
        causation=stored.causation,
        data=decode(stored.data),
        decisionsize=stored.decisionsize,
        id=stored.id,
        position=stored.position,
        principal=stored.principal,
        recordedtime=stored.recordedtime,
        source=stored.source,
        specversion=stored.specversion,
        subject=stored.subject,
        time=stored.time,
        type=stored.type,
        version=stored.version,
    )


def evolve_customer(customer: Customer | None, event: Event) -> Customer | None:
    """Let an event change the customer that is handed in; use only what comes back."""
    if customer is None:
        return customers.evolve_opened(customer, event) if event.type == "customer.opened" else None
    evolve = _EVOLVE.get(event.type)
    if evolve is not None:
        evolve(customer, event, event.data)
    return customer


def evolve_book(book: Book | None, event: Event) -> Book | None:
    """Let an event change the book that is handed in; use only what comes back."""
    if book is None:
        return books.evolve_opened(book, event) if event.type == "book.opened" else None
    evolve = TO_BOOK.get(event.type)
    if evolve is not None:
        evolve(book, event, event.data)
    return book
