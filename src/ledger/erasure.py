"""Erasing a customer's personal data: when it may go, and the event that says that it has to.

The log itself holds none, so it stays as it is. The vault acts on the event (`ledger.vault.erasing`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from ledger.book import Book, refuse_undatable
from ledger.errors import Refusal
from ledger.event import Data, Decided, Draft, Event
from ledger.fields import Text
from ledger.message import Message
from ledger.state import Customer


class CustomerErase(Data, frozen=True, kw_only=True):
    """Erase the personal data of a customer, for good; the reason is a code, never personal itself."""

    reason: Text


class CustomerErased(Decided, frozen=True, kw_only=True):
    """The personal data of the customer is to be erased: from here on nobody reads it."""

    reason: Text


def erase(
    book: Book, customer: Customer, message: Message, data: CustomerErase, now: datetime
) -> list[Draft]:
    """Decide on `customer.erase`: once, of a customer who has left and with whom nothing is open.

    Until then the data is needed for the contract or for claims [GDPR art. 17 (1) a, (3) b and e;
    docs/domain.md, Erasure].
    """
    refuse_undatable(book, message, now)
    if customer.erased:
        raise Refusal(
            "customer_erased", f"the personal data of {message.subject} is erased already",
            pointer="/subject", customer=message.subject,
        )  # fmt: skip
    if customer.closed_at is None or message.time < customer.closed_at:
        raise Refusal(
            "customer_not_closed", f"the customer {message.subject} has not left",
            pointer="/subject", customer=message.subject,
        )  # fmt: skip
    _refuse_open_business(customer, message)
    _refuse_retained(book, customer.closed_at, message)
    return [Draft("customer.erased", CustomerErased(reason=data.reason))]


def _refuse_open_business(customer: Customer, message: Message) -> None:
    """Refuse while anybody owes anything: whoever is to be reminded or paid has to be reachable."""
    parts: dict[str, Collection[str]] = {
        "charges": customer.unbilled, "invoices": customer.open_invoices,
        "credit": customer.open_sources, "disputes": customer.disputes,
    }  # fmt: skip
    still_open = {name: sorted(part) for name, part in parts.items() if part}
    if still_open:
        said = "; ".join(f"{name} {', '.join(keys[:3])}" for name, keys in still_open.items())
        raise Refusal(
            "business_open", f"there is still open business with {message.subject}: {said}",
            pointer="/subject", customer=message.subject, **still_open,
        )  # fmt: skip


def _refuse_retained(book: Book, closed_at: datetime, message: Message) -> None:
    """Refuse within the time for which the book's policy keeps the names on its vouchers."""
    retention = book.policies.retention.on(book.day_of(message.time))
    until = closed_at + timedelta(days=0 if retention is None else retention.days_after_closing)
    if message.time < until:
        raise Refusal(
            "retention_running", f"the personal data of {message.subject} is kept until {until.isoformat()}",
            pointer="/time", customer=message.subject, until=until.isoformat(),
        )  # fmt: skip


def evolve_erased(customer: Customer, _: Event, __: CustomerErased) -> None:
    """Remember that there is nothing left to erase."""
    customer.erased = True
