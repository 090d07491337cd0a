"""Making the schema of a read model, and the registry of those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.errors import ConfigurationError
from ledger_projections import locks
from ledger_projections.folding import SQL, Target
from ledger_projections.readmodel import READ_MODELS, ReadModel, from_log, search_path

log = structlog.get_logger()


class Registered(NamedTuple):
    """A read model as the database knows it, or a rebuild that is under way (`<name>@rebuild`).

    `folded_from` are the schemas, beside the log, that its rows come from. `error`, `stopped_book` and
    `stopped_after` are None unless `state` is `stopped`.
    """

    model: str
    version: str
    state: str
    folded_from: list[str]
    error: str | None
    stopped_book: str | None
    stopped_after: int | None
    changed_at: datetime


def registered(connection: psycopg.Connection[TupleRow]) -> dict[str, Registered]:
    """Read the registry."""
    rows = [Registered(*row) for row in connection.execute(SQL["read_models"])]
    return {row.model: row for row in rows}


def install_missing(
    connection: psycopg.Connection[TupleRow], models: Sequence[ReadModel] = READ_MODELS
) -> list[ReadModel]:
    """Make the read models that are not there yet, empty, and tell which.

    What is folded from an outdated one waits for the rebuild of that: its views may ask for what the outdated
    tables do not have. Raises `ConfigurationError` when a schema of the name is there that is not ours.
    """
    made = []
    with connection.transaction():
        connection.execute(locks.SQL["lock_installation"], {"kind": locks.INSTALLATION})
        versions = {name: row.version for name, row in registered(connection).items()}
        for model in models:
            if model.name in versions:
                continue
            if schema_exists(connection, model.name):
                raise ConfigurationError(
                    f"schema {model.name} is there but no read model of ours: rename or drop it"
                )
            outdated = [each.name for each in model.needs if versions.get(each.name) != each.version]
            if outdated:
                log.warning("read_model_waits_for_a_rebuild", model=model.name, of=outdated)
                continue
            live = Target.live(model)
            make_schema(connection, live)
            complete_schema(connection, live)
            register(connection, live, "live")
            versions[model.name] = model.version
            log.info("read_model_made", model=model.name, version=model.version)
            made.append(model)
        connection.execute("RESET search_path")
    return made


def register(connection: psycopg.Connection[TupleRow], target: Target, state: str) -> None:
    """Write into the registry what state a read model, or a rebuild of one, has come to."""
    connection.execute(
        SQL["register"],
        {
            "model": target.schema,
            "version": target.model.version,
            "state": state,
            "folded_from": list(target.needed),
        },
    )


def make_schema(connection: psycopg.Connection[TupleRow], target: Target) -> None:
    """Make a schema with the tables that a fold fills, within a transaction of the caller's."""
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target.schema)))
    connection.execute(search_path(target.schema, target.needed))
    connection.execute(target.model.script("tables"))
    connection.execute(SQL["keep_books_apart"], {"schema": target.schema})


def complete_schema(
    connection: psycopg.Connection[TupleRow], target: Target, log_read: str = "ledger.event"
) -> None:
    """Make what is read and what is cheaper to make after the bulk: indexes, then views.

    `log_read` is the relation that views which show the log read it from.
    """
    connection.execute(search_path(target.schema, target.needed))
    for part in ("indexes", "views"):
        connection.execute(from_log(target.model.script(part), log_read))
    connection.execute(SQL["keep_books_apart"], {"schema": target.schema})


def drop_schema(connection: psycopg.Connection[TupleRow], schema: str) -> None:
    """Drop a schema with all that is in it, if it is there."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def schema_exists(connection: psycopg.Connection[TupleRow], schema: str) -> bool:
    """Tell whether a schema is there."""
    row = connection.execute(SQL["schema_exists"], {"schema": schema}).fetchone()
    return row is not None and bool(row[0])
