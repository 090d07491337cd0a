"""What changed between two positions of a book, and which events did it.

Balances are sums over the journal. How things stood is asked of the read models as they were at both ends, of
the customers that something happened to in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import psycopg
from psycopg.rows import TupleRow

from ledger.database import connect, with_settings
from ledger.errors import Unavailable
from ledger.sql import queries
from ledger_projections.past import Past, Question, ask, install_workspaces
from ledger_projections.replaying import past_at

_SQL = queries("ledger_projections", "differing.sql")

CUSTOMERS_AT_ONCE = 200
"""Customers whose histories are folded together."""
_NOUNS = {"customer": "customers", "invoice": "invoices", "dispute": "disputes", "discount": "discounts"}
"""What is compared, and the read model that knows how it stands."""

AsyncConnection = psycopg.AsyncConnection[TupleRow]
Stands = dict[tuple[str, str], dict[str, str | int | None]]


class Change(NamedTuple):
    """A figure or state that differs: before (None: not there yet), after, and the events that did it."""

    noun: str
    item: str
    customer: str | None
    currency: str | None
    field: str
    before: str | int | None
    after: str | int | None
    events: Sequence[int]


def balances(
    connection: psycopg.Connection[TupleRow], book: str, before: int, after: int
) -> Iterator[Change]:
    """Compare the balances of accounts, then those of customers.

    Raises `Unavailable` when the journal is not folded that far.
    """
    values = {"book": book, "before": before, "after": after}
    (reached,) = connection.execute(_SQL["journal_reached"], values).fetchone() or (0,)
    if reached < after:
        raise Unavailable(
            f"the journal is folded up to {reached} of {after}: let the service run, or rebuild"
        )
    for account, currency, was, is_, events in connection.execute(_SQL["accounts"], values):
        if was != is_:
            yield Change("account", account, None, currency, "balance", was, is_, events)
    for customer, currency, was, is_, events in connection.execute(_SQL["balances"], values):
        if was != is_:
            yield Change("customer", customer, customer, currency, "balance", was, is_, events)


async def standings(
    conninfo: str, book: str, before: int, after: int, advance: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Change]:
    """Compare how customers, invoices, disputes and discounts stood; `advance` is told of customers."""
    with connect(conninfo) as connection:
        install_workspaces(connection)
        moments = [past_at(connection, book, position) for position in (before, after)]
        values = {"book": book, "before": before, "after": after}
        touched = [str(name) for (name,) in connection.execute(_SQL["touched"], values)]
    async with await psycopg.AsyncConnection.connect(with_settings(conninfo), autocommit=True) as conn:
        for at in range(0, len(touched), CUSTOMERS_AT_ONCE):
            customers = touched[at : at + CUSTOMERS_AT_ONCE]
            cursor = await conn.execute(_SQL["events"], {**values, "customers": customers})
            by_item = _by_item(await cursor.fetchall())
            for noun in _NOUNS:
                was, is_ = [await _stands(conn, moment, noun, customers) for moment in moments]
                for change in _compared(noun, was, is_, by_item):
                    yield change
            advance(len(customers))


async def _stands(conn: AsyncConnection, moment: Past, noun: str, customers: Sequence[str]) -> Stands:
    question = Question(customers, (_NOUNS[noun],), _SQL[noun], {"book": moment.book})
    rows = msgspec.json.decode(await ask(conn, 0, moment, question))
    return {(row["customer"], row["name"]): row["stands"] for row in rows}


def _by_item(rows: Sequence[TupleRow]) -> Mapping[tuple[str, str, str], list[int]]:
    """Tell which events were about what; where only some of them move a field, which of them."""
    found = defaultdict[tuple[str, str, str], list[int]](list)
    for position, type_, customer, invoice, dispute, discount, used in rows:
        for noun, item in (("invoice", invoice), ("dispute", dispute), ("discount", discount)):
            if item is not None:
                found[noun, customer, item].append(position)
        if type_.startswith("customer."):
            found["customer", customer, customer].append(position)
        for name in used:  # by an invoice, which gives them back when it is voided
            found["discount", customer, name].append(position)
            found["discount uses", customer, name].append(position)
    return found


def _compared(
    noun: str, was: Stands, is_: Stands, by_item: Mapping[tuple[str, str, str], list[int]]
) -> Iterator[Change]:
    for (customer, item), after in is_.items():
        before = was.get((customer, item), {})
        events = by_item.get((noun, customer, item), [])
        for field, value in after.items():
            if before.get(field) != value and (before or value):
                by = by_item.get((f"{noun} {field}", customer, item), events)
                yield Change(noun, item, customer, None, field, before.get(field), value, by)
