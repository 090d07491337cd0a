"""Refunds: money we send back, out of credit or out of a payment, which are two different commands."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.allocation import Purse, SourceName, take_back
from ledger.book import Book, refuse_undatable
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Name, require_currency
from ledger.message import Message
from ledger.references import find_payment, refuse_currency, refuse_dated_before
from ledger.state import Customer


class RefundIssue(Data, frozen=True, kw_only=True):
    """Send money back: out of `payment`, or without it out of the customer's credit."""

    refund: Name
    currency: CurrencyCode
    amount: Amount
    payment: Name | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of which source was sent back."""

    source: SourceName
    amount: Amount


class RefundIssued(Decided, frozen=True, kw_only=True):
    """Money was sent back; `taken` says out of which sources and sums to the amount."""

    refund: Name
    currency: CurrencyCode
    amount: Amount
    payment: Name | None = None
    taken: list[Taken]


def issue(book: Book, customer: Customer, message: Message, data: RefundIssue, now: datetime) -> list[Draft]:
    """Decide on `refund.issue`."""
    source = None if data.payment is None else find_payment(customer, data.payment)
    if source is not None:
        refuse_currency(f"payment {source.key}", source.currency, "refund", data.currency)
    refuse_undatable(book, message, now)
    if source is not None:
        refuse_dated_before(message, f"payment {source.key}", source.occurred_at)
    if data.refund in customer.refunds:
        raise Refusal(
            "refund_exists",
            f"the refund {data.refund} was issued before",
            pointer="/data/refund",
            refund=data.refund,
        )
    if source is None:
        return [_issued(data, _out_of_credit(customer, message, data))]
    if data.amount > source.refundable:
        raise Refusal(
            "refund_exceeds_payment",
            f"{data.amount} is more than the {source.refundable} of {source.key} that did not go back yet",
            pointer="/data/amount", amount=data.amount, refundable=source.refundable, currency=data.currency,
        )  # fmt: skip
    taken = [Taken(source=SourceName.of(source.key), amount=data.amount)]
    return [_issued(data, taken), *take_back(source, data.amount)]


def _issued(data: RefundIssue, taken: list[Taken]) -> Draft:
    issued = RefundIssued(
        refund=data.refund, currency=data.currency, amount=data.amount, payment=data.payment, taken=taken
    )
    return Draft("refund.issued", issued)


def _out_of_credit(customer: Customer, message: Message, data: RefundIssue) -> list[Taken]:
    """Take the oldest credit first, never more than there is."""
    credit = customer.credit(data.currency)
    if data.amount > credit:
        raise Refusal(
            "refund_exceeds_credit", f"{data.amount} is more than the customer's credit of {credit}",
            pointer="/data/amount", amount=data.amount, credit=credit, currency=data.currency,
        )  # fmt: skip
    missing, taken = data.amount, []
    purses = (Purse.of(each) for each in customer.open_sources.values() if each.currency == data.currency)
    for purse in sorted(purses):
        amount = min(purse.left, missing)
        if amount > 0:
            refuse_dated_before(message, f"the credit of {purse.key}", purse.occurred_at)
            taken.append(Taken(source=SourceName.of(purse.key), amount=amount))
            missing -= amount
    return taken


def evolve_issued(customer: Customer, _: Event, data: RefundIssued) -> None:
    """Lower what is left of each source; what was allocated of it is undone by the events that follow."""
    customer.refunds.add(data.refund)
    for taken in data.taken:
        source = customer.source(taken.source.key)
        assert source is not None  # noqa: S101 - recorded, so decided: it is there
        source.left -= taken.amount
        source.refunded += taken.amount
        customer.keep_source(source)
