"""Clients that post at random over HTTP, send again whatever was not answered, and keep every answer."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx
import msgspec
from tests.log.posting import BOOK, ISSUE, OPEN, OPEN_BOOK, SOURCE, TIME, Ask, account, charge, pay, refund

from ledger.decider import OF_BOOK

CUSTOMERS = tuple(f"customer-{n}" for n in range(40))
_PAUSE_SECONDS_MAX = 0.3
_GIVE_UP_SECONDS = 120


class Post(NamedTuple):
    """One message as it is sent, under its key."""

    key: str
    body: bytes


class Answer(NamedTuple):
    """One final answer: 201 recorded, 200 replayed, or a refusal."""

    key: str
    status: int
    body: bytes


def opening() -> list[Post]:
    """Open the book and its customers."""
    return [_post(OPEN_BOOK, "book"), *(_post(OPEN, f"open-{name}", name) for name in CUSTOMERS)]


def random_posts(count: int, chance: random.Random) -> list[Post]:
    """Make posts at random, of which every third is one of the fifty before it, again."""
    posts: list[Post] = []
    for n in range(count):
        if posts and chance.random() < 1 / 3:
            posts.append(chance.choice(posts[-50:]))
            continue
        name, amount = str(chance.randrange(count)), chance.randint(1, 10_000)
        asks: Sequence[Ask] = (
            charge(name, amount), pay(name, amount), ISSUE, refund(name, amount // 4 + 1),
            ("charge.reverse", {"charge": name, "reason": "mistake"}), account(name),
        )  # fmt: skip
        (ask,) = chance.choices(asks, weights=(45, 25, 15, 10, 4, 1))
        posts.append(_post(ask, f"k{n}", chance.choice(CUSTOMERS)))
    return posts


def _post(ask: Ask, key: str, customer: str | None = None) -> Post:
    type_, data = ask
    envelope: dict[str, object] = {"specversion": "1.0", "id": key, "source": SOURCE, "type": type_}
    if type_ not in OF_BOOK:
        envelope["subject"] = customer
    return Post(key, msgspec.json.encode({**envelope, "time": TIME, "data": data}))


class Clients:
    """So many clients that share a list of posts, each with one request under way at a time."""

    def __init__(self, urls: Sequence[str], key: str, count: int) -> None:
        self._urls = [f"{url}/v1/books/{BOOK}/events" for url in urls]
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"}
        self._count = count
        self.answers: list[Answer] = []
        self.retries = 0

    async def send(self, posts: Sequence[Post]) -> None:
        """Send all of them, each until it is answered."""
        rest = iter(posts)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=self._headers, timeout=30, limits=limits) as http:
            await asyncio.gather(*(self._client(http, rest, place) for place in range(self._count)))

    async def _client(self, http: httpx.AsyncClient, posts: Iterator[Post], place: int) -> None:
        urls = itertools.cycle(
            [*self._urls[place % len(self._urls) :], *self._urls[: place % len(self._urls)]]
        )
        url = next(urls)
        for post in posts:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                while (answer := await _ask(http, url, post)) is None:
                    self.retries += 1
                    url = next(urls)
                    await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS_MAX))  # noqa: S311
            self.answers.append(answer)


async def _ask(http: httpx.AsyncClient, url: str, post: Post) -> Answer | None:
    """Send once; None where it has to be sent again: no answer, or one that says so."""
    try:
        found = await http.post(url, content=post.body)
    except httpx.TransportError:
        return None
    if found.status_code in (429, 503):
        return None
    return Answer(post.key, found.status_code, found.content)
