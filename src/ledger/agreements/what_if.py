"""What if: the last invoices of a customer, had they taken other services.

There is no second model: the customer's own messages are decided again, by the same rules, on a copy of the
state of then that has the other agreement. What does not depend on it (charges for use, discounts, terms) is
taken over from the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

import msgspec

from ledger.agreements.billing import AGREED_LINES_MAX
from ledger.agreements.recurring import Billing, plan, spans_of
from ledger.book import Book
from ledger.catalogue import DECODERS
from ledger.charge import ChargeReversed
from ledger.decider import decide, evolve_book, evolve_customer
from ledger.discounts.discount import DiscountRevoked
from ledger.disputes.dispute import DisputeOpened, DisputeResolved
from ledger.errors import Refusal
from ledger.event import Decided, Draft, Event
from ledger.invoice import InvoiceIssued, InvoiceVoided
from ledger.message import Message
from ledger.parts import Agreement, Run, Taken
from ledger.state import Customer

BILLS = frozenset({"customer.bill", "invoice.issue"})
"""Commands that are decided again."""
_KEPT = frozenset({"charge.posted", "discount.granted", "customer.changed", "customer.closed"})
"""Events that are the same whatever the agreement is."""
_LOOK_BACK = timedelta(days=732)
"""Before the first invoice nothing is asked for: two years hold every interval that may reach into it."""


class Compared(NamedTuple):
    """An invoice as it is, and as it would have been: None where there would have been none."""

    was: InvoiceIssued
    would_be: InvoiceIssued | None


def what_if(history: Iterable[Event], services: Sequence[Taken] | None, last: int) -> list[Compared]:
    """Compare the last invoices that are not void; `services` None takes the agreement as it was.

    `history` are all events of the customer and of the book, in the order of the log.
    """
    decisions = [list(events) for _, events in groupby(history, key=lambda event: event.causation)]
    void = {e.data.invoice for events in decisions for e in events if isinstance(e.data, InvoiceVoided)}
    issued = [_issued(event.data for event in events) for events in decisions]
    live = [place for place, was in enumerate(issued) if was is not None and was.invoice not in void]
    wanted = live[-last:]
    if not wanted:
        return []
    book, customer, fork = None, None, None
    compared = []
    for place, events in enumerate(decisions):
        if place == wanted[0]:
            fork = _fork(customer, services)
        if fork is not None and book is not None:
            would_be = _replay(book, fork, events, agreed=services is not None)
            if place in wanted and (was := issued[place]) is not None:
                compared.append(Compared(was, would_be))
        for event in events:
            book = evolve_book(book, event)
            if event.subject is not None:
                customer = evolve_customer(customer, event)
    return compared


def _issued(data: Iterable[object]) -> InvoiceIssued | None:
    return next((each for each in data if isinstance(each, InvoiceIssued)), None)


def _fork(customer: Customer | None, services: Sequence[Taken] | None) -> Customer | None:
    """Copy a customer, with another agreement; what was billed by then counts as billed."""
    if customer is None:
        return None
    fork = _unpack(_pack(customer))
    if services is None:
        return fork
    through = fork.billed_through.get(fork.currency)
    from_ = fork.agreements[0].from_ if fork.agreements else customer.opened_at.date()
    if through is not None:
        from_ = max(from_, through - _LOOK_BACK)
    fork.agreements = [Agreement(from_, list(services))]
    fork.runs = {} if through is None else _billed(fork, through)
    return fork


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Customer).decode


def _billed(fork: Customer, through: date) -> dict[str, list[Run]]:
    """Take for billed what would have been billed through a day."""
    billing = Billing(through, fork.billing_day, frozenset(), AGREED_LINES_MAX)
    runs: dict[str, list[Run]] = {}
    for piece in plan(spans_of(fork.agreements, None), {}, billing).pieces:
        run = Run(piece.days.from_, piece.days.to, piece.taken.terms, "", piece.net)
        runs.setdefault(piece.taken.service, []).append(run)
    return runs


def _replay(book: Book, fork: Customer, events: list[Event], *, agreed: bool) -> InvoiceIssued | None:
    """Let one decision happen to the copy; gives the invoice that it leads to there."""
    first = events[0]
    command = first.data.command if isinstance(first.data, Decided) else None
    if command is None or command.type not in BILLS:
        for event in events:
            if _concerns(fork, event) or (event.type == "agreement.changed" and not agreed):
                evolve_customer(fork, event)
        return None
    data = DECODERS[command.type](bytes(command.data))
    message = Message(
        command.type, first.id, first.source, first.subject, first.time, data, None, first.principal
    )
    number = _issued(event.data for event in events)
    numbers = book.numbers if number is None else {**book.numbers, "invoice": number.sequence - 1}
    try:
        drafts = decide(msgspec.structs.replace(book, numbers=numbers), fork, message, first.recordedtime)
    except Refusal:
        return None
    for event in _events(first, drafts):
        evolve_customer(fork, event)
    return _issued(draft.data for draft in drafts)


def _concerns(fork: Customer, event: Event) -> bool:
    """Say whether an event changes what an invoice bills, and is about something that the copy has too."""
    data = event.data
    if isinstance(data, InvoiceVoided):
        return fork.invoice(data.invoice) is not None
    if isinstance(data, ChargeReversed):
        return data.charge in fork.unbilled
    if isinstance(data, DisputeOpened):
        return data.charge in fork.unbilled
    if isinstance(data, DisputeResolved):
        return data.charge is not None and data.dispute in fork.disputes
    if isinstance(data, DiscountRevoked):
        return data.discount in fork.discounts
    return event.type in _KEPT


def _events(first: Event, drafts: Sequence[Draft]) -> Iterator[Event]:
    """Make events of what was decided again, in the place of those that were recorded."""
    for draft in drafts:
        yield msgspec.structs.replace(
            first, data=draft.data, type=draft.type, time=draft.occurred_at or first.time
        )
