"""Debt that is given up, wholly or in part, and what is made good of it after all."""

from __future__ import annotations

from datetime import datetime

from ledger import relief
from ledger.allocation import AllocationMade, SourceName
from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, Net, Text, refuse_field, require_currency
from ledger.message import Message
from ledger.parts import Invoice, Source
from ledger.payment import AllocationAsked, PaymentReceived, refuse_received
from ledger.policies import WriteOff
from ledger.references import (
    find_invoice,
    find_source,
    refuse_currency,
    refuse_dated_before,
    refuse_void,
)
from ledger.state import Customer
from ledger.tax import Tax


class DebtWriteOff(Data, frozen=True, kw_only=True):
    """Give up so much of what is receivable of an invoice; without `amount` all of it."""

    invoice: Name
    amount: Amount | None = None
    reason: Text


class DebtWrittenOff(Decided, frozen=True, kw_only=True):
    """Debt was given up: `amount` = `net` + `tax`, where `tax` came back from the state by `taxes`."""

    invoice: Name
    currency: CurrencyCode
    amount: Amount
    net: Net
    tax: Net = 0
    taxes: tuple[Tax, ...] = ()
    reason: Text


class DebtRecover(Data, frozen=True, kw_only=True):
    """Money came for debt that was written off: as a new `payment`, or out of the credit of `source`."""

    invoice: Name
    currency: CurrencyCode
    amount: Amount
    payment: Name | None = None
    source: SourceName | None = None
    method: Text | None = None
    reference: Text | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if (self.payment is None) is (self.source is None):
            raise Malformed(
                "recovery_not_one",
                "debt is recovered by a new payment or out of a source, exactly one of the two",
                pointer="/data/payment",
            )
        if self.payment is None:
            for field in ("method", "reference"):
                refuse_field(getattr(self, field), field, "nothing new was paid")


class DebtRecovered(Decided, frozen=True, kw_only=True):
    """Debt that was written off is owed again, to be paid by what follows; the mirror of so much of it.

    `credit_note` names the note that took it back instead.
    """

    invoice: Name
    currency: CurrencyCode
    amount: Amount
    net: Net
    tax: Net = 0
    taxes: tuple[Tax, ...] = ()
    credit_note: Name | None = None


def write_off(
    book: Book, customer: Customer, message: Message, data: DebtWriteOff, now: datetime
) -> list[Draft]:
    """Decide on `debt.write_off`: never what is in dispute, never more than is receivable.

    By the policy `write_off` of its day the tax in it comes back from the state [docs/domain.md, Debt].
    """
    invoice = find_invoice(customer, data.invoice)
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    if invoice.receivable == 0:
        raise Refusal(
            "nothing_receivable",
            f"nothing is receivable of {invoice.number}, {invoice.disputed} is disputed",
            pointer="/data/invoice", invoice=invoice.number, disputed=invoice.disputed,
        )  # fmt: skip
    amount = invoice.receivable if data.amount is None else data.amount
    if amount > invoice.receivable:
        raise Refusal(
            "write_off_exceeds_receivable",
            f"{amount} is more than the {invoice.receivable} receivable of {invoice.number}",
            pointer="/data/amount", amount=amount, receivable=invoice.receivable, disputed=invoice.disputed,
            currency=invoice.currency,
        )  # fmt: skip
    policy = book.policies.write_off.on(book.day_of(message.time)) or WriteOff()
    cells = relief.part_of(relief.owed(invoice), amount) if policy.tax_relief else []
    taxes = relief.taxes_of(invoice, cells) if cells else ()
    tax = sum(each.tax for each in taxes)
    given_up = DebtWrittenOff(
        invoice=invoice.number, currency=invoice.currency, amount=amount, net=amount - tax, tax=tax,
        taxes=taxes, reason=data.reason,
    )  # fmt: skip
    return [Draft("debt.written_off", given_up)]


def recover(
    book: Book, customer: Customer, message: Message, data: DebtRecover, now: datetime
) -> list[Draft]:
    """Decide on `debt.recover`: the write-off is mirrored, and what was recovered is allocated to it."""
    named = data.source
    source = None if named is None else find_source(customer, named.payment, named.credit_note)
    invoice = find_invoice(customer, data.invoice)
    refuse_currency(f"invoice {invoice.number}", invoice.currency, message.type, data.currency)
    if source is not None:
        refuse_currency(source.key, source.currency, message.type, data.currency)
    refuse_undatable(book, message, now)
    refuse_void(invoice)
    if source is not None:
        refuse_dated_before(message, source.key, source.occurred_at)
    else:
        refuse_received(customer, data.payment or "")
    refuse_before_write_off(message, invoice)
    _refuse_excess(data, invoice, source)
    paid_by = named or SourceName(payment=data.payment)
    made = AllocationMade(source=paid_by, invoice=invoice.number, currency=data.currency, amount=data.amount)
    cells = relief.part_of(relief.given_up(invoice), data.amount)
    recovered = Draft("debt.recovered", mirror(invoice, cells))
    received = [] if source is not None else [Draft("payment.received", _received(data))]
    return [recovered, *received, Draft("allocation.made", made)]


def _refuse_excess(data: DebtRecover, invoice: Invoice, source: Source | None) -> None:
    if data.amount > invoice.written_off:
        raise Refusal(
            "recovery_exceeds_written_off",
            f"{data.amount} is more than the {invoice.written_off} written off of {invoice.number}",
            pointer="/data/amount", amount=data.amount, written_off=invoice.written_off,
            currency=data.currency,
        )  # fmt: skip
    if source is not None and data.amount > source.left:
        raise Refusal(
            "allocation_exceeds_source", f"{data.amount} is more than the {source.left} left of {source.key}",
            pointer="/data/amount", amount=data.amount, left=source.left, currency=source.currency,
        )  # fmt: skip


def _received(data: DebtRecover) -> PaymentReceived:
    return PaymentReceived(
        payment=data.payment or "", currency=data.currency, amount=data.amount, method=data.method,
        reference=data.reference, allocations=[AllocationAsked(invoice=data.invoice, amount=data.amount)],
    )  # fmt: skip


def refuse_before_write_off(message: Message, invoice: Invoice) -> None:
    """Refuse to make good what was not yet given up on that day."""
    if invoice.written_off_at is not None:
        refuse_dated_before(message, f"what is written off of {invoice.number}", invoice.written_off_at)


def mirror(invoice: Invoice, cells: relief.Cells, credit_note: str | None = None) -> DebtRecovered:
    """Mirror so much of what is written off of an invoice."""
    taxes, amount = relief.taxes_of(invoice, cells), sum(cells)
    tax = sum(each.tax for each in taxes)
    return DebtRecovered(
        invoice=invoice.number, currency=invoice.currency, amount=amount, net=amount - tax, tax=tax,
        taxes=taxes, credit_note=credit_note,
    )  # fmt: skip


def evolve_written_off(customer: Customer, event: Event, data: DebtWrittenOff) -> None:
    """Lower what is receivable, and remember the tax in it."""
    invoice = _invoice(customer, data.invoice)
    invoice.receivable -= data.amount
    invoice.written_off += data.amount
    invoice.written_off_at = max(event.time, invoice.written_off_at or event.time)
    relief.move(invoice, data.taxes, 1)
    customer.keep_invoice(invoice)


def evolve_recovered(customer: Customer, _: Event, data: DebtRecovered) -> None:
    """Owe it again: what pays or credits it follows in the same decision."""
    invoice = _invoice(customer, data.invoice)
    invoice.receivable += data.amount
    invoice.written_off -= data.amount
    relief.move(invoice, data.taxes, -1)
    customer.keep_invoice(invoice)


def _invoice(customer: Customer, number: str) -> Invoice:
    invoice = customer.invoice(number)
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    return invoice
