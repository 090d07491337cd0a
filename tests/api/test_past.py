"""Every read as of any earlier moment: what it answers is what it answered then."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import LiteralString

import pytest
from tests.api import history
from tests.api.history import START
from tests.api.live import Caller, Json, Live, open_book, problem
from tests.ledger.asks import charge, issue, pay, percent_off, revoke

from ledger.database import connect, reader_pool
from ledger.errors import Unavailable
from ledger.notices import Notices
from ledger_api.reading import Reader
from ledger_projections import past

CUSTOMERS = [f"c-{number:02}" for number in range(1, 7)]
OF_CUSTOMER = ("", "/balance", "/balance/explain", "/statement", "/invoices", "/disputes", "/discounts")
OF_BOOK = (
    "/customers", "/invoices", "/disputes", "/discounts", "/reports/trial-balance", "/reports/revenue",
    "/reports/tax", "/invoices?state=open&limit=3", "/invoices?in_dispute=true",
    "/customers?status=open&limit=2",
    "/disputes?state=open", "/discounts?state=granted",
)  # fmt: skip


def interleaved(seed: int) -> Iterator[tuple[str, Json, datetime]]:
    """Let customers live side by side, in an order drawn by lot."""
    lot = random.Random(seed)  # noqa: S311 - a lot that can be drawn again
    numbers = iter(f"INV-{number}" for number in range(1, 1_000))
    lives = {name: history.life(number, numbers) for number, name in enumerate(CUSTOMERS, start=1)}
    at = {name: START + timedelta(days=lot.randrange(9)) for name in CUSTOMERS}
    while lives:
        name = lot.choice(sorted(lives))
        try:
            ask = next(lives[name])
        except StopIteration:
            del lives[name]
            continue
        at[name] += timedelta(hours=lot.randrange(1, 60))
        yield name, ask, at[name]


def answers(caller: Caller, customer: str, **moment: int | str) -> dict[str, Json]:
    """Ask everything: of one customer, and of the book, lists to their ends."""
    paths = [f"/customers/{customer}{path}" for path in OF_CUSTOMER] + list(OF_BOOK)
    found = {}
    for path in paths:
        bare, _, query = path.partition("?")
        asked = {**moment, **dict(part.split("=") for part in query.split("&") if part)}
        page = caller.read(bare, **asked)
        found[path] = caller.walk(bare, **asked) if "next" in page else page
    for invoice in found[f"/customers/{customer}/invoices"]:
        path = f"/invoices/{invoice['invoice']}"
        found[path] = caller.read(path, **moment)
        found[f"{path}/explain"] = caller.read(f"{path}/explain", **moment)
    return found


def test_workspaces_that_somebody_holds_keep_nobody_waiting_for_ever(
    live: Live, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "TURN_SECONDS_MAX", 0.3)
    moment = past.Past(alice.book, 2, day="infinity", instant="infinity", today="2026-03-01")
    query: LiteralString = "SELECT c.customer FROM customers.customer AS c WHERE c.book = %(book)s"
    question = past.Question(["alice"], ("customers",), query, {"book": alice.book})

    async def ask(questions: int) -> list[object]:
        async with reader_pool(live.database, size_max=4) as pool:
            reader = Reader(pool, Notices(live.database), 1, 1)
            asked = (reader.items_as_of(moment, question) for _ in range(questions))
            return [*await asyncio.gather(*asked, return_exceptions=True)]

    with connect(live.database) as holder, holder.transaction():
        for workspace in range(1, past.WORKSPACES + 1):
            holder.execute(f'LOCK TABLE "log@past{workspace}".turn IN EXCLUSIVE MODE'.encode())
        began = time.monotonic()
        answers = asyncio.run(ask(40))
        assert time.monotonic() - began < 40 / past.WORKSPACES * past.TURN_SECONDS_MAX
        assert [type(answer) for answer in answers] == [Unavailable] * 40
    assert asyncio.run(ask(1)) == [(2, [{"customer": "alice"}])]


@pytest.mark.parametrize("seed", [3])
def test_what_is_answered_as_of_a_position_was_answered_at_that_position(
    live: Live, book: Caller, seed: int
) -> None:
    given: dict[tuple[str, int], dict[str, Json]] = {}
    lot = random.Random(seed)  # noqa: S311 - a lot that can be drawn again
    caller = open_book(live, book.client, **history.BOOK)
    for name, ask, at in interleaved(seed):
        receipt = caller.tell(ask, customer=name, at=at)
        if lot.randrange(7) == 0:
            head = receipt["events"][-1]["position"]
            for path in (
                "/customers",
                "/invoices",
                "/disputes",
                "/discounts",
                "/reports/trial-balance",
                "/reports/tax",
            ):
                caller.read(path, min_position=head)
            given[name, head] = answers(caller, name)
    assert len(given) > 5
    for (name, head), then in given.items():
        now = answers(caller, name, as_of_position=head)
        assert {path: now.get(path) for path in then} == then, (name, head)


def test_both_clocks_together_count_in_lists(alice: Caller) -> None:
    early, late = datetime(2026, 2, 1, 12).astimezone(), datetime(2026, 3, 5, 12).astimezone()
    alice.tell(charge("a", 100), at=early)
    number = alice.tell(issue(), at=early)["events"][-1]["position"]
    paid = alice.tell(pay("p", 1_000_000), at=late)["events"][-1]["position"]
    (recorded,) = alice.read("/events", after=number - 1, limit=1)["items"]

    def due(**moment: str | int) -> list[int]:
        found = alice.read("/customers/alice/invoices", **moment)["items"]
        single = [alice.read(f"/invoices/{each['invoice']}", **moment)["due"] for each in found]
        assert single == [each["due"] for each in found]
        return single

    total = due(as_of_position=number)
    assert total
    assert total[0] > 0
    assert due() == due(as_of_position=paid) == [0]
    assert due(as_of_recorded=recorded["recordedtime"]) == total
    assert due(as_of_occurred=late.date().isoformat()) == [0]
    assert due(as_of_occurred="2026-03-04") == total
    assert due(as_of_occurred="2026-01-31") == []
    assert due(as_of_occurred=early.isoformat(), as_of_position=paid) == total
    assert problem(alice.get("/invoices/INV-1", as_of_position=number - 1)) == (404, "invoice_unknown")
    assert problem(alice.get("/customers/alice", as_of_position=1)) == (404, "customer_unknown")
    assert problem(alice.get("/customers/alice/invoices", as_of_position=1)) == (404, "customer_unknown")
    assert problem(alice.get("/invoices", as_of_position=paid + 9)) == (422, "as_of_in_future")
    assert alice.read("", as_of_position=number)["position"] == number


def test_what_occurred_later_is_not_there_yet(alice: Caller) -> None:
    granted, ended = datetime(2026, 3, 5, 12).astimezone(), datetime(2026, 3, 8, 12).astimezone()
    alice.tell(percent_off("ten", "10"), at=granted)
    revoked = alice.tell(revoke("ten"), at=ended)["events"][-1]["position"]
    for path in ("/discounts", "/customers/alice/discounts"):
        for day, states in (("2026-03-03", []), ("2026-03-05", ["granted"]), ("2026-03-08", ["revoked"])):
            found = alice.read(path, as_of_occurred=day, min_position=revoked)["items"]
            assert [each["state"] for each in found] == states, (path, day)
    assert alice.read("/reports/discount-authority", as_of_occurred="2026-03-03")["use"] == []


def test_what_was_overdue_is_told_as_of_that_day(alice: Caller) -> None:
    at = datetime(2026, 2, 1, 12).astimezone()
    alice.tell(charge("a", 100), at=at)
    issued = alice.tell(issue(), at=at)["events"][-1]["position"]
    due_on = alice.read("/invoices", as_of_occurred="2026-02-10", min_position=issued)["items"][0]["due_on"]
    after = str(datetime.fromisoformat(due_on).date() + timedelta(days=1))
    for day, overdue in ((due_on, False), (after, True)):
        assert [each["overdue"] for each in alice.read("/invoices", as_of_occurred=day)["items"]] == [overdue]
        assert len(alice.read("/invoices", as_of_occurred=day, overdue="true")["items"]) == overdue
