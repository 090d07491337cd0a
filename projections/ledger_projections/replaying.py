"""Replaying: all read models as of a moment, in a set of schemas of their own (`<name>_journal`, …).

They are folded with the SQL that the projector folds with, from a view of the log that ends at the moment.
The journal takes all that was recorded by then, and keeps what is dated by the moment: an entry has a date of
its own (a service period's parts do), and every sum over the journal goes by it. The other read models take
the events that had occurred by then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from ledger.errors import ConfigurationError
from ledger.sql import queries
from ledger_projections.filling import LANES, RANGE_EVENTS_MAX, Connection, open_connection
from ledger_projections.folding import SQL as REGISTRY
from ledger_projections.folding import Range, Target, execute, types_of
from ledger_projections.installing import complete_schema, drop_schema, make_schema, schema_exists
from ledger_projections.past import MOMENT, Past
from ledger_projections.readmodel import JOURNAL, READ_MODELS, ReadModel, from_log, search_path

_SQL = queries("ledger_projections", "replaying.sql")

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a set of schemas may be called: what needs no quotes in SQL."""


class Replayed(NamedTuple):
    """What was built: the schemas, and how many events were folded, each counted once for each read model."""

    schemas: tuple[str, ...]
    events: int
    seconds: float


class Replay:
    """A set of read models of one book as of a moment, under a name.

    The constructor raises `ConfigurationError` for a name that cannot be one.
    """

    def __init__(self, conninfo: str, name: str, models: Sequence[ReadModel] = READ_MODELS) -> None:
        if not NAME.fullmatch(name) or name in {"pg", "ledger"} or name.startswith("pg_"):
            raise ConfigurationError(
                f"{name} cannot name a set of schemas: begin with a small letter, "
                "go on with small letters, digits and _, 40 at most"
            )
        self._conninfo = conninfo
        self._name = name
        self._targets = [
            Target(model, self.schema(model), tuple(self.schema(needed) for needed in model.needs))
            for model in models
        ]

    def schema(self, model: ReadModel) -> str:
        """Name the schema of one read model of the set."""
        return f"{self._name}_{model.name}"

    @property
    def _log(self) -> str:
        return f"{self._name}_log"

    def _log_of(self, target: Target) -> str:
        return f'"{self._log}".{"recorded" if target.model is JOURNAL else "event"}'

    @property
    def _schemas(self) -> list[str]:
        return [self._log, *(target.schema for target in self._targets)]

    def run(self, past: Past, advance: Callable[[int], None] = lambda _: None) -> Replayed:
        """Build the set. Raises `ConfigurationError` when it, or something else of its name, is there."""
        began = time.monotonic()
        with open_connection(self._conninfo) as connection:
            self._make(connection, past)
        roots = [target for target in self._targets if not target.needed]
        with ThreadPoolExecutor(LANES, "ledger-replay") as pool:
            for job in [pool.submit(self._fill, [target], past, advance) for target in roots]:
                job.result()
        self._fill([target for target in self._targets if target.needed], past, advance)
        events = past.upto * len(self._targets)
        return Replayed(tuple(self._schemas[1:]), events, time.monotonic() - began)

    def drop(self) -> bool:
        """Drop the set; tells whether it was there. Raises `ConfigurationError` when it is not a replay's."""
        with open_connection(self._conninfo) as connection, connection.transaction():
            found = [schema for schema in self._schemas if schema_exists(connection, schema)]
            if found and self._log not in found:
                raise ConfigurationError(f"{found[0]} was not made by a replay: it stays")
            for schema in found:
                try:
                    drop_schema(connection, schema)
                except InsufficientPrivilege as error:
                    raise ConfigurationError(f"{schema} was not made by a replay: it stays") from error
        return bool(found)

    def _make(self, connection: Connection, past: Past) -> None:
        for schema in self._schemas:
            if schema_exists(connection, schema):
                raise ConfigurationError(f"schema {schema} is there: --drop it first, or take another name")
        with connection.transaction():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self._log)))
            (zone,) = connection.execute(_SQL["zone"], {"book": past.book}).fetchone() or (None,)
            literals = {name: sql.Literal(value) for name, value in {**past._asdict(), "zone": zone}.items()}
            for view in ("recorded", "event"):
                statement = sql.SQL("CREATE VIEW {} AS {}").format(
                    sql.Identifier(self._log, view), sql.SQL(_SQL[view]).format(**literals)
                )
                connection.execute(statement)
            for target in self._targets:
                make_schema(connection, target)

    def _fill(self, targets: Sequence[Target], past: Past, advance: Callable[[int], None]) -> None:
        """Fill one after the other; what is folded from another one comes after it."""
        with open_connection(self._conninfo) as connection:
            for target in targets:
                for after in range(0, past.upto, RANGE_EVENTS_MAX):
                    range_ = Range(past.book, after, min(past.upto, after + RANGE_EVENTS_MAX))
                    self._fold(connection, target, range_)
                    advance(range_.upto - after)
                if target.model is JOURNAL and past.day != "infinity":
                    self._keep_dated_by(connection, target, past)
                with connection.transaction():
                    # What the journal shows of the log goes by its postings, which end at the moment.
                    shown = "ledger.event" if target.model is JOURNAL else self._log_of(target)
                    complete_schema(connection, target, shown)
                    if target.model.name == "reports":
                        connection.execute(_SQL["know_all"])
                for table in self.tables(connection, target):
                    connection.execute(sql.SQL("ANALYZE {}").format(table))

    def _fold(self, connection: Connection, target: Target, range_: Range) -> None:
        """Fold a range of positions into one read model of the set, in a transaction."""
        present = types_of(connection, range_.book)
        with connection.transaction():
            connection.execute(search_path(target.schema, target.needed))
            for fold in target.model.folds_about(present):
                statement = from_log(fold.statement, self._log_of(target))
                execute(connection, fold._replace(statement=statement), range_)

    @staticmethod
    def _keep_dated_by(connection: Connection, target: Target, past: Past) -> None:
        """Take out what is dated after the moment: whole entries, so what is left balances."""
        with connection.transaction():
            connection.execute(search_path(target.schema, ()))
            connection.execute("ALTER TABLE posting DISABLE TRIGGER posting_is_immutable")
            connection.execute(_SQL["keep_dated_by"], past._asdict())
            connection.execute("ALTER TABLE posting ENABLE TRIGGER posting_is_immutable")

    @staticmethod
    def tables(connection: Connection, target: Target) -> list[sql.Identifier]:
        """Name the tables of one read model of the set."""
        rows = connection.execute(REGISTRY["tables"], {"schema": target.schema}).fetchall()
        return [sql.Identifier(target.schema, str(table)) for (table,) in rows]


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _refuse_no_instant(text: str | None) -> None:
    """Refuse a time that is none in every time zone: the end of a date is not the same moment everywhere."""
    try:
        instant = None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"this is no moment: {error}") from error
    if instant is not None and instant.tzinfo is None:
        raise ConfigurationError(f"{text} is no moment: it says no time zone, as 2026-01-31T23:59:59Z does")


def past_at(
    connection: Connection,
    book: str,
    position: int | None = None,
    recorded: str | None = None,
    occurred: str | None = None,
) -> Past:
    """Fix a moment: by a position or a recorded time, and by an occurred date or time; None: no limit.

    Raises `ConfigurationError` for what is no moment, or none that the log has come to.
    """
    values = {"book": book, "position": position, "recorded": recorded, "occurred": occurred}
    values["is_date"] = is_date = occurred is not None and _DATE.fullmatch(occurred) is not None
    for instant in (recorded, None if is_date else occurred):
        _refuse_no_instant(instant)
    try:
        row = connection.execute(MOMENT, values).fetchone()
    except psycopg.DataError as error:
        raise ConfigurationError(f"this is no moment: {str(error).partition(chr(10))[0]}") from error
    if row is None:
        raise ConfigurationError(f"there is no book {book}")
    head, upto, future, *rest = row
    if future or upto > head:
        raise ConfigurationError(
            f"the log of {book} ends at {head}: nobody knows yet what will be recorded by then"
        )
    return Past(book, upto, *rest)
