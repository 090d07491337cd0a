"""Read models as of any moment on both clocks: the events up to it that the question is about, folded anew.

They are those of some customers, or of a whole book those of the types that the read models in question fold.
The events are copied into a workspace, a set of schemas that is always empty for everybody else; the read
models' own folds run over them there, the reader's own query is asked of what they made, and all of it is
rolled back. So there is no second model, and what an answer costs depends on what it is about and came
before, never on what came after.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import LiteralString, NamedTuple, cast

import psycopg
from psycopg import sql
from psycopg.errors import InvalidSchemaName, LockNotAvailable, UndefinedTable
from psycopg.rows import TupleRow

from ledger.decider import OF_BOOK
from ledger.errors import Unavailable
from ledger.sql import queries
from ledger_projections import locks
from ledger_projections.folding import SQL as REGISTRY
from ledger_projections.folding import Target
from ledger_projections.installing import complete_schema, drop_schema, make_schema
from ledger_projections.readmodel import READ_MODELS, ReadModel, from_log, search_path

_SQL = queries("ledger_projections", "past.sql")

MOMENT = _SQL["moment"]
"""Fixes a moment: where the log ends, whether the moment is to come, and what makes a `Past` of it."""

WORKSPACES = 2
"""Questions about earlier moments that are answered at once; another one waits its turn."""
TURN_SECONDS_MAX = 10.0
"""How long a question waits for a workspace: another process may be in it, and may hang there."""
LEFT_BYTES_MAX = 8 << 20
"""Bytes of rolled back events that a workspace may hold before it is cleared."""

Connection = psycopg.Connection[TupleRow]
AsyncConnection = psycopg.AsyncConnection[TupleRow]

_NAMES = "|".join(model.name for model in READ_MODELS)
_SCHEMA = re.compile(rf"(?<![\w.])({_NAMES})\.(?=\w)")


class Past(NamedTuple):
    """A moment: recorded at or before `upto`, and occurred by the end of `day`, on it by `instant`.

    `at` is when the answer looks from (empty: now), and `today` its date: what is overdue, is so then.
    """

    book: str
    upto: int
    day: str
    instant: str
    today: str
    at: str = ""


@cache
def version() -> str:
    """Hash of all that a workspace is made of."""
    digest = hashlib.sha256(_SQL["install"].encode())
    for model in READ_MODELS:
        digest.update(model.version.encode())
    return digest.hexdigest()[:16]


def install_workspaces(connection: Connection) -> None:
    """Make the workspaces that are not there, and anew those of another version of the program."""
    for workspace in range(WORKSPACES):
        with connection.transaction():
            connection.execute(locks.SQL["lock_installation"], {"kind": locks.INSTALLATION})
            log = f"log{_suffix(workspace)}"
            row = connection.execute(_SQL["comment"], {"schema": log}).fetchone()
            if row is None or row[0] != version():
                _make(connection, workspace, log)
            connection.execute("RESET search_path")


def _make(connection: Connection, workspace: int, log: str) -> None:
    for schema in (log, *(target.schema for target in _targets(READ_MODELS, workspace))):
        drop_schema(connection, schema)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(log)))
    connection.execute(search_path(log, ()))
    connection.execute(_SQL["install"])
    for target in _targets(READ_MODELS, workspace):
        make_schema(connection, target)
        complete_schema(connection, target)
        # Nobody but the ledger itself looks in here; and what is rolled back needs no check of its own.
        connection.execute(
            sql.SQL("REVOKE ALL ON SCHEMA {} FROM ledger_finance").format(sql.Identifier(target.schema))
        )
        for table in _tables(connection, target.schema):
            connection.execute(sql.SQL("ALTER TABLE {} SET UNLOGGED").format(table))
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(comment.format(sql.Identifier(log), sql.Literal(version())))


def _tables(connection: Connection, schema: str) -> list[sql.Identifier]:
    rows = connection.execute(REGISTRY["tables"], {"schema": schema}).fetchall()
    return [sql.Identifier(schema, str(table)) for (table,) in rows]


class Question(NamedTuple):
    """A query of read models, about some customers; None: about all of a book."""

    customers: Sequence[str] | None
    models: Sequence[str]
    query: LiteralString
    values: Mapping[str, object]


class Folded(NamedTuple):
    """What a question folds: read models, and the types of events that they are about.

    None: all events, and every statement. Else only statements about named types: what is summed over all
    events (the postings of the journal, …) is in none of the read models that are asked.
    """

    models: Sequence[ReadModel]
    types: frozenset[str] | None

    @property
    def of_customers(self) -> list[str] | None:
        """Give the types that stand in customers' streams, not in the book's; None: all."""
        return None if self.types is None else sorted(self.types - OF_BOOK)

    def statements(self, model: ReadModel, present: frozenset[str]) -> Iterator[LiteralString]:
        """Give the statements of a fold that the events which are there concern."""
        for fold in model.folds:
            if fold.types & present if fold.types is not None else self.types is None:
                yield fold.statement


async def ask(connection: AsyncConnection, workspace: int, past: Past, question: Question) -> str:
    """Answer a question as of a moment: the rows of its query as JSON.

    `workspace` is one that no other question of this process is in. Raises `Unavailable` when it belongs to
    another version of the program, or somebody else holds it.
    """
    folded = _folded(tuple(question.models))
    try:
        for _ in range(2):
            async with connection.transaction(force_rollback=True):
                left, present = await _copy(connection, workspace, past, question.customers, folded)
                if left <= LEFT_BYTES_MAX:
                    return await _fold_and_ask(connection, workspace, past, question, folded, present)
            await _clear(connection, workspace)
    except LockNotAvailable as error:
        raise Unavailable("where earlier moments are looked at is held by somebody else", 5) from error
    except (InvalidSchemaName, UndefinedTable) as error:
        raise _of_another_version() from error
    raise Unavailable("too much is asked about earlier moments just now")


def _of_another_version() -> Unavailable:
    return Unavailable("another version of the program looks at earlier moments here", 5)


async def _copy(
    connection: AsyncConnection,
    workspace: int,
    past: Past,
    customers: Sequence[str] | None,
    folded: Folded,
) -> tuple[int, frozenset[str]]:
    """Take the workspace and copy what counts; tells the bytes in it, rolled back ones too, and the types."""
    streams = ["book", *(f"customer/{customer}" for customer in customers or ())]
    values = {**past._asdict(), "streams": streams}
    types = None if folded.types is None else sorted(folded.types)
    copied = {"copy_streams": types} | ({"copy_types": folded.of_customers} if customers is None else {})
    async with connection.pipeline():
        await connection.execute(_SQL["turn"], {"turn": f"{TURN_SECONDS_MAX}s"})
        await connection.execute(_own("take_turn", workspace))
        began = await connection.execute(
            _own("begin", workspace), {"schema": f"log{_suffix(workspace)}", "at": past.at}
        )
        # Planned for these values: which types they are decides which index serves.
        copies = [
            await connection.execute(_own(name, workspace), {**values, "types": of}, prepare=False)
            for name, of in copied.items()
        ]
        await connection.execute(_own("fold", workspace))
    row = await began.fetchone()
    if row is None or row[0] != version():
        raise _of_another_version()
    present = [type_ for copy in copies for (found,) in await copy.fetchall() for type_ in found]
    return int(row[1]), frozenset(present)


async def _fold_and_ask(
    connection: AsyncConnection,
    workspace: int,
    past: Past,
    question: Question,
    folded: Folded,
    present: frozenset[str],
) -> str:
    range_ = {"book": past.book, "after": 0, "upto": past.upto}
    asked = _joined("WITH item AS (", question.query, ") ", _SQL["rows"])
    async with connection.pipeline():
        for target in _targets(folded.models, workspace):
            await connection.execute(search_path(target.schema, target.needed))
            for statement in folded.statements(target.model, present):
                await connection.execute(_within(statement, workspace), range_)
        answered = await connection.execute(_within(asked, workspace), question.values)
    row = await answered.fetchone()
    return "[]" if row is None else str(row[0])


async def _clear(connection: AsyncConnection, workspace: int) -> None:
    """Throw away what was rolled back: no vacuum comes as often as questions may."""
    async with connection.transaction():
        await connection.execute(_SQL["turn"], {"turn": f"{TURN_SECONDS_MAX}s"})
        await connection.execute(_own("take_turn", workspace))
        schemas = [f"log{_suffix(workspace)}", *(each.schema for each in _targets(READ_MODELS, workspace))]
        tables = []
        for schema in schemas:
            rows = await (await connection.execute(REGISTRY["tables"], {"schema": schema})).fetchall()
            tables += [sql.Identifier(schema, str(table)) for (table,) in rows]
        await connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


def _suffix(workspace: int) -> str:
    return f"@past{workspace + 1}"


def _targets(models: Iterable[ReadModel], workspace: int) -> list[Target]:
    end = _suffix(workspace)
    return [
        Target(model, model.name + end, tuple(needed.name + end for needed in model.needs))
        for model in models
    ]


@cache
def _folded(names: tuple[str, ...]) -> Folded:
    """Find out what a question of these read models folds: them, and those that they need."""
    wanted = set(names)
    for model in reversed(READ_MODELS):  # each stands after those that it needs
        if model.name in wanted:
            wanted.update(needed.name for needed in model.needs)
    models = [model for model in READ_MODELS if model.name in wanted]
    if any(fold.types is None for model in models if model.name in names for fold in model.folds):
        return Folded(models, None)
    return Folded(models, frozenset().union(*(fold.types or () for model in models for fold in model.folds)))


@cache
def _within(statement: LiteralString, workspace: int) -> LiteralString:
    """Mean a workspace where a statement names a read model or the log."""
    end = _suffix(workspace)
    meant = _SCHEMA.sub(lambda found: f'"{found[1]}{end}".', from_log(statement, f'"log{end}".event'))
    return cast(LiteralString, meant)  # type: ignore[redundant-cast]  # text of ours, with names of ours


@cache
def _own(name: LiteralString, workspace: int) -> LiteralString:
    """Give one of our own statements, which names the workspace `past` and means the true log."""
    meant = _SQL[name].replace("past.", f'"log{_suffix(workspace)}".')
    return cast(LiteralString, meant)  # type: ignore[redundant-cast]  # text of ours, with names of ours


@cache
def _joined(*parts: LiteralString) -> LiteralString:
    return "".join(parts)
