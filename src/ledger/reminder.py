"""Reminders: an overdue invoice is reminded of, step by step, as the book's policy of dunning says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.dunning import STEPS_MAX, Dunning, DunningStep
from ledger.errors import Refusal
from ledger.event import LEDGER, Data, Decided, Draft, Event
from ledger.fields import Amount, CurrencyCode, Day, Name, Text
from ledger.message import Message
from ledger.parts import Invoice
from ledger.references import find_invoice, refuse_dated_before, refuse_void
from ledger.state import Customer

SOURCE = f"{LEDGER}/dunning"
"""The CloudEvents source of the reminders that a dunning run sends; no API key may post as it."""
NO_DUNNING = Dunning(steps=[])
"""The policy of a book that has said none: nobody is reminded."""
Step = Annotated[int, msgspec.Meta(ge=1, le=STEPS_MAX)]


class ReminderSend(Data, frozen=True, kw_only=True):
    """Remind of an overdue invoice. Without `step` it is the next one."""

    invoice: Name
    step: Step | None = None


class ReminderSent(Decided, frozen=True, kw_only=True):
    """A reminder of an invoice was sent: of what is due of it and not in dispute."""

    invoice: Name
    step: Step
    kind: Text
    currency: CurrencyCode
    amount: Amount
    days_overdue: int
    sent_on: Day


def send(book: Book, customer: Customer, message: Message, data: ReminderSend, now: datetime) -> list[Draft]:
    """Decide on `reminder.send`: each step once, in order, not before its day [docs/domain.md, Dunning].

    What is in dispute is left alone, and so is what comes to less than the step is for.
    """
    invoice = find_invoice(customer, data.invoice)
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"invoice {invoice.number}", invoice.issued_at)
    refuse_void(invoice)
    today = book.day_of(message.time)
    number = data.step or invoice.reminders + 1
    dunning = book.policies.dunning.on(today) or NO_DUNNING
    step = _next_step(dunning, invoice, number)
    if invoice.receivable < 1:
        raise Refusal(
            "nothing_to_remind", f"nothing of invoice {invoice.number} is due that is not in dispute",
            pointer="/data/invoice", invoice=invoice.number, disputed=invoice.disputed,
        )  # fmt: skip
    sent_from = _first_day(dunning, invoice, step)
    if today < sent_from:
        raise Refusal(
            "reminder_not_due", f"step {number} for invoice {invoice.number} is not sent before {sent_from}",
            pointer="/data/invoice", invoice=invoice.number, step=number, sent_from=sent_from.isoformat(),
        )  # fmt: skip
    least = step.least(invoice.currency)
    if invoice.receivable < least:
        raise Refusal(
            "reminder_below_minimum", f"{invoice.receivable} is due, step {number} is for {least} at least",
            pointer="/data/invoice", invoice=invoice.number, due=invoice.receivable, minimum=least,
        )  # fmt: skip
    return [Draft("reminder.sent", _sent(invoice, number, step, today))]


def _next_step(dunning: Dunning, invoice: Invoice, number: int) -> DunningStep:
    """Return the step that comes next for an invoice; refuse any other one, and one that there is not."""
    if number <= invoice.reminders:
        raise Refusal(
            "reminder_exists", f"step {number} for invoice {invoice.number} was sent before",
            pointer="/data/step", invoice=invoice.number, step=number,
        )  # fmt: skip
    steps = dunning.steps
    if number > len(steps):
        raise Refusal(
            "step_unknown", f"the book's dunning has {len(steps)} steps on that day, and no step {number}",
            pointer="/data/step", invoice=invoice.number, step=number, steps=len(steps),
        )  # fmt: skip
    if number > invoice.reminders + 1:
        raise Refusal(
            "reminder_out_of_order", f"step {invoice.reminders + 1} for invoice {invoice.number} comes first",
            pointer="/data/step", invoice=invoice.number, step=number, next=invoice.reminders + 1,
        )  # fmt: skip
    return steps[number - 1]


def _first_day(dunning: Dunning, invoice: Invoice, step: DunningStep) -> date:
    """Tell the first day of a step: so long after the due date, and after the reminder before it.

    A reminder that went out late leaves the customer as much time as one in time.
    """
    by_due = invoice.due_on + timedelta(days=step.days)
    if invoice.reminded_on is None:
        return by_due
    between = step.days - dunning.steps[invoice.reminders - 1].days
    return max(by_due, invoice.reminded_on + timedelta(days=between))


def _sent(invoice: Invoice, number: int, step: DunningStep, today: date) -> ReminderSent:
    return ReminderSent(
        invoice=invoice.number,
        step=number,
        kind=step.kind,
        currency=invoice.currency,
        amount=invoice.receivable,
        days_overdue=(today - invoice.due_on).days,
        sent_on=today,
    )


def evolve_sent(customer: Customer, _: Event, data: ReminderSent) -> None:
    """Remember how far the dunning of the invoice has come."""
    invoice = customer.invoice(data.invoice)
    assert invoice is not None  # noqa: S101 - recorded, so decided: it is there
    invoice.reminders = data.step
    invoice.reminded_on = data.sent_on
    customer.keep_invoice(invoice)
