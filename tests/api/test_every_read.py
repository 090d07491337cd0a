"""Every read answers as of any moment on both clocks: all routes, against replays of the moments."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
import pytest
from tests.api.replayed import Service, in_process
from tests.api.test_openapi import DESCRIPTION
from tests.conftest import Fresh
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.running import folded

from ledger.database import connect
from ledger_projections.replaying import past_at

BOOK = "main"
MOMENT = {"as_of_position", "as_of_recorded", "as_of_occurred"}
NOT_OF_A_MOMENT = {
    "/v1/books": "of no one book, and so of no position",
    "/v1/books/{book}/events/stream": "of what comes",
    "/v1/books/{book}/events/{position}": "an event is the same at any moment",
    "/v1/books/{book}/customers/{customer}/person": "the vault keeps what is known now, and nothing else",
    "/v1/books/{book}/access-log": "a log of its own, of who looked",
    "/v1/books/{book}/log/": "proofs of the log, each of the size that it names",
    "/v1/projections": "how far the read models are",
    "/healthz": "how the service is", "/livez": "how the service is", "/readyz": "how the service is",
    "/metrics": "how the service is",
}  # fmt: skip
"""Reads that take no moment, and why; see also docs/decisions/0013."""
FILTERED = (
    "/customers?status=closed", "/invoices?state=open", "/invoices?overdue=true", "/disputes?state=open",
    "/discounts?state=requested", "/contacts?state=waiting", "/events?type=dispute.opened",
    "/events?customer=customer-3", "/queues/disputes?overdue=true", "/queues/disputes?assigned=false&limit=1",
    "/reports/dunning?ready=true", "/reports/dunning?customer=customer-3", "/reports/dunning?on=2026-03-01",
    "/reports/dunning?limit=1", "/reminders?limit=1",
    "/reports/contacts?by=channel&from=2026-01-21", "/reports/discount-authority?customer=customer-2",
    "/reports/discount-authority?month=2026-01", "/reports/aging?customer=customer-5",
    "/customers/customer-6/timeline?order=newest&limit=9", "/customers/customer-3/statement?limit=2",
)  # fmt: skip
"""Further questions: parts of lists, and pages of them."""


def of_a_moment() -> Iterator[str]:
    """Every read that answers as of a moment."""
    for path, methods in DESCRIPTION["paths"].items():
        if "get" in methods and not any(
            path == other or (other.endswith("/") and path.startswith(other)) for other in NOT_OF_A_MOMENT
        ):
            yield path


def test_every_read_of_a_book_takes_a_moment_on_both_clocks() -> None:
    for path, methods in DESCRIPTION["paths"].items():
        if "get" in methods:
            names = {each["name"] for each in methods["get"].get("parameters", [])}
            assert names & MOMENT == (MOMENT if path in set(of_a_moment()) else set()), path


@pytest.fixture(scope="module")
def service(fresh_database: Fresh) -> Iterator[Service]:
    """Customers of whom something else happened to each, in an order in which it was not recorded."""
    with fresh_database() as database:
        with writer(database) as works:
            head = post_lives(works, BOOK, 7)
        with in_process(database) as found:
            until = time.monotonic() + 60
            while not folded(database, BOOK, head):
                assert time.monotonic() < until
                time.sleep(0.05)
            yield found


def addresses(service: Service) -> list[str]:
    """Every read that answers as of a moment, of each of some customers and invoices."""
    with psycopg.connect(service.database) as connection:
        names = {
            name: [str(value) for (value,) in connection.execute(query)]
            for name, query in {
                "customer": "SELECT customer FROM customers.customer ORDER BY position LIMIT 4",
                "invoice": "SELECT invoice FROM invoices.invoice ORDER BY position LIMIT 9",
                "credit_note": "SELECT credit_note FROM invoices.credit_note ORDER BY position LIMIT 2",
                "dispute": "SELECT DISTINCT dispute FROM disputes.dispute ORDER BY dispute LIMIT 2",
                "sha256": "SELECT DISTINCT sha256 FROM disputes.evidence",
            }.items()
        }
    found = [f"/v1/books/{BOOK}{path}" for path in FILTERED]
    for path in of_a_moment():
        name = "credit_note" if "/credit-notes/" in path else "invoice" if "{number}" in path else "customer"
        values = names[name][:1] if path.endswith((".pdf", ".html", ".xml")) else names[name]
        made = {
            path.format(book=BOOK, number=value, customer=value, dispute=dispute, sha256=names["sha256"][0])
            for value in values
            for dispute in names["dispute"]
        }
        found += sorted(made)
    return found


class Moment(NamedTuple):
    as_of_position: int | None = None
    as_of_recorded: str | None = None
    as_of_occurred: str | None = None

    @property
    def asked(self) -> dict[str, str | int]:
        return {name: value for name, value in self._asdict().items() if value is not None}


def moments(service: Service) -> Iterator[Moment]:
    """Draw moments: where something was recorded, or had occurred, or one of each."""
    lot = random.Random(7)  # noqa: S311 - a lot that can be drawn again
    with psycopg.connect(service.database) as connection:
        rows = connection.execute(
            "SELECT position, recorded_at, occurred_at FROM ledger.event WHERE book = %s ORDER BY position",
            (BOOK,),
        ).fetchall()

    def position() -> int:
        return int(rows[lot.randrange(len(rows) // 3, len(rows))][0])

    def occurred() -> datetime:
        found: datetime = rows[lot.randrange(len(rows) // 3, len(rows))][2]
        return found

    yield Moment(position())
    yield Moment(as_of_recorded=rows[len(rows) // 2][1].isoformat())
    yield Moment(as_of_occurred=str(occurred().date()))
    yield Moment(position(), as_of_occurred=occurred().isoformat())
    yield Moment(position(), as_of_occurred=str(occurred().date() + timedelta(days=40)))


def test_every_read_as_of_any_moment_is_what_a_replay_of_it_says(service: Service) -> None:
    asked, differ = addresses(service), []
    assert len(asked) > 120
    for moment in moments(service):
        with connect(service.database) as connection:
            past = past_at(connection, BOOK, *moment)
        answers = {address: service.read(address, **moment.asked) for address in asked}
        assert sum(answer[0] == 200 for answer in answers.values()) > 60
        with service.replayed(past):
            for address in asked:
                then = service.read(address)
                if then != answers[address]:
                    differ.append((moment, address, then, answers[address]))
    assert not differ, f"{len(differ)}: {differ[:3]}"
