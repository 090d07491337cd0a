"""API keys: who is it that calls, and what may they do.

A key is 256 random bits, shown once when it is made; the database holds its SHA-256. It travels in the header
`Authorization: Bearer …` and never in an address, because addresses end up in logs.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import psycopg
from psycopg_pool import PoolTimeout

from ledger.database import AsyncPool
from ledger.errors import ConfigurationError, Unauthorised, Unavailable
from ledger.event import LEDGER
from ledger.sql import queries

_SQL = queries("ledger_api", "keys.sql")

READ, POST, GOVERN = "read", "post", "govern"
ADMIN, PERSON, AUDIT = "admin", "person", "audit"
SCOPES = (READ, POST, GOVERN, ADMIN, PERSON, AUDIT)
"""read: every GET but personal data · post: messages, as one of the key's sources · govern: among them those
about the book itself (its policies, tax rates, accounts, closed periods, trials) · admin: rebuilds · person:
personal data, read and written · audit: who looked at it. None implies another."""

_KEY = re.compile(rb"[Bb]earer +([A-Za-z0-9_-]{20,200})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~-]{0,63}")


class Principal(NamedTuple):
    """Who calls: `name` goes into every event. `book` None opens all books; `key` is the key's id.

    `role` is in which a person acts, for the policies of authority; None for upstream systems.
    """

    name: str
    key: str
    book: str | None
    scopes: frozenset[str]
    sources: tuple[str, ...]
    role: str | None = None

    def may_post_as(self, source: str) -> bool:
        """Say whether messages may carry this source: one of the key's, exactly or by a prefix with `*`."""
        if source == LEDGER or source.startswith(f"{LEDGER}/"):
            return False
        for allowed in self.sources:
            if source == allowed or (allowed.endswith("*") and source.startswith(allowed[:-1])):
                return True
        return False


Find = Callable[[bytes], Awaitable[Principal | None]]


class Keys:
    """The keys in use, remembered for a few seconds so that a request need not ask the database.

    A key that is revoked works for at most `remembered_seconds` more. `find` asks the database by hash.
    """

    def __init__(self, find: Find, remembered_seconds: float, remembered_max: int) -> None:
        self._find = find
        self._seconds = remembered_seconds
        self._max = remembered_max
        self._known: dict[bytes, tuple[Principal | None, float]] = {}
        self._asked: dict[bytes, asyncio.Task[Principal | None]] = {}

    async def authorise(self, headers: Mapping[bytes, bytes], book: str | None, scope: str) -> Principal:
        """Say who calls, or raise `Unauthorised`.

        `headers` by lower-case name; `book` is the book of the address, None where the address is of no
        book. Does not wait for anything while the key is remembered.
        """
        digest = _digest_of_key(headers)
        known = self._known.get(digest)
        principal = known[0] if known and known[1] > time.monotonic() else await self._ask(digest)
        if principal is None:
            raise Unauthorised("key_unknown", "this API key does not work (any more)")
        if scope not in principal.scopes:
            raise Unauthorised("scope_missing", f"this needs an API key with the scope {scope}", scope=scope)
        if book is not None and principal.book not in (None, book):
            raise Unauthorised(
                "book_not_allowed", f"this API key does not open the book {book[:64]}", book=book
            )
        return principal

    async def _ask(self, digest: bytes) -> Principal | None:
        """Ask the database, once for all who ask at the same time."""
        task = self._asked.get(digest)
        if task is None:
            task = self._asked[digest] = asyncio.ensure_future(self._find(digest))
            task.add_done_callback(lambda _: self._asked.pop(digest, None))
        principal = await asyncio.shield(task)
        if len(self._known) >= self._max:
            self._known.clear()
        self._known[digest] = (principal, time.monotonic() + self._seconds)
        return principal


def _digest_of_key(headers: Mapping[bytes, bytes]) -> bytes:
    """Hash the key in the headers. Comparing hashes gives nothing away about keys, however long it takes."""
    found = headers.get(b"authorization")
    if found is None:
        raise Unauthorised("key_missing", "send an API key: Authorization: Bearer <key>")
    return _digest_of_header(found)


@lru_cache(maxsize=1_000)
def _digest_of_header(found: bytes) -> bytes:
    """Hash the key of one header; remembered, because a client sends the same one with every message."""
    match = _KEY.fullmatch(found)
    if match is None:
        raise Unauthorised("key_unknown", "the Authorization header holds no API key: Bearer <key>")
    return hashlib.sha256(match[1]).digest()


def finder(pool: AsyncPool) -> Find:
    """Make the question that `Keys` asks the database."""

    async def find(digest: bytes) -> Principal | None:
        try:
            async with pool.connection() as conn:
                row = await (await conn.execute(_SQL["find_key"], (digest,))).fetchone()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database cannot be asked about API keys now") from error
        if row is None:
            return None
        id_, name, book, scopes, sources, role = row
        return Principal(name, id_, book, frozenset(scopes), tuple(sources), role)

    return find


class Key(NamedTuple):
    """A key as it is listed: everything but itself."""

    id: str
    principal: str
    book: str | None
    scopes: list[str]
    sources: list[str]
    role: str | None
    created_at: datetime
    revoked_at: datetime | None


def create(
    conn: psycopg.Connection,
    *,
    book: str | None,
    principal: str,
    scopes: Sequence[str],
    sources: Sequence[str] = (),
    role: str | None = None,
) -> tuple[str, str]:
    """Make a key: its id, and the key itself, which nobody can ask for again.

    The connection must be one of the owner's (the service may not make keys). Raises `ConfigurationError`
    when the key would make no sense.
    """
    _check(book, principal, scopes, sources)
    if role is not None and not _NAME.fullmatch(role):
        raise ConfigurationError(f"a role is a short name without spaces: {role!r}")
    id_, key = f"key_{secrets.token_hex(6)}", f"blk_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).digest()
    values = {"id": id_, "book": book, "principal": principal, "hash": digest, "role": role}
    conn.execute(_SQL["create_key"], {**values, "scopes": list(scopes), "sources": list(sources)})
    return id_, key


def _check(book: str | None, principal: str, scopes: Sequence[str], sources: Sequence[str]) -> None:
    if principal == LEDGER or not _NAME.fullmatch(principal):
        raise ConfigurationError(
            f"a principal is a short name without spaces, and not {LEDGER!r}: {principal!r}"
        )
    if book is not None and not _NAME.fullmatch(book):
        raise ConfigurationError(f"a book is a short name without spaces: {book!r}")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ConfigurationError(
            f"scopes are one or more of {', '.join(SCOPES)}: {', '.join(scopes) or 'none'}"
        )
    if (POST in scopes) != bool(sources):
        raise ConfigurationError(
            "a key with the scope post names its sources (exactly, or with * at the end); no other does"
        )
    if LEDGER in sources or "" in sources:
        raise ConfigurationError(f"a source is not empty and not {LEDGER!r}, which is the ledger's own")


def list_all(conn: psycopg.Connection) -> list[Key]:
    """List all keys, oldest first, those that stopped working too."""
    return [Key(*row) for row in conn.execute(_SQL["list_keys"])]


def revoke(conn: psycopg.Connection, id_: str) -> bool:
    """Stop a key for good (owner's connection). False: no such key works."""
    return conn.execute(_SQL["revoke_key"], (id_,)).fetchone() is not None
