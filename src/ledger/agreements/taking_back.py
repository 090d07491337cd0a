"""Taking days back that are billed: agreed otherwise afterwards, or ended before the days that were billed.

An issued invoice is never changed: what it bills of these days is credited. A charge that waits, because its
invoice is void, is reversed [docs/domain.md, Agreements].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from ledger.agreements.recurring import Days, TakenBack
from ledger.book import Book
from ledger.charge import ChargeReversed, reversal
from ledger.credit_note import Composed, CreditedLine, compose
from ledger.event import Data, Draft
from ledger.fields import Period
from ledger.money import round_half_away
from ledger.parts import Invoice, Unbilled
from ledger.references import find_invoice
from ledger.state import Customer

AGREEMENT_CHANGED = "agreement_changed"
"""The reason code of what is credited or reversed."""


def reversals_of(customer: Customer, taken_back: Iterable[TakenBack], at: datetime) -> list[Draft]:
    """Reverse so much of the charges that a void invoice gave back: nothing of it was ever asked for."""
    left = {
        back.charge: customer.unbilled[back.charge] for back in taken_back if back.charge in customer.unbilled
    }
    drafts = []
    for back in taken_back:
        charge = left.get(back.charge)
        if charge is None:
            continue
        net = min(back.net, charge.net)
        if net == 0 < charge.net:
            continue
        reversed_ = msgspec.structs.replace(
            reversal(charge, net, AGREEMENT_CHANGED), period=period_of(back.days)
        )
        drafts.append(Draft("charge.reversed", reversed_, max(at, charge.occurred_at)))
        lower(left, reversed_)
    return drafts


def lower(charges: dict[str, Unbilled], data: Data) -> None:
    """Take off charges, by name, what is reversed of them; the state's own are left as they are."""
    assert isinstance(data, ChargeReversed)  # noqa: S101 - narrows the type
    charge = charges.get(data.charge)
    if charge is None:
        return
    if charge.net == data.net:
        del charges[data.charge]
    else:
        rest = charge.net - data.net
        charges[data.charge] = msgspec.structs.replace(charge, net=rest, quantity=None, unit_price=None)


Note = tuple[Composed, Invoice]
"""A credit note of this decision, and the invoice that it lowers as it was before."""


def notes_of(book: Book, customer: Customer, taken_back: Iterable[TakenBack]) -> list[Note]:
    """Credit the invoices that billed days which are taken back: one note each, line by line."""
    nets: dict[str, dict[str, int]] = {}
    for back in taken_back:
        number = customer.charges.get(back.charge)
        if number:
            of_invoice = nets.setdefault(number, {})
            of_invoice[back.charge] = of_invoice.get(back.charge, 0) + back.net
    notes: list[Note] = []
    for number, of_charges in nets.items():
        invoice = find_invoice(customer, number)
        lines = list(_credited(customer, invoice, of_charges))
        if lines:
            composed = compose(book, customer, invoice, lines, AGREEMENT_CHANGED)
            notes.append((composed.numbered(book, composed.note.sequence + len(notes)), invoice))
    return notes


def _credited(customer: Customer, invoice: Invoice, nets: dict[str, int]) -> Iterator[CreditedLine]:
    """Credit of each line the share that its net after discounts has in the net taken back, by cumulation.

    What somebody has credited of it already is not credited again.
    """
    for number, line in enumerate(invoice.lines, start=1):
        back, charge = nets.get(line.charge.charge), line.charge
        if not back or not charge.net:
            continue
        kept = sum(run.net for run in customer.runs[charge.service] if run.charge == charge.charge)
        before, after = charge.net - kept, charge.net - kept + back
        share = round_half_away(after * line.net, charge.net) - round_half_away(before * line.net, charge.net)
        if net := min(share, line.creditable):
            yield CreditedLine(line=number, net=net)


def period_of(days: Days) -> Period:
    """Write days as a service period."""
    return Period(from_=days.from_, to=days.to)
