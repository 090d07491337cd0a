"""What changed between two positions of a book, and which events did it.

Balances are sums over the journal. How things stood is asked of the read models as they were at both ends, of
the customers that something happened to in between. Nothing here depends on the day that it is, so what time
alone does is no change, and what two steps changed is what both together changed. An event that bears on none
of it is told with what it says: nothing that was recorded in between is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
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
_ASKED = {
    "customers": ("customers",),
    "invoices": ("invoices", "dunning"),
    "disputes": ("disputes",),
    "discounts": ("discounts",),
    "contacts": ("contacts",),
    "trials": ("trials",),
}
"""The questions of how things stand, and the read models that know it."""
_FOLLOWS: Mapping[object, str] = {"used_up": "uses", "paid": "due", "credited": "due", "written_off": "due"}
"""States that follow from a figure: what moves that bears on them too."""

AsyncConnection = psycopg.AsyncConnection[TupleRow]
Item = tuple[str, str, str]
"""A noun, a customer and a name."""
Stands = dict[Item, dict[str, str | int | None]]


class Bearing(NamedTuple):
    """An event that bears on some figures of an item; None: on all of them."""

    position: int
    fields: frozenset[str] | None


class Change(NamedTuple):
    """A figure or state that differs: before (None: not there yet), after, and the events that bear on it.

    The noun `event` is one that bears on no other figure here: its item is its type, and `after` its data.
    """

    noun: str
    item: str
    customer: str | None
    currency: str | None
    field: str
    before: str | int | None
    after: str | int | None
    events: Sequence[int]


async def differences(
    conninfo: str, book: str, before: int, after: int, advance: Callable[[int], None] = lambda _: None
) -> list[Change]:
    """Tell all that the events after `before`, up to `after`, changed; `advance` is told of customers.

    Raises `Unavailable` when the journal is not folded that far.
    """
    with connect(conninfo) as connection:
        changes = list(_balances(connection, book, before, after))
        changes += [change async for change in _standings(conninfo, book, before, after, advance)]
        named = {position for change in changes for position in change.events}
        return changes + list(_others(connection, book, before, after, named))


def _balances(
    connection: psycopg.Connection[TupleRow], book: str, before: int, after: int
) -> Iterator[Change]:
    """Compare the balances of accounts, then those of customers."""
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


def _others(
    connection: psycopg.Connection[TupleRow], book: str, before: int, after: int, named: Set[int]
) -> Iterator[Change]:
    """Tell what the events in between say that no change named."""
    positions = [position for position in range(before + 1, after + 1) if position not in named]
    values = {"book": book, "positions": positions}
    for position, type_, customer, data in connection.execute(_SQL["others"], values):
        yield Change("event", type_, customer, None, "says", None, data, [position])


async def _standings(
    conninfo: str, book: str, before: int, after: int, advance: Callable[[int], None]
) -> AsyncIterator[Change]:
    """Compare how all that belongs to customers stood."""
    with connect(conninfo) as connection:
        install_workspaces(connection)
        moments = [past_at(connection, book, position) for position in (before, after)]
        values = {"book": book, "before": before, "after": after}
        touched = [str(name) for (name,) in connection.execute(_SQL["touched"], values)]
    async with await psycopg.AsyncConnection.connect(with_settings(conninfo), autocommit=True) as conn:
        for at in range(0, len(touched), CUSTOMERS_AT_ONCE):
            customers = touched[at : at + CUSTOMERS_AT_ONCE]
            cursor = await conn.execute(_SQL["events"], {**values, "customers": customers})
            bearings = _by_item(await cursor.fetchall())
            for asked in _ASKED:
                was, is_ = [await _stands(conn, moment, asked, customers) for moment in moments]
                for change in _compared(was, is_, bearings):
                    yield change
            advance(len(customers))


async def _stands(conn: AsyncConnection, moment: Past, asked: str, customers: Sequence[str]) -> Stands:
    question = Question(customers, _ASKED[asked], _SQL[asked], {"book": moment.book})
    found = defaultdict[Item, dict[str, str | int | None]](dict)
    for row in msgspec.json.decode(await ask(conn, 0, moment, question)):
        found[row["noun"], row["customer"], row["name"]].update(row["stands"])
    return found


def _by_item(rows: Sequence[TupleRow]) -> Mapping[Item, list[Bearing]]:
    found = defaultdict[Item, list[Bearing]](list)
    for position, customer, noun, name, fields in rows:
        found[noun, customer, name].append(Bearing(position, None if fields is None else frozenset(fields)))
    return found


def _compared(was: Stands, is_: Stands, bearings: Mapping[Item, list[Bearing]]) -> Iterator[Change]:
    for item, after in is_.items():
        noun, customer, name = item
        before = was.get(item, {})
        for field, value in after.items():
            if before.get(field) != value and (before or value):
                fields = {field} | {_FOLLOWS.get(each, field) for each in (before.get(field), value)}
                events = [
                    each.position for each in bearings.get(item, ())
                    if each.fields is None or each.fields & fields
                ]  # fmt: skip
                yield Change(noun, name, customer, None, field, before.get(field), value, events)
