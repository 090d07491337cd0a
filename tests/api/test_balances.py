"""Balances, statements and the trial balance, on both clocks, against what the events come to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from tests.api import history
from tests.api.history import CUSTOMERS
from tests.api.live import Caller, Json, problem
from tests.ledger.asks import charge, pay


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_balances_are_what_the_events_come_to(told: Caller, events: list[Json], customer: str) -> None:
    found = told.read(f"/customers/{customer}/balance", min_position=len(events))
    assert found == {"customer": customer, "balances": history.balances(events, customer)}


@pytest.mark.parametrize("customer", CUSTOMERS[::3])
def test_balances_as_of_any_position(told: Caller, events: list[Json], customer: str) -> None:
    opened = next(e["position"] for e in events if e.get("subject") == customer)
    for position in range(opened, len(events), 9):
        answer = told.get(f"/customers/{customer}/balance", as_of_position=position)
        assert answer.json()["balances"] == history.balances(events, customer, history.by_position(position))
        assert answer.headers["ledger-position"] == str(position)
    assert problem(told.get(f"/customers/{customer}/balance", as_of_position=opened - 1)) == (
        404,
        "customer_unknown",
    )


def test_balances_as_of_any_recorded_instant_include_the_instant(told: Caller, events: list[Json]) -> None:
    for before, event in list(pairwise(events))[::20]:
        recorded = datetime.fromisoformat(event["recordedtime"])
        customer = event.get("subject")
        if customer is None or before.get("subject") != customer:
            continue
        for instant in (recorded, recorded - timedelta(microseconds=1)):
            found = told.read(f"/customers/{customer}/balance", as_of_recorded=instant.isoformat())
            assert found["balances"] == history.balances(events, customer, history.by_recorded(instant))


def test_balances_as_of_any_occurred_instant_or_date(told: Caller, events: list[Json]) -> None:
    customer = CUSTOMERS[6]
    own = [datetime.fromisoformat(e["time"]) for e in events if e.get("subject") == customer]
    moments: list[date | datetime] = [*own[::3], *(at - timedelta(microseconds=1) for at in own[::3])]
    moments += [at.date() for at in own[::4]]
    for moment in moments:
        found = told.read(f"/customers/{customer}/balance", as_of_occurred=moment.isoformat())
        assert found["balances"] == history.balances(events, customer, history.by_occurred(moment)), moment


def test_both_clocks_together_tell_what_was_known_then_of_what_occurred_by_then(alice: Caller) -> None:
    long_ago, late = datetime(2025, 6, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    alice.tell(charge("a", 100), at=late)
    known = alice.head
    alice.tell(charge("b", 10), at=long_ago)
    events = alice.walk_feed()
    for position, until, expected in (
        (known, late, 100), (known, long_ago, 0), (known + 1, late, 110), (known + 1, long_ago, 10),
    ):  # fmt: skip
        found = alice.read(
            "/customers/alice/balance", as_of_position=position, as_of_occurred=until.isoformat()
        )
        assert sum(each["unbilled"] for each in found["balances"]) == expected
        keep = history.both(history.by_position(position), history.by_occurred(until))
        assert found["balances"] == history.balances(events, "alice", keep)


def test_a_day_ends_in_the_time_zone_of_the_book(alice: Caller) -> None:
    alice.tell(charge("a", 100), at=datetime(2026, 1, 31, 22, 59, tzinfo=UTC))
    alice.tell(charge("b", 10), at=datetime(2026, 1, 31, 23, 0, tzinfo=UTC))
    for day, unbilled in (("2026-01-31", 100), ("2026-02-01", 110)):
        found = alice.read("/customers/alice/balance", as_of_occurred=day, min_position=4)
        assert [each["unbilled"] for each in found["balances"]] == [unbilled]


def test_the_trial_balance_sums_to_zero_and_agrees_with_the_events(told: Caller, events: list[Json]) -> None:
    half = len(events) // 2
    day = datetime.fromisoformat(events[half]["time"]).date()
    recorded = datetime.fromisoformat(events[half]["recordedtime"])
    asked: list[tuple[dict[str, str | int], history.Keep]] = [
        ({}, lambda _: True),
        ({"as_of_position": half}, history.by_position(half)),
        ({"as_of_recorded": recorded.isoformat()}, history.by_recorded(recorded)),
        ({"as_of_occurred": day.isoformat()}, history.by_occurred(day)),
    ]
    for parameters, keep in asked:
        found = told.read("/reports/trial-balance", **parameters)
        assert {total["difference"] for total in found["totals"]} == {0}
        accounts = {
            (a["account"], a["currency"]): (a["debit"], a["credit"])
            for a in found["accounts"]
            if a["account"] in (*history.OWED, "unbilled")
        }
        assert accounts == history.totals(events, keep), parameters


@pytest.mark.parametrize("customer", CUSTOMERS[::2])
def test_a_statement_leads_from_entry_to_entry_to_the_balance(
    told: Caller, events: list[Json], customer: str
) -> None:
    expected = {each["currency"]: each["balance"] for each in history.balances(events, customer)}
    items = told.walk(f"/customers/{customer}/statement", limit=3)
    assert items == told.walk(f"/customers/{customer}/statement", limit=1_000)
    running: dict[str, int] = {}
    for item in items:
        running[item["currency"]] = running.get(item["currency"], 0) + item["amount"]
        assert item["balance"] == running[item["currency"]]
        assert item["amount"] == item["receivable"] + item["disputed"] - item["credit"]
        assert item["type"] == events[item["position"] - 1]["type"]
    assert running == {currency: expected[currency] for currency in running}
    since = items[len(items) // 2]["occurred_on"]
    later = told.walk(f"/customers/{customer}/statement", limit=2, **{"from": since})
    assert later == [item for item in items if item["occurred_on"] >= since]


def test_a_statement_stays_as_of_its_first_page(alice: Caller) -> None:
    for number in range(4):
        alice.tell(pay(f"p{number}", 100))
    first = alice.get("/customers/alice/statement", limit=2, min_position=6)
    alice.tell(pay("late", 50), at=datetime(2026, 2, 1, tzinfo=UTC))
    second = alice.client.get(first.links["next"]["url"])
    assert [item["balance"] for item in first.json()["items"] + second.json()["items"]] == [
        -100, -200, -300, -400,
    ]  # fmt: skip
    assert first.headers["ledger-position"] == second.headers["ledger-position"] == "6"
    assert len(alice.read("/customers/alice/statement", min_position=7)["items"]) == 5
