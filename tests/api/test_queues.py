"""The queue of disputes: the next deadline first, then who waits longest; and who works on how many."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from tests.api.live import AT, Caller, Json, problem
from tests.ledger.asks import (
    assign,
    charge,
    chargeback,
    complain,
    escalate,
    evidence,
    inquire,
    issue,
    pay,
    resolve,
    withdraw,
)  # fmt: skip

LONG_AGO, FAR = "2026-03-02", "2999-12-31"
FILE = b"signed for by the customer"
HASH = hashlib.sha256(FILE).hexdigest()


def put(caller: Caller, dispute: str, position: int) -> None:
    """Store a file before it is submitted as evidence; a service that only starts is waited for."""
    caller.read("/disputes", min_position=position)
    address = f"{caller.at}/customers/alice/disputes/{dispute}/evidence"
    caller.client.put(address, content=FILE, headers={"content-type": "text/plain"}).raise_for_status()


@pytest.fixture
def busy(alice: Caller) -> Caller:
    """Disputes of every kind, each opened an hour after the one before."""
    told = [
        charge("c1", 1000), issue(), pay("p1", 1000),
        complain("waits", "INV-1", 10), complain("escalated", "INV-1", 10, respond_by=FAR),
        inquire("asked", payment="p1", respond_by="2026-06-01"),
        chargeback("late", "p1", 100, respond_by=LONG_AGO),
        chargeback("answered", "p1", 100, respond_by=LONG_AGO),
        chargeback("lost", "p1", 100, respond_by=LONG_AGO),
        chargeback("later", "p1", 100, respond_by=LONG_AGO),
        assign("late", "ann"), assign("asked", "bob"), assign("escalated", "ann"), escalate("escalated"),
        evidence("answered", sha256=HASH, size=len(FILE)), withdraw("answered"), resolve("lost", "lost"),
    ]  # fmt: skip
    position = 0
    for hours, ask in enumerate(told):
        if ask[0] == "dispute.submit_evidence":
            put(alice, "answered", position)
        position = alice.tell(ask, at=AT + timedelta(hours=hours))["events"][-1]["position"]
    alice.read("/disputes", min_position=position)
    return alice


def names(items: list[Json]) -> list[str]:
    return [item["dispute"] for item in items]


def test_the_next_deadline_comes_first_then_who_waits_longest(busy: Caller) -> None:
    order = ["late", "later", "asked", "escalated", "waits", "answered"]
    assert names(busy.read("/queues/disputes")["items"]) == order
    for limit in (1, 2, 5):
        assert names(busy.walk("/queues/disputes", limit=limit)) == order


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"kind": "chargeback"}, ["late", "later", "answered"]),
        ({"assignee": "ann"}, ["late", "escalated"]),
        ({"assigned": "false"}, ["later", "waits", "answered"]),
        ({"overdue": "true"}, ["late", "later", "asked"]),
        ({"overdue": "false", "assigned": "true"}, ["escalated"]),
    ],
)
def test_a_part_of_the_queue(busy: Caller, filters: dict[str, str], expected: list[str]) -> None:
    assert names(busy.walk("/queues/disputes", limit=1, **filters)) == expected


def test_what_each_one_says(busy: Caller) -> None:
    items = {item["dispute"]: item for item in busy.read("/queues/disputes")["items"]}
    late, answered, escalated = items["late"], items["answered"], items["escalated"]
    assert (late["overdue"], late["deadline"], late["assignee"]) == (True, LONG_AGO, "ann")
    assert late["untouched_hours"] == 4 < late["waiting_hours"]
    assert (answered["deadline"], answered["evidence"], answered["overdue"]) == (None, 1, False)
    assert answered["withdrawn_at"] is not None
    assert (escalated["level"], escalated["escalated_to"], escalated["deadline"]) == (1, "head_of_care", FAR)
    assert items["waits"]["touched_at"] is None
    assert items["waits"]["waiting_hours"] == items["waits"]["untouched_hours"] > 24
    (lost,) = [item for item in busy.read("/disputes")["items"] if item["state"] == "resolved"]
    assert (lost["dispute"], lost["respond_by"], lost["deadline"]) == ("lost", LONG_AGO, None)


def test_who_works_on_how_many(busy: Caller) -> None:
    waiting, ann, bob = busy.read("/reports/disputes")["assignees"]
    assert (waiting["assignee"], waiting["open"], waiting["overdue"], waiting["untouched"]) == (None, 3, 1, 2)
    assert (ann["assignee"], ann["complaints"], ann["chargebacks"], ann["escalated"]) == ("ann", 1, 1, 1)
    assert (bob["assignee"], bob["open"], bob["inquiries"], bob["next_deadline"]) == (
        "bob",
        1,
        1,
        "2026-06-01",
    )
    busy.tell(assign("late"), at=AT + timedelta(days=2))
    receipt = busy.tell(assign("escalated", "bob"), at=AT + timedelta(days=2))
    after = busy.read("/reports/disputes", min_position=receipt["events"][-1]["position"])["assignees"]
    assert [(each["assignee"], each["open"]) for each in after] == [(None, 4), ("bob", 2)]


def test_an_inquiry_and_its_chargeback_are_linked(busy: Caller) -> None:
    receipt = busy.tell(chargeback("follows", "p1", 50, inquiry="asked"), at=AT + timedelta(days=2))
    items = busy.read("/disputes", min_position=receipt["events"][-1]["position"])["items"]
    found = {item["dispute"]: item for item in items}
    assert found["follows"]["inquiry"] == "asked"
    assert (found["asked"]["state"], found["asked"]["outcome"]) == ("resolved", "lost")


def test_the_queue_as_of_a_moment_has_waited_until_then(busy: Caller) -> None:
    (opened,) = busy.read("/events", type="dispute.opened", limit=1)["items"]
    assert busy.read("/queues/disputes", as_of_position=opened["position"] - 1)["items"] == []
    (first,) = busy.read("/queues/disputes", as_of_position=opened["position"])["items"]
    assert (first["dispute"], first["overdue"]) == ("waits", False)
    then = {"as_of_occurred": (AT + timedelta(hours=7)).isoformat()}
    items = {item["dispute"]: item for item in busy.read("/queues/disputes", **then)["items"]}
    assert list(items) == ["late", "answered", "asked", "escalated", "waits"]
    assert [item["waiting_hours"] for item in items.values()] == [1, 0, 2, 3, 4]
    assert not any(item["overdue"] for item in items.values())
    next_day = busy.read("/queues/disputes", as_of_occurred="2026-03-03", overdue="true")["items"]
    assert names(next_day) == ["late", "later"]


def test_the_pages_of_the_queue_are_its_own(busy: Caller) -> None:
    token = busy.read("/queues/disputes", limit=1)["next"]
    assert problem(busy.get("/disputes", page=token)) == (400, "page_unknown")
    assert problem(busy.get("/queues/disputes", page=token, kind="inquiry")) == (400, "page_unknown")
