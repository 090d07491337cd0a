"""Credit notes: they lower an issued invoice line by line, exactly to the cent, and never below nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, Net, Text
from ledger.message import Message
from ledger.parts import Invoice, Source
from ledger.references import credit_note_key, find_invoice, refuse_dated_before, refuse_void
from ledger.state import Customer
from ledger.tax import Tax, cumulated_tax

LineNumber = Annotated[int, msgspec.Meta(ge=1, le=10**6)]


class CreditedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Which line of the invoice is lowered, and by how much net (after its share of the discounts)."""

    line: LineNumber
    net: Amount


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

    `dispute` names the complaint that it settles.
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
    """Decide on `credit_note.issue`: it lowers receivable first, then what is disputed, then adds credit."""
    invoice = find_invoice(customer, data.invoice)
    refuse_unknown_lines(invoice, (line.line for line in data.lines))
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    return [Draft("credit_note.issued", compose(book, invoice, data.lines, data.reason))]


def compose(
    book: Book, invoice: Invoice, lines: list[CreditedLine], reason: str,
    *, dispute: str | None = None, held: int = 0,
) -> CreditNoteIssued:  # fmt: skip
    """Compute a credit note, or refuse it: no line is credited above its net [Lago ValidateService, exactly].

    One that settles a `dispute` takes from what that holds first [docs/domain.md, Credit notes].
    """
    _refuse_excess(invoice, lines)
    taxes = taxes_of_lines(invoice, lines)
    net, tax = sum(line.net for line in lines), sum(each.tax for each in taxes)
    amount = net + tax
    of_dispute = min(amount, held)
    to_receivable = min(amount - of_dispute, invoice.receivable)
    to_disputed = of_dispute + min(amount - of_dispute - to_receivable, invoice.disputed - of_dispute)
    sequence = book.numbers["credit_note"] + 1
    return CreditNoteIssued(
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
        dispute=dispute,
    )


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
    _lower_held(customer, invoice)
    customer.keep_invoice(invoice)
    key = credit_note_key(data.credit_note)
    customer.keep_source(
        Source(key, data.currency, data.to_credit, event.time, event.position, data.to_credit)
    )


def _lower_held(customer: Customer, invoice: Invoice) -> None:
    """Let the open complaints hold no more than is in dispute still, the oldest giving way first."""
    open_ = [customer.disputes[name] for name in invoice.disputes]
    excess = sum(dispute.held for dispute in open_) - invoice.disputed
    for dispute in open_:
        if excess <= 0:
            break
        lowered = min(dispute.held, excess)
        dispute.held -= lowered
        excess -= lowered


def evolve_number(book: Book, _: Event, data: CreditNoteIssued) -> None:
    """Take the next number of the series."""
    book.numbers[data.series] = data.sequence
