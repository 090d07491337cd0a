"""Bulk posting: order within a customer, what is counted, and what happens when the ledger stops half-way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from ledger_api.client import Client, ClientError, bulk, connection
from ledger_api.client.bulk import Lanes

Answer = tuple[int, bytes]


@contextmanager
def ledger(answer: Callable[[list[bytes]], Answer | None]) -> Iterator[Client]:
    """Serve an answer to each body of lines; None drops the connection instead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answered = answer(body.split(b"\n"))
            if answered is None:
                self.close_connection = True
                return
            status, content = answered
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    try:
        yield Client(f"http://127.0.0.1:{server.server_port}", "key")
    finally:
        server.shutdown()
        server.server_close()


def recorded(positions: Iterator[int], count: int) -> bytes:
    results = [{"status": "recorded", "events": [{"position": next(positions)}]} for _ in range(count)]
    return b"".join(orjson.dumps(result) + b"\n" for result in results)


@pytest.fixture
def small_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BODY_MESSAGES_MAX", 3)
    monkeypatch.setattr(connection, "PAUSE_SECONDS_MAX", 0.2)


@pytest.mark.usefixtures("small_bodies")
def test_messages_of_a_customer_arrive_in_order_and_the_books_own_between_them() -> None:
    arrived: list[bytes] = []
    positions = iter(range(1, 1000))
    lock = threading.Lock()

    def answer(lines: list[bytes]) -> Answer:
        with lock:
            arrived.extend(lines)
            return 200, recorded(positions, len(lines))

    with ledger(answer) as there, Lanes(there, "b", lanes=3) as lanes:
        for number in range(60):
            lanes.send(b"c%d %03d" % (number % 5, number), f"c{number % 5}")
            if number == 30:
                lanes.send(b"book", None)
        lanes.settle()
        assert lanes.tally.recorded == 61
        assert (lanes.tally.position_first, lanes.tally.position_last) == (1, 61)
    for customer in range(5):
        own = [line for line in arrived if line.startswith(b"c%d " % customer)]
        assert own == sorted(own)
    at = arrived.index(b"book")
    assert sorted(line[-3:] for line in arrived[:at]) == [b"%03d" % number for number in range(31)]


def test_refusals_are_counted_by_code_with_the_first_line_of_each() -> None:
    results = [
        {"status": "recorded", "events": [{"position": 7}, {"position": 8}]},
        {"status": "refused", "code": "customer_unknown", "detail": "there is no customer x"},
        {"status": "replayed", "events": [{"position": 3}]},
        {"status": "refused", "code": "customer_unknown", "detail": "there is no customer y"},
    ]
    body = b"".join(orjson.dumps(result) + b"\n" for result in results)
    with ledger(lambda _: (200, body)) as there, Lanes(there, "b", lanes=1) as lanes:
        for number in range(4):
            lanes.send(b"{}", "c", number + 10)
        lanes.settle()
    tally = lanes.tally
    assert (tally.recorded, tally.replayed, tally.refused, tally.events, tally.messages) == (1, 1, 2, 2, 4)
    assert (tally.position_first, tally.position_last) == (3, 8)
    (refused,) = tally.refusals.values()
    assert (refused.count, refused.line, refused.detail) == (2, 11, "there is no customer x")


@pytest.mark.usefixtures("small_bodies")
def test_what_a_busy_or_lost_ledger_did_not_answer_is_sent_again() -> None:
    bodies: list[list[bytes]] = []
    positions = iter(range(1, 100))
    stop = orjson.dumps({"status": 503, "code": "unavailable", "detail": "busy"}) + b"\n"

    def answer(lines: list[bytes]) -> Answer | None:
        bodies.append(lines)
        match len(bodies):
            case 1:
                return 503, orjson.dumps({"code": "unavailable", "detail": "busy"})
            case 2:
                return None
            case 3:
                return 200, recorded(positions, 2) + stop
            case _:
                return 200, recorded(positions, len(lines))

    with ledger(answer) as there, Lanes(there, "b", lanes=1) as lanes:
        for line in (b"1", b"2", b"3"):
            lanes.send(line, "c")
        lanes.settle()
        assert lanes.tally.recorded == 3
    assert bodies == [[b"1", b"2", b"3"]] * 3 + [[b"3"]]


def test_an_answer_that_waiting_does_not_mend_is_an_error() -> None:
    problem = orjson.dumps({"code": "key_unknown", "detail": "this API key does not work (any more)"})
    with ledger(lambda _: (401, problem)) as there:
        with pytest.raises(ClientError, match="key_unknown: this API key does not work") as raised:
            post(there, [b"1"])
        assert raised.value.status == 401


def test_an_answer_that_misses_results_is_an_error() -> None:
    result = b'{"status":"recorded","events":[{"position":1}]}\n'
    with (
        ledger(lambda _: (200, result)) as there,
        pytest.raises(ClientError, match="2 messages led to 1 results"),
    ):
        post(there, [b"1", b"2"])


def post(there: Client, lines: list[bytes]) -> None:
    with Lanes(there, "b", lanes=1) as lanes:
        for line in lines:
            lanes.send(line, "c")


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(ClientError, match="ftp://x is no http address"):
        Client("ftp://x", "key")
