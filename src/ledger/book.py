"""The book: one legal entity's own stream. Its terms, chart of accounts, posting rules, tax rates and closed periods."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import CurrencyCode, Day, Name, Text, require_currency
from ledger.message import Message
from ledger.posting_rules import (
    DEFAULT_ACCOUNTS,
    DEFAULT_RULES,
    Account,
    AccountKind,
    PostingRule,
    refuse_unbalanced,
)
from ledger.tax import DEFAULT_RATES, TaxRate, TaxTable

AHEAD_MAX = timedelta(days=1)
"""How far ahead of the ledger's clock a message may be dated: clocks differ, and so do time zones."""

Prefix = Annotated[
    str, msgspec.Meta(min_length=1, max_length=16, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@~-]*\Z")
]
Filled = Literal["accounts", "rules", "tax_rates"]


class BookOpened(Data, frozen=True, kw_only=True):
    """A book begins. What it brings no set of its own of, the ledger fills in and names in `filled`."""

    name: Text
    currency: CurrencyCode
    time_zone: Text
    invoice_prefix: Prefix = "INV-"
    credit_note_prefix: Prefix = "CN-"
    accounts: list[Account] | None = None
    rules: list[PostingRule] | None = None
    tax_rates: list[TaxRate] | None = None
    filled: list[Filled] = []

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.time_zone not in _zones():
            raise Malformed(
                "time_zone_unknown", f"{self.time_zone} is no time zone of the IANA database",
                pointer="/data/time_zone", time_zone=self.time_zone,
            )  # fmt: skip
        if self.invoice_prefix == self.credit_note_prefix:
            raise Malformed(
                "prefix_taken", f"invoices and credit notes may not both be numbered {self.invoice_prefix}…",
                pointer="/data/credit_note_prefix", prefix=self.credit_note_prefix,
            )  # fmt: skip
        refuse_unbalanced(self.rules or ())


class AccountAdded(Data, frozen=True, kw_only=True):
    """The chart of accounts gets another account."""

    account: Name
    name: Text
    kind: AccountKind


class PolicyChanged(Data, frozen=True, kw_only=True):
    """From a date on, events are posted by another set of rules."""

    policy: Literal["posting_rules"]
    rules: Annotated[list[PostingRule], msgspec.Meta(min_length=1)]
    from_: Day = msgspec.field(name="from")

    def __post_init__(self) -> None:
        refuse_unbalanced(self.rules)


class PeriodClosed(Data, frozen=True, kw_only=True):
    """Nothing may be dated on this day or earlier any more, in the book's time zone."""

    through: Day


class Book(msgspec.Struct):
    """What the rules need of a book."""

    currency: str
    time_zone: str
    prefixes: dict[str, str]
    """Of each series of numbers: `invoice`, `credit_note`."""
    numbers: dict[str, int]
    """The last number taken in each series."""
    accounts: set[str]
    taxes: TaxTable
    closed_through: date | None = None
    open_from: datetime | None = None
    """The first instant after the closed periods."""

    def day_of(self, instant: datetime) -> date:
        """Tell which day it is in the book's time zone."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def refuse_undatable(book: Book, message: Message, now: datetime) -> None:
    """Refuse a message dated in a closed period, or more than a day ahead [DOMAIN.md, Time]."""
    if book.open_from is not None and message.time < book.open_from:
        raise Refusal(
            "period_closed",
            f"{book.day_of(message.time)} lies in a closed period: the book is closed through {book.closed_through}",
            pointer="/time", time=message.time.isoformat(), closed_through=str(book.closed_through),
        )  # fmt: skip
    if message.time > now + AHEAD_MAX:
        raise Refusal(
            "time_ahead", f"{message.time.isoformat()} is more than a day ahead of the ledger's clock",
            pointer="/time", time=message.time.isoformat(), now=now.isoformat(),
        )  # fmt: skip


def open_book(book: Book | None, message: Message, now: datetime) -> list[Draft]:
    """Decide on `book.opened`: a book is opened once, and its rules name accounts of its chart."""
    data: BookOpened = message.data  # type: ignore[assignment]
    if data.filled:
        raise Malformed(
            "field_not_allowed", "filled is the ledger's to say", pointer="/data/filled", field="filled"
        )
    if book is not None:
        raise Refusal("book_exists", "the book is open already", pointer="/type")
    if message.time > now + AHEAD_MAX:
        raise Refusal(
            "time_ahead", f"{message.time.isoformat()} is more than a day ahead of the ledger's clock",
            pointer="/time", time=message.time.isoformat(), now=now.isoformat(),
        )  # fmt: skip
    return [Draft("book.opened", _filled(data))]


def _filled(data: BookOpened) -> BookOpened:
    filled: list[Filled] = [
        name for name in ("accounts", "rules", "tax_rates") if getattr(data, name) is None
    ]
    return msgspec.structs.replace(
        data,
        accounts=data.accounts if data.accounts is not None else list(DEFAULT_ACCOUNTS),
        rules=data.rules if data.rules is not None else list(DEFAULT_RULES),
        tax_rates=data.tax_rates if data.tax_rates is not None else list(DEFAULT_RATES),
        filled=filled,
    )


def as_posted(data: BookOpened) -> BookOpened:
    """What was posted, without what the ledger filled in."""
    absent = dict.fromkeys(data.filled)
    return msgspec.structs.replace(data, filled=[], **absent)


def evolve_opened(book: Book | None, event: Event) -> Book:
    """The book as it is opened."""
    data: BookOpened = event.data  # type: ignore[assignment]
    return Book(
        currency=data.currency,
        time_zone=data.time_zone,
        prefixes={"invoice": data.invoice_prefix, "credit_note": data.credit_note_prefix},
        numbers={"invoice": 0, "credit_note": 0},
        accounts={account.account for account in data.accounts or ()},
        taxes=TaxTable.of(data.tax_rates or ()),
    )
