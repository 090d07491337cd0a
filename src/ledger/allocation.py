"""Allocations: a source (payment or credit note) used on an invoice, as asked for or by the ledger itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name
from ledger.message import Message
from ledger.parts import Invoice, Source
from ledger.references import (
    credit_note_key,
    find_invoice,
    find_source,
    refuse_currency,
    refuse_dated_before,
    refuse_void,
)  # fmt: skip
from ledger.state import Customer

_CREDIT_NOTE = credit_note_key("")
NOT_YET = 2**63
"""Stands for the position of an event that is being decided: after all others."""


class SourceName(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False
):
    """Where credit comes from: a payment or a credit note, one of the two."""

    payment: Name | None = None
    credit_note: Name | None = None

    def __post_init__(self) -> None:
        if (self.payment is None) is (self.credit_note is None):
            raise Malformed(
                "source_not_one",
                "a source is a payment or a credit note, exactly one of the two",
                pointer="/data/source",
            )

    @classmethod
    def of(cls, key: str) -> SourceName:
        """Name the source that the state keeps under a key."""
        if key.startswith(_CREDIT_NOTE):
            return cls(credit_note=key.removeprefix(_CREDIT_NOTE))
        return cls(payment=key)

    @property
    def key(self) -> str:
        """Key of the source in the state."""
        return self.payment if self.payment is not None else credit_note_key(self.credit_note or "")


class AllocationMake(Data, frozen=True, kw_only=True):
    """Use so much of a source on an invoice."""

    source: SourceName
    invoice: Name
    amount: Amount


class AllocationUndo(Data, frozen=True, kw_only=True):
    """Take so much of a source off an invoice again, the newest allocations first."""

    source: SourceName
    invoice: Name
    amount: Amount


class AllocationMade(Decided, frozen=True, kw_only=True):
    """A source was used on an invoice; `automatic`: the ledger chose; `dispute`: that gave it back."""

    source: SourceName
    invoice: Name
    currency: CurrencyCode
    amount: Amount
    automatic: bool = False
    dispute: Name | None = None


class AllocationUndone(Decided, frozen=True, kw_only=True):
    """A source was taken off an invoice, which is due again; `dispute` names the chargeback that did it."""

    source: SourceName
    invoice: Name
    currency: CurrencyCode
    amount: Amount
    automatic: bool = False
    dispute: Name | None = None


class Due(NamedTuple):
    """An invoice that money may be used on; the oldest comes first [docs/domain.md, Allocation]."""

    due_on: date
    issued_at: datetime
    sequence: int
    invoice: str
    receivable: int

    @classmethod
    def of(cls, invoice: Invoice) -> Due:
        """Take what settling needs of an invoice."""
        return cls(invoice.due_on, invoice.issued_at, invoice.sequence, invoice.number, invoice.receivable)


class Purse(NamedTuple):
    """A source that has something left, in the order in which the oldest comes first."""

    occurred_at: datetime
    position: int
    key: str
    left: int

    @classmethod
    def of(cls, source: Source) -> Purse:
        """Take what settling needs of a source."""
        return cls(source.occurred_at, source.position, source.key, source.left)


def settle(
    customer: Customer, currency: str, at: datetime, *, purses: Iterable[Purse] = (), dues: Iterable[Due] = ()
) -> list[Draft]:
    """Use the oldest source on the oldest invoice until either is used up [Kill Bill CBA].

    `purses` and `dues` are those of this very decision, used instead of what the state says of the same
    source or invoice. The ledger by itself uses no more than the credit there is in all: where a source is
    overdrawn, new money fills that first. An allocation occurs when the last of source, invoice and decision
    did.
    """
    due = {
        invoice.number: Due.of(invoice)
        for invoice in customer.open_invoices.values()
        if invoice.currency == currency
    }
    due.update((each.invoice, each) for each in dues)
    if not due:
        return []
    held = {
        source.key: Purse.of(source)
        for source in customer.open_sources.values()
        if source.currency == currency
    }
    held.update((each.key, each) for each in purses)
    credit = sum(purse.left for purse in held.values())
    waiting = [each for each in sorted(due.values()) if each.receivable > 0]
    drafts: list[Draft] = []
    for purse in sorted(held.values()):
        left = min(purse.left, credit)
        while left > 0 and waiting:
            oldest = waiting[0]
            amount = min(left, oldest.receivable)
            drafts.append(_automatic(purse, oldest, currency, amount, at))
            left -= amount
            credit -= amount
            if amount == oldest.receivable:
                del waiting[0]
            else:
                waiting[0] = oldest._replace(receivable=oldest.receivable - amount)
    return drafts


def _automatic(purse: Purse, due: Due, currency: str, amount: int, at: datetime) -> Draft:
    made = AllocationMade(
        source=SourceName.of(purse.key), invoice=due.invoice, currency=currency, amount=amount, automatic=True
    )
    return Draft("allocation.made", made, max(at, purse.occurred_at, due.issued_at))


def take_back(source: Source, amount: int, dispute: str | None = None) -> list[Draft]:
    """Undo allocations of a source, newest first, only as far as needed to have so much of it unallocated.

    What then is still missing was never held, and makes the source overdrawn.
    """
    missing = amount - max(source.left, 0)
    drafts = []
    for invoice, allocated in reversed(source.allocations):
        if missing <= 0:
            break
        undone = AllocationUndone(
            source=SourceName.of(source.key), invoice=invoice, currency=source.currency,
            amount=min(allocated, missing), automatic=True, dispute=dispute,
        )  # fmt: skip
        drafts.append(Draft("allocation.undone", undone))
        missing -= allocated
    return drafts


def make(
    book: Book, customer: Customer, message: Message, data: AllocationMake, now: datetime
) -> list[Draft]:
    """Decide on `allocation.make`: never more than is left in the source, never more than is due."""
    source, invoice = _find(customer, data.source, data.invoice)
    refuse_undatable(book, message, now)
    _refuse_state(message, source, invoice)
    if data.amount > source.left:
        raise Refusal(
            "allocation_exceeds_source", f"{data.amount} is more than the {source.left} left of {source.key}",
            pointer="/data/amount", amount=data.amount, left=source.left, currency=source.currency,
        )  # fmt: skip
    if data.amount > invoice.receivable:
        raise Refusal(
            "allocation_exceeds_due",
            f"{data.amount} is more than the {invoice.receivable} due of {invoice.number} outside disputes",
            pointer="/data/amount", amount=data.amount, due=invoice.receivable, disputed=invoice.disputed,
            currency=invoice.currency,
        )  # fmt: skip
    made = AllocationMade(
        source=data.source, invoice=data.invoice, currency=invoice.currency, amount=data.amount
    )
    return [Draft("allocation.made", made)]


def undo(
    book: Book, customer: Customer, message: Message, data: AllocationUndo, now: datetime
) -> list[Draft]:
    """Decide on `allocation.undo`: never more than is allocated. It can be made again."""
    source, invoice = _find(customer, data.source, data.invoice)
    refuse_undatable(book, message, now)
    _refuse_state(message, source, invoice)
    allocated = sum(amount for number, amount in source.allocations if number == invoice.number)
    if data.amount > allocated:
        raise Refusal(
            "undo_exceeds_allocation",
            f"{data.amount} is more than the {allocated} of {source.key} on {invoice.number}",
            pointer="/data/amount", amount=data.amount, allocated=allocated, currency=invoice.currency,
        )  # fmt: skip
    undone = AllocationUndone(
        source=data.source, invoice=data.invoice, currency=invoice.currency, amount=data.amount
    )
    return [Draft("allocation.undone", undone)]


def _find(customer: Customer, name: SourceName, number: str) -> tuple[Source, Invoice]:
    source = find_source(customer, name.payment, name.credit_note)
    invoice = find_invoice(customer, number)
    refuse_currency(f"invoice {number}", invoice.currency, source.key, source.currency, "/data/source")
    return source, invoice


def _refuse_state(message: Message, source: Source, invoice: Invoice) -> None:
    refuse_dated_before(message, source.key, source.occurred_at)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)


def evolve_made(customer: Customer, _: Event, data: AllocationMade) -> None:
    """Lower what is left of the source and what is due of the invoice."""
    source, invoice = _touched(customer, data)
    source.left -= data.amount
    _remember(source.allocations, data.invoice, data.amount)
    invoice.receivable -= data.amount
    invoice.allocated += data.amount
    customer.keep_source(source)
    customer.keep_invoice(invoice)


def _remember(allocations: list[tuple[str, int]], invoice: str, amount: int) -> None:
    """Keep what one invoice got in succession as one allocation, so that redoing restores the very state."""
    if allocations and allocations[-1][0] == invoice:
        amount += allocations.pop()[1]
    allocations.append((invoice, amount))


def evolve_undone(customer: Customer, _: Event, data: AllocationUndone) -> None:
    """Mirror allocations, the newest of this source on this invoice first."""
    source, invoice = _touched(customer, data)
    source.left += data.amount
    invoice.receivable += data.amount
    invoice.allocated -= data.amount
    amount, kept = data.amount, []
    for number, allocated in reversed(source.allocations):
        undone = min(amount, allocated) if number == data.invoice else 0
        amount -= undone
        if allocated > undone:
            kept.append((number, allocated - undone))
    source.allocations = kept[::-1]
    customer.keep_source(source)
    customer.keep_invoice(invoice)
    if data.dispute is not None:
        customer.disputes[data.dispute].undone.append((data.invoice, data.amount))


def _touched(customer: Customer, data: AllocationMade | AllocationUndone) -> tuple[Source, Invoice]:
    source, invoice = customer.source(data.source.key), customer.invoice(data.invoice)
    assert source is not None  # noqa: S101 - recorded, so decided: it is there
    assert invoice is not None  # noqa: S101
    return source, invoice
