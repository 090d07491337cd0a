"""Disputes: a complaint (about an invoice, its lines or an unbilled charge), an inquiry, a chargeback.

What is said and recorded of their beginning and end, and what that changes, is here. What opens one is
decided in `opening.py`, what resolves one in `resolution.py`; who works on it, its evidence and its
escalation are in `handling.py`, and the deadline that passes in `deadline.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ledger.credit_note import CreditedLines, LineNumber, refuse_repeated_lines
from ledger.errors import Malformed
from ledger.event import Data, Decided, Event
from ledger.fields import (
    Amount,
    CurrencyCode,
    Day,
    Name,
    Net,
    Text,
    refuse_far_day,
    refuse_field,
    require_currency,
)
from ledger.parts import Deadline, Dispute, DisputeKind, Invoice, Source
from ledger.state import Customer

Lines = Annotated[list[LineNumber], msgspec.Meta(min_length=1)]
Outcome = Literal["upheld", "partly_upheld", "rejected", "withdrawn", "won", "lost"]


class DisputeOpen(Data, frozen=True, kw_only=True):
    """Open a dispute.

    A complaint is about an invoice, some of its lines, or an unbilled charge; an inquiry about an invoice or
    a payment; a chargeback about a payment. Without `amount` it is all that can be disputed. The amount of a
    complaint about an invoice is gross, of one about a charge net. `inquiry` is the one that became this
    chargeback.
    """

    dispute: Name
    kind: DisputeKind
    invoice: Name | None = None
    lines: Lines | None = None
    charge: Name | None = None
    payment: Name | None = None
    currency: CurrencyCode | None = None
    amount: Amount | None = None
    fee: Amount | None = None
    inquiry: Name | None = None
    reason: Text
    respond_by: Day | None = None

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.respond_by is not None:
            refuse_far_day(self.respond_by, "/data/respond_by")
        _refuse_misshapen(self)


class DisputeOpened(Decided, frozen=True, kw_only=True):
    """A dispute is open. `held` moved from receivable to disputed, `charged_back` and `fee` left the bank."""

    dispute: Name
    kind: DisputeKind
    invoice: Name | None = None
    lines: list[int] | None = None
    charge: Name | None = None
    payment: Name | None = None
    currency: CurrencyCode
    amount: Net
    held: Net = 0
    charged_back: Net = 0
    fee: Net = 0
    inquiry: Name | None = None
    reason: Text
    respond_by: Day | None = None


_ABOUT: dict[DisputeKind, tuple[str, ...]] = {
    "complaint": ("invoice", "charge"),
    "inquiry": ("invoice", "payment"),
    "chargeback": ("payment",),
}
"""What each kind of dispute may be about, exactly one of them."""


def _refuse_misshapen(data: DisputeOpen) -> None:
    about = _ABOUT[data.kind]
    for field in ("invoice", "charge", "payment"):
        if field not in about:
            refuse_field(getattr(data, field), field, f"a {data.kind} is about {' or '.join(about)}")
    named = [field for field in about if getattr(data, field) is not None]
    if len(named) != 1:
        raise Malformed(
            "dispute_not_about_one",
            f"a {data.kind} is about exactly one {' or '.join(about)}, not {len(named)}",
            pointer=f"/data/{about[0]}", kind=data.kind, about=about,
        )  # fmt: skip
    if data.kind != "chargeback":
        refuse_field(data.fee, "fee", "only a chargeback costs a fee")
        refuse_field(data.inquiry, "inquiry", "only a chargeback follows an inquiry")
    if data.kind != "complaint" or data.invoice is None:
        refuse_field(data.lines, "lines", "only a complaint about an invoice names lines")
    refuse_repeated_lines(data.lines or ())


class DisputeResolve(Data, frozen=True, kw_only=True):
    """End a dispute.

    A complaint about an invoice that is upheld credits `lines`; without them the ledger finds the nets that
    make up the complaint's amount. One about a charge takes `net` off it, or the whole. `fee_returned` is
    what the bank gave back of a chargeback's fee.
    """

    dispute: Name
    outcome: Outcome
    lines: CreditedLines | None = None
    net: Amount | None = None
    fee_returned: Amount | None = None
    reason: Text

    def __post_init__(self) -> None:
        refuse_repeated_lines(line.line for line in self.lines or ())
        if self.outcome not in ("upheld", "partly_upheld"):
            refuse_field(self.lines, "lines", "nothing is credited unless a complaint is upheld")
            refuse_field(self.net, "net", "nothing is taken off a charge unless a complaint is upheld")
        if self.outcome not in ("won", "lost"):
            refuse_field(self.fee_returned, "fee_returned", "only a chargeback has a fee")


class DisputeResolved(Decided, frozen=True, kw_only=True):
    """A dispute ended.

    `amount` is what was upheld; `released` went from disputed back to receivable, `restored` came back to the
    payment, `fee_returned` to the bank account. `lapsed` is the deadline that passed, when that ended it.
    """

    dispute: Name
    kind: DisputeKind
    invoice: Name | None = None
    charge: Name | None = None
    payment: Name | None = None
    currency: CurrencyCode
    outcome: Outcome
    amount: Net
    released: Net = 0
    restored: Net = 0
    fee_returned: Net = 0
    lapsed: Day | None = None
    reason: Text


def evolve_opened(customer: Customer, event: Event, data: DisputeOpened) -> None:
    """Keep the dispute open, and keep what it is about out of the way of billing and dunning."""
    customer.disputes[data.dispute] = Dispute(
        data.dispute, data.kind, data.currency, data.amount, event.time,
        data.invoice, data.charge, data.payment, data.lines, data.held, data.fee,
        Deadline.of(data.respond_by, event),
    )  # fmt: skip
    if data.charge is not None:
        customer.unbilled[data.charge].dispute = data.dispute
    elif data.kind == "complaint":
        _hold(customer.invoice(data.invoice or ""), customer, data)
    elif data.kind == "chargeback":
        _charge_back(customer.source(data.payment or ""), customer, data)


def _hold(invoice: Invoice | None, customer: Customer, data: DisputeOpened) -> None:
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    invoice.receivable -= data.held
    invoice.disputed += data.held
    invoice.disputes.append(data.dispute)
    customer.keep_invoice(invoice)


def _charge_back(source: Source | None, customer: Customer, data: DisputeOpened) -> None:
    assert source is not None  # noqa: S101 - recorded, so decided: it is there
    source.left -= data.charged_back
    source.charged_back += data.charged_back
    customer.keep_source(source)


def evolve_resolved(customer: Customer, _: Event, data: DisputeResolved) -> None:
    """Let go of what the dispute kept; what is credited of it goes with the credit note that follows."""
    del customer.disputes[data.dispute]
    customer.resolved[data.dispute] = data.outcome
    if data.charge is not None:
        customer.unbilled[data.charge].dispute = None
    elif data.kind == "complaint":
        _release(customer.invoice(data.invoice or ""), customer, data)
    elif data.restored:
        source = customer.source(data.payment or "")
        assert source is not None  # noqa: S101 - recorded, so decided: it is there
        source.left += data.restored
        source.charged_back -= data.restored
        customer.keep_source(source)


def _release(invoice: Invoice | None, customer: Customer, data: DisputeResolved) -> None:
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    invoice.receivable += data.released
    invoice.disputed -= data.released
    invoice.disputes.remove(data.dispute)
    customer.keep_invoice(invoice)
