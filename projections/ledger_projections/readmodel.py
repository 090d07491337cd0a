"""The read models: each a folder of SQL, and a schema of the same name.

`tables.sql` makes what a fold fills, `indexes.sql` what is cheaper to make after the bulk of a rebuild,
`views.sql` what people read, and `fold.sql` holds statements that fold the positions after < position <= upto
of one book: a few for live following, many for a rebuild. Tables are named without a schema, so that the
search path decides whether the live read model or a rebuild beside it is meant.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache, cached_property
from typing import LiteralString, NamedTuple, cast

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries, script

Connection = psycopg.Connection[TupleRow]

_LOG = re.compile(r"\bledger\.event\b")
_TYPES = re.compile(r"^-- types: (.+)$", re.MULTILINE)
_ADDS = re.compile(r"^-- adds: (\w+)$", re.MULTILINE)
_COMPLETES = re.compile(r"^-- completes: (\w+)$", re.MULTILINE)
_SCANS = re.compile(r"^-- scans$", re.MULTILINE)


class Made(NamedTuple):
    """Rows that a statement makes and does not write: of which table, in which of its columns, and where."""

    table: str
    columns: LiteralString
    part: str


class Fold(NamedTuple):
    """One statement of a fold.

    `types` are the events that it is about; None: any may concern it. `adds` names the table that its last
    part adds rows to, if nothing else does, nor changes them. `completes` names the one whose rows another
    part of it adds, and that nothing changes later where all events of their customers are in the range.
    Values of both are of the very types of the columns: what a fold only makes is not converted as what it
    writes would be. One that `scans` may read a whole table, which the planner has statistics of, instead of
    looking a large range up in it.
    """

    name: str
    types: frozenset[str] | None
    adds: str | None
    completes: str | None
    scans: bool
    statement: LiteralString

    def made(self) -> tuple[LiteralString, list[Made]]:
        """Make one that does all else than to write what it adds and completes, and tell what that is.

        A part that reads these rows is to follow. One that completes rows is for whole customers then.
        """
        statement: str = self.statement
        made: list[Made] = []
        if self.completes:
            written = re.search(rf"(\w+) AS \(\n +INSERT INTO {self.completes} \(([^)]+)\)\n", statement)
            assert written is not None, self.name  # noqa: S101 - a test looks at each
            part, columns = written.groups()
            statement = statement.replace(written[0], f"{part} AS (\n")
            made.append(Made(self.completes, cast(LiteralString, columns), part))
        if self.adds:
            parts, _, rows = statement.partition(f"INSERT INTO {self.adds}\n")
            statement = f"{parts.rstrip()}, added AS (\n{rows}\n)\n"
            made.append(Made(self.adds, "*", "added"))
        return cast(LiteralString, statement), made  # type: ignore[redundant-cast]  # mypy takes it for str


class ReadModel:
    """One read model. `needs` are those whose rows its fold reads; it never runs ahead of them."""

    def __init__(self, name: LiteralString, *needs: ReadModel) -> None:
        self.name = name
        self.needs = needs

    def __repr__(self) -> str:
        return f"ReadModel({self.name})"

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The statements of its fold, in order."""
        return tuple(
            Fold(
                name,
                frozenset(types[1].split()) if (types := _TYPES.search(body)) else None,
                adds[1] if (adds := _ADDS.search(body)) else None,
                completes[1] if (completes := _COMPLETES.search(body)) else None,
                _SCANS.search(body) is not None,
                body,
            )
            for name, body in queries(__package__ or "", self._file("fold")).items()
        )

    @cached_property
    def by_customer(self) -> bool:
        """Whether it can be folded customer by customer: events bear on rows of their own customer alone.

        Rules let no event of one customer be about another's invoice.
        """
        return any(fold.completes for fold in self.folds)

    def folds_about(self, present: frozenset[str]) -> list[Fold]:
        """Choose the statements that may have something to do where these types of events are."""
        return [fold for fold in self.folds if fold.types is None or fold.types & present]

    @cached_property
    def version(self) -> str:
        """Hash of the SQL that its rows come from, that of the read models it needs included."""
        digest = hashlib.sha256()
        for part in ("tables", "indexes", "fold", "views"):
            digest.update(self.script(part).encode())
        for needed in self.needs:
            digest.update(needed.version.encode())
        return digest.hexdigest()[:16]

    def script(self, part: LiteralString) -> LiteralString:
        """Read one of its files as a script: `tables`, `indexes` or `views`."""
        return script(__package__ or "", self._file(part))

    def _file(self, part: LiteralString) -> LiteralString:
        return f"readmodels/{self.name}/{part}.sql"


JOURNAL = ReadModel("journal")
BALANCES = ReadModel("balances", JOURNAL)
CUSTOMERS = ReadModel("customers")
INVOICES = ReadModel("invoices")
DISCOUNTS = ReadModel("discounts")
DISPUTES = ReadModel("disputes")
CONTACTS = ReadModel("contacts")
DUNNING = ReadModel("dunning", INVOICES)
REPORTS = ReadModel("reports", JOURNAL, INVOICES)
TRIALS = ReadModel("trials", JOURNAL)

READ_MODELS: tuple[ReadModel, ...] = (
    JOURNAL,
    INVOICES,
    BALANCES,
    CUSTOMERS,
    DISCOUNTS,
    DISPUTES,
    CONTACTS,
    DUNNING,
    REPORTS,
    TRIALS,
)
"""All of them, each after those it needs; what takes longest stands first, so that lanes end together."""


def named(names: list[str] | None) -> tuple[ReadModel, ...]:
    """Look up read models by name, None meaning all; raises `KeyError` naming an unknown one."""
    known = {model.name: model for model in READ_MODELS}
    if names is None:
        return READ_MODELS
    chosen = {known[name].name for name in names}
    return tuple(model for model in READ_MODELS if model.name in chosen)


@cache
def from_log(statement: LiteralString, relation: str) -> LiteralString:
    """Let a statement read another relation, named by us, where it reads the log."""
    meant = _LOG.sub(lambda _: relation, statement)
    return cast(LiteralString, meant)  # type: ignore[redundant-cast]  # mypy takes it for str


def search_path(schema: str, needed: Iterable[str]) -> sql.Composed:
    """Make the statement that lets a fold find its own tables, and those of the schemas that it needs.

    PostgreSQL's own schema is not named: so it is searched before all that are. Named behind them, a function
    that somebody puts into a live read model would stand in for PostgreSQL's while that is verified.
    """
    schemas = [*map(sql.Identifier, [schema, *needed]), sql.SQL("pg_temp")]
    return sql.SQL("SET LOCAL search_path = {}").format(sql.SQL(", ").join(schemas))
