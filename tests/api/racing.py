"""Many clients at once, each with a connection of its own, let go together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx
from tests.api.live import SINGLE, Caller, write
from tests.ledger.world import Ask

CLIENTS = 64

T = TypeVar("T")


def at_once(*tries: Callable[[], T]) -> list[T]:
    """Let everybody try in the same moment; give what came of it, in order."""
    gate = threading.Barrier(len(tries))

    def attempt(one: Callable[[], T]) -> T:
        gate.wait(60)
        return one()

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(attempt, tries))


def race(callers: Caller | Sequence[Caller], asks: Sequence[Ask]) -> list[httpx.Response]:
    """Post one message from each client at the same moment, with one caller's key or each with its own."""
    theirs = [callers] * len(asks) if isinstance(callers, Caller) else callers
    clients = [_connected(caller) for caller in theirs]

    def post(caller: Caller, client: httpx.Client, body: bytes) -> Callable[[], httpx.Response]:
        address, kind = f"{caller.at}/events", {"content-type": SINGLE}
        return lambda: client.post(address, content=body, headers=kind)

    bodies = [write(ask) for ask in asks]
    try:
        return at_once(*map(post, theirs, clients, bodies))
    finally:
        for client in clients:
            client.close()


def _connected(caller: Caller) -> httpx.Client:
    key = {"authorization": caller.client.headers["authorization"]}
    client = httpx.Client(
        base_url=caller.client.base_url, headers=key, timeout=60, verify=False,  # noqa: S501 - plain HTTP
    )  # fmt: skip
    client.get("/healthz")
    return client


def accepted(answers: Sequence[httpx.Response], code: str) -> int:
    """Count the accepted ones; every other one was refused with this code."""
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} <= {(422, code)}
    return len(answers) - len(refused)
