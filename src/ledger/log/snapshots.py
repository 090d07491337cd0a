"""Snapshots: states of customers that the writer forgets, so that their history need not be read again.

A snapshot is a short cut and never the truth: it is made of committed events only, by rules that are named in
it by the hash of their source, and other rules do not use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import msgspec
import psycopg

from ledger.sql import queries
from ledger.state import Customer

_SQL = queries("ledger.log", "snapshots.sql")

EVENTS_MIN = 32
"""A stream is kept when it has so many events more than its last snapshot: fewer are read as fast."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Customer).decode


class Snapshot(NamedTuple):
    """The state of one stream as of a version."""

    stream: str
    version: int
    state: Customer


@cache
def program() -> str:
    """Hash the source of all rules: whatever changes in them, older snapshots are not used any more."""
    digest = hashlib.sha256()
    for source in _sources(files("ledger")):
        digest.update(source)
    return digest.hexdigest()[:16]


def _sources(folder: Traversable) -> Iterator[bytes]:
    """Read the modules of a folder and of the packages in it: nouns with several modules are packages."""
    for found in sorted(folder.iterdir(), key=lambda each: each.name):
        if found.is_dir():
            yield from _sources(found)
        elif found.name.endswith(".py"):
            yield found.read_bytes()


def holds(state: bytes, customer: Customer) -> bool:
    """Tell whether a kept state is the one of a customer, who is packed."""
    if state == _encode(customer):
        return True
    try:
        return _decode(state) == customer  # the order of sets is nobody's
    except msgspec.MsgspecError:
        return False


def find(conn: psycopg.Connection, book: str, streams: Sequence[str]) -> list[Snapshot]:
    """Read the snapshots of these streams that can be used."""
    values = {"book": book, "streams": list(streams), "program": program()}
    rows = conn.execute(_SQL["find_snapshots"], values, binary=True)
    return [Snapshot(stream, version, _decode(state)) for stream, version, state in rows]


def behind(conn: psycopg.Connection, book: str, versions: dict[str, int]) -> psycopg.Cursor:
    """Read (stream, stored bytes) of the events behind these versions, each stream in order."""
    values = {"book": book, "streams": list(versions), "versions": list(versions.values())}
    return conn.execute(_SQL["streams_behind"], values, binary=True)


def keep(conn: psycopg.Connection, book: str, snapshots: Sequence[Snapshot]) -> None:
    """Keep snapshots of committed states, in a transaction of their own."""
    with conn.transaction():
        conn.execute(_SQL["lazily"])
        values = {
            "book": book,
            "program": program(),
            "streams": [snapshot.stream for snapshot in snapshots],
            "versions": [snapshot.version for snapshot in snapshots],
            "states": [_encode(snapshot.state) for snapshot in snapshots],
        }
        conn.execute(_SQL["keep_snapshots"], values, binary=True)
