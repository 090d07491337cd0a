"""What must hold of a customer before a discount is granted, or before they take part in a trial."""

from __future__ import annotations

from datetime import date

from ledger.book import Book
from ledger.discounts.policy import Conditions
from ledger.errors import Refusal
from ledger.state import Customer


def refuse_unmet(book: Book, customer: Customer, conditions: Conditions, today: date) -> None:
    """Refuse a customer of whom one of the conditions does not hold [docs/domain.md, Authority]."""
    since = book.day_of(customer.opened_at)
    if conditions.tenure_days is not None and (today - since).days < conditions.tenure_days:
        raise Refusal(
            "tenure_too_short",
            f"a customer since {since}, {(today - since).days} days, not {conditions.tenure_days}",
            pointer="/subject", since=since.isoformat(), days=(today - since).days,
            days_min=conditions.tenure_days,
        )  # fmt: skip
    if conditions.open_complaint and not any(each.kind == "complaint" for each in customer.disputes.values()):
        raise Refusal("complaint_not_open", "the customer has no open complaint", pointer="/subject")
    if conditions.nothing_overdue:
        _refuse_overdue(customer, today)


def refuse_not_offered(customer: Customer, criterion: str, alternative: str | None, today: date) -> None:
    """Refuse where nothing is recorded of an alternative that the customer was offered and did not take.

    That is an offer that they refused, or let expire, or a note, which says what else was offered.
    """
    offer = customer.pending_discounts.get(alternative or "")
    expired = offer is not None and offer.kind == "offer" and offer.until is not None and offer.until < today
    if alternative is None or not (
        expired or alternative in customer.refused_offers or alternative in customer.notes
    ):
        raise Refusal(
            "alternative_not_offered",
            f"{criterion} asks that an alternative was offered first; the customer has no offer that they "
            f"did not take, and no note, named {alternative or 'nothing'}",
            pointer="/data/alternative", criterion=criterion, alternative=alternative,
        )  # fmt: skip


def _refuse_overdue(customer: Customer, today: date) -> None:
    """Refuse while something outside disputes is past its date; the oldest such invoice is named."""
    overdue = [each for each in customer.open_invoices.values() if each.receivable and each.due_on < today]
    if overdue:
        oldest = min(overdue, key=lambda each: (each.due_on, each.sequence))
        raise Refusal(
            "invoice_overdue",
            f"invoice {oldest.number} was due on {oldest.due_on}, {oldest.receivable} {oldest.currency}",
            pointer="/subject", invoice=oldest.number, due_on=oldest.due_on.isoformat(),
            receivable=oldest.receivable, currency=oldest.currency,
        )  # fmt: skip
