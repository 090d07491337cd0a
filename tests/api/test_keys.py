"""API keys: what they open, how long they are remembered, and who may make them."""

from __future__ import annotations

import asyncio
import hashlib

import psycopg
import pytest

from ledger.errors import ConfigurationError, Unauthorised
from ledger_api import keys
from ledger_api.keys import Keys, Principal

KEY = "blk_" + "x" * 43
SHOP = Principal("shop", "key_1", "main", frozenset({"post"}), ("shop/eu", "till/*"))


def headers(value: str) -> dict[bytes, bytes]:
    return {b"authorization": value.encode()}


class Database:
    """Knows one key, and counts how often it is asked."""

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal
        self.asked = 0

    async def find(self, digest: bytes) -> Principal | None:
        self.asked += 1
        await asyncio.sleep(0.01)
        return self.principal if digest == hashlib.sha256(KEY.encode()).digest() else None


@pytest.mark.parametrize(
    ("source", "may"),
    [
        ("shop/eu", True),
        ("till/7", True),
        ("till/", True),
        ("shop/e", False),
        ("shop/eu/2", False),
        ("till", False),
        ("", False),
        ("ledger", False),
    ],
)
def test_a_key_posts_as_its_sources_only(source: str, may: bool) -> None:
    assert SHOP.may_post_as(source) is may


def test_nobody_posts_as_the_ledger() -> None:
    assert not SHOP._replace(sources=("*", "ledger")).may_post_as("ledger")


@pytest.mark.parametrize(
    ("value", "book", "scope", "code"),
    [
        ("", "main", "post", "key_unknown"),
        ("Basic dXNlcjpwYXNz", "main", "post", "key_unknown"),
        ("Bearer", "main", "post", "key_unknown"),
        ("Bearer short", "main", "post", "key_unknown"),
        (f"Bearer {KEY} extra", "main", "post", "key_unknown"),
        (f"Bearer {KEY[:-1]}y", "main", "post", "key_unknown"),
        (f"Bearer {KEY}", "main", "read", "scope_missing"),
        (f"Bearer {KEY}", "other", "post", "book_not_allowed"),
    ],
)
def test_what_a_key_does_not_open_is_refused(value: str, book: str, scope: str, code: str) -> None:
    known = Keys(Database(SHOP).find, 60, 10)
    with pytest.raises(Unauthorised) as refused:
        asyncio.run(known.authorise(headers(value), book, scope))
    assert refused.value.code == code
    assert KEY not in str(refused.value)


def test_no_key_is_refused_as_missing() -> None:
    with pytest.raises(Unauthorised) as refused:
        asyncio.run(Keys(Database(SHOP).find, 60, 10).authorise({}, "main", "post"))
    assert refused.value.code == "key_missing"


def test_the_database_is_asked_once_for_all_who_come_at_the_same_time_and_for_a_while() -> None:
    async def story() -> int:
        database = Database(SHOP)
        known = Keys(database.find, 60, 10)
        calls = [known.authorise(headers(f"Bearer {KEY}"), "main", "post") for _ in range(50)]
        assert await asyncio.gather(*calls) == [SHOP] * 50
        assert await known.authorise(headers(f"bearer {KEY}"), "main", "post") == SHOP
        return database.asked

    assert asyncio.run(story()) == 1


def test_a_revoked_key_is_forgotten_after_its_time() -> None:
    async def story() -> None:
        database = Database(SHOP)
        known = Keys(database.find, 0.05, 10)
        assert await known.authorise(headers(f"Bearer {KEY}"), "main", "post") == SHOP
        database.principal = None
        await asyncio.sleep(0.06)
        with pytest.raises(Unauthorised):
            await known.authorise(headers(f"Bearer {KEY}"), "main", "post")

    asyncio.run(story())


def test_guessing_keys_costs_no_memory() -> None:
    async def story() -> int:
        known = Keys(Database(SHOP).find, 60, 10)
        for n in range(30):
            with pytest.raises(Unauthorised):
                await known.authorise(headers(f"Bearer {'y' * 30}{n}"), "main", "post")
        return len(known._known)

    assert asyncio.run(story()) <= 10


def test_a_key_is_kept_as_its_hash_and_works_until_it_is_revoked(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        id_, key = keys.create(conn, book="main", principal="shop", scopes=["post"], sources=["shop/*"])
        rows = conn.execute("SELECT to_jsonb(k)::text FROM ledger.api_key k").fetchall()
        assert key not in str(rows)
        assert hashlib.sha256(key.encode()).hexdigest() in str(rows)
        (listed,) = keys.list_all(conn)
        assert (listed.id, listed.principal, listed.revoked_at) == (id_, "shop", None)
        assert keys.revoke(conn, id_)
        assert not keys.revoke(conn, id_)
        assert keys.list_all(conn)[0].revoked_at is not None


@pytest.mark.parametrize(
    ("book", "principal", "scopes", "sources"),
    [
        ("main", "ledger", ["read"], []),
        ("main", "", ["read"], []),
        ("main", "two words", ["read"], []),
        ("no such/book", "shop", ["read"], []),
        ("main", "shop", [], []),
        ("main", "shop", ["everything"], []),
        ("main", "shop", ["post"], []),
        ("main", "shop", ["read"], ["shop"]),
        ("main", "shop", ["post"], ["ledger"]),
        ("main", "shop", ["post"], [""]),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    database: str, book: str, principal: str, scopes: list[str], sources: list[str]
) -> None:
    with psycopg.connect(database) as conn, pytest.raises(ConfigurationError):
        keys.create(conn, book=book, principal=principal, scopes=scopes, sources=sources)
