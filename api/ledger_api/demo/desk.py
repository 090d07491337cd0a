"""The desk of customer service: who called and how long they waited, what was noted, who was verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from random import Random

import orjson

from ledger_api.client import NDJSON, Client, message
from ledger_api.demo.diary import Month
from ledger_api.demo.people import Person

SOURCE = "care"
CALLS = 0.3
"""The chance, each month, that a customer calls, writes or chats."""
WAIT_SECONDS_MEAN = 70
PATIENCE_SECONDS = (45, 600)
HANDLING_SECONDS = (60, 900)
NOTED = 0.4
"""The share of answered contacts of which something is noted."""
CHANNELS = {"phone": 60, "chat": 28, "email": 12}
QUEUES = {
    "billing": ("invoice", "payment", "refund"), "technical": ("outage", "setup"), "retention": ("price",),
}  # fmt: skip
OUTCOMES = {"resolved": 80, "passed_on": 12, "called_back": 8}
AGENTS = ("ann", "bo", "carla", "dina", "emil")

PASSWORD = "harbour lights at dusk"  # noqa: S105 - of a made-up customer
POLICY: dict[str, object] = {
    "policy": "verification", "from": "2025-01-01",
    "verification": {"methods": ["password", "one_time_code", "call_back"], "attempts_max": 5},
}  # fmt: skip
"""How callers are verified."""


class Desk:
    """One customer's contacts through the year. It draws lots of its own."""

    def __init__(self, person: Person, random: Random) -> None:
        self._person = person
        self._random = random

    def messages(self, month: Month) -> Iterator[bytes]:
        """Give the messages of one month: a contact that is answered or abandoned, or none."""
        person, random = self._person, self._random
        if not person.joined < month.number <= (person.left or month.number) or random.random() >= CALLS:
            return
        contact = f"C{person.customer[1:]}-{month.first:%y%m}"
        at = datetime.combine(month.day(random.randint(1, 28)), time(8), UTC)
        at += timedelta(seconds=random.randrange(9 * 3600))
        queue = random.choice(list(QUEUES))
        arrived = {
            "contact": contact, "channel": _one_of(random, CHANNELS), "queue": queue,
            "topic": random.choice(QUEUES[queue]), "language": person.locale,
        }  # fmt: skip
        yield _message(person.customer, contact, at, "contact.arrived", arrived)
        wait, patience = int(random.expovariate(1 / WAIT_SECONDS_MEAN)), random.randint(*PATIENCE_SECONDS)
        at += timedelta(seconds=min(wait, patience))
        if wait > patience:
            ended = {"contact": contact, "outcome": "abandoned"}
            yield _message(person.customer, contact, at, "contact.ended", ended)
            return
        answered = {"contact": contact, "agent": random.choice(AGENTS)}
        yield _message(person.customer, contact, at, "contact.answered", answered)
        at += timedelta(seconds=random.randint(*HANDLING_SECONDS))
        if random.random() < NOTED:
            # The text is kept elsewhere, as with systems that have notes of their own: the log has its hash.
            noted = {"note": f"N{contact[1:]}", "sha256": sha256(contact.encode()).hexdigest()}
            yield _message(person.customer, contact, at, "note.added", noted)
        ended = {"contact": contact, "outcome": _one_of(random, OUTCOMES)}
        yield _message(person.customer, contact, at, "contact.ended", ended)


def verify_caller(client: Client, book: str, customer: str) -> None:
    """Let somebody call now, whose password is wrong at first and then right; note it, in the vault."""
    at, contact = f"/v1/books/{book}/customers/{customer}", "C-today"
    client.put(f"{at}/password", orjson.dumps({"password": PASSWORD}), "application/json", "the demo sets it")
    _post(client, book, customer, "contact.arrived",
          {"contact": contact, "channel": "phone", "queue": "billing", "topic": "invoice"})  # fmt: skip
    _post(client, book, customer, "contact.answered", {"contact": contact})
    for secret in ("something else", PASSWORD):
        tried = {"method": "password", "secret": secret, "contact": contact}
        client.post(f"{at}/verifications/attempt", orjson.dumps(tried), "application/json")
    client.put(f"{at}/notes/N-today", b"Asked why the last invoice was higher.", "text/plain", "")
    _post(client, book, customer, "contact.ended", {"contact": contact, "outcome": "resolved"})


def _post(client: Client, book: str, customer: str, type_: str, data: Mapping[str, object]) -> None:
    raw = _message(customer, "today", datetime.now(UTC), type_, data)
    client.post(f"/v1/books/{book}/events", raw, NDJSON)


def _message(customer: str, about: str, at: datetime, type_: str, data: Mapping[str, object]) -> bytes:
    return message(
        type_, id_=f"{customer}/{about}/{type_}", source=SOURCE, time_=f"{at:%Y-%m-%dT%H:%M:%SZ}", data=data,
        subject=customer,
    )  # fmt: skip


def _one_of(random: Random, shares: Mapping[str, int]) -> str:
    return random.choices([*shares], [*shares.values()])[0]
