"""Comparing the rows of a live read model with those that were built for it, whatever their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger.verify.findings import FINDINGS_MAX
from ledger_projections.folding import Range, Share, Target
from ledger_projections.readmodel import Fold

_SQL = queries("ledger_projections", "comparing.sql")

Connection = psycopg.Connection[TupleRow]


class Sums(NamedTuple):
    """How many rows there are, and the sums of the halves of their hashes."""

    rows: int
    high: int
    low: int

    def plus(self, other: Sums) -> Sums:
        """Tell the sums of these rows and others."""
        return Sums(self.rows + other.rows, self.high + other.high, self.low + other.low)


def row_sums(connection: Connection, schema: str, table: str, seed: int, book: str | None = None) -> Sums:
    """Count the rows of a table, all of them or those of a book, and sum up their hashes under a seed."""
    rows: sql.Composable = sql.Identifier(schema, table)
    if book is not None:
        rows = sql.SQL(_SQL["of_book"]).format(table=rows)
    [sums] = _read(connection, _sums(connection, schema, table, rows, seed), {"book": book})
    return sums


class Making(NamedTuple):
    """A fold that makes rows which nothing changes later, and gives their sums instead of writing them."""

    query: sql.Composed
    tables: list[str]

    def sums(self, connection: Connection, range_: Range | Share) -> dict[str, Sums]:
        """Fold a range; give the sums by table."""
        return dict(zip(self.tables, _read(connection, self.query, range_._asdict()), strict=True))


def making(connection: Connection, schema: str, fold: Fold, seed: int) -> Making | None:
    """Make that of a fold in a schema, which is for shares of customers if it completes rows.

    None of a fold that makes no such rows.
    """
    statement, made = fold.made()
    if not made:
        return None
    sums: list[sql.Composable] = []
    for each in made:
        table = sql.Identifier(schema, each.table)
        columns, part = sql.SQL(each.columns), sql.Identifier(each.part)
        rows = sql.SQL(_SQL["made"]).format(columns=columns, table=table, part=part)
        asked = _sums(connection, schema, each.table, rows, seed, stored=False)
        sums.append(sql.SQL("({}) AS {}").format(asked, part))
    query = sql.SQL(statement) + sql.SQL("SELECT * FROM ") + sql.SQL(", ").join(sums)
    return Making(query, [each.table for each in made])


def _read(connection: Connection, query: sql.Composed, values: Mapping[str, object]) -> list[Sums]:
    """Read sums, three numbers each; each query is planned for its own range."""
    row = connection.execute(query, values, prepare=False).fetchone()
    assert row is not None  # noqa: S101 - an aggregate gives one row
    return [Sums(*map(int, row[at : at + 3])) for at in range(0, len(row), 3)]


def _sums(
    connection: Connection, schema: str, table: str, rows: sql.Composable, seed: int, *, stored: bool = True
) -> sql.Composed:
    """Ask for the sums of rows that are like those of a table, with what follows from others as `stored`."""
    columns = connection.execute(_SQL["hashed"], {"schema": schema, "table": table}).fetchall()
    hash_ = _hash(columns, seed, stored=stored)
    return sql.SQL(_SQL["sums"]).format(hash=hash_, seed=sql.Literal(seed), rows=rows)


def _hash(columns: Iterable[TupleRow], seed: int, *, stored: bool) -> sql.Composed:
    """Put the hash of a row together, of columns as `hashed` tells them.

    The hashes of the values may cancel each other out, so that none has the seed of another. A value that is
    absent counts as nothing.
    """
    hashes: list[sql.Composable] = []
    others: list[sql.Composable] = []
    for place, (column, hashed, bytes_, follows) in enumerate(columns, start=1):
        value: sql.Composable = sql.Identifier("t", column)
        if follows is not None and not stored:
            value = sql.SQL("({})").format(sql.SQL(follows.replace("%", "%%")))
        if hashed:
            hash_ = sql.SQL(hashed).format(value=value, seed=sql.Literal(seed ^ place))
            hashes.append(sql.SQL("coalesce({}, 0)").format(hash_))
        else:
            others.append(sql.SQL(bytes_).format(value=value))
    if others:
        row = sql.SQL("hash_record_extended(ROW({}), {})")
        hashes.append(row.format(sql.SQL(", ").join(others), sql.Literal(seed)))
    return sql.SQL(" # ").join(hashes)


def side_by_side(connection: Connection, target: Target, table: str, book: str) -> list[TupleRow]:
    """Read the rows that differ, live and rebuilt: by key, or whole where a table has none."""
    for schema in (target.schema, target.model.name):  # the live one has keys that are made after the bulk
        keys = [str(key) for (key,) in connection.execute(_SQL["keys"], {"schema": schema, "table": table})]
        if keys:
            break
    query = sql.SQL(_SQL["differ" if keys else "differ_wholly"]).format(
        live=sql.Identifier(target.model.name, table),
        rebuilt=sql.Identifier(target.schema, table),
        keys=sql.SQL(", ").join(map(sql.Identifier, keys)),
        book=sql.Literal(book),
        limit=sql.Literal(FINDINGS_MAX),
    )
    return connection.execute(query).fetchall()


def of_no_book(connection: Connection, schema: str, table: str) -> list[str]:
    """Name the books that rows of a table are of and that there are none of."""
    query = sql.SQL(_SQL["of_no_book"]).format(
        table=sql.Identifier(schema, table), limit=sql.Literal(FINDINGS_MAX)
    )
    return [str(book) for (book,) in connection.execute(query)]
