"""Billing a customer: what was agreed and what is unbilled, through the end of a billing period, at once.

One decision: the days of services that are due become charges, days billed that are not taken any more are
credited, and an invoice bills all of it with the other charges that wait [docs/domain.md, Agreements].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import count

import msgspec

from ledger.agreements.recurring import Billing, Days, Piece, Plan, TakenBack, cut, period_end, plan, spans_of
from ledger.agreements.taking_back import Note, lower, notes_of, period_of, reversals_of
from ledger.allocation import NOT_YET, Due, Purse, settle
from ledger.book import Book, refuse_undatable
from ledger.charge import ChargePosted, nothing_to_bill, unbilled
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import (
    CurrencyCode,
    Day,
    Decimal,
    Name,
    Net,
    Period,
    Position,
    Text,
    refuse_far_day,
    require_currency,
)
from ledger.invoice import billable, compose, refuse_limits
from ledger.message import Message
from ledger.money import decimal_text, net_of
from ledger.parts import Interval, Invoice, Run, Terms, Unbilled
from ledger.references import credit_note_key
from ledger.state import Customer

AGREED_LINES_MAX = 5_000
"""Lines of agreements on one invoice at most: nobody waits long for the writer because of one customer."""


class CustomerBill(Data, frozen=True, kw_only=True):
    """Bill a customer through the last billing period that ends by a day, in one currency."""

    through: Day
    currency: CurrencyCode | None = None

    def __post_init__(self) -> None:
        refuse_far_day(self.through, "/data/through")
        require_currency(self.currency)


class BilledService(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Days of a service that became a charge: `days` of the `interval_days` that the price is for.

    `agreement_position` is that of the agreement.changed that says the price.
    """

    charge: Name
    service: Text
    quantity: Decimal
    unit_price: Decimal
    interval: Interval
    tax_category: Text
    period: Period
    days: int
    interval_days: int
    net: Net
    agreement_position: Position | None = None


class UnbilledDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Days of a service that a charge billed and that are taken back, with their net before discounts."""

    charge: Name
    service: Text
    period: Period
    net: Net


class CustomerBilled(Decided, frozen=True, kw_only=True):
    """A customer was billed through the end of a billing period; what became of the agreement's days."""

    currency: CurrencyCode
    through: Day
    services: tuple[BilledService, ...] = ()
    taken_back: tuple[UnbilledDays, ...] = ()


def bill(book: Book, customer: Customer, message: Message, data: CustomerBill, now: datetime) -> list[Draft]:
    """Decide on `customer.bill`: each day of a service once, each billing period once [Agreements]."""
    refuse_undatable(book, message, now)
    if data.through > book.day_of(message.time):
        raise Malformed(
            "through_ahead", f"a bill of {message.time.isoformat()} cannot be through {data.through}",
            pointer="/data/through", through=data.through.isoformat(), time=message.time.isoformat(),
        )  # fmt: skip
    currency = data.currency or customer.currency
    through = period_end(data.through, customer.billing_day)
    _refuse_billed(customer, currency, through)
    found = _agreed(book, customer, currency, through)
    charges = list(_charges(customer, found.pieces, currency, through))
    waiting = {each.charge: each for each in billable(customer, currency, book.end_of(through))}
    if not (charges or found.taken_back or waiting):
        raise nothing_to_bill(currency, through)
    reversals = reversals_of(customer, found.taken_back, message.time)
    for reversed_ in reversals:
        lower(waiting, reversed_.data)
    notes = notes_of(book, customer, found.taken_back)
    return [
        Draft("customer.billed", _billed(currency, through, found, charges)),
        *(Draft("charge.posted", charge) for charge in charges),
        *reversals,
        *(draft for note, of in notes for draft in note.drafts(_occurs(message.time, of))),
        *_invoice(
            book,
            customer,
            [*(unbilled(each, message.time) for each in charges), *waiting.values()],
            notes,
            message.time,
        ),
    ]


def _occurs(at: datetime, credited: Invoice) -> datetime:
    """Date a credit note behind all that it acts on."""
    return max(at, credited.issued_at, credited.written_off_at or at)


def _refuse_billed(customer: Customer, currency: str, through: date) -> None:
    billed_through = customer.billed_through.get(currency)
    if billed_through is not None and through <= billed_through:
        raise Refusal(
            "period_billed", f"{currency} is billed through {billed_through}: no other period ends by then",
            pointer="/data/through", through=through.isoformat(),
            billed_through=billed_through.isoformat(), currency=currency,
        )  # fmt: skip


def _agreed(book: Book, customer: Customer, currency: str, through: date) -> Plan:
    """Plan the agreement's days; they are billed in the customer's own currency."""
    if currency != customer.currency or not (customer.agreements or customer.runs):
        return Plan([], [])
    ends_on = None if customer.closed_at is None else book.day_of(customer.closed_at)
    held = frozenset(name for name, charge in customer.unbilled.items() if charge.dispute is not None)
    billing = Billing(through, customer.billing_day, held, AGREED_LINES_MAX + 1)
    found = plan(spans_of(customer.agreements, ends_on), customer.runs, billing)
    for piece in found.pieces:
        book.refuse_closed_day(piece.days.from_, "/data/through")
    if len(found.pieces) > AGREED_LINES_MAX:
        raise Refusal(
            "lines_too_many", f"more than {AGREED_LINES_MAX} lines are due at once",
            pointer="/data/through", lines_max=AGREED_LINES_MAX,
        )  # fmt: skip
    return found


def _charges(
    customer: Customer, pieces: Iterable[Piece], currency: str, through: date
) -> Iterator[ChargePosted]:
    """Make a charge of each piece: quantity times price where that is its net, else the net of its days."""
    names = (f"agreed-{through}-{number}" for number in count(1))
    for piece in pieces:
        taken, terms = piece.taken, piece.taken.terms
        whole = piece.net == net_of(terms.quantity, terms.unit_price)
        yield ChargePosted(
            charge=next(n for n in names if n not in customer.unbilled and n not in customer.charges),
            service=taken.service,
            description=taken.description,
            currency=currency,
            net=None if whole else piece.net,
            quantity=terms.quantity if whole else None,
            unit_price=terms.unit_price if whole else None,
            tax_category=terms.tax_category,
            period=period_of(piece.days),
        )


def _billed(currency: str, through: date, found: Plan, charges: list[ChargePosted]) -> CustomerBilled:
    services = [
        BilledService(
            charge=charge.charge,
            service=charge.service,
            quantity=piece.taken.terms.quantity,
            unit_price=piece.taken.terms.unit_price,
            interval=piece.taken.terms.interval,
            tax_category=charge.tax_category,
            period=period_of(piece.days),
            days=piece.days.length,
            interval_days=piece.interval.length,
            net=piece.net,
            agreement_position=piece.position or None,
        )
        for piece, charge in zip(found.pieces, charges, strict=True)
    ]
    taken_back = [
        UnbilledDays(charge=back.charge, service=back.service, period=period_of(back.days), net=back.net)
        for back in found.taken_back
    ]
    return CustomerBilled(
        currency=currency, through=through, services=tuple(services), taken_back=tuple(taken_back)
    )


def _invoice(
    book: Book, customer: Customer, charges: list[Unbilled], notes: list[Note], at: datetime
) -> list[Draft]:
    """Bill the charges; the credit that there is by now, the notes' included, is used on it."""
    if not charges:
        return []
    issued = compose(book, customer, charges, at)
    refuse_limits(issued)
    purses = [
        Purse(_occurs(at, of), NOT_YET, credit_note_key(composed.note.credit_note), composed.note.to_credit)
        for composed, of in notes
        if composed.note.to_credit and of.currency == issued.currency
    ]
    dues = [
        Due.of(of)._replace(receivable=of.receivable - composed.lowers)
        for composed, of in notes
        if of.currency == issued.currency
    ]
    due = Due(issued.due_on, at, issued.sequence, issued.invoice, issued.amount)
    settled = settle(customer, issued.currency, at, purses=purses, dues=[*dues, due])
    return [Draft("invoice.issued", issued), *settled]


def evolve_billed(customer: Customer, _: Event, data: CustomerBilled) -> None:
    """Remember which days are billed, by which charge, and through which day of the currency."""
    customer.billed_through[data.currency] = data.through
    for each in data.taken_back:
        days = Days(each.period.from_, each.period.to)
        left = cut(customer.runs[each.service], TakenBack(each.service, each.charge, days, each.net))
        if left:
            customer.runs[each.service] = left
        else:
            del customer.runs[each.service]
    for billed in data.services:
        terms = Terms(
            decimal_text(billed.quantity),
            decimal_text(billed.unit_price),
            billed.interval,
            billed.tax_category,
        )
        run = Run(billed.period.from_, billed.period.to, terms, billed.charge, billed.net)
        customer.runs.setdefault(billed.service, []).append(run)
