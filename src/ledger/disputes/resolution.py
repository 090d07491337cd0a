"""Resolutions: how a dispute ends, and what it credits, releases or restores."""

from __future__ import annotations

from datetime import datetime

from ledger.allocation import AllocationMade, Due, SourceName, settle
from ledger.book import Book, refuse_undatable
from ledger.charge import reversal
from ledger.credit_note import Composed, CreditedLine, compose, refuse_unknown_lines
from ledger.debt import refuse_before_write_off
from ledger.disputes.dispute import DisputeResolve, DisputeResolved, Outcome
from ledger.disputes.opening import creditable_lines, gross_of
from ledger.errors import Refusal
from ledger.event import Draft
from ledger.gross import lines_for_gross
from ledger.message import Message
from ledger.parts import Dispute, DisputeKind, Invoice
from ledger.references import find_dispute, refuse_dated_before, refuse_resolved
from ledger.state import Customer

_OUTCOMES: dict[DisputeKind, tuple[Outcome, ...]] = {
    "complaint": ("upheld", "partly_upheld", "rejected", "withdrawn"),
    "inquiry": ("won", "lost", "withdrawn"),
    "chargeback": ("won", "lost"),
}
"""How each kind can end. A chargeback that is withdrawn is not yet won [Stripe, Dispute withdrawals]."""


def resolve(
    book: Book, customer: Customer, message: Message, data: DisputeResolve, now: datetime
) -> list[Draft]:
    """Decide on `dispute.resolve`, by kind and outcome."""
    dispute = find_dispute(customer, data.dispute)
    invoice = (
        customer.invoice(dispute.invoice) if dispute is not None and dispute.invoice is not None else None
    )
    if invoice is not None:
        refuse_unknown_lines(invoice, (line.line for line in data.lines or ()))
    refuse_undatable(book, message, now)
    dispute = refuse_resolved(customer, data.dispute)
    refuse_dated_before(message, f"dispute {dispute.dispute}", dispute.opened_at)
    _refuse_unfitting(dispute, data)
    if dispute.kind == "chargeback":
        return _chargeback(customer, dispute, data)
    if dispute.charge is not None:
        return _complaint_about_charge(customer, dispute, data)
    if invoice is not None and data.outcome in ("upheld", "partly_upheld"):
        return _uphold(book, customer, message, dispute, invoice, data)
    resolved = _resolved(dispute, data, 0, released=dispute.held)
    return [resolved, *_pay_released(customer, message, invoice, dispute.held, None)]


def _refuse_unfitting(dispute: Dispute, data: DisputeResolve) -> None:
    if data.outcome not in _OUTCOMES[dispute.kind]:
        raise Refusal(
            "outcome_not_allowed",
            f"a {dispute.kind} ends {', '.join(_OUTCOMES[dispute.kind])}; not {data.outcome}",
            pointer="/data/outcome", kind=dispute.kind, outcome=data.outcome, allowed=_OUTCOMES[dispute.kind],
        )  # fmt: skip
    about_invoice = dispute.kind == "complaint" and dispute.invoice is not None
    for field, fits in (
        ("lines", about_invoice),
        ("net", dispute.charge is not None),
        ("fee_returned", dispute.kind == "chargeback"),
    ):
        if not fits and getattr(data, field) is not None:
            raise Refusal(
                "resolution_not_fitting",
                f"{field} says nothing about dispute {dispute.dispute}, a {dispute.kind}",
                pointer=f"/data/{field}", field=field, dispute=dispute.dispute, kind=dispute.kind,
            )  # fmt: skip
    if data.outcome == "partly_upheld" and data.lines is None and data.net is None:
        field = "lines" if about_invoice else "net"
        raise Refusal(
            "part_not_said", f"dispute {dispute.dispute} is partly upheld: {field} has to say which part",
            pointer=f"/data/{field}", field=field, dispute=dispute.dispute,
        )  # fmt: skip


def _chargeback(customer: Customer, dispute: Dispute, data: DisputeResolve) -> list[Draft]:
    """Won restores exactly the earlier balances, as far as still due; lost changes nothing more."""
    if (data.fee_returned or 0) > dispute.fee:
        raise Refusal(
            "fee_exceeds_charged", f"{data.fee_returned} is more than the fee of {dispute.fee}",
            pointer="/data/fee_returned", fee_returned=data.fee_returned, fee=dispute.fee,
        )  # fmt: skip
    won = data.outcome == "won"
    restored = dispute.amount if won else 0
    resolved = _resolved(dispute, data, 0, restored=restored, fee_returned=data.fee_returned or 0)
    return [resolved, *(_allocate_again(customer, dispute) if won else ())]


def _allocate_again(customer: Customer, dispute: Dispute) -> list[Draft]:
    """Make again what the chargeback undid, in the order in which it was first made."""
    payment = dispute.payment or ""
    source = customer.source(payment)
    left = dispute.amount + (0 if source is None else source.left)
    receivables: dict[str, int] = {}
    drafts = []
    for number, undone in reversed(dispute.undone):
        invoice = customer.invoice(number)
        due = receivables.get(number, 0 if invoice is None else invoice.receivable)
        amount = min(undone, due, left)
        if amount <= 0:
            continue
        made = AllocationMade(
            source=SourceName(payment=payment), invoice=number, currency=dispute.currency, amount=amount,
            automatic=True, dispute=dispute.dispute,
        )  # fmt: skip
        drafts.append(Draft("allocation.made", made))
        receivables[number] = due - amount
        left -= amount
    return drafts


def _complaint_about_charge(customer: Customer, dispute: Dispute, data: DisputeResolve) -> list[Draft]:
    """Take an upheld complaint off the charge; otherwise it may be billed again."""
    charge = customer.unbilled[dispute.charge or ""]
    if data.outcome not in ("upheld", "partly_upheld"):
        return [_resolved(dispute, data, 0)]
    net = dispute.amount if data.net is None else data.net
    _refuse_amount(dispute, data, net, "/data/net")
    return [_resolved(dispute, data, net), Draft("charge.reversed", reversal(charge, net, data.reason))]


def _uphold(
    book: Book, customer: Customer, message: Message, dispute: Dispute, invoice: Invoice, data: DisputeResolve
) -> list[Draft]:
    """Credit what is upheld, out of what the dispute holds first; the rest of that is receivable again."""
    lines = data.lines or _lines_of_all(dispute, invoice)
    composed = compose(book, customer, invoice, lines, data.reason, dispute)
    note = composed.note
    if composed.recovered is not None:
        refuse_before_write_off(message, invoice)
    _refuse_amount(dispute, data, note.amount, "/data/lines")
    released = dispute.held - min(dispute.held, note.amount)
    return [
        _resolved(dispute, data, note.amount, released=released),
        *composed.drafts(),
        *_pay_released(customer, message, invoice, released, composed),
    ]


def _lines_of_all(dispute: Dispute, invoice: Invoice) -> list[CreditedLine]:
    lines = creditable_lines(invoice, dispute.lines)
    if gross_of(invoice, lines) == dispute.amount:
        return lines
    found = lines_for_gross(invoice, lines, dispute.amount)
    if found is None:
        raise Refusal(
            "lines_needed",
            f"no nets of the disputed lines come to {dispute.amount} with tax: say which are credited",
            pointer="/data/lines", invoice=invoice.number, amount=dispute.amount,
        )  # fmt: skip
    return found


def _refuse_amount(dispute: Dispute, data: DisputeResolve, amount: int, pointer: str) -> None:
    """Refuse to credit more than was complained about, and to call a part the whole or the whole a part."""
    if amount > dispute.amount:
        raise Refusal(
            "credit_exceeds_dispute",
            f"{amount} is more than the {dispute.amount} of dispute {dispute.dispute}",
            pointer=pointer, amount=amount, disputed=dispute.amount, dispute=dispute.dispute,
        )  # fmt: skip
    if (amount == dispute.amount) is not (data.outcome == "upheld"):
        raise Refusal(
            "outcome_not_matching",
            f"{amount} of {dispute.amount} is credited: that is not {data.outcome.replace('_', ' ')}",
            pointer="/data/outcome", amount=amount, disputed=dispute.amount, outcome=data.outcome,
        )  # fmt: skip


def _pay_released(
    customer: Customer,
    message: Message,
    invoice: Invoice | None,
    released: int,
    composed: Composed | None,
) -> list[Draft]:
    """Let credit pay what is receivable again: who paid in full while it was in dispute owes nothing now."""
    if invoice is None or released == 0:
        return []
    receivable = invoice.receivable + released - (0 if composed is None else composed.lowers)
    due = Due.of(invoice)._replace(receivable=receivable)
    return settle(customer, invoice.currency, message.time, dues=(due,))


def _resolved(
    dispute: Dispute,
    data: DisputeResolve,
    amount: int,
    *,
    released: int = 0,
    restored: int = 0,
    fee_returned: int = 0,
) -> Draft:
    resolved = DisputeResolved(
        dispute=dispute.dispute,
        kind=dispute.kind,
        invoice=dispute.invoice,
        charge=dispute.charge,
        payment=dispute.payment,
        currency=dispute.currency,
        outcome=data.outcome,
        amount=amount,
        released=released,
        restored=restored,
        fee_returned=fee_returned,
        reason=data.reason,
    )
    return Draft("dispute.resolved", resolved)
