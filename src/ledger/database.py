"""Where PostgreSQL is, and how everything of ours connects to it.

A conninfo may hold a password: nothing here prints one, and `describe` is what may be shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import psycopg
from psycopg import conninfo as libpq
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from ledger.errors import ConfigurationError

SERVICE = "ledger_service"
"""The role that the running service becomes: it may append to the log and own the read models, no more."""
SERVER_VERSION_MIN = 15
"""The oldest major version of PostgreSQL that the tests pass on."""

CONNECT_SECONDS_MAX = 10
"""How long to wait for a connection before giving up."""
KEEPALIVE_IDLE_SECONDS = 30
"""Silence after which the other side is asked whether it lives; after 3 unanswered probes it does not."""
UNACKNOWLEDGED_SECONDS_MAX = 60
"""How long sent bytes may stay unacknowledged before the connection counts as dead."""
IDLE_TRANSACTION_SECONDS_MAX = 60
"""A transaction of ours that does nothing for so long is stuck: the server ends it and frees its locks."""
STATEMENT_SECONDS_MAX = 60
"""How long one statement may run, unless the caller says otherwise."""
RECONNECT_SECONDS_MAX = 5
"""After so long a pool stops trying with longer and longer pauses: the next reader makes it try at once."""

AsyncPool = AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]]


def configured(environ: Mapping[str, str] = os.environ) -> str | None:
    """Tell the conninfo that the environment names, or None: then the embedded PostgreSQL is the one.

    `DATABASE_URL` wins; else libpq's own variables count when PGHOST, PGSERVICE or PGDATABASE is set (the
    conninfo is then empty: libpq reads them by itself). Raises `ConfigurationError` when DATABASE_URL is not
    understood.
    """
    url = environ.get("DATABASE_URL", "").strip()
    if url:
        scheme, separator, _ = url.partition("://")
        if separator and scheme not in ("postgresql", "postgres"):
            raise ConfigurationError(
                f"DATABASE_URL begins with {scheme}://, it must begin with postgresql://"
            )
        try:
            libpq.conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # its text may repeat the password
            raise ConfigurationError(
                "DATABASE_URL is not understood; it looks like postgresql://user:password@host:5432/name"
            ) from None
        return url
    if any(environ.get(name) for name in ("PGHOST", "PGSERVICE", "PGDATABASE")):
        return ""
    return None


def describe(conninfo: str) -> str:
    """Say which database a conninfo names, for people: no password in it."""
    parts = libpq.conninfo_to_dict(conninfo)
    name = parts.get("dbname") or os.environ.get("PGDATABASE") or parts.get("user") or "the default database"
    host = parts.get("host") or os.environ.get("PGHOST") or "the local socket"
    port = parts.get("port") or os.environ.get("PGPORT") or "5432"
    return f"{name} on {host}:{port}"


def with_settings(
    conninfo: str,
    *,
    role: str | None = SERVICE,
    application_name: str = "billing-ledger",
    statement_seconds_max: float = STATEMENT_SECONDS_MAX,
) -> str:
    """Add to a conninfo all that a session of ours starts with, so that any library may open it.

    The role is a start-up option and not a later SET ROLE: resetting a session brings it back to this role.
    `statement_seconds_max` 0 means no limit.
    """
    before = libpq.conninfo_to_dict(conninfo)
    options = [
        str(before.get("options") or ""),
        "-c timezone=UTC",
        f"-c statement_timeout={round(statement_seconds_max * 1000)}",
        f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_SECONDS_MAX * 1000}",
    ]
    if role is not None:
        options.append(f"-c role={role}")
    settings: dict[str, str | int] = {
        "application_name": application_name,
        "connect_timeout": CONNECT_SECONDS_MAX,
        "keepalives": 1,
        "keepalives_idle": KEEPALIVE_IDLE_SECONDS,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": UNACKNOWLEDGED_SECONDS_MAX * 1000,
        "client_encoding": "UTF8",
    }
    kept = {name: value for name, value in before.items() if name in settings and name != "application_name"}
    return libpq.make_conninfo(conninfo, **{**settings, **kept, "options": " ".join(options).strip()})


def connect(
    conninfo: str,
    *,
    role: str | None = SERVICE,
    autocommit: bool = True,
    application_name: str = "billing-ledger",
    statement_seconds_max: float = STATEMENT_SECONDS_MAX,
) -> psycopg.Connection[TupleRow]:
    """Open a connection that acts as `role` (None: as the login itself).

    Raises `ConfigurationError`, with what to do about it, when the database cannot be reached or does not
    know the role.
    """
    settings = with_settings(
        conninfo, role=role, application_name=application_name, statement_seconds_max=statement_seconds_max
    )
    try:
        return psycopg.connect(settings, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise ConfigurationError(_cannot_connect(conninfo, role, str(error))) from error


def _cannot_connect(conninfo: str, role: str | None, reason: str) -> str:
    if role is not None and f'role "{role}"' in reason and "does not exist" in reason:
        return f"{describe(conninfo)} is not migrated yet (no role {role}): run `billing-ledger migrate`"
    if role is not None and "permission denied to set role" in reason:
        return f"the login may not become {role}: run `GRANT {role} TO <login>` in {describe(conninfo)}"
    return f"cannot connect to {describe(conninfo)}: {reason.strip()}"


def reader_pool(
    conninfo: str,
    *,
    size_max: int = 8,
    role: str = SERVICE,
    statement_seconds_max: float = 30,
    wait_seconds_max: float = 10,
) -> AsyncPool:
    """Make a pool of connections for readers; not yet open: use it as `async with`, or await `open()`.

    A reader that gets no connection within `wait_seconds_max` sees `psycopg_pool.PoolTimeout`.
    """
    settings = with_settings(
        conninfo,
        role=role,
        application_name="billing-ledger read",
        statement_seconds_max=statement_seconds_max,
    )
    return AsyncConnectionPool(
        settings,
        min_size=min(2, size_max),
        max_size=size_max,
        timeout=wait_seconds_max,
        reconnect_timeout=RECONNECT_SECONDS_MAX,
        kwargs={"autocommit": True},
        name="readers",
        open=False,
    )


def check_server(connection: psycopg.Connection[TupleRow]) -> None:
    """Refuse, with a `ConfigurationError`, a server that is too old or may lose what it acknowledged."""
    major = connection.info.server_version // 10_000
    if major < SERVER_VERSION_MIN:
        raise ConfigurationError(
            f"this is PostgreSQL {major}; billing-ledger needs {SERVER_VERSION_MIN} or newer"
        )
    row = connection.execute(
        "SELECT current_setting('fsync'), current_setting('full_page_writes')"
    ).fetchone()
    if row != ("on", "on"):
        raise ConfigurationError(
            "the server runs with fsync or full_page_writes off and may lose what it acknowledged; "
            "switch both on in its configuration"
        )
