"""Retention trials: registered before their data, and customers in the arms that are drawn for them."""

from __future__ import annotations

from datetime import date, datetime

from ledger.book import Book, refuse_undatable
from ledger.discounts.criteria import refuse_unmet
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Name
from ledger.message import Message
from ledger.references import refuse_dated_before
from ledger.state import Customer
from ledger.trial_plan import Plan, TrialRegistered, draw


class TrialAssign(Data, frozen=True, kw_only=True):
    """Let a customer take part in a trial."""

    trial: Name


class TrialAssigned(Decided, frozen=True, kw_only=True):
    """A customer takes part in a trial, in the arm that was drawn for them; `hold_out` leaves them alone."""

    trial: Name
    arm: Name


def register(book: Book, message: Message, data: TrialRegistered, now: datetime) -> list[Draft]:
    """Decide on `trial.registered`: each trial once, and not when it is over already."""
    refuse_undatable(book, message, now)
    if data.trial in book.trials:
        raise Refusal(
            "trial_exists", f"the trial {data.trial} is registered already", pointer="/data/trial",
            trial=data.trial,
        )  # fmt: skip
    _refuse_over(book, message, data.trial, data.end, now)
    return [Draft(message.type, data)]


def assign(book: Book, customer: Customer, message: Message, data: TrialAssign, now: datetime) -> list[Draft]:
    """Decide on `trial.assign`: once for each customer, between registration and end, by the criteria."""
    trial = book.trials.get(data.trial)
    if trial is None:
        raise Refusal(
            "trial_unknown", f"no trial {data.trial} is registered", pointer="/data/trial", trial=data.trial
        )
    refuse_undatable(book, message, now)
    refuse_dated_before(message, f"trial {trial.trial}", trial.registered_at)
    _refuse_closed(customer, message)
    if data.trial in customer.trials:
        raise Refusal(
            "trial_assigned", f"the customer is in the arm {customer.trials[data.trial]} already",
            pointer="/data/trial", trial=data.trial, arm=customer.trials[data.trial],
        )  # fmt: skip
    _refuse_over(book, message, trial.trial, trial.end, now)
    refuse_unmet(book, customer, trial.criteria, book.day_of(now))
    assigned = TrialAssigned(trial=data.trial, arm=draw(trial, message.subject or ""))
    return [Draft("trial.assigned", assigned)]


def _refuse_closed(customer: Customer, message: Message) -> None:
    """Refuse who has ended, whatever the date of the message: their outcome is known already."""
    if customer.closed_at is not None:
        closed_at = customer.closed_at.isoformat()
        raise Refusal(
            "customer_closed", f"the customer {message.subject} was closed at {closed_at}",
            pointer="/subject", customer=message.subject, closed_at=closed_at,
        )  # fmt: skip


def _refuse_over(book: Book, message: Message, trial: str, end: date, now: datetime) -> None:
    """Refuse what comes after the end, on either clock: a plan is no plan once its data is there."""
    today = book.day_of(max(message.time, now))
    if today > end:
        raise Refusal(
            "trial_over", f"the trial {trial} ended on {end}", pointer="/data/trial", trial=trial,
            end=end.isoformat(), today=today.isoformat(),
        )  # fmt: skip


def evolve_registered(book: Book, event: Event, data: TrialRegistered) -> None:
    """Keep the plan for the draws to come."""
    shares = [(arm.arm, arm.share) for arm in data.arms]
    book.trials[data.trial] = Plan(data.trial, data.seed, shares, data.criteria, event.time, data.end)


def evolve_assigned(customer: Customer, _: Event, data: TrialAssigned) -> None:
    """Remember the arm: a customer is drawn once."""
    customer.trials[data.trial] = data.arm
