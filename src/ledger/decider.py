"""Which message leads to what, and what each event changes: the table of all types.

`decide` is the only way from a message to events and `evolve_customer` / `evolve_book` the only way from events to
state. They touch no database and no clock. Each noun's own module holds its shapes and rules; here they are only
listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

import msgspec

from ledger import book as books
from ledger import charge, payment
from ledger import customer as customers
from ledger.book import Book
from ledger.customer import Customer
from ledger.errors import IntegrityError, Malformed, Refusal
from ledger.event import Command, Data, Decided, Draft, Event, decode_stored, encode_canonical
from ledger.message import Decode, Message

__all__ = [
    "DECODERS",
    "OF_BOOK",
    "Draft",
    "decide",
    "evolve_book",
    "evolve_customer",
    "first_difference",
    "read_event",
]

_DecideBook = Callable[[Book, Message, datetime], list[Draft]]
_DecideCustomer = Callable[[Book, Customer, Message, datetime], list[Draft]]
_EvolveBook = Callable[[Book, Event], None]
_EvolveCustomer = Callable[[Customer, Event], None]

_FACTS: dict[str, type[Data]] = {
    "book.opened": books.BookOpened,
    "customer.opened": customers.CustomerOpened,
    "charge.posted": charge.ChargePosted,
    "payment.received": payment.PaymentReceived,
}
"""Facts are recorded under their own type, as they were posted."""

_COMMANDS: dict[str, type[Data]] = {}
"""Commands lead to events of other types."""

_EVENTS: dict[str, type[Data]] = {**_FACTS}
"""All that is recorded."""

_DECIDE_BOOK: dict[str, _DecideBook] = {}
_DECIDE_CUSTOMER: dict[str, _DecideCustomer] = {
    "charge.posted": charge.post,
    "payment.received": payment.receive,
}
_EVOLVE_BOOK: dict[str, _EvolveBook] = {}
_EVOLVE_CUSTOMER: dict[str, _EvolveCustomer] = {
    "charge.posted": charge.evolve_posted,
    "payment.received": payment.evolve_received,
}


def _decoder(data: type[Data]) -> Decode:
    return msgspec.json.Decoder(data).decode


DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in (_FACTS | _COMMANDS).items()}
"""Of each message type, the strict decoder of its data."""

OF_BOOK = frozenset({"book.opened", *_DECIDE_BOOK})
"""Message types that go to the book's own stream and have no subject."""

_EVENT_DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in _EVENTS.items()}


def decide(book: Book | None, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    """Decide what a message leads to, changing nothing; raise `Refusal` when it breaks a rule."""
    drafts = _drafts(book, customer, message, now)
    if message.type in _COMMANDS:
        _keep_command(drafts[0].data, message)
    return drafts


def _drafts(book: Book | None, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    decide_customer = _DECIDE_CUSTOMER.get(message.type)
    if (message.subject is None) is not (message.type in OF_BOOK):
        raise _wrong_subject(message)
    if message.type == "book.opened":
        return books.open_book(book, message, now)
    if book is None:
        raise Refusal("book_unknown", "the book is not opened yet", pointer="")
    if decide_customer is not None:
        return decide_customer(book, customers.refuse_unopened(customer, message), message, now)
    if message.type == "customer.opened":
        return customers.open_customer(book, customer, message, now)
    return _DECIDE_BOOK[message.type](book, message, now)


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


def read_event(state: bytes) -> Event:
    """Read an event from its stored bytes, its data by its type."""
    stored = decode_stored(state)
    decode = _EVENT_DECODERS.get(stored.type)
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
    evolve = _EVOLVE_CUSTOMER.get(event.type)
    if evolve is not None:
        evolve(customer, event)
    return customer


def evolve_book(book: Book | None, event: Event) -> Book | None:
    """Let an event change the book that is handed in; use only what comes back."""
    if book is None:
        return books.evolve_opened(book, event) if event.type == "book.opened" else None
    evolve = _EVOLVE_BOOK.get(event.type)
    if evolve is not None:
        evolve(book, event)
    return book


def first_difference(first: Event, message: Message) -> str | None:
    """Compare a recorded decision's first event with a message of the same key.

    Returns None for the same content, else the JSON pointer of the first field that differs, in the order type,
    subject, time, then data by sorted path [DOMAIN.md, Idempotency].
    """
    type_, data = _content(first)
    for pointer, ours, theirs in (
        ("/type", type_, message.type),
        ("/subject", first.subject, message.subject),
        ("/time", first.time, message.time),
    ):
        if ours != theirs:
            return pointer
    return _difference(msgspec.to_builtins(data), msgspec.to_builtins(message.data), "/data")


def _content(first: Event) -> tuple[str, Data]:
    """The type and data of the message that led to an event."""
    if isinstance(first.data, Decided) and first.data.command is not None:
        command = first.data.command
        return command.type, DECODERS[command.type](bytes(command.data))
    if isinstance(first.data, books.BookOpened):
        return first.type, books.as_posted(first.data)
    return first.type, first.data


def _difference(ours: object, theirs: object, pointer: str) -> str | None:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                return f"{pointer}/{key}"
            found = _difference(ours[key], theirs[key], f"{pointer}/{key}")
            if found is not None:
                return found
        return None
    if isinstance(ours, list) and isinstance(theirs, list):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            found = _difference(one, other, f"{pointer}/{place}")
            if found is not None:
                return found
        return None if len(ours) == len(theirs) else f"{pointer}/{min(len(ours), len(theirs))}"
    return None if ours == theirs else pointer
