"""Credit notes: they lower an issued invoice line by line, exactly to the cent, and never below nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec

from ledger import relief
from ledger.book import Book, refuse_undatable
from ledger.debt import DebtRecovered, mirror, refuse_before_write_off
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, Net, Text
from ledger.message import Message
from ledger.parts import Dispute, Invoice, Note, Source
from ledger.references import credit_note_key, find_invoice, refuse_dated_before, refuse_void
from ledger.state import Customer
from ledger.tax import Tax, cumulated_tax

LineNumber = Annotated[int, msgspec.Meta(ge=1, le=10**6)]


class CreditedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Which line of the invoice is lowered, and by how much net (after its share of the discounts)."""

    line: LineNumber
    net: Amount


class DisputeShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """By how much an open complaint keeps less in dispute than before, or more."""

    dispute: Name
    amount: Amount


CreditedLines = Annotated[list[CreditedLine], msgspec.Meta(min_length=1)]


class CreditNoteIssue(Data, frozen=True, kw_only=True):
    """Lower an invoice."""

    invoice: Name
    lines: CreditedLines
    reason: Text

    def __post_init__(self) -> None:
        refuse_repeated_lines(line.line for line in self.lines)


class CreditNoteIssued(Decided, frozen=True, kw_only=True):
    """A credit note. `amount` is gross: net + tax = to_receivable + to_disputed + to_credit.

    `dispute` names the complaint that it settles; `disputes` says what other open complaints keep less in
    dispute, the oldest giving way first.
    """

    credit_note: Name
    series: Literal["credit_note"]
    sequence: int
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
    dispute: Name | None = None
    disputes: tuple[DisputeShare, ...] = ()


def refuse_repeated_lines(numbers: Iterable[int]) -> None:
    """Refuse a list of lines that names one twice."""
    seen: set[int] = set()
    for place, number in enumerate(numbers):
        if number in seen:
            raise Malformed(
                "line_repeated", f"line {number} stands twice", pointer=f"/data/lines/{place}", line=number
            )
        seen.add(number)


def refuse_unknown_lines(invoice: Invoice, numbers: Iterable[int]) -> None:
    """Refuse lines that the invoice does not have."""
    for place, number in enumerate(numbers):
        if not invoice.void and number > len(invoice.lines):
            raise Refusal(
                "line_unknown", f"invoice {invoice.number} has {len(invoice.lines)} lines, no line {number}",
                pointer=f"/data/lines/{place}", invoice=invoice.number, line=number,
            )  # fmt: skip


def issue(
    book: Book, customer: Customer, message: Message, data: CreditNoteIssue, now: datetime
) -> list[Draft]:
    """Decide on `credit_note.issue`: it lowers what is due, then what is written off, then adds credit."""
    invoice = find_invoice(customer, data.invoice)
    refuse_unknown_lines(invoice, (line.line for line in data.lines))
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    composed = compose(book, customer, invoice, data.lines, data.reason)
    if composed.recovered is not None:
        refuse_before_write_off(message, invoice)
    return composed.drafts()


class Composed(NamedTuple):
    """A credit note, and what of a write-off it takes back with it."""

    note: CreditNoteIssued
    recovered: DebtRecovered | None

    @property
    def lowers(self) -> int:
        """By how much less is receivable of the invoice when both are recorded."""
        return self.note.to_receivable - (0 if self.recovered is None else self.recovered.amount)

    def drafts(self, at: datetime | None = None) -> list[Draft]:
        """Record both, what is owed again first."""
        recovered = [] if self.recovered is None else [Draft("debt.recovered", self.recovered, at)]
        return [*recovered, Draft("credit_note.issued", self.note, at)]

    def numbered(self, book: Book, sequence: int) -> Composed:
        """Give it another number: one decision may bring several."""
        number, replace = f"{book.prefixes['credit_note']}{sequence}", msgspec.structs.replace
        note = replace(self.note, sequence=sequence, credit_note=number)
        recovered = None if self.recovered is None else replace(self.recovered, credit_note=number)
        return Composed(note, recovered)


def compose(
    book: Book,
    customer: Customer,
    invoice: Invoice,
    lines: list[CreditedLine],
    reason: str,
    settles: Dispute | None = None,
) -> Composed:
    """Compute a credit note, or refuse it: no line is credited above its net [Lago ValidateService, exactly].

    One that `settles` a dispute takes from what that holds first [docs/domain.md, Credit notes]. What is
    written off of the credited lines is owed again first, as far as those can bear no more; and what is
    written off at all before anything becomes credit: nobody paid it [docs/domain.md, Debt].
    """
    _refuse_excess(invoice, lines)
    taxes = taxes_of_lines(invoice, lines)
    net, tax = sum(line.net for line in lines), sum(each.tax for each in taxes)
    amount = net + tax
    cells = relief.excess(invoice, taxes)
    of_dispute = 0 if settles is None else min(amount, settles.held)
    to_receivable = min(amount - of_dispute, invoice.receivable + sum(cells))
    to_disputed = of_dispute + min(amount - of_dispute - to_receivable, invoice.disputed - of_dispute)
    left = [all_ - taken for all_, taken in zip(relief.given_up(invoice), cells, strict=True)]
    never_paid = min(amount - to_receivable - to_disputed, sum(left))
    to_receivable += never_paid
    cells = [taken + more for taken, more in zip(cells, relief.part_of(left, never_paid), strict=True)]
    sequence = book.numbers["credit_note"] + 1
    note = CreditNoteIssued(
        credit_note=f"{book.prefixes['credit_note']}{sequence}",
        series="credit_note",
        sequence=sequence,
        invoice=invoice.number,
        currency=invoice.currency,
        lines=lines,
        taxes=taxes,
        net=net,
        tax=tax,
        amount=amount,
        to_receivable=to_receivable,
        to_disputed=to_disputed,
        to_credit=amount - to_receivable - to_disputed,
        reason=reason,
        dispute=None if settles is None else settles.dispute,
        disputes=_held_less(open_complaints(customer, invoice, settles), to_disputed - of_dispute),
    )
    if not any(cells):
        return Composed(note, None)
    return Composed(note, mirror(invoice, cells, note.credit_note))


def _refuse_excess(invoice: Invoice, lines: list[CreditedLine]) -> None:
    for place, line in enumerate(lines):
        creditable = invoice.lines[line.line - 1].creditable
        if line.net > creditable:
            raise Refusal(
                "credit_exceeds_line",
                f"{line.net} is more than the {creditable} left to credit"
                f" of {invoice.number}, line {line.line}",
                pointer=f"/data/lines/{place}/net", invoice=invoice.number, line=line.line, net=line.net,
                creditable=creditable,
            )  # fmt: skip


def taxes_of_lines(invoice: Invoice, lines: Iterable[CreditedLine]) -> list[Tax]:
    """Tax what is credited, by cumulation for each category and rate."""
    nets: dict[tuple[str, str], int] = {}
    for line in lines:
        of = invoice.lines[line.line - 1]
        nets[of.category, of.rate] = nets.get((of.category, of.rate), 0) + line.net
    taxes = []
    for (category, rate), net in nets.items():
        group = invoice.tax_group(category, rate)
        tax = cumulated_tax(rate, group.credited_base, group.credited_tax, net)
        taxes.append(Tax(category=category, rate=rate, base=net, tax=tax))
    return taxes


def evolve_issued(customer: Customer, event: Event, data: CreditNoteIssued) -> None:
    """Lower the lines, the tax and the due of the invoice; what is over becomes credit."""
    invoice = customer.invoice(data.invoice)
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    for line in data.lines:
        invoice.lines[line.line - 1].credited += line.net
    for tax in data.taxes:
        group = invoice.tax_group(tax.category, tax.rate)
        group.credited_base += tax.base
        group.credited_tax += tax.tax
    invoice.credited += data.amount
    invoice.receivable -= data.to_receivable
    invoice.disputed -= data.to_disputed
    _lower_held(customer, invoice, data)
    lines = [(line.line, line.net) for line in data.lines]
    parts = data.to_receivable, data.to_disputed, data.to_credit
    invoice.notes.append(Note(data.credit_note, lines, data.taxes, *parts, data.dispute))
    customer.keep_invoice(invoice)
    key, credit = credit_note_key(data.credit_note), data.to_credit
    customer.keep_source(
        Source(key, data.currency, credit, event.time, event.position, credit, invoice=data.invoice)
    )


def open_complaints(customer: Customer, invoice: Invoice, settles: Dispute | None = None) -> list[Dispute]:
    """Name the open complaints about an invoice, oldest first, but not the one that is being settled."""
    return [
        customer.disputes[name] for name in invoice.disputes if settles is None or name != settles.dispute
    ]


def share_out(amount: int, rooms: Iterable[tuple[Dispute, int]]) -> tuple[DisputeShare, ...]:
    """Share an amount out over complaints, each in its turn as far as it has room for it."""
    shares = []
    for complaint, room in rooms:
        share = min(amount, room)
        if share > 0:
            shares.append(DisputeShare(dispute=complaint.dispute, amount=share))
            amount -= share
    return tuple(shares)


def _held_less(complaints: list[Dispute], amount: int) -> tuple[DisputeShare, ...]:
    return share_out(amount, ((complaint, complaint.held) for complaint in complaints))


def _lower_held(customer: Customer, invoice: Invoice, data: CreditNoteIssued) -> None:
    """Let the open complaints hold less, as it was recorded; earlier events do not say so, and it follows."""
    complaints = open_complaints(customer, invoice)
    excess = sum(complaint.held for complaint in complaints) - invoice.disputed
    for share in data.disputes or _held_less(complaints, excess):
        customer.disputes[share.dispute].held -= share.amount


def evolve_number(book: Book, _: Event, data: CreditNoteIssued) -> None:
    """Take the next number of the series."""
    book.numbers[data.series] = data.sequence
