"""A ledger as it is used: `billing-ledger serve` in a process of its own, and callers with keys."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from tests.api.command import START
from tests.api.described import hold_to_description
from tests.ledger.world import Ask, envelope

from ledger.database import connect
from ledger.decider import OF_BOOK
from ledger_api import keys
from ledger_api.cli.runtime import OWNER

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = "test"

Json = Any
"""What a test reads out of an answer."""

_numbers = itertools.count(1)


class Live:
    """A service on a database. `settings` are set in its environment: `streams_max=1`."""

    def __init__(self, database: str, *, log_level: str = "warning", **settings: float) -> None:
        self.database = database
        self._log_level = log_level
        self._settings = {f"BILLING_LEDGER_{name.upper()}": str(value) for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []
        self.url = ""
        self.log = b""

    def start(self) -> None:
        """Start it, at the same address as before."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        port = self.url.rpartition(":")[2] or "0"
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, "serve", "--port", port, "--json", "--log-level", self._log_level],
            env={**kept, **self._settings, "DATABASE_URL": self.database},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"the service did not start: {self.log.decode()}")
        self.url = orjson.loads(line)["url"]

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, keep what it logged, and tell its exit code."""
        assert self._process is not None
        self._process.send_signal(sign)
        _, said = self._process.communicate(timeout=60)
        self.log += said
        return self._process.returncode

    @property
    def runs(self) -> bool:
        """Whether it was started and did not end yet."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the service."""
        assert self._process is not None
        return self._process.pid

    def key(
        self,
        *scopes: str,
        book: str | None = None,
        sources: Sequence[str] = (SOURCE,),
        principal: str = "tester",
        role: str | None = None,
    ) -> tuple[str, str]:
        """Make a key with these scopes (all of them, when none is named): its id, and the key."""
        wanted = scopes or keys.SCOPES
        with connect(self.database, role=OWNER) as connection:
            return keys.create(
                connection, book=book, principal=principal, scopes=wanted,
                sources=sources if keys.POST in wanted else (), role=role,
            )  # fmt: skip

    def client(self, key: str | None = None, **headers: str) -> httpx.Client:
        """Give a caller with a key (None: without one)."""
        ours = {} if key is None else {"Ledger-Reason": "a test", "Authorization": f"Bearer {key}"}
        client = httpx.Client(
            base_url=self.url, headers={**ours, **headers}, timeout=30, verify=False,  # noqa: S501 - plain HTTP
            event_hooks={"response": [hold_to_description]},
        )  # fmt: skip
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Let all callers go."""
        for client in self._clients:
            client.close()


@contextmanager
def serving(database: str, *, log_level: str = "warning", **settings: float) -> Iterator[Live]:
    """Run a service for as long as the block lasts; it has made its read models, or never will."""
    live = Live(database, log_level=log_level, **settings)
    live.start()
    try:
        until = time.monotonic() + 30
        while "being made" in httpx.get(f"{live.url}/readyz").text and time.monotonic() < until:
            time.sleep(0.05)
        yield live
    finally:
        live.close()
        if live.runs:
            live.stop()


class Caller:
    """Somebody with a key who posts to one book and reads it."""

    def __init__(self, live: Live, client: httpx.Client, book: str) -> None:
        self.live = live
        self.client = client
        self.book = book
        self.at = f"/v1/books/{book}"

    def get(self, path: str = "", **parameters: str | int) -> httpx.Response:
        """Read an address of the book."""
        return self.client.get(self.at + path, params=parameters)

    def read(self, path: str = "", **parameters: str | int) -> Json:
        """Read an address of the book that answers with JSON; a service that only starts is asked again."""
        return self._answer(str(httpx.URL(self.at + path, params=parameters))).json()

    def _answer(self, address: str) -> httpx.Response:
        until = time.monotonic() + 30
        while (answer := self.client.get(address)).status_code == 503 and time.monotonic() < until:
            time.sleep(0.1)
        assert answer.status_code == 200, answer.text
        return answer

    def walk(self, path: str, **parameters: str | int) -> list[Json]:
        """Read a list to its end by the tokens of its pages, and by their links."""
        items: list[Json] = []
        address: str | None = str(httpx.URL(self.at + path, params=parameters))
        while address is not None:
            answer = self._answer(address)
            page = answer.json()
            items += page["items"]
            link = answer.links.get("next")
            assert (page["next"] is None) is (link is None)
            address = link["url"] if link else None
        return items

    def walk_feed(self) -> list[Json]:
        """Read all events of the book."""
        events: list[Json] = []
        page = {"next": 0, "head": 1}
        while page["next"] < page["head"]:
            page = self.read("/events", after=page["next"], limit=1_000)
            events += page["items"]
        return events

    def post(self, body: bytes, kind: str = SINGLE, **query: str) -> httpx.Response:
        """Post a body."""
        return self.client.post(
            f"{self.at}/events", content=body, headers={"content-type": kind}, params=query
        )

    def tell(self, ask: Ask, *, customer: str | None = "alice", at: datetime = AT, key: str = "") -> Json:
        """Post one message that is accepted, and give its receipt."""
        answer = self.post(write(ask, customer=customer, at=at, key=key))
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def head(self) -> int:
        """Where the log of the book ends."""
        head: int = self.read("/events", after=2**40)["head"]
        return head


def write(ask: Ask, *, customer: str | None = "alice", at: datetime = AT, key: str = "") -> bytes:
    """Write a message, under a key of its own unless one is named."""
    subject = None if ask[0] in OF_BOOK else customer
    return envelope(ask, key=key or f"k{next(_numbers)}", at=at, customer=subject, source=SOURCE)


def open_book(live: Live, client: httpx.Client, **data: object) -> Caller:
    """Open a book of its own for a test."""
    caller = Caller(live, client, f"b{next(_numbers)}")
    asked: Mapping[str, object] = {"name": "Book", "currency": "EUR", "time_zone": "Europe/Berlin", **data}
    caller.tell(("book.opened", asked))
    return caller


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Hold an answer to the form of a problem, and tell its status and code."""
    assert answer.headers["content-type"] == PROBLEM, answer.text
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["type"] == f"/problems#{said['code']}"
    assert said["detail"]
    assert said["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, said["code"]
