"""The reports of finance over HTTP: what a fold of the same events in Python says, page by page."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from tests.api.live import Caller, Json
from tests.ledger.asks import charge, issue, pay, recover, void_note, write_off
from tests.ledger.world import Ask
from tests.log.posting import read_log
from tests.projections.report_model import AGES, Reports

FAR = date(2100, 1, 1)


def moments(events: list[Json]) -> list[tuple[dict[str, str | int], int, date]]:
    """What is asked, and the position and day up to which events count."""
    half, head = len(events) // 2, len(events)
    recorded = datetime.fromisoformat(events[half]["recordedtime"])
    known = max(e["position"] for e in events if datetime.fromisoformat(e["recordedtime"]) <= recorded)
    day = date(2026, 3, 3)
    return [
        ({}, head, FAR),
        ({"as_of_position": half}, half, FAR),
        ({"as_of_recorded": recorded.isoformat()}, known, FAR),
        ({"as_of_occurred": day.isoformat()}, head, day),
        ({"as_of_position": half, "as_of_occurred": day.isoformat()}, half, day),
    ]


@pytest.mark.parametrize("place", range(5))
def test_reports_as_of_any_moment_are_what_the_events_say(
    told: Caller, events: list[Json], place: int
) -> None:
    asked, position, day = moments(events)[place]
    model = Reports(read_log(told.live.database, told.book).events, position, day)
    tax: dict[tuple[str, ...], Json] = {
        (each["month"], each["category"], each["rate"], each["currency"]): each
        for each in told.walk("/reports/tax", limit=1, **asked)
    }
    for (*key, kind, part), amount in model.tax.items():
        name = part if kind == "invoiced" else f"{kind}_{part}"
        assert tax[tuple(key)][name] == amount
    revenue = told.walk("/reports/revenue", limit=2, **asked)
    found = {
        (each["month"], each["service"], each["currency"], kind): each[kind]
        for each in revenue
        for kind in ("recognised", "discounts", "credited")
        if each[kind]
    }
    assert found == {key: amount for key, amount in model.revenue.items() if amount}
    assert [each["net"] for each in revenue] == [
        each["recognised"] - each["discounts"] - each["credited"] for each in revenue
    ]


@pytest.mark.parametrize("place", range(5))
def test_aging_as_of_any_moment_is_what_the_events_say(told: Caller, events: list[Json], place: int) -> None:
    asked, position, day = moments(events)[place]
    whole = told.read("/reports/aging", limit=1_000, **asked)
    model = Reports(read_log(told.live.database, told.book).events, position, day)
    model.day = date.fromisoformat(whole["as_of"])
    assert day in (FAR, model.day)
    names = (*AGES, "disputed")
    found = {
        (each["customer"], each["currency"]): +Counter({name: each[name] for name in names})
        for each in whole["items"]
    }
    assert found == model.aging
    assert told.walk("/reports/aging", limit=2, **asked) == whole["items"]
    sums: dict[str, Counter[str]] = {}
    for each in whole["items"]:
        sums.setdefault(each["currency"], Counter()).update({n: each[n] for n in (*names, "total")})
    assert whole["totals"] == [{"currency": key, **dict(total)} for key, total in sorted(sums.items())]
    one = whole["items"][0]["customer"]
    assert told.read("/reports/aging", customer=one, **asked)["items"] == [
        each for each in whole["items"] if each["customer"] == one
    ]


def test_debt_grows_old_day_by_day(alice: Caller) -> None:
    at = datetime(2026, 1, 5, 12).astimezone()
    for ask in (charge("a", 100), issue()):
        position = alice.tell(ask, at=at)["events"][-1]["position"]
    due_on = at.date() + timedelta(days=14)
    for days, age in ((0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (900, 4)):
        day = (due_on + timedelta(days=days)).isoformat()
        (found,) = alice.read("/reports/aging", as_of_occurred=day, min_position=position)["items"]
        assert [found[name] for name in AGES] == [100 if place == age else 0 for place in range(5)], day


def test_an_invoice_tells_what_was_given_up_and_made_good(alice: Caller) -> None:
    asks: list[Ask] = [
        charge("a", 100), issue(), write_off("INV-1"), recover("INV-1", 40, "late"),
        ("credit_note.issue", {"invoice": "INV-1", "lines": [{"line": 1, "net": 10}], "reason": "damaged"}),
        void_note("CN-1"), pay("p", 10),
    ]  # fmt: skip
    for ask in asks:
        position = alice.tell(ask)["events"][-1]["position"]
    invoice = alice.read("/invoices/INV-1", min_position=position)
    assert (invoice["state"], invoice["written_off"], invoice["allocated"]) == ("paid", 50, 50)
    assert [each["amount"] for each in invoice["debts"]] == [100, -40, -10]
    assert [each["credit_note"] for each in invoice["debts"]] == [None, None, "CN-1"]
    assert invoice["credit_notes"][0]["voided_at"] is not None
