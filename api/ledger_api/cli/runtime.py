"""What a command works with: the database, found or started, migrated, and the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg.rows import TupleRow

from ledger.database import SERVICE, check_server, configured, connect, describe
from ledger.embedded import Embedded
from ledger.errors import ConfigurationError, Unavailable
from ledger.settings import Settings, read_settings
from ledger_migrations import MigrationError, apply

OWNER = "ledger_owner"
"""The role that keys and migrations need; the service is not a member of it."""


class Runtime(NamedTuple):
    """A database that is ready. `conninfo` is that of the login: connections of ours come from `connect`."""

    conninfo: str
    settings: Settings
    embedded: bool

    def connect(self, role: str | None = SERVICE) -> psycopg.Connection[TupleRow]:
        """Open an autocommit connection in a role (None: the login's own rights)."""
        return connect(self.conninfo, role=role)

    def __str__(self) -> str:
        return f"{'embedded PostgreSQL, ' if self.embedded else ''}{describe(self.conninfo)}"


@contextmanager
def runtime(*, migrate: bool = True) -> Iterator[Runtime]:
    """Find the database that the environment names, or use the embedded one while the block lasts.

    Pending migrations are applied first, unless `migrate` is False. Raises `ConfigurationError` when the
    database cannot be used, with what to do about it, and `Unavailable` when it fails in the block.
    """
    settings = read_settings()
    conninfo = configured()
    try:
        if conninfo is None:
            with Embedded().running() as own:
                yield _ready(Runtime(own, settings, embedded=True), migrate=migrate)
        else:
            yield _ready(Runtime(conninfo, settings, embedded=False), migrate=migrate)
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database gave up: {error}") from error


def _ready(found: Runtime, *, migrate: bool) -> Runtime:
    with found.connect(role=None) as connection:
        check_server(connection)
        if migrate:
            with migration_errors():
                apply(connection)
    return found


@contextmanager
def migration_errors() -> Iterator[None]:
    """Turn what the runner of migrations raises into an error of ours."""
    try:
        yield
    except MigrationError as error:
        raise ConfigurationError(str(error)) from error
