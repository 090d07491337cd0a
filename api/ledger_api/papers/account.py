"""What stands on a statement of account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

from ledger_api.papers.paper import Addressing, Column, Paper, Row, Sum, Table, blank
from ledger_api.tongue import Tongue


class Entry(msgspec.Struct, frozen=True):
    """What moved the balance, with the balance behind it; `name` is the invoice, payment or the like."""

    occurred_on: str
    currency: str
    type: str
    name: str | None
    amount: int
    balance: int
    recorded_at: str


class Period(msgspec.Struct, frozen=True):
    """Which days a statement is of, both included; None where it is open."""

    from_: date | None
    to: date | None


class Opening(msgspec.Struct, frozen=True):
    """The balance in a currency before the period."""

    currency: str
    balance: int


class Account(msgspec.Struct, frozen=True):
    """What a statement is made of."""

    customer: str
    period: Period
    openings: Sequence[Opening]
    entries: Sequence[Entry]


def statement_paper(to: Addressing, account: Account) -> Paper:
    """Write a statement: of each currency the balances before and after the period, and what lies between."""
    tongue = to.tongue
    said = max((entry.recorded_at for entry in account.entries), default=to.opened_at)
    facts = [(tongue.say("customer"), account.customer)]
    if period := _period(tongue, account.period):
        facts.append((tongue.say("days"), period))
    return replace(
        blank(to, account.customer, tongue.say("statement"), said),
        facts=facts,
        tables=[_table(tongue, opening, account.entries) for opening in account.openings],
        notes=[tongue.say("meaning") if account.openings else tongue.say("no_entries")],
    )


def _period(tongue: Tongue, period: Period) -> str:
    from_ = None if period.from_ is None else tongue.day(period.from_)
    to = None if period.to is None else tongue.day(period.to)
    if from_ is not None and to is not None:
        return tongue.say("from_to", from_=from_, to=to)
    if from_ is not None:
        return tongue.say("from_on", from_=from_)
    return "" if to is None else tongue.say("through", to=to)


def _table(tongue: Tongue, opening: Opening, entries: Sequence[Entry]) -> Table:
    currency = opening.currency
    columns = [
        Column(tongue.say("date")),
        Column(tongue.say("entry"), wide=True),
        Column(tongue.say("change"), right=True),
        Column(tongue.say("balance"), right=True),
    ]
    before = tongue.amount(opening.balance, currency)
    rows = [Row(["", tongue.say("opening_balance"), "", before], carried=before)]
    closing = opening.balance
    for entry in entries:
        if entry.currency == currency:
            closing = entry.balance
            balance = tongue.amount(closing, currency)
            cells = [
                tongue.short_day(entry.occurred_on), _what(tongue, entry),
                tongue.amount(entry.amount, currency), balance,
            ]  # fmt: skip
            rows.append(Row(cells, carried=balance))
    closed = Sum(tongue.say("closing_balance"), tongue.money(closing, currency), strong=True)
    return Table(columns, rows, [closed], title=currency)


def _what(tongue: Tongue, entry: Entry) -> str:
    key = f"entry_{entry.type.replace('.', '_')}"
    return tongue.say(key if tongue.knows(key) else "entry_other", name=entry.name or "").strip()
