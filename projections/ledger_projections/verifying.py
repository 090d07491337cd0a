"""Whether the live read models are what the log comes to: each is built anew, and compared row by row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import Unavailable
from ledger.sql import queries
from ledger.verify.findings import FINDINGS_MAX, Check, Finding, check, part
from ledger_projections import locks
from ledger_projections.folding import SQL as REGISTRY
from ledger_projections.folding import Range, Target
from ledger_projections.installing import registered
from ledger_projections.past import Past
from ledger_projections.readmodel import READ_MODELS, ReadModel, search_path
from ledger_projections.replaying import Replay

_SQL = queries("ledger_projections", "verifying.sql")

NAME = "verifying"
"""What the schemas begin with that read models are built in for comparing."""

Connection = psycopg.Connection[TupleRow]


def check_read_models(
    conninfo: str, book: str, advance: Callable[[int], None] = lambda _: None
) -> list[Check]:
    """Compare every live read model of a book with one that is built for it; one check for each.

    What is of another version of the program, or stands still, is not compared, and its check says so. The
    live ones may go on meanwhile. Raises `Unavailable` when another process does the same.
    """
    with connect(conninfo, statement_seconds_max=0, application_name="billing-ledger verify") as connection:
        live = {model: _why_not(connection, model) for model in READ_MODELS}
        models = [model for model in READ_MODELS if live[model] is None]
        checks = [
            check(model.name, f"nothing: {why}", "rows", 0, [part(0, [])])
            for model, why in live.items()
            if why is not None
        ]
        if not models:
            return checks
        replay = Replay(conninfo, NAME, models)
        with _alone(connection, replay, models):
            began = time.monotonic()
            try:
                upto = min(_cursors(connection, book, models).values())
                replay.run(Past(book, upto, "infinity", "infinity", "infinity"), advance)
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                said = f"the log cannot be folded: {str(error).partition(chr(10))[0]}"
                return [*checks, check("read models", "nothing", "rows", 0, [part(0, [Finding(said)])])]
            built = (time.monotonic() - began) / len(models)
            return [*_compared(connection, replay, models, Range(book, 0, upto), built), *checks]


def _why_not(connection: Connection, model: ReadModel) -> str | None:
    """Say why a read model cannot be compared, None when it can."""
    row = registered(connection).get(model.name)
    if row is None:
        return "it is not built yet"
    if row.version != model.version:
        return f"it is of another version, {row.version}: rebuild it"
    needed = next((each for each in model.needs if _why_not(connection, each)), None)
    if needed is not None:
        return f"it is folded from {needed.name}, which is not compared"
    return None if row.state == "live" else f"it stands still: {row.error}"


@contextmanager
def _alone(connection: Connection, replay: Replay, models: list[ReadModel]) -> Iterator[None]:
    """Keep rebuilds and other verifications out, and leave nothing behind, not even what a killed one left.

    The locks last as long as the connection.
    """
    for name in (NAME, *(model.name for model in models)):
        if not locks.try_lock(connection, locks.REBUILD, name):
            raise Unavailable(
                "read models are being verified or rebuilt by another process: wait for that one"
            )
    replay.drop()
    try:
        yield
    finally:
        replay.drop()


def _cursors(connection: Connection, book: str, models: list[ReadModel]) -> dict[str, int]:
    rows = connection.execute(_SQL["cursors"], {"book": book}).fetchall()
    reached = {str(model): int(position) for model, position in rows}
    return {model.name: reached.get(model.name, 0) for model in models}


def _compared(
    connection: Connection, replay: Replay, models: list[ReadModel], folded: Range, built: float
) -> Iterator[Check]:
    """Fold what came meanwhile, and compare, all in one snapshot; nothing of it is kept."""
    connection.execute("SET work_mem = '256MB'")
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reached = _cursors(connection, folded.book, models)
        for model in models:
            began = time.monotonic()
            target = replay.target(model)
            _fold(connection, target, Range(folded.book, folded.upto, reached[model.name]))
            count, findings = 0, []
            for (table,) in connection.execute(REGISTRY["tables"], {"schema": target.schema}).fetchall():
                counted, found = _differences(connection, target, str(table), folded.book)
                count += counted
                findings += found
            spent = built + time.monotonic() - began
            compared = f"each row with those that the events up to {reached[model.name]} come to"
            yield check(model.name, compared, "rows", spent, [part(count, findings)])


def _fold(connection: Connection, target: Target, range_: Range) -> None:
    if range_.after < range_.upto:
        connection.execute(search_path(target.schema, target.needed))
        for fold in target.model.folds:
            connection.execute(fold.statement, range_._asdict())


def _differences(connection: Connection, target: Target, table: str, book: str) -> tuple[int, list[Finding]]:
    """Compare one table; gives how many rows were, and the first that differ."""
    name = f"{target.model.name}.{table}"
    where = {"schema": target.schema, "table": table}
    keys = [str(key) for (key,) in connection.execute(_SQL["keys"], where)]
    columns = [str(column) for (column,) in connection.execute(_SQL["columns"], where)]
    names = {
        "live": sql.Identifier(target.model.name, table),
        "rebuilt": sql.Identifier(target.schema, table),
        "book": sql.Literal(book),
        "limit": sql.Literal(FINDINGS_MAX),
        "keys": sql.SQL(", ").join(map(sql.Identifier, keys)),
        "left": sql.SQL(", ").join(sql.Identifier("l", column) for column in columns),
        "right": sql.SQL(", ").join(sql.Identifier("r", column) for column in columns),
    }
    (live, rebuilt) = connection.execute(_with("counts", names)).fetchone() or (0, 0)
    findings = [
        Finding(f"{name} has {row or 'no such row'}, the events come to {expected or 'no such row'}")
        for row, expected in connection.execute(_with("differ" if keys else "differ_wholly", names))
    ]
    if live != rebuilt and not findings:
        findings.append(Finding(f"{name} has {live} rows, the events come to {rebuilt}"))
    return max(live, rebuilt), findings


def _with(query: LiteralString, names: dict[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(_SQL[query]).format(**names)
