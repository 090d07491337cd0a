"""Services and their database are killed at random under load: what was acknowledged is there once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import NamedTuple

import httpx
import msgspec
import pytest
from tests.log.posting import BOOK, Stored, chance_of, read_log
from tests.soak.load import Answer, Clients, opening, random_posts
from tests.soak.services import Services, services

from ledger import decider, invariants
from ledger.embedded import Embedded
from ledger.log.outcome import Receipt
from ledger.posting_rules import DEFAULT_RULES, postings
from ledger.state import Customer


class Plan(NamedTuple):
    """What is done: so many posts, from so many clients, and who is killed how often meanwhile."""

    services: int
    posts: int
    kills: int
    database_kills: int
    clients: int = 64
    seed: int = 1


class Happened(NamedTuple):
    """What came of it: of so many posts, how many were told that they are recorded, or a repeat."""

    posts: int
    recorded: int
    replayed: int
    refused: int
    kills: int
    database_kills: int
    retries: int
    events: int
    seconds: float

    def __str__(self) -> str:
        names = [name.replace("_", " ") for name in self._fields]
        cells = [f"{value:>{len(name)},}" for name, value in zip(names, self, strict=True)]
        return f"  {'   '.join(names)}\n  {'   '.join(cells)}"


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(2, posts=600, kills=2, database_kills=1), id="short"),
        pytest.param(Plan(1, posts=10_000, kills=20, database_kills=0), id="one", marks=pytest.mark.soak),
        pytest.param(
            Plan(1, posts=10_000, kills=15, database_kills=8), id="database", marks=pytest.mark.soak
        ),
        pytest.param(Plan(2, posts=10_000, kills=20, database_kills=0), id="two", marks=pytest.mark.soak),
        pytest.param(Plan(3, posts=10_000, kills=24, database_kills=8), id="three", marks=pytest.mark.soak),
    ],
)
def test_what_was_acknowledged_is_there_exactly_once_whoever_is_killed(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    with services(plan.services) as running:
        happened = asyncio.run(_load(running, plan))
    with capsys.disabled():
        print(f"\n{happened}")


async def _load(running: Services, plan: Plan) -> Happened:
    chance = chance_of(plan.seed)
    key = running.key()
    clients = Clients(running.urls, key, plan.clients)
    book, *customers = opening()
    await clients.send([book])
    await clients.send(customers)
    opened = len(clients.answers)
    assert {answer.status for answer in clients.answers} == {201}
    posts = random_posts(plan.posts, chance)
    victims = [*range(plan.kills), *(-1 for _ in range(plan.database_kills))]
    chance.shuffle(victims)
    began = time.monotonic()
    sending = asyncio.create_task(clients.send(posts))
    for number, victim in enumerate(victims, start=1):
        while len(clients.answers) - opened < plan.posts * number // (len(victims) + 1):
            assert not sending.done(), sending.exception()
            await asyncio.sleep(0.01)
        if victim < 0:
            running.kill_database()
        else:
            place = victim % plan.services
            running.kill(place)
            await asyncio.to_thread(running.start, place)
    await sending
    seconds = round(time.monotonic() - began, 1)
    stored = _stored(running)
    _hold_to(stored, clients.answers)
    await _hold_balance_to(running, key, stored)
    counts = Counter(answer.status for answer in clients.answers[opened:])
    return Happened(
        plan.posts, counts[201], counts[200], counts[422], plan.kills, plan.database_kills, clients.retries,
        len(stored.rows), seconds,
    )  # fmt: skip


def _stored(running: Services) -> Stored:
    """Read the log, held to all that any log is held to: no gap, each key once, leaves, frontier."""
    with Embedded(running.home).running() as conninfo:
        return read_log(conninfo)


def _hold_to(stored: Stored, answers: list[Answer]) -> None:
    """Every acknowledged message is there as its receipts say, nothing else is, and receipts never differ."""
    assert {answer.status for answer in answers} <= {200, 201, 422}
    receipts: dict[str, set[bytes]] = {}
    for answer in answers:
        if answer.status != 422:
            first = answer.body.replace(b'"status":"replayed"', b'"status":"recorded"', 1)
            receipts.setdefault(answer.key, set()).add(first)
    assert all(len(each) == 1 for each in receipts.values()), "a repeat got another answer"
    firsts = Counter(answer.key for answer in answers if answer.status == 201)
    assert max(firsts.values()) == 1, "two were told that they were the first"
    assert Counter(stored.keys) == Counter(receipts.keys())
    decode = msgspec.json.Decoder(Receipt).decode
    for key, (body,) in ((key, tuple(each)) for key, each in receipts.items()):
        receipt = decode(body)
        rows = stored.rows[receipt.events[0].position - 1 : receipt.position]
        assert rows[0].event_id == key
        assert rows[0].decision_size == len(rows) == len(receipt.events)
        assert [(row.position, row.type, row.version, row.leaf.hex()) for row in rows] == [
            (event.position, event.type, event.version, event.leaf) for event in receipt.events
        ]
        assert {row.recorded_at for row in rows} == {receipt.recordedtime}


async def _hold_balance_to(running: Services, key: str, stored: Stored) -> None:
    """The books balance: by the rules over the events, and in the read model of the service that went on."""
    debit = 0
    customers: dict[str, Customer | None] = {}
    for event in stored.events:
        posted = postings(DEFAULT_RULES, event)
        assert sum(posting.amount for posting in posted) == 0
        debit += sum(posting.amount for posting in posted if posting.amount > 0)
        if event.subject is not None:
            customers[event.subject] = decider.evolve_customer(customers.get(event.subject), event)
    assert not list(invariants.numbers_have_no_gaps(stored.events))
    for customer in customers.values():
        assert customer is not None
        assert not list(invariants.broken(customer))
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        for url in running.urls:
            (total,) = (await _read(http, url, stored.head.position))["totals"]
            assert (total["debit"], total["credit"], total["difference"]) == (debit, debit, 0)


async def _read(http: httpx.AsyncClient, url: str, position: int) -> dict[str, list[dict[str, int]]]:
    """Read the trial balance; a service that lost its database may say 503 until it has found it again."""
    deadline = time.monotonic() + 30
    while True:
        address = f"{url}/v1/books/{BOOK}/reports/trial-balance"
        found = await http.get(address, params={"min_position": position})
        if found.status_code == 200:
            balance: dict[str, list[dict[str, int]]] = found.json()
            return balance
        assert found.status_code in (503, 504), found.text
        assert time.monotonic() < deadline, found.text
        await asyncio.sleep(0.2)
