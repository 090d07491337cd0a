"""The advisory locks under which read models are made, folded, rebuilt and swapped: a class each, by name."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ledger.sql import queries

SQL = queries("ledger_projections", "locks.sql")

INSTALLATION = 0x6C65_0001
"""Held by a transaction that makes schemas: two processes that start at once may want the same ones."""
PROJECTOR = 0x6C65_0002
"""Held by the session that folds a read model; another projector waits by trying again."""
GATE = 0x6C65_0003
"""A cycle passes the gates of what it folds, a swap closes them."""
REBUILD = 0x6C65_0004
"""Held by the session that rebuilds a read model."""


def try_lock(connection: psycopg.Connection[TupleRow], kind: int, model: str) -> bool:
    """Take a lock for the session, or tell that another session has it."""
    row = connection.execute(SQL["try_lock"], {"kind": kind, "model": model}).fetchone()
    return row is not None and bool(row[0])


def lock(connection: psycopg.Connection[TupleRow], kind: int, model: str) -> None:
    """Take a lock for the session, waiting for it."""
    connection.execute(SQL["lock"], {"kind": kind, "model": model})


def unlock(connection: psycopg.Connection[TupleRow], kind: int, model: str) -> None:
    """Give a session's lock back."""
    connection.execute(SQL["unlock"], {"kind": kind, "model": model})
