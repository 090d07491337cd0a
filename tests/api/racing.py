"""Many clients at once, each with a connection of its own, let go together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from tests.api.live import SINGLE, Caller, write
from tests.ledger.world import Ask

CLIENTS = 64


def race(caller: Caller, asks: Sequence[Ask]) -> list[httpx.Response]:
    """Post one message from each client at the same moment; give the answers in order."""
    gate = threading.Barrier(len(asks))
    key = caller.client.headers["authorization"]

    def post(ask: Ask) -> httpx.Response:
        body = write(ask)
        with httpx.Client(base_url=str(caller.client.base_url), timeout=60) as client:
            client.get("/healthz")
            gate.wait(60)
            return client.post(
                f"{caller.at}/events",
                content=body,
                headers={"content-type": SINGLE, "authorization": key},
            )

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(post, asks))


def accepted(answers: Sequence[httpx.Response], code: str) -> int:
    """Count the accepted ones; every other one was refused with this code."""
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} <= {(422, code)}
    return len(answers) - len(refused)
