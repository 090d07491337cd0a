"""Dunning over HTTP and from the command line: what is due is sent, once, by however many runs at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.api.command import run
from tests.api.live import NDJSON, Caller, Json, Live, problem, serving, write
from tests.ledger.asks import charge, complain, dunning_policy, issue, pay
from tests.ledger.world import Ask

BILLED = datetime(2026, 1, 10, 12, tzinfo=UTC)
"""What is billed then is due on 24 January."""
POLICY = dunning_policy((3, "friendly", 500), (10, "firm", 0), from_="2026-01-01")
TODAY = datetime.now(UTC).date()


def bill(caller: Caller, customers: Sequence[str], net: int = 1000) -> int:
    """Open customers who each get one invoice; tells the position after all of it."""
    raws = []
    for customer in customers:
        life: tuple[Ask, ...] = (("customer.opened", {"currency": "EUR"}), charge("a", net), issue())
        raws += [write(ask, customer=customer, at=BILLED) for ask in life]
    caller.post(b"\n".join(raws), NDJSON)
    return caller.head


@pytest.fixture
def dunned(book: Caller) -> Caller:
    """Open a book that reminds of invoices after 3 and 10 days."""
    book.tell(POLICY, at=BILLED)
    return book


def send(caller: Caller, through: date | str = TODAY, **more: str | int) -> Json:
    parameters: dict[str, str | int] = {"through": str(through), **more}
    answer = caller.client.post(f"{caller.at}/remind", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sent(caller: Caller, position: int | None = None) -> list[tuple[str, int]]:
    found = caller.walk("/reminders", min_position=position or caller.head)
    return [(item["invoice"], item["step"]) for item in found]


def test_a_run_sends_what_is_due_and_nothing_twice(dunned: Caller) -> None:
    bill(dunned, ["paid", "open", "disputed", "small"])
    dunned.tell(pay("p", 1000), customer="paid")
    dunned.tell(complain("d", "INV-3", 400), customer="disputed")
    dunned.tell(pay("p", 700), customer="small")
    first = send(dunned)
    told = [(item["invoice"], item["kind"], item["amount"], item["status"]) for item in first["items"]]
    assert told == [("INV-2", "friendly", 1000, "sent"), ("INV-3", "friendly", 600, "sent")]
    assert send(dunned)["items"] == []
    assert sent(dunned) == [("INV-2", 1), ("INV-3", 1)]
    events = [event for event in dunned.walk_feed() if event["type"] == "reminder.sent"]
    assert [(event["source"], event["id"], event["principal"]) for event in events] == [
        ("ledger/dunning", "INV-2/1", "tester"), ("ledger/dunning", "INV-3/1", "tester"),
    ]  # fmt: skip


def test_a_dry_run_tells_the_same_and_sends_nothing(dunned: Caller) -> None:
    position = bill(dunned, ["a", "b"])
    dry = send(dunned, dry_run="true")
    assert [(item["invoice"], item["status"]) for item in dry["items"]] == [
        ("INV-1", "ready"),
        ("INV-2", "ready"),
    ]
    assert dunned.head == position
    assert [item | {"status": "ready"} for item in send(dunned)["items"]] == dry["items"]


def test_only_what_is_due_through_the_day_is_sent(dunned: Caller) -> None:
    bill(dunned, ["a"])
    assert send(dunned, "2026-01-26")["items"] == []
    assert len(send(dunned, "2026-01-27")["items"]) == 1
    assert send(dunned, TODAY + timedelta(days=400))["items"] == [], "a day ahead of now is not today"


def test_pages_of_a_run_go_on_where_the_one_before_ended(dunned: Caller) -> None:
    bill(dunned, [f"c{number}" for number in range(7)])
    found, page = [], send(dunned, limit=3)
    while page["next"]:
        found += page["items"]
        page = send(dunned, limit=3, page=page["next"])
    found += page["items"]
    assert [item["invoice"] for item in found] == [f"INV-{number}" for number in range(1, 8)]
    assert sent(dunned) == [(f"INV-{number}", 1) for number in range(1, 8)]


def test_runs_at_once_in_two_processes_send_each_reminder_once(dunned: Caller, live: Live) -> None:
    bill(dunned, [f"c{number}" for number in range(200)])
    key = live.key(book=dunned.book)[1]
    with serving(live.database) as other, ThreadPoolExecutor(8) as threads:
        clients = [service.client(key) for service in (live, other) for _ in range(4)]
        runs = [threads.submit(send, Caller(live, client, dunned.book), limit=1000) for client in clients]
        statuses = [(item["status"], item["code"]) for each in runs for item in each.result()["items"]]
    assert statuses.count(("sent", None)) == 200
    assert set(statuses) <= {("sent", None), ("refused", "key_conflict")}
    assert sorted(sent(dunned)) == sorted((f"INV-{number}", 1) for number in range(1, 201))


def test_the_report_says_what_comes_next(dunned: Caller) -> None:
    bill(dunned, ["a"])
    send(dunned)
    (item,) = dunned.read("/reports/dunning", min_position=dunned.head)["items"]
    assert (item["reminders"], item["last_kind"], item["next_step"], item["next_kind"]) == (
        1,
        "friendly",
        2,
        "firm",
    )
    assert (item["amount"], item["disputed"], item["ready"]) == (1000, 0, False)
    assert date.fromisoformat(item["next_on"]) == date.fromisoformat(item["last_sent_on"]) + timedelta(days=7)
    (earlier,) = dunned.read("/reports/dunning", on="2026-01-26")["items"]
    assert (earlier["days_overdue"], earlier["ready"]) == (2, False)
    assert dunned.read("/reports/dunning", ready="true")["items"] == []
    assert dunned.read("/reports/dunning", on="2026-01-24")["items"] == []


def test_the_ledger_and_its_list_agree_on_every_day(dunned: Caller) -> None:
    """The SQL of the list and the rule in Python share no code: what is ready is sent, else refused."""
    bill(dunned, ["a"], net=600)
    for ask in (dunning_policy((2, "x", 700), (5, "y", 0), from_="2026-02-10"), pay("p", 50)):
        dunned.tell(ask, customer="a", at=BILLED)
    for day in range(20, 60):
        at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)
        on = at.date().isoformat()
        found = dunned.read("/reports/dunning", on=on, min_position=dunned.head)["items"]
        posted = dunned.post(write(("reminder.send", {"invoice": "INV-1"}), customer="a", at=at))
        assert (posted.status_code == 201) is any(item["ready"] for item in found), (on, posted.text, found)
    assert sent(dunned) == [("INV-1", 1), ("INV-1", 2)]


def test_a_run_needs_the_scope_post_and_a_day(dunned: Caller, live: Live) -> None:
    reader = live.client(live.key("read")[1])
    assert problem(reader.post(f"{dunned.at}/remind", params={"through": "2026-01-01"})) == (
        403,
        "scope_missing",
    )
    assert problem(dunned.client.post(f"{dunned.at}/remind"))[0] == 400
    assert problem(dunned.client.post(f"{dunned.at}/remind", params={"through": "soon"}))[0] == 400
    unknown = dunned.client.post("/v1/books/nobody/remind", params={"through": "2026-01-01"})
    assert problem(unknown) == (404, "book_unknown")


def test_nobody_else_posts_as_the_dunning(dunned: Caller, live: Live) -> None:
    bill(dunned, ["a"])
    client = live.client(live.key(sources=["*"])[1])
    raw = write(("reminder.send", {"invoice": "INV-1"}), customer="a").replace(b'"test"', b'"ledger/dunning"')
    answer = client.post(
        f"{dunned.at}/events", content=raw, headers={"content-type": "application/cloudevents+json"}
    )
    assert problem(answer) == (403, "source_not_allowed")


def test_the_command_reminds_and_tells(dunned: Caller) -> None:
    bill(dunned, ["a", "b"])
    asked = ["remind", "--book", dunned.book, "--through", TODAY.isoformat(), "--json"]
    database = dunned.live.database
    dry = run(database, *asked, "--dry-run")
    assert (dry.code, json.loads(dry.out)["reminders"]) == (0, [
        {"status": "ready", "kind": "friendly", "currency": "EUR", "code": "", "reminders": 2, "amount": 2000}
    ])  # fmt: skip
    done = run(database, *asked)
    assert (done.code, json.loads(done.out)["reminders"][0]["status"]) == (0, "sent")
    again = run(database, *asked)
    assert (again.code, json.loads(again.out)["reminders"]) == (0, [])
