"""Voiding a credit note: the invoice is as if it had never been issued, as long as its credit is unused."""

from __future__ import annotations

from datetime import datetime

from ledger.book import Book, refuse_undatable
from ledger.credit_note import CreditedLine, DisputeShare, open_complaints, share_out
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import CurrencyCode, Name, Net, Text
from ledger.message import Message
from ledger.parts import Invoice, Note, Source
from ledger.references import credit_note_key, find_credit_note, refuse_dated_before
from ledger.state import Customer
from ledger.tax import Tax


class CreditNoteVoid(Data, frozen=True, kw_only=True):
    """Take a credit note back."""

    credit_note: Name
    reason: Text


class CreditNoteVoided(Decided, frozen=True, kw_only=True):
    """A credit note was taken back whole: the mirror of it.

    What it took out of a dispute goes back there as far as a complaint is still open about it, to the oldest
    first, which `disputes` says; the rest is receivable.
    """

    credit_note: Name
    invoice: Name
    currency: CurrencyCode
    lines: list[CreditedLine]
    taxes: list[Tax]
    net: Net
    tax: Net
    amount: Net
    to_receivable: Net = 0
    to_disputed: Net = 0
    to_credit: Net = 0
    reason: Text
    disputes: tuple[DisputeShare, ...] = ()


def void(
    book: Book, customer: Customer, message: Message, data: CreditNoteVoid, now: datetime
) -> list[Draft]:
    """Decide on `credit_note.void`: only while its credit is unused, and not what settles a dispute."""
    source = find_credit_note(customer, data.credit_note, "/data/credit_note")
    invoice = customer.invoice(source.invoice or "")
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"credit note {data.credit_note}", source.occurred_at)
    note = None if invoice is None else _note_of(invoice, data.credit_note)
    if invoice is None or note is None:
        raise Refusal(
            "credit_note_void", f"credit note {data.credit_note} is void",
            pointer="/data/credit_note", credit_note=data.credit_note,
        )  # fmt: skip
    _refuse_kept(note, source)
    return [Draft("credit_note.voided", _voided(customer, invoice, note, data.reason))]


def _note_of(invoice: Invoice, number: str) -> Note | None:
    return next((note for note in invoice.notes if note.number == number), None)


def _refuse_kept(note: Note, source: Source) -> None:
    if note.dispute is not None:
        raise Refusal(
            "credit_note_settles", f"credit note {note.number} settles dispute {note.dispute}",
            pointer="/data/credit_note", credit_note=note.number, dispute=note.dispute,
        )  # fmt: skip
    if source.left != note.to_credit:
        raise Refusal(
            "credit_note_used", f"{note.to_credit - source.left} of the credit of {note.number} is used",
            pointer="/data/credit_note", credit_note=note.number, credit=note.to_credit, left=source.left,
        )  # fmt: skip


def _voided(customer: Customer, invoice: Invoice, note: Note, reason: str) -> CreditNoteVoided:
    disputes = _held_again(customer, invoice, note.to_disputed)
    to_disputed = sum(share.amount for share in disputes)
    net, tax = sum(net for _, net in note.lines), sum(each.tax for each in note.taxes)
    return CreditNoteVoided(
        credit_note=note.number,
        invoice=invoice.number,
        currency=invoice.currency,
        lines=[CreditedLine(line=line, net=net) for line, net in note.lines],
        taxes=note.taxes,
        net=net,
        tax=tax,
        amount=net + tax,
        to_receivable=net + tax - to_disputed - note.to_credit,
        to_disputed=to_disputed,
        to_credit=note.to_credit,
        reason=reason,
        disputes=disputes,
    )


def _held_again(customer: Customer, invoice: Invoice, amount: int) -> tuple[DisputeShare, ...]:
    """Share out what goes back: a complaint has room up to its amount."""
    complaints = open_complaints(customer, invoice)
    return share_out(amount, ((complaint, complaint.amount - complaint.held) for complaint in complaints))


def evolve_voided(customer: Customer, _: Event, data: CreditNoteVoided) -> None:
    """Give lines, tax and due back to the invoice; the credit is gone."""
    invoice, source = customer.invoice(data.invoice), customer.source(credit_note_key(data.credit_note))
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    assert source is not None  # noqa: S101
    for line in data.lines:
        invoice.lines[line.line - 1].credited -= line.net
    for tax in data.taxes:
        group = invoice.tax_group(tax.category, tax.rate)
        group.credited_base -= tax.base
        group.credited_tax -= tax.tax
    invoice.notes = [note for note in invoice.notes if note.number != data.credit_note]
    invoice.credited -= data.amount
    invoice.receivable += data.to_receivable
    invoice.disputed += data.to_disputed
    # Earlier events do not say which complaints hold more again, and it follows.
    for share in data.disputes or _held_again(customer, invoice, data.to_disputed):
        customer.disputes[share.dispute].held += share.amount
    customer.keep_invoice(invoice)
    source.amount = source.left = 0
    customer.keep_source(source)
