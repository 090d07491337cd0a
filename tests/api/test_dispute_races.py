"""64 clients charge one payment back at once: together they never pass it."""

from __future__ import annotations

import asyncio

import httpx
from tests.api.live import AT, SINGLE, Caller, Json, Live
from tests.ledger.asks import charge, chargeback, issue, pay
from tests.ledger.world import envelope

CLIENTS = 64


def test_64_clients_never_charge_back_more_than_was_paid(alice: Caller, live: Live) -> None:
    for ask in (charge("c", 1000), issue(), pay("p", 1000)):
        alice.tell(ask)
    url, headers = f"{live.url}{alice.at}/events", dict(alice.client.headers) | {"content-type": SINGLE}

    async def charge_back(http: httpx.AsyncClient, number: int) -> int:
        ask = chargeback(f"cb-{number}", "p", 30, fee=1)
        answer = await http.post(url, content=envelope(ask, key=f"cb-{number}", at=AT, customer="alice"))
        if answer.status_code != 201:
            assert (answer.status_code, answer.json()["code"]) == (422, "chargeback_exceeds_payment")
        return answer.status_code

    async def race() -> list[int]:
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as http:
            return await asyncio.gather(*(charge_back(http, number) for number in range(CLIENTS)))

    statuses = asyncio.run(race())
    assert statuses.count(201) == 1000 // 30
    found: Json = alice.read("/customers/alice/balance", min_position=alice.head)["balances"][0]
    assert (found["receivable"], found["credit"], found["overdrawn"]) == (990, 0, 0)
