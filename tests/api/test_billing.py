"""The billing run: everybody who is due once, killed and run twice as often as one likes; and what-if."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import httpx
import orjson
import psycopg
import pytest
from tests.api.command import START, run
from tests.api.live import Caller, Json, Live, serving
from tests.ledger.asks import agree, charge, service
from tests.log.posting import writer
from tests.projections.histories import OPEN_BOOK, message, post

JANUARY, FEBRUARY = "2026-01-31", "2026-02-28"
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
DSL = service("dsl", 3100)


def ask_run(book: Caller, **more: object) -> httpx.Response:
    """Ask for a page; a service that only starts is asked again."""
    body = {"through": JANUARY, **more}
    until = time.monotonic() + 30
    while True:
        said = book.client.post(f"/v1/books/{book.book}/billing-runs", json=body)
        if said.status_code != 503 or time.monotonic() > until:
            return said
        time.sleep(0.1)


def run_all(book: Caller, **more: object) -> list[Json]:
    """Run to the end; gives all results."""
    results, page = [], None
    while True:
        said = ask_run(book, **more, **({} if page is None else {"page": page}))
        assert said.status_code == 200, said.text
        results += said.json()["results"]
        page = said.json()["next"]
        if page is None:
            return results


@pytest.fixture
def three(book: Caller) -> Caller:
    """Three customers: one with an agreement, one with use alone, one with neither."""
    for name in ("ann", "bea", "cid"):
        book.tell(("customer.opened", {"currency": "EUR"}), customer=name, at=AT)
    book.tell(agree("2026-01-01", DSL), customer="ann", at=AT)
    book.tell(charge("c1", 50), customer="bea", at=AT)
    book.tell(charge("c2", 70, currency="JPY"), customer="bea", at=AT)
    return book


def test_everybody_who_is_due_gets_one_invoice_in_each_currency(three: Caller) -> None:
    results = run_all(three)
    assert [(each["customer"], each["currency"], each["status"], each["total"]) for each in results] == [
        ("ann", "EUR", "billed", 3100), ("bea", "EUR", "billed", 50), ("bea", "JPY", "billed", 70),
    ]  # fmt: skip
    assert [each["invoice"] for each in results] == ["INV-1", "INV-2", "INV-3"]
    assert run_all(three) == []


def test_a_run_has_as_many_pages_as_it_takes(three: Caller) -> None:
    first = ask_run(three, limit=1).json()
    assert (first["customers"], first["looked_at"], len(first["results"])) == (3, 1, 1)
    assert [each["customer"] for each in run_all(three, limit=1)] == ["bea", "bea"]


def test_an_answer_that_was_lost_is_given_again(three: Caller) -> None:
    begun = ask_run(three, limit=0).json()
    assert (begun["customers"], begun["looked_at"], begun["results"]) == (3, 0, [])
    first = ask_run(three, page=begun["next"]).json()["results"]
    assert [each["status"] for each in first] == ["billed"] * 3
    until = three.head
    three.read("/customers", min_position=until)
    again = ask_run(three, page=begun["next"]).json()["results"]
    assert again == [{**each, "status": "replayed"} for each in first]
    assert three.head == until
    assert run_all(three) == []


def test_a_dry_run_tells_the_same_and_writes_nothing(three: Caller) -> None:
    head = three.walk_feed()[-1]["position"]
    tried = run_all(three, dry_run=True, limit=2)
    assert three.walk_feed()[-1]["position"] == head
    billed = run_all(three, limit=2)
    assert [each["total"] for each in tried] == [each["total"] for each in billed]
    assert {each["status"] for each in tried} == {"due"}


def test_the_caller_stands_in_the_events_and_the_key_is_the_run_s(three: Caller) -> None:
    run_all(three)
    first = next(each for each in three.walk_feed() if each["type"] == "customer.billed")
    assert (first["source"], first["id"], first["principal"]) == (
        "ledger/billing",
        f"{JANUARY}/ann/EUR",
        "tester",
    )


def test_what_came_late_is_billed_with_the_next_period(three: Caller) -> None:
    run_all(three)
    three.tell(charge("late", 5), customer="ann", at=AT)
    three.tell(charge("late", 6), customer="cid", at=AT)
    assert [each["customer"] for each in run_all(three)] == ["cid"]
    february = run_all(three, through=FEBRUARY)
    assert [(each["customer"], each["total"]) for each in february] == [("ann", 3105)]


def test_a_refusal_is_told_and_the_others_are_billed(three: Caller) -> None:
    three.tell(agree("2026-01-01", service("dsl", 10**15)), customer="ann", at=AT)
    three.tell(charge("more", 10**15), customer="ann", at=AT)
    results = run_all(three)
    assert [(each["status"], each["code"]) for each in results] == [
        ("refused", "amount_too_large"), ("billed", None), ("billed", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "field_missing"),
        ({"through": "2026-01-32"}, 400, "time_invalid"),
        ({"through": JANUARY, "limit": -1}, 400, "number_out_of_range"),
        ({"through": JANUARY, "more": 1}, 400, "field_unknown"),
        ({"through": JANUARY, "page": "x"}, 400, "page_unknown"),
        ({"through": "2999-01-31"}, 422, "time_ahead"),
        ([], 400, "field_type_wrong"),
    ],
)
def test_what_is_no_run(three: Caller, body: Json, status: int, code: str) -> None:
    said = three.client.post(f"/v1/books/{three.book}/billing-runs", json=body)
    assert (said.status_code, said.json()["code"]) == (status, code)


def test_a_run_needs_the_scope_post_and_a_book(live: Live, three: Caller) -> None:
    reader = live.client(live.key("read")[1])
    said = reader.post(f"/v1/books/{three.book}/billing-runs", json={"through": JANUARY})
    assert (said.status_code, said.json()["code"]) == (403, "scope_missing")
    said = three.client.post("/v1/books/nowhere/billing-runs", json={"through": JANUARY})
    assert (said.status_code, said.json()["code"]) == (404, "book_unknown")


def test_what_if_compares_and_writes_nothing(three: Caller) -> None:
    run_all(three)
    head = three.walk_feed()[-1]["position"]
    path = f"/v1/books/{three.book}/customers/ann/what-if"
    said = three.client.post(path, json={"services": [service("dsl", 1000)], "last": 2})
    assert said.status_code == 200, said.text
    (one,) = said.json()["invoices"]
    assert (one["invoice"], one["was"]["total"], one["would_be"]["total"]) == ("INV-1", 3100, 1000)
    assert said.json()["saved"] == [{"currency": "EUR", "amount": 2100}]
    assert three.walk_feed()[-1]["position"] == head
    for body, customer, code in (
        ({"services": [DSL, DSL]}, "ann", "service_repeated"),
        ({"services": [DSL], "last": 99}, "ann", "number_out_of_range"),
        ({"services": [DSL]}, "nobody", "customer_unknown"),
    ):
        path = f"/v1/books/{three.book}/customers/{customer}/what-if"
        assert three.client.post(path, json=body).json()["code"] == code


# Runs in processes of their own.

CUSTOMERS = 3_000


@pytest.fixture
def many(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A database with a book of customers who are all due; yields its conninfo."""
    with fresh_database() as database:
        with writer(database) as works:
            asked = [message(OPEN_BOOK, "book", AT)]
            for number in range(CUSTOMERS):
                name = f"c-{number:05}"
                asked.append(message(("customer.opened", {"currency": "EUR"}), f"o{number}", AT, name))
                asked.append(message(agree("2026-01-01", DSL), f"a{number}", AT, name))
            post(works, "main", asked)
        yield database


def start(database: str) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    command = [sys.executable, "-c", START, "bill", "--book", "main", "--through", JANUARY, "--json"]
    return subprocess.Popen(
        command, env={**kept, "DATABASE_URL": database}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def billed(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT customer FROM ledger.event WHERE type = 'invoice.issued'"
        ).fetchall()
    return [str(row[0]) for row in rows]


def test_a_run_that_is_killed_goes_on_and_two_at_once_bill_everybody_once(many: str) -> None:
    killed = start(many)
    until = time.monotonic() + 120
    while not billed(many) and time.monotonic() < until and killed.poll() is None:
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    time.sleep(2)  # its service may still record what it had been given
    before = len(billed(many))
    assert before
    together = [start(many), start(many)]
    said = [orjson.loads(each.communicate(timeout=300)[0]) for each in together]
    assert Counter(billed(many)) == Counter({f"c-{number:05}": 1 for number in range(CUSTOMERS)})
    assert before + sum(each["billed"] for each in said) == CUSTOMERS
    assert all(each["refused"] == 0 for each in said)
    again = run(many, "bill", "--through", JANUARY, "--json")
    assert orjson.loads(again.out)["billed"] == 0


def test_a_service_that_is_killed_in_the_middle_of_a_run_and_comes_back_bills_everybody_once(
    many: str,
) -> None:
    with serving(many) as live:
        key = live.key("post", "read")[1]
        command = ["bill", "--through", JANUARY, "--url", live.url, "--key", key, "--json"]
        running = subprocess.Popen(
            [sys.executable, "-c", START, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        until = time.monotonic() + 120
        while not billed(many) and time.monotonic() < until and running.poll() is None:
            time.sleep(0.01)
        live.stop(signal.SIGKILL)
        assert 0 < len(billed(many)) < CUSTOMERS
        live.start()
        out, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    assert Counter(billed(many)) == Counter({f"c-{number:05}": 1 for number in range(CUSTOMERS)})
    said = orjson.loads(out)
    assert said["billed"] + said["replayed"] == CUSTOMERS
    assert said["totals"] == [{"currency": "EUR", "invoices": CUSTOMERS, "total": CUSTOMERS * 3689}]


def test_the_command_tells_who_would_be_billed(many: str) -> None:
    tried = run(many, "bill", "--through", JANUARY, "--dry-run")
    assert tried.code == 0, tried.err
    lines = tried.out.decode().splitlines()
    assert lines[0] == "c-00000\tEUR\t3689"
    assert lines[-1].startswith(f"{CUSTOMERS:,} would be billed")
    assert billed(many) == []
