"""Deadlines act by themselves in a running service: once each, whoever is killed, where nobody answered."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import LiteralString, NamedTuple

import psycopg
import pytest
from tests.api.live import Live
from tests.ledger import asks
from tests.ledger.world import Ask
from tests.log.posting import writer
from tests.projections.histories import OPEN_BOOK, message, post

from ledger import decider
from ledger.disputes.deadline import SOURCE
from ledger.event import LEDGER
from ledger.log import store
from ledger.log.writer import Writer
from ledger.message import Message
from ledger_api.deadlines import AGAIN_SECONDS, Deadlines, Due
from ledger_api.reading import Reader

BOOK = "main"
AGO = timedelta(days=3)
"""So long ago everything was recorded, by the clock of a database that was slow."""
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@contextmanager
def recording(database: str, monkeypatch: pytest.MonkeyPatch, ago: timedelta) -> Iterator[Writer]:
    """Record as it would have been some time ago."""
    clock = f"clock_timestamp() - interval '{ago.total_seconds()} seconds'"
    with monkeypatch.context() as patched:
        patched.setitem(store._SQL, "lock_head", store._SQL["lock_head"].replace("clock_timestamp()", clock))
        with writer(database) as works:
            yield works


def life(customer: str, *asks_: Ask) -> list[Message]:
    opening: Ask = ("customer.opened", {"currency": "EUR"})
    told = [opening, asks.charge("c1", 1000), asks.issue(), asks.pay("p1", 1000), *asks_]
    return [message(ask, f"{customer} {place}", MARCH, customer) for place, ask in enumerate(told)]


def tell(works: Writer, lives: list[list[Message]]) -> None:
    opening = message(OPEN_BOOK, "book", MARCH)
    outcomes = post(works, BOOK, [opening, *(each for told in lives for each in told)])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]


class Acted(NamedTuple):
    customer: str
    type: str
    source: str
    principal: str
    outcome: str | None
    occurred_at: datetime


def acted(database: str) -> list[Acted]:
    """All that the ledger did by itself about deadlines."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT customer, type, source, principal, ledger.data_of(state) ->> 'outcome', occurred_at"
            " FROM ledger.event WHERE book = %s AND principal = %s ORDER BY position", (BOOK, LEDGER),
        )  # fmt: skip
        return [Acted(*row) for row in rows]


def until(done: int, database: str) -> list[Acted]:
    deadline = time.monotonic() + 60
    while len(found := acted(database)) < done:
        assert time.monotonic() < deadline, f"{len(found)} of {done}"
        time.sleep(0.02)
    return found


def test_each_deadline_acts_once_with_two_services_that_are_killed(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [life(f"late-{n}", asks.chargeback("d", "p1", 400, respond_by="2026-03-10")) for n in range(250)]
    complaints = [
        life(f"care-{n}", asks.complain("d", f"INV-{251 + n}", 5, respond_by="2026-03-10")) for n in range(50)
    ]
    others = [
        life("answered", asks.chargeback("d", "p1", 400, respond_by="2026-03-10"), asks.evidence("d")),
        life("resolved", asks.chargeback("d", "p1", 400, respond_by="2026-03-10"), asks.resolve("d", "won")),
        life("asked", asks.inquire("d", payment="p1", respond_by="2026-03-10")),
        life("later", asks.chargeback("d", "p1", 400, respond_by="2999-01-01")),
    ]
    with recording(database, monkeypatch, AGO) as works:
        tell(works, [*late, *complaints, *others])
    services = [Live(database, deadline_look_seconds_max=0.1) for _ in range(2)]
    try:
        for service in services:
            service.start()
        until(1, database)
        services[0].stop(signal.SIGKILL)
        services[0].start()
        until(120, database)
        services[1].stop(signal.SIGKILL)
        services[1].start()
        found = until(300, database)
        time.sleep(1)  # more rounds of both
        assert acted(database) == found
    finally:
        for service in services:
            if service.runs:
                service.stop()
    assert {each.source for each in found} == {SOURCE}
    assert sorted(each.customer for each in found) == sorted(
        [*(f"late-{n}" for n in range(250)), *(f"care-{n}" for n in range(50))]
    )
    assert {(each.customer[:4], each.type, each.outcome) for each in found} == {
        ("late", "dispute.resolved", "lost"), ("care", "dispute.escalated", None),
    }  # fmt: skip
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT min(recorded_at) FROM ledger.event").fetchone()
    assert row is not None
    assert min(each.occurred_at for each in found) - row[0] >= timedelta(days=1)


def test_nothing_acts_before_a_full_day_after_it_was_recorded(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All days were over long ago: one was recorded a day ago, in three seconds; another will be in an hour.

    A third passed on a day that was closed since: it is dated as of now.
    """
    with recording(database, monkeypatch, AGO) as works:
        tell(works, [life("closed", asks.chargeback("d", "p1", 400, respond_by="2026-03-10"))])
    with recording(database, monkeypatch, timedelta(hours=24) - timedelta(seconds=3)) as works:
        tell(works, [life("now", asks.chargeback("d", "p1", 400, respond_by="2026-03-10"))])
    with recording(database, monkeypatch, timedelta(hours=23)) as works:
        early = life("early", asks.chargeback("d", "p1", 400, respond_by="2026-03-10"))
        assert post(works, BOOK, early)
    now = datetime.now(UTC)
    closing: Ask = ("period.closed", {"through": str((now - timedelta(days=1, hours=3)).date())})
    with writer(database) as works:
        (closed,) = post(works, BOOK, [message(closing, "close", now)])
    assert not isinstance(closed, Exception)
    service = Live(database, deadline_look_seconds_max=10)
    service.start()
    try:
        began = time.monotonic()
        found = until(2, database)
        assert time.monotonic() - began < 45
        assert {each.customer for each in found} == {"now", "closed"}
        assert min(each.occurred_at for each in found if each.customer == "closed") >= now
        time.sleep(0.5)
        assert acted(database) == found
    finally:
        service.stop()


class Proposing(Reader):
    """Proposes these deadlines, as the read model would."""

    def __init__(self, due: Sequence[Due]) -> None:
        self._due = due

    async def rows(
        self, query: LiteralString, values: Mapping[str, object], *, binary: bool = False
    ) -> list[tuple[object, ...]]:
        """Give them all."""
        del query, values, binary
        return [tuple(each) for each in self._due]


def test_a_defect_in_one_dispute_stops_no_other(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 3, 10)
    names = [f"late-{n}" for n in range(4)]
    with recording(database, monkeypatch, AGO) as works:
        tell(works, [life(name, asks.chargeback("d", "p1", 400, respond_by=str(day))) for name in names])
    decide, acts_at = decider.decide, datetime.now(UTC) - timedelta(days=1)
    due = [Due(acts_at, BOOK, name, "d", day, -1.0) for name in names]

    def defective(*arguments: object) -> list[decider.Draft]:
        if "late-1" in str(arguments[2]):
            raise KeyError("a defect")
        return decide(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decider, "decide", defective)
    with writer(database) as works:
        seconds = asyncio.run(Deadlines(Proposing(due), works, 600).act())
    assert seconds == AGAIN_SECONDS
    assert [each.customer for each in acted(database)] == ["late-0", "late-2", "late-3"]
