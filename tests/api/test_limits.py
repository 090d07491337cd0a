"""When it is too much: who has to wait is told so, and nothing of theirs is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from tests.api.live import BATCH, NDJSON, SINGLE, Caller, Live, open_book, problem, serving, write
from tests.ledger.asks import charge


@pytest.fixture(scope="module")
def tight(live: Live) -> Iterator[Live]:
    """Serve the same database within narrow limits."""
    with serving(
        live.database,
        queue_messages_max=4, key_messages_max=2, body_bytes_max=1_024, batch_bytes_max=2_048,
        bulk_bytes_max=4_096, line_bytes_max=1_024, batch_messages_max=3, min_position_wait_seconds_max=0.3,
    ) as service:  # fmt: skip
        yield service


@pytest.fixture
def caller(tight: Live) -> Caller:
    """Open a book with Alice in it."""
    caller = open_book(tight, tight.client(tight.key()[1]))
    caller.tell(("customer.opened", {"currency": "EUR"}))
    return caller


@contextmanager
def held_up(caller: Caller) -> Iterator[None]:
    """Keep the writer waiting for the head of a book."""
    with psycopg.connect(caller.live.database) as connection:
        connection.execute("SELECT 1 FROM ledger.head WHERE book = %s FOR UPDATE", (caller.book,))
        yield


def post(caller: Caller, client: httpx.Client, number: int) -> httpx.Response:
    body = write(charge(f"c{number}", 1), key=f"c{number}")
    return client.post(f"{caller.at}/events", content=body, headers={"content-type": SINGLE})


def queued(caller: Caller) -> int:
    """How many messages wait, as the figures say."""
    for line in caller.client.get("/metrics").text.splitlines():
        if line.startswith("ledger_writer_queue_messages "):
            return int(float(line.split()[1]))
    raise AssertionError("no such figure")


def until_queued(caller: Caller, messages: int) -> None:
    give_up_at = time.monotonic() + 10
    while queued(caller) != messages:
        assert time.monotonic() < give_up_at, queued(caller)
        time.sleep(0.02)


def test_a_full_queue_and_a_key_that_fills_it_are_told_to_come_back(tight: Live, caller: Caller) -> None:
    clients = [tight.client(tight.key()[1]) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        waiting: list[Future[httpx.Response]] = []

        def send(client: httpx.Client) -> None:
            waiting.append(pool.submit(post, caller, client, len(waiting)))

        with held_up(caller):
            send(clients[0])  # this one is with the writer, which waits for the head
            time.sleep(0.2)
            send(clients[0])
            until_queued(caller, 1)
            answer = post(caller, clients[0], 90)
            assert problem(answer) == (429, "rate_limited")
            assert int(answer.headers["retry-after"]) > 0
            for place, client in ((2, clients[1]), (3, clients[1]), (4, clients[2])):
                send(client)
                until_queued(caller, place)
            for kind, body in ((SINGLE, write(charge("x", 1))), (NDJSON, write(charge("x", 1)))):
                headers = {"content-type": kind}
                answer = clients[3].post(f"{caller.at}/events", content=body, headers=headers)
                assert problem(answer) == (503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
        assert [each.result().status_code for each in waiting] == [201] * 5
    assert post(caller, clients[0], 90).status_code == 201
    assert caller.head == 8


@pytest.mark.parametrize(("kind", "bytes_max"), [(SINGLE, 1_024), (BATCH, 2_048), (NDJSON, 4_096)])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_may_be_as_long_as_is_said_and_no_longer(
    caller: Caller, kind: str, bytes_max: int, *, chunked: bool
) -> None:
    message = write(charge("a", 1))
    head = caller.head
    for length, fits in ((bytes_max + 1, False), (bytes_max, True)):
        if kind == NDJSON:
            body = message + (b" " * 700 + b"\n") * (length // 701)
            body += b" " * (length - len(body))
        else:
            body = message.ljust(length) if kind == SINGLE else b"[" + message.ljust(length - 2) + b"]"
        body = body[:length]
        assert len(body) == length
        content = (body[at : at + 300] for at in range(0, length, 300)) if chunked else body
        answer = caller.client.post(f"{caller.at}/events", content=content, headers={"content-type": kind})
        if fits:
            assert answer.status_code in (200, 201), answer.text
        elif kind == NDJSON and chunked:
            assert (answer.status_code, b"body_too_large" in answer.content) in ((413, True), (200, True))
        else:
            assert problem(answer) == (413, "body_too_large")
    assert caller.head == head + 1


def test_a_batch_has_a_largest_number_of_messages(caller: Caller) -> None:
    raws = [write(charge(f"c{number}", 1)) for number in range(4)]
    assert problem(caller.post(b"[" + b",".join(raws) + b"]", BATCH)) == (413, "batch_too_large")
    assert problem(caller.post(b"\n".join(raws), NDJSON, atomic="true")) == (413, "batch_too_large")
    assert caller.head == 2
    assert caller.post(b"[" + b",".join(raws[:2]) + b"]", BATCH).status_code == 200


def test_a_position_that_does_not_come_is_not_waited_for_for_ever(caller: Caller) -> None:
    for path in ("/customers", "/customers/alice/balance", "/events", "/reports/trial-balance", ""):
        began = time.monotonic()
        answer = caller.get(path, min_position=caller.head + 1)
        assert problem(answer) == (504, "position_not_reached")
        assert int(answer.headers["retry-after"]) > 0
        assert 0.25 < time.monotonic() - began < 3


def test_a_read_that_waits_is_answered_when_the_position_comes(caller: Caller) -> None:
    patient = Live(caller.live.database)
    patient.url = caller.live.url
    with ThreadPoolExecutor(1) as pool:
        for number in range(3):
            waiting = pool.submit(caller.get, "/customers/alice/balance", min_position=caller.head + 1)
            time.sleep(0.05)
            post(caller, caller.client, number)
            answer = waiting.result()
            assert answer.json()["balances"][0]["unbilled"] == number + 1
