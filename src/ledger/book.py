"""The book: one legal entity's terms, chart of accounts, posting rules, tax rates and closed periods."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from ledger.errors import Malformed, Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import CurrencyCode, Day, Name, Text, refuse_field, require_currency
from ledger.message import Message
from ledger.policies import Policies
from ledger.posting_rules import (
    DEFAULT_ACCOUNTS,
    DEFAULT_RULES,
    Account,
    AccountKind,
    PostingRule,
    measure_of,
    refuse_unbalanced,
    unposted,
)
from ledger.tax import DEFAULT_RATES, TaxRate, TaxRateChanged, TaxTable, refuse_fixed
from ledger.trial_plan import Plan

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
    filled: tuple[Filled, ...] = ()

    def __post_init__(self) -> None:
        require_currency(self.currency)
        if self.time_zone not in _zones():
            raise Malformed(
                "time_zone_unknown", f"{self.time_zone} is no time zone of the IANA database",
                pointer="/data/time_zone", time_zone=self.time_zone,
            )  # fmt: skip
        if self.invoice_prefix == self.credit_note_prefix:
            raise Malformed(
                "prefix_taken",
                f"invoices and credit notes may not both be numbered {self.invoice_prefix}…",
                pointer="/data/credit_note_prefix", prefix=self.credit_note_prefix,
            )  # fmt: skip
        refuse_unbalanced(self.rules or ())
        for place, rate in enumerate(self.tax_rates or ()):
            refuse_fixed(rate.category, f"/data/tax_rates/{place}/category")


class AccountAdded(Data, frozen=True, kw_only=True):
    """The chart of accounts gets another account."""

    account: Name
    name: Text
    kind: AccountKind


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
    policies: Policies
    closed_through: date | None = None
    open_from: datetime | None = None
    """The first instant after the closed periods."""
    trials: dict[str, Plan] = {}

    def day_of(self, instant: datetime) -> date:
        """Tell which day it is in the book's time zone."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()

    def end_of(self, day: date) -> datetime:
        """Tell the last instant of a day in the book's time zone, in UTC."""
        return _begin_of(day + timedelta(days=1), self.time_zone) - timedelta(microseconds=1)

    def refuse_closed_day(self, day: date, pointer: str) -> None:
        """Refuse a day that lies in a closed period [docs/domain.md, Time]."""
        if self.closed_through is not None and day <= self.closed_through:
            raise Refusal(
                "period_closed", f"{day} is closed: the book is closed through {self.closed_through}",
                pointer=pointer, day=day.isoformat(), closed_through=self.closed_through.isoformat(),
            )  # fmt: skip


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def refuse_undatable(book: Book, message: Message, now: datetime) -> None:
    """Refuse a message dated in a closed period, or more than a day ahead [docs/domain.md, Time]."""
    if book.open_from is not None:
        refuse_closed_period(book, message)
    refuse_ahead(message, now)


def refuse_closed_period(book: Book, message: Message) -> None:
    """Refuse a message dated in a closed period."""
    if book.open_from is not None and message.time < book.open_from:
        book.refuse_closed_day(book.day_of(message.time), "/time")


def refuse_ahead(message: Message, now: datetime) -> None:
    """Refuse a message dated more than a day ahead of the ledger's clock."""
    if message.time > now + AHEAD_MAX:
        raise Refusal(
            "time_ahead", f"{message.time.isoformat()} is more than a day ahead of the ledger's clock",
            pointer="/time", time=message.time.isoformat(), now=now.isoformat(),
        )  # fmt: skip


def refuse_unposted(book: Book, message: Message, drafts: Iterable[Draft]) -> None:
    """Refuse what moves money that the posting rules in force would leave out of the journal.

    A book keeps its rules: those of a book that an older program opened do not name events that are newer
    [docs/domain.md, Entries].
    """
    for draft in drafts:
        if draft.type in book.policies.unposted_ever:
            day = book.day_of(draft.occurred_at or message.time)
            left_out = (book.policies.unposted.on(day) or {}).get(draft.type, frozenset())
            if lost := sorted(measure for measure in left_out if measure_of(draft.data, measure)):
                raise Refusal(
                    "posting_rules_missing",
                    f"the posting rules of {day} have none for {', '.join(lost)} of {draft.type}",
                    pointer="/type", event=draft.type, measures=lost, day=day.isoformat(),
                )  # fmt: skip


def open_book(book: Book | None, message: Message, data: BookOpened, now: datetime) -> list[Draft]:
    """Decide on `book.opened`: a book is opened once, and its rules name accounts of its chart."""
    refuse_field(data.filled or None, "filled", "it is the ledger's to say")
    filled = _filled(data)
    refuse_unknown_accounts(filled.rules or (), {account.account for account in filled.accounts or ()})
    refuse_ahead(message, now)
    if book is not None:
        raise Refusal("book_exists", "the book is open already", pointer="/type")
    return [Draft(message.type, filled)]


def _filled(data: BookOpened) -> BookOpened:
    own: dict[Filled, object] = {
        "accounts": list(DEFAULT_ACCOUNTS), "rules": list(DEFAULT_RULES), "tax_rates": list(DEFAULT_RATES)
    }  # fmt: skip
    absent = {name: value for name, value in own.items() if getattr(data, name) is None}
    return msgspec.structs.replace(data, filled=tuple(absent), **absent)


def as_posted(data: BookOpened) -> BookOpened:
    """Return what was posted, without what the ledger filled in."""
    return msgspec.structs.replace(data, filled=(), **dict.fromkeys(data.filled))


def refuse_unknown_accounts(rules: Iterable[PostingRule], accounts: Container[str]) -> None:
    """Refuse rules that post to accounts which the chart does not have."""
    for place, rule in enumerate(rules):
        if rule.account not in accounts:
            raise Refusal(
                "account_unknown", f"the chart has no account {rule.account}",
                pointer=f"/data/rules/{place}/account", account=rule.account,
            )  # fmt: skip


def change_rate(book: Book, message: Message, data: TaxRateChanged, now: datetime) -> list[Draft]:
    """Decide on `tax_rate.changed`. An issued invoice carries its own rates and is not changed by it."""
    refuse_undatable(book, message, now)
    return [Draft(message.type, data)]


def add_account(book: Book, message: Message, data: AccountAdded, now: datetime) -> list[Draft]:
    """Decide on `account.added`: an account stands in the chart once."""
    refuse_undatable(book, message, now)
    if data.account in book.accounts:
        raise Refusal(
            "account_exists", f"the chart has an account {data.account} already",
            pointer="/data/account", account=data.account,
        )  # fmt: skip
    return [Draft(message.type, data)]


def close_period(book: Book, message: Message, data: PeriodClosed, now: datetime) -> list[Draft]:
    """Decide on `period.closed`: days that are over, each closed once."""
    refuse_undatable(book, message, now)
    if book.closed_through is not None and data.through <= book.closed_through:
        raise Refusal(
            "period_closed", f"the book is closed through {book.closed_through} already",
            pointer="/data/through", day=data.through.isoformat(),
            closed_through=book.closed_through.isoformat(),
        )  # fmt: skip
    today = book.day_of(min(message.time, now))
    if data.through >= today:
        raise Refusal(
            "period_not_over", f"{data.through} is not over yet: it is {today} in {book.time_zone}",
            pointer="/data/through", through=data.through.isoformat(), today=today.isoformat(),
        )  # fmt: skip
    return [Draft(message.type, data)]


def evolve_opened(_: Book | None, event: Event) -> Book:
    """Begin a book as it is opened."""
    data = event.data
    assert isinstance(data, BookOpened)  # noqa: S101 - narrows the type
    policies = Policies()
    policies.put_rules(date.min, unposted(data.rules or ()))
    return Book(
        currency=data.currency,
        time_zone=data.time_zone,
        prefixes={"invoice": data.invoice_prefix, "credit_note": data.credit_note_prefix},
        numbers={"invoice": 0, "credit_note": 0},
        accounts={account.account for account in data.accounts or ()},
        taxes=TaxTable.of(data.tax_rates or (), event.position),
        policies=policies,
    )


def evolve_rate(book: Book, event: Event, data: TaxRateChanged) -> None:
    """Put the rate into the table."""
    book.taxes.put(data.category, data.from_, data.rate, event.position)


def evolve_account(book: Book, _: Event, data: AccountAdded) -> None:
    """Add the account to the chart."""
    book.accounts.add(data.account)


def evolve_closed(book: Book, _: Event, data: PeriodClosed) -> None:
    """Close all that lies before the day after."""
    book.closed_through = data.through
    book.open_from = _begin_of(data.through + timedelta(days=1), book.time_zone)


def _begin_of(day: date, time_zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)
