"""Folding one range of positions of one book into one read model: what live following and a rebuild share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger_projections.cursors import Cursors
from ledger_projections.readmodel import Fold, ReadModel, search_path

SQL = queries("ledger_projections", "registry.sql")

SESSION = sql.SQL(
    # The planner knows nothing of the rows that a range will bring, nor of tables that grow while they are
    # folded: it believes them empty, and would go through all of a range for every row of a table. So it has
    # no choice: what is written = is hashed, and what is written = ANY (ARRAY[…]), the book too, can only be
    # looked up by index, row by row of the range.
    "SET enable_seqscan = off; SET enable_sort = off; SET enable_mergejoin = off; SET enable_nestloop = off;"
    # Compiling costs more than it saves at these sizes.
    "SET jit = off;"
    # A read model follows from the log: what a crash takes away is folded again.
    "SET synchronous_commit = off"
)
"""What every session that folds starts with."""


Reached = Mapping[tuple[str, str], int]
"""Schema and book → the position that is folded; absent is 0."""


class Range(NamedTuple):
    """The positions after < position <= upto of a book."""

    book: str
    after: int
    upto: int


class Share(NamedTuple):
    """All positions up to one of a share of the customers: those of the streams behind < stream <= last.

    None is no bound; `after` is 0. It is for statements that read the log of these streams alone.
    """

    book: str
    after: int
    upto: int
    behind: str | None
    last: str | None


class Target(NamedTuple):
    """Where a fold writes: a schema, which names its cursors too; and the schemas of what it needs."""

    model: ReadModel
    schema: str
    needed: tuple[str, ...]

    @classmethod
    def live(cls, model: ReadModel) -> Target:
        """Mean the read model that everybody reads."""
        return cls(model, model.name, tuple(needed.name for needed in model.needs))


def reached_by(
    connection: psycopg.Connection[TupleRow], schemas: Iterable[str]
) -> dict[tuple[str, str], int]:
    """Read how far schemas are folded."""
    return {
        (schema, book): position
        for schema in schemas
        for book, position in connection.execute(SQL["cursors_of"], {"model": schema}, prepare=True)
    }


def next_range(target: Target, reached: Reached, book: str, head: int, events_max: int) -> Range | None:
    """Tell what a target folds next of a book, never ahead of what it needs; None when there is nothing."""
    after = reached.get((target.schema, book), 0)
    upto = min([head, after + events_max, *(reached.get((needed, book), 0) for needed in target.needed)])
    return Range(book, after, upto) if after < upto else None


def types_present(
    connection: psycopg.Connection[TupleRow], ranges: Iterable[Range]
) -> dict[Range, frozenset[str]]:
    """Tell which types of events ranges hold, in one round trip."""
    with connection.pipeline():
        asked = {
            range_: connection.execute(SQL["types_present"], range_._asdict(), prepare=True)
            for range_ in ranges
        }
    return {range_: frozenset(types) for range_, cursor in asked.items() for (types,) in cursor}


def types_of(connection: psycopg.Connection[TupleRow], book: str) -> frozenset[str]:
    """Tell which types of events a book holds by now: quicker than to look a large range through."""
    row = connection.execute(SQL["types_of"], {"book": book}).fetchone()
    return frozenset(row[0] if row else ())


def execute(
    connection: psycopg.Connection[TupleRow], fold: Fold, range_: Range | Share, *, prepare: bool = False
) -> None:
    """Execute one statement of a fold; one that is not prepared, so is planned for its range, may scan."""
    scans = fold.scans and not prepare
    if scans:
        connection.execute("SET LOCAL enable_seqscan = on")
    connection.execute(fold.statement, range_._asdict(), prepare=prepare)
    if scans:
        connection.execute("SET LOCAL enable_seqscan = off")


class Folder(NamedTuple):
    """Who folds: a connection, inside a transaction of the caller's, and the recorder of cursors.

    Prepared statements suit ranges that are alike; without, each statement is planned for its own range.
    """

    connection: psycopg.Connection[TupleRow]
    cursors: Cursors
    prepare: bool

    def fold(self, target: Target, range_: Range, present: frozenset[str]) -> None:
        """Fold a range and move the cursor, in one round trip.

        `present` are the types of events in the range (more do no harm). Raises `Overtaken`, and whatever the
        database raises.
        """
        self.fold_all([(target, range_, present)])

    def fold_all(self, parts: Iterable[tuple[Target, Range, frozenset[str]]]) -> None:
        """Do what `fold` does for several ranges, in one round trip for all."""
        with self.connection.pipeline():
            checks = [self._queue(*part) for part in parts]
        for check in checks:
            check()

    def _queue(self, target: Target, range_: Range, present: frozenset[str]) -> Callable[[], None]:
        self.connection.execute(search_path(target.schema, target.needed), prepare=False)
        for fold in target.model.folds_about(present):
            execute(self.connection, fold, range_, prepare=self.prepare)
        return self.cursors.move(self.connection, target.schema, range_.book, range_.upto)
