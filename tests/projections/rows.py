"""The rows of read models: all of them, of every table and column, to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger_projections.cursors import Cursors
from ledger_projections.folding import SESSION, SQL, Folder, Range, Target, types_present
from ledger_projections.installing import complete_schema, make_schema
from ledger_projections.readmodel import READ_MODELS

Connection = psycopg.Connection[TupleRow]
Rows = dict[str, list[str]]
"""Table → its rows as text, sorted."""

NAMES = tuple(model.name for model in READ_MODELS)


def rows_of(connection: Connection, suffix: str = "", book: str | None = None) -> Rows:
    """Read every row of every table of every read model (or of those beside them), of one book or of all."""
    found: Rows = {}
    for name in NAMES:
        for (table,) in connection.execute(SQL["tables"], {"schema": name + suffix}).fetchall():
            rows = connection.execute(
                sql.SQL(
                    "SELECT t::text FROM {} AS t WHERE t.book = %(book)s OR %(book)s::text IS NULL"
                ).format(sql.Identifier(name + suffix, table)),
                {"book": book},
            )
            found[f"{name}.{table}"] = sorted(row for (row,) in rows)
    return found


def read_rows(conninfo: str) -> Rows:
    """Read every row of the live read models."""
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        return rows_of(connection)


class Beside:
    """Read models beside the live ones, to be folded as a test wants."""

    def __init__(self, connection: Connection, cursors: Cursors, suffix: str) -> None:
        self._connection = connection
        self._cursors = cursors
        self._suffix = suffix
        self._targets = [
            Target(model, model.name + suffix, tuple(needed.name + suffix for needed in model.needs))
            for model in READ_MODELS
        ]
        for target in self._targets:
            with connection.transaction():
                make_schema(connection, target)
                complete_schema(connection, target)

    def fold(
        self, book: str, cuts: Sequence[int], after_each: Callable[[int], None] = lambda _: None
    ) -> Rows:
        """Fold a book in ranges that end at `cuts`, then give the rows; `after_each` is told of every end."""
        after = 0
        for upto in cuts:
            range_ = Range(book, after, upto)
            with self._connection.transaction():
                present = types_present(self._connection, [range_])[range_]
                for target in self._targets:
                    Folder(self._connection, self._cursors, prepare=False).fold(target, range_, present)
            after_each(upto)
            after = upto
        return rows_of(self._connection, self._suffix, book)

    def one(self, query: sql.SQL, **values: object) -> object:
        """Ask for one value; `{}` in the query is what schemas end in here."""
        schemas = {name: sql.Identifier(name + self._suffix) for name in NAMES}
        row = self._connection.execute(query.format(**schemas), values).fetchone()
        assert row is not None
        return row[0]

    def all(self, query: sql.SQL, **values: object) -> list[TupleRow]:
        """Ask for rows."""
        schemas = {name: sql.Identifier(name + self._suffix) for name in NAMES}
        return self._connection.execute(query.format(**schemas), values).fetchall()


def folding(conninfo: str) -> Iterator[tuple[Connection, Cursors]]:
    """Give a connection that folds, and the cursors, for a fixture."""
    with connect(conninfo) as connection, closing(Cursors(conninfo)) as cursors:
        connection.execute(SESSION)
        yield connection, cursors
