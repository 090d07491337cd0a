"""Which message leads to what, and what each event changes: the table of all types.

`decide` is the only way from a message to events and `evolve_customer` / `evolve_book` the only way from
events to state. They touch no database and no clock. Each noun's own module holds its shapes and rules; here
they are only listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar, cast

import msgspec

from ledger import (
    agreement,
    allocation,
    charge,
    credit_note,
    discount,
    dispute,
    invoice,
    payment,
    refund,
    resolution,
    tax,
)  # fmt: skip
from ledger import book as books
from ledger import customer as customers
from ledger.book import Book
from ledger.errors import IntegrityError, Malformed, Refusal
from ledger.event import Command, Data, Decided, Draft, Event, decode_stored, encode_canonical
from ledger.message import Decode, Message
from ledger.state import Customer

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

D = TypeVar("D", bound=Data)
_DecideBook = Callable[[Book, Message, D, datetime], list[Draft]]
_DecideCustomer = Callable[[Book, Customer, Message, D, datetime], list[Draft]]
_EvolveBook = Callable[[Book, Event, D], None]
_EvolveCustomer = Callable[[Customer, Event, D], None]


class _OfBook(NamedTuple):
    data: type[Data]
    decide: _DecideBook[Data]


class _OfCustomer(NamedTuple):
    data: type[Data]
    decide: _DecideCustomer[Data]


class _ToCustomer(NamedTuple):
    data: type[Data]
    evolve: _EvolveCustomer[Data] | None


def _of_book(data: type[D], decide: _DecideBook[D]) -> _OfBook:
    """Pair a message's data with its rules; the pair is type-checked, the table of all pairs cannot be."""
    return _OfBook(data, cast(_DecideBook[Data], decide))


def _of_customer(data: type[D], decide: _DecideCustomer[D]) -> _OfCustomer:
    return _OfCustomer(data, cast(_DecideCustomer[Data], decide))


def _to_customer(data: type[D], evolve: _EvolveCustomer[D] | None = None) -> _ToCustomer:
    """Pair an event's data with what it changes; None where no rule needs to know of it."""
    return _ToCustomer(data, cast(_EvolveCustomer[Data], evolve))


def _to_book(evolve: _EvolveBook[D]) -> _EvolveBook[Data]:
    return cast(_EvolveBook[Data], evolve)


_FACTS_OF_BOOK: dict[str, _OfBook] = {
    "account.added": _of_book(books.AccountAdded, books.add_account),
    "period.closed": _of_book(books.PeriodClosed, books.close_period),
    "policy.changed": _of_book(books.PolicyChanged, books.change_policy),
    "tax_rate.changed": _of_book(tax.TaxRateChanged, books.change_rate),
}
_FACTS_OF_CUSTOMER: dict[str, _OfCustomer] = {
    "agreement.changed": _of_customer(agreement.AgreementChanged, agreement.change),
    "charge.posted": _of_customer(charge.ChargePosted, charge.post),
    "customer.changed": _of_customer(customers.CustomerChanged, customers.change),
    "customer.closed": _of_customer(customers.CustomerClosed, customers.close),
    "payment.failed": _of_customer(payment.PaymentFailed, payment.fail),
    "payment.received": _of_customer(payment.PaymentReceived, payment.receive),
    "payment.returned": _of_customer(payment.PaymentReturned, payment.return_),
}
"""Facts are recorded under their own type, as they were posted.

`book.opened` and `customer.opened` are the two others: nothing is there yet when they are decided.
"""

_COMMANDS: dict[str, _OfCustomer] = {
    "allocation.make": _of_customer(allocation.AllocationMake, allocation.make),
    "allocation.undo": _of_customer(allocation.AllocationUndo, allocation.undo),
    "charge.reverse": _of_customer(charge.ChargeReverse, charge.reverse),
    "credit_note.issue": _of_customer(credit_note.CreditNoteIssue, credit_note.issue),
    "discount.grant": _of_customer(discount.DiscountGrant, discount.grant),
    "discount.revoke": _of_customer(discount.DiscountRevoke, discount.revoke),
    "dispute.open": _of_customer(dispute.DisputeOpen, dispute.open_),
    "dispute.resolve": _of_customer(resolution.DisputeResolve, resolution.resolve),
    "invoice.issue": _of_customer(invoice.InvoiceIssue, invoice.issue),
    "invoice.void": _of_customer(invoice.InvoiceVoid, invoice.void),
    "refund.issue": _of_customer(refund.RefundIssue, refund.issue),
}
"""Commands lead to events of other types, and all are about a customer."""

_TO_CUSTOMER: dict[str, _ToCustomer] = {
    "agreement.changed": _to_customer(agreement.AgreementChanged),
    "allocation.made": _to_customer(allocation.AllocationMade, allocation.evolve_made),
    "allocation.undone": _to_customer(allocation.AllocationUndone, allocation.evolve_undone),
    "charge.posted": _to_customer(charge.ChargePosted, charge.evolve_posted),
    "charge.reversed": _to_customer(charge.ChargeReversed, charge.evolve_reversed),
    "credit_note.issued": _to_customer(credit_note.CreditNoteIssued, credit_note.evolve_issued),
    "customer.changed": _to_customer(customers.CustomerChanged, customers.evolve_changed),
    "customer.closed": _to_customer(customers.CustomerClosed, customers.evolve_closed),
    "discount.granted": _to_customer(discount.DiscountGranted, discount.evolve_granted),
    "discount.revoked": _to_customer(discount.DiscountRevoked, discount.evolve_revoked),
    "dispute.opened": _to_customer(dispute.DisputeOpened, dispute.evolve_opened),
    "dispute.resolved": _to_customer(resolution.DisputeResolved, resolution.evolve_resolved),
    "invoice.issued": _to_customer(invoice.InvoiceIssued, invoice.evolve_issued),
    "invoice.voided": _to_customer(invoice.InvoiceVoided, invoice.evolve_voided),
    "payment.failed": _to_customer(payment.PaymentFailed),
    "payment.received": _to_customer(payment.PaymentReceived, payment.evolve_received),
    "payment.returned": _to_customer(payment.PaymentReturned, payment.evolve_returned),
    "refund.issued": _to_customer(refund.RefundIssued, refund.evolve_issued),
}
"""What each event changes of its customer."""

_TO_BOOK: dict[str, _EvolveBook[Data]] = {
    "account.added": _to_book(books.evolve_account),
    "credit_note.issued": _to_book(credit_note.evolve_number),
    "invoice.issued": _to_book(invoice.evolve_number),
    "period.closed": _to_book(books.evolve_closed),
    "tax_rate.changed": _to_book(books.evolve_rate),
}
"""What events change of the book: its own, and those of customers that take a number. The journal applies the
posting rules, so a policy changes nothing here."""

_OPENED: dict[str, type[Data]] = {
    "book.opened": books.BookOpened,
    "customer.opened": customers.CustomerOpened,
}
_MESSAGES: dict[str, type[Data]] = _OPENED | {
    type_: rule.data
    for table in (_FACTS_OF_BOOK, _FACTS_OF_CUSTOMER, _COMMANDS)
    for type_, rule in table.items()
}
EVENTS: dict[str, type[Data]] = _OPENED | {
    type_: rule.data for table in (_FACTS_OF_BOOK, _TO_CUSTOMER) for type_, rule in table.items()
}
"""All that is recorded, and the shape of its data."""

_DECIDE = {type_: rule.decide for type_, rule in (_FACTS_OF_CUSTOMER | _COMMANDS).items()}
_EVOLVE = {type_: rule.evolve for type_, rule in _TO_CUSTOMER.items() if rule.evolve is not None}


def _decoder(data: type[Data]) -> Decode:
    return msgspec.json.Decoder(data).decode


DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in _MESSAGES.items()}
"""Of each message type, the strict decoder of its data."""

OF_BOOK = frozenset({"book.opened", *_FACTS_OF_BOOK})
"""Message types that go to the book's own stream and have no subject."""

_EVENT_DECODERS: dict[str, Decode] = {type_: _decoder(data) for type_, data in EVENTS.items()}


def decide(book: Book | None, customer: Customer | None, message: Message, now: datetime) -> list[Draft]:
    """Decide what a message leads to, changing nothing; raise `Refusal` when it breaks a rule."""
    drafts = _drafts(book, customer, message, now)
    if message.type in _COMMANDS:
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
    return _FACTS_OF_BOOK[type_].decide(book, message, data, now)


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
    evolve = _EVOLVE.get(event.type)
    if evolve is not None:
        evolve(customer, event, event.data)
    return customer


def evolve_book(book: Book | None, event: Event) -> Book | None:
    """Let an event change the book that is handed in; use only what comes back."""
    if book is None:
        return books.evolve_opened(book, event) if event.type == "book.opened" else None
    evolve = _TO_BOOK.get(event.type)
    if evolve is not None:
        evolve(book, event, event.data)
    return book


def first_difference(first: Event, message: Message) -> str | None:
    """Compare a recorded decision's first event with a message of the same key.

    Returns None for the same content, else the JSON pointer of the first field that differs, in the order
    type, subject, time, then data by sorted path [docs/domain.md, Idempotency].
    """
    type_, data = _content(first)
    for pointer, ours, theirs in (
        ("/type", type_, message.type),
        ("/subject", first.subject, message.subject),
        ("/time", first.time, message.time),
    ):
        if ours != theirs:
            return pointer
    return None if data == message.data else _difference(data, message.data, "/data")


def _content(first: Event) -> tuple[str, Data]:
    """Return the type and data of the message that led to an event."""
    if isinstance(first.data, Decided) and first.data.command is not None:
        command = first.data.command
        return command.type, DECODERS[command.type](bytes(command.data))
    if isinstance(first.data, books.BookOpened):
        return first.type, books.as_posted(first.data)
    return first.type, first.data


def _difference(ours: object, theirs: object, pointer: str) -> str | None:
    """Find the first path by name at which two values differ; a default is the same said or left out."""
    if isinstance(ours, msgspec.Struct) and type(ours) is type(theirs):
        names = {field.encode_name: field.name for field in msgspec.structs.fields(type(ours))}
        parts = ((key, getattr(ours, name), getattr(theirs, name)) for key, name in sorted(names.items()))
        differences = (_difference(one, other, f"{pointer}/{key}") for key, one, other in parts)
        return next((found for found in differences if found is not None), None)
    if isinstance(ours, list) and isinstance(theirs, list):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            found = _difference(one, other, f"{pointer}/{place}")
            if found is not None:
                return found
        return None if len(ours) == len(theirs) else f"{pointer}/{min(len(ours), len(theirs))}"
    return None if ours == theirs else pointer
