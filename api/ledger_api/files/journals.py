"""The journal for programs that are not ours: hledger, ledger and beancount add it all up again.

The entries are made from the stored bytes alone, by the rules that the log holds; the balances behind them
are those that the read models answer with. Each program refuses a journal in which the two differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

import psycopg

from ledger.entries import Entry, Journal
from ledger.errors import ConfigurationError
from ledger.event import Event
from ledger.money import EXPONENTS
from ledger.sql import queries
from ledger_api.files.account_names import OF_CUSTOMER, OF_INVOICE, AccountNames

Program = Literal["hledger", "ledger", "beancount"]
Clock = Literal["occurred", "recorded"]

_SQL = queries("ledger_api.files", "journals.sql")
_TOGETHER = 500
"""Balances that are asserted in one transaction of a journal."""


class Balance(NamedTuple):
    """What the read models say that an account comes to on the evening of a day, in minor units."""

    account: str
    customer: str | None
    invoice: str | None
    currency: str
    amount: int


class Balances:
    """The read models' own balances of a book as of a position."""

    def __init__(self, connection: psycopg.Connection, book: str, upto: int, clock: Clock) -> None:
        """Raise `ConfigurationError` when the read model has not come that far."""
        row = connection.execute(_SQL["folded"], {"book": book}).fetchone()
        zone, folded = ("", 0) if row is None else row
        if folded < upto:
            raise ConfigurationError(
                f"the read model journal has folded {book} up to {folded}, not yet up to {upto}: "
                "run billing-ledger serve, or export a journal --to an earlier position"
            )
        self._connection = connection
        self._values = {
            "book": book, "upto": upto, "recorded": clock == "recorded", "time_zone": zone,
            "of_customer": list(OF_CUSTOMER), "of_invoice": list(OF_INVOICE),
        }  # fmt: skip

    def month_ends(self) -> Iterator[tuple[date, Balance]]:
        """Give what accounts as a whole came to at the ends of months, in order of time."""
        for account, currency, day, amount in self._rows("month_ends", "text", "text", "date", "int8"):
            yield day, Balance(account, None, None, currency, amount)

    def last(self) -> Iterator[Balance]:
        """Give what each account comes to in the end, by customer and invoice."""
        for row in self._rows("balances", "text", "text", "text", "text", "int8"):
            yield Balance(*row)

    def _rows(self, query: str, *types: str) -> Iterator[tuple]:  # type: ignore[type-arg]
        with self._connection.cursor() as cursor, cursor.copy(_SQL[query], self._values) as copy:
            copy.set_types(types)
            yield from copy.rows()


class _Writes:
    """How hledger and ledger write a journal: both dates, the occurred one first."""

    clock: Clock = "occurred"

    def __init__(self, names: AccountNames) -> None:
        self.names = names

    def begin(self, book: str) -> str:
        return f"; The journal of the book {book}: DATE occurred = DATE recorded (position of the event).\n"

    def entry(self, entry: Entry) -> str:
        event = entry.event
        lines = [f"\n{entry.occurred_on}={entry.recorded_on} (ev:{event.position}) {event.type}\n"]
        for _, account, amount in entry.postings:
            name = self.names.of(account, event.subject, entry.invoice)
            lines.append(f"    {name}  {shown(amount, entry.currency)}\n")
        return "".join(lines)

    def month_ends(self, _: Iterable[tuple[date, Balance]]) -> Iterator[str]:
        """Ledger holds a balance to what stands above it, whatever the dates: it gets the last ones only."""
        yield from ()

    def last(self, day: date, balances: Iterable[Balance]) -> Iterator[str]:
        for place, each in enumerate(balances):
            if place % _TOGETHER == 0:
                yield f"\n{day} balances\n"
            yield f"    {self._name(each)}  {shown(0, each.currency)} = {shown(each.amount, each.currency)}\n"

    def _name(self, of: Balance) -> str:
        return self.names.of(of.account, of.customer, of.invoice)


class _Hledger(_Writes):
    """Hledger holds balances by date, and those of an account with all below it."""

    def begin(self, book: str) -> str:
        return super().begin(book) + "decimal-mark .\n"

    def month_ends(self, ends: Iterable[tuple[date, Balance]]) -> Iterator[str]:
        for day, each in ends:
            held = shown(each.amount, each.currency)
            yield f"\n{day} balance of the month\n"
            yield f"    {self._name(each)}  {shown(0, each.currency)} =* {held}\n"


class _Beancount(_Writes):
    """Beancount knows one date, and holds balances on the morning of a day."""

    def begin(self, book: str) -> str:
        return (
            f"; The journal of the book {book}, dated as {self.clock}.\n"
            'plugin "beancount.plugins.auto_accounts"\n'
        )

    def _day(self, entry: Entry) -> date:
        return entry.occurred_on

    def entry(self, entry: Entry) -> str:
        event = entry.event
        lines = [
            f'\n{self._day(entry)} * "{event.type}"\n  position: {event.position}\n'
            f"  occurred: {entry.occurred_on}\n  recorded: {entry.recorded_on}\n"
        ]
        for _, account, amount in entry.postings:
            name = self.names.of(account, event.subject, entry.invoice)
            lines.append(f"  {name}  {shown(amount, entry.currency)}\n")
        return "".join(lines)

    def month_ends(self, ends: Iterable[tuple[date, Balance]]) -> Iterator[str]:
        yield "\n"
        for day, each in ends:
            yield self._held(day, each)

    def last(self, day: date, balances: Iterable[Balance]) -> Iterator[str]:
        yield "\n"
        for each in balances:
            yield self._held(day, each)

    def _held(self, day: date, balance: Balance) -> str:
        amount, _, currency = shown(balance.amount, balance.currency).partition(" ")
        return f"{day + timedelta(days=1)} balance {self._name(balance)}  {amount} ~ 0 {currency}\n"


class _BeancountRecorded(_Beancount):
    """The same by the other clock."""

    clock: Clock = "recorded"

    def _day(self, entry: Entry) -> date:
        return entry.recorded_on


_WRITERS: dict[tuple[Program, Clock], type[_Writes]] = {
    ("hledger", "occurred"): _Hledger,
    ("ledger", "occurred"): _Writes,
    ("beancount", "occurred"): _Beancount,
    ("beancount", "recorded"): _BeancountRecorded,
}


def shown(amount: int, currency: str) -> str:
    """Write minor units with the decimals of their currency: 1250 EUR is `12.50 EUR`."""
    digits = EXPONENTS[currency]
    sign, units = ("-", -amount) if amount < 0 else ("", amount)
    if digits == 0:
        return f"{sign}{units} {currency}"
    whole, rest = divmod(units, 10**digits)
    return f"{sign}{whole}.{rest:0{digits}} {currency}"


class Wanted(NamedTuple):
    """Which journal: of which book, for which program; beancount knows one date, and gets that of `clock`."""

    book: str
    program: Program
    clock: Clock = "occurred"


def journal_of(wanted: Wanted, events: Iterable[Event], balances: Balances | None) -> Iterator[str]:
    """Write a journal of events from the first on, piece by piece, and the balances that it has to come to.

    Raises `ConfigurationError` for a clock that the program is not given.
    """
    kind = _WRITERS.get((wanted.program, wanted.clock))
    if kind is None:
        raise ConfigurationError(f"a journal for {wanted.program} has both dates: only beancount has one")
    return _journal(wanted, kind, events, balances)


def _journal(
    wanted: Wanted, kind: type[_Writes], events: Iterable[Event], balances: Balances | None
) -> Iterator[str]:
    journal = Journal()
    writes = kind(AccountNames(journal.accounts))
    yield writes.begin(wanted.book)
    last = date.min
    for event in events:
        for entry in journal.entries(event):
            yield writes.entry(entry)
            last = max(last, entry.recorded_on if wanted.clock == "recorded" else entry.occurred_on)
    if balances is not None:
        yield from writes.month_ends(balances.month_ends())
        yield from writes.last(last, balances.last())
