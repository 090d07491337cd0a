"""Server-sent events: nothing missing and nothing twice, over cut connections and restarts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import httpx
import orjson
import pytest
from tests.api.live import Caller, Json, Live, open_book, problem, serving, write
from tests.ledger.asks import charge, pay

from ledger.database import connect
from ledger_api import keys
from ledger_api.cli.runtime import OWNER


class Sent(NamedTuple):
    """One event of a stream as a browser would see it; `data` None: only the id moved on."""

    id: int
    data: Json


def parse(answer: httpx.Response) -> Iterator[Sent]:
    """Read a stream by the rules of server-sent events."""
    id_, data = 0, b""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            id_ = int(value)
        elif name == "data":
            data += value.encode()
        elif not line and id_:
            yield Sent(id_, orjson.loads(data) if data else None)
            data = b""


@contextmanager
def stream(caller: Caller, last: int | None = None, **parameters: str | int) -> Iterator[Iterator[Sent]]:
    """Follow the events of a book."""
    headers = {} if last is None else {"last-event-id": str(last)}
    path = f"{caller.at}/events/stream"
    with caller.client.stream("GET", path, params=parameters, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield parse(answer)


def events(sent: Iterator[Sent], count: int) -> list[Json]:
    """Take the next events, passing over signs of life."""
    return [each.data for each in islice((each for each in sent if each.data is not None), count)]


def test_a_stream_tells_what_was_and_goes_on_with_what_comes(alice: Caller) -> None:
    with stream(alice, after=0) as sent:
        assert [event["position"] for event in events(sent, 2)] == [1, 2]
        for number in range(5):
            alice.tell(charge(f"c{number}", 1))
            (event,) = events(sent, 1)
            assert event == alice.read(f"/events/{3 + number}")


def test_a_stream_without_a_beginning_begins_behind_the_head(alice: Caller) -> None:
    with stream(alice) as sent:
        alice.tell(charge("a", 1))
        assert [event["position"] for event in events(sent, 1)] == [3]


def test_a_stream_is_filtered_and_its_ids_are_positions(alice: Caller) -> None:
    alice.tell(("customer.opened", {"currency": "EUR"}), customer="bob")
    for number in range(4):
        alice.tell(charge(f"c{number}", 1), customer=("alice", "bob")[number % 2])
        alice.tell(pay(f"p{number}", 1), customer=("bob", "alice")[number % 2])
    with stream(alice, after=0, customer="bob") as sent:
        assert [event["subject"] for event in events(sent, 5)] == ["bob"] * 5
    with stream(alice, after=0, type="charge.posted") as sent:
        assert [each.id for each in islice(sent, 4)] == [4, 6, 8, 10]
    with stream(alice, after=0, type="charge.posted", customer="alice") as sent:
        assert [event["position"] for event in events(sent, 2)] == [4, 8]


def test_a_reader_that_is_cut_off_goes_on_without_a_gap_or_a_double(alice: Caller) -> None:
    def write_on() -> None:
        for number in range(300):
            writer.post(f"{alice.at}/events", content=write(charge(f"c{number}", 1)), headers=kind)

    writer = alice.live.client(alice.live.key()[1])
    kind = {"content-type": "application/cloudevents+json"}
    thread = threading.Thread(target=write_on)
    thread.start()
    seen: list[int] = []
    last = 0
    while len(seen) < 302:
        with stream(alice, last) as sent:
            for each in islice(sent, 41):
                if each.data is not None:
                    seen.append(each.id)
                last = each.id
                if len(seen) == 302:
                    break
    thread.join()
    assert seen == list(range(1, 303))


def test_a_reader_goes_on_after_the_service_was_stopped_and_after_it_was_killed(database: str) -> None:
    with serving(database) as service:
        caller = open_book(service, service.client(service.key()[1]))
        caller.tell(("customer.opened", {"currency": "EUR"}))
        seen: list[int] = []
        last = 0
        for round_, sign in enumerate((signal.SIGTERM, signal.SIGKILL, None)):
            for number in range(3):
                caller.tell(charge(f"c{round_}-{number}", 1))
            with stream(caller, last) as sent:
                for each in islice(sent, 5 if round_ == 0 else 3):
                    seen.append(each.id)
                    last = each.id
                if sign is None:
                    break
                code = service.stop(sign)
                assert code == (0 if sign == signal.SIGTERM else -signal.SIGKILL)
                if sign == signal.SIGTERM:
                    assert list(sent) == []  # it was ended, not cut off
            service.start()
        assert seen == list(range(1, 12))


def test_silence_is_filled_with_signs_of_life_and_ends_with_the_key(impatient: Live, alice: Caller) -> None:
    id_, key = impatient.key()
    caller = Caller(impatient, impatient.client(key), alice.book)
    with stream(caller, after=1) as sent:
        assert [next(sent), next(sent), next(sent)] == [
            Sent(2, caller.read("/events/2")), Sent(2, None), Sent(2, None),
        ]  # fmt: skip
        with connect(impatient.database, role=OWNER) as connection:
            keys.revoke(connection, id_)
        assert len(list(sent)) <= 2


def test_one_stream_too_many_is_told_to_come_back(impatient: Live, alice: Caller) -> None:
    caller = Caller(impatient, impatient.client(impatient.key()[1]), alice.book)
    with stream(caller, after=1) as sent:
        next(sent)
        answer = caller.get("/events/stream")
        assert problem(answer) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert b"ledger_streams_open 1.0" in caller.client.get("/metrics").content
    with stream(caller, after=1) as sent:
        assert next(sent).id == 2


@pytest.mark.parametrize("last", ["-1", "1.0", "x", "9" * 19, "\u0661", "1,2"])
def test_a_last_event_id_that_is_no_position_is_refused(alice: Caller, last: str) -> None:
    headers = [(b"last-event-id", last.encode())]
    answer = alice.client.get(f"{alice.at}/events/stream", headers=headers)
    assert problem(answer) == (400, "parameter_malformed")


def test_a_stream_of_no_book_is_not_found(alice: Caller) -> None:
    assert problem(alice.client.get("/v1/books/nowhere/events/stream")) == (404, "book_unknown")
