"""Hostile input over the wire: always an answer, never a fault of ours, and nothing recorded."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.live import BATCH, NDJSON, SINGLE, Caller, Live, open_book, problem, write
from tests.ledger.asks import charge
from tests.ledger.test_hostile_json import GOOD, HOSTILE

TABLE = [pytest.param(raw, code, pointer, id=name) for name, raw, code, pointer in HOSTILE]
ROOM_SECONDS = 10
"""How long a raw connection waits for its answer."""


@pytest.fixture(scope="module")
def target(live: Live) -> Caller:
    """Open a book with Alice in it, and a key that may post as anybody."""
    caller = open_book(live, live.client(live.key(sources=["*"])[1]))
    caller.tell(("customer.opened", {"currency": "EUR"}))
    return caller


@pytest.mark.parametrize(("raw", "code", "pointer"), TABLE)
def test_a_hostile_message_is_refused_by_name_in_every_shape_of_body(
    target: Caller, raw: bytes, code: str, pointer: str
) -> None:
    answer = target.post(raw, SINGLE)
    assert problem(answer) == (400, code)
    assert answer.json()["pointer"] == pointer
    for kind, body in ((BATCH, b"[" + raw + b"]"), (NDJSON, raw)):
        for atomic in ("false", "true"):
            several = target.post(body, kind, atomic=atomic)
            if several.status_code == 200:
                results = several.json() if kind == BATCH else map(orjson.loads, several.content.splitlines())
                assert all(result["status"] == "refused" for result in results)
            else:
                assert problem(several)[0] in (400, 413)
    assert target.head == 2


@pytest.mark.parametrize(("raw", "code", "pointer"), [row for row in TABLE if "depth" not in str(row.id)])
def test_hostile_data_in_binary_mode_is_refused(target: Caller, raw: bytes, code: str, pointer: str) -> None:
    headers = {
        "ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "charge.posted",
        "ce-subject": "alice", "ce-time": "2026-03-01T10:00:00Z", "content-type": "application/json",
    }  # fmt: skip
    del code, pointer
    answer = target.client.post(f"{target.at}/events", content=raw, headers=headers)
    assert problem(answer)[0] == 400
    assert target.head == 2


def raw_answers(live: Live, sent: bytes, *, half_close: bool = True) -> list[tuple[int, bytes, bytes]]:
    """Send bytes as they are, and read all answers: status, head and body of each."""
    host, port = httpx.URL(live.url).host, httpx.URL(live.url).port
    with socket.create_connection((host, port), ROOM_SECONDS) as connection:
        try:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionError:
            received = b""
    answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        answers.append((int(head.split(b" ", 2)[1]), head, received[:length]))
        received = received[length:]
    return answers


def request(target: Caller, *lines: str, body: bytes = b"", path: str = "", method: str = "POST") -> bytes:
    """Write a request by hand; the lines come after those that every request has."""
    head = [
        f"{method} {path or target.at + '/events'} HTTP/1.1", "Host: ledger",
        f"Authorization: {target.client.headers['authorization']}", f"Content-Type: {SINGLE}", *lines,
    ]  # fmt: skip
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


MESSAGE = b'{"x":1}'
BROKEN_REQUESTS = {
    "a length that is too long": (["Content-Length: 100"], MESSAGE),
    "a length that is too short": (["Content-Length: 3"], MESSAGE),
    "a length below nothing": (["Content-Length: -1"], MESSAGE),
    "a length that is no number": (["Content-Length: seven"], MESSAGE),
    "a length with a sign": (["Content-Length: +7"], MESSAGE),
    "a length of 2^64": (["Content-Length: 18446744073709551616"], MESSAGE),
    "a length of 5,000 digits": (["Content-Length: " + "9" * 5_000], MESSAGE),
    "two lengths": (["Content-Length: 7", "Content-Length: 8"], MESSAGE),
    "a length and chunks": (["Content-Length: 7", "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is cut off": (["Transfer-Encoding: chunked"], b"100\r\n{}"),
    "a chunk without an end": (["Transfer-Encoding: chunked"], b"2\r\n{}\r\n"),
    "a chunk size that is none": (["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk size below nothing": (["Transfer-Encoding: chunked"], b"-1\r\n{}\r\n0\r\n\r\n"),
    "a chunk size of 2^64": (["Transfer-Encoding: chunked"], b"10000000000000000\r\n{}\r\n0\r\n\r\n"),
    "chunks of an unknown encoding": (["Transfer-Encoding: gzip, chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a message in chunks": (["Transfer-Encoding: chunked"], b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
    "a header without a name": ([": x", "Content-Length: 7"], MESSAGE),
    "a header without a colon": (["Nonsense", "Content-Length: 7"], MESSAGE),
    "a header that goes on": (["X-Long: a", " b", "Content-Length: 7"], MESSAGE),
    "NUL in a header": (["X-Nul: a\0b", "Content-Length: 7"], MESSAGE),
    "a header of 1 MB": (["X-Long: " + "a" * 1_000_000, "Content-Length: 7"], MESSAGE),
    "10,000 headers": ([f"X-{number}: a" for number in range(10_000)] + ["Content-Length: 7"], MESSAGE),
    "an attribute that is no ASCII": (["ce-specversion: 1.0", "ce-id: \xff", "Content-Length: 7"], MESSAGE),
    "no body at all": ([], b""),
    "an upgrade": (["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 7"], MESSAGE),
    "an expectation": (["Expect: 200-maybe", "Content-Length: 7"], MESSAGE),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_REQUESTS)
def test_a_broken_request_is_answered_with_a_problem_or_not_at_all(target: Caller, name: str) -> None:
    lines, body = BROKEN_REQUESTS[name]
    for status, head, said in raw_answers(target.live, request(target, *lines, body=body)):
        assert 400 <= status < 500, said
        assert b"content-type: application/problem+json" in head
        assert orjson.loads(said)["status"] == status
    assert target.head == 2


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n", b"\0" * 100,
        b"POST " + b"/" * 100_000,
        b"GET http://elsewhere/v1/books HTTP/1.1\r\nHost: x\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_is_a_problem_or_a_closed_connection(target: Caller, sent: bytes) -> None:
    for status, head, said in raw_answers(target.live, sent):
        assert 400 <= status < 500, said
        assert b"content-type: application/problem+json" in head
    assert target.head == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v1/books/{}/events/", "/v1/books/{}//events", "/v1/books/../events", "/v1/books/{}%2Fevents",
        "/v1/books/%00/events", "/v1/books/%ff/events", "/v1/books/%/events", "/v1/books/{}/customers/%2e%2e",
        "/v1/books/{}/customers/%e2%80%ae/balance", "/v1/books/{}/customers?limit=%ff",
        "/v1/books/{}/customers?page=%00", "/v1/books/{}/events?type=" + "a" * 60_000, "/" + "a" * 60_000,
        "/v1/books/{}/customers?" + "&".join(f"a{n}=1" for n in range(2_000)),
        "/v1/books/{}/events?after=" + "9" * 5_000,
        "/v1/books/{}/events?as_of_recorded=9999-12-31T23:59:59-23:59",
        "/v1/books/{}/events?as_of_recorded=0001-01-01T00:00:00%2B23:59",
        "/v1/books/{}/customers/alice/balance?as_of_occurred=9999-12-31T23:59:59Z",
        "/v1/books/{}/customers/alice/balance?as_of_occurred=0001-01-01",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_may_be_anything(target: Caller, path: str, method: str) -> None:
    lines = ("Content-Length: 0", "Connection: close")
    sent = request(target, *lines, path=path.format(target.book), method=method)
    answers = raw_answers(target.live, sent, half_close=False)
    assert answers
    for status, head, said in answers:
        assert status < 500, said
        assert status == 200 or b"content-type: application/problem+json" in head, said
    assert target.head == 2


# What nobody thought of.

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
)
NAMES = st.sampled_from(
    ["specversion", "id", "source", "type", "subject", "time", "data", "datacontenttype", "expectedversion"]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A message that is wrong somewhere: bytes changed, cut out or put in, or values of any kind."""
    good = GOOD.encode()
    if draw(st.booleans()):
        document = orjson.loads(good)
        for name, value in draw(st.dictionaries(NAMES, VALUES, max_size=3)).items():
            document[name] = value
        document["data"] = draw(VALUES | st.just(document["data"]))
        return json.dumps(document).encode()
    raw = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(raw)


def recorded(answer: httpx.Response, kind: str) -> Iterator[int]:
    """How many events each result of an answer says were recorded."""
    if answer.status_code >= 400:
        assert answer.status_code < 500, answer.text
        problem(answer)
        return
    body = answer.json() if kind != NDJSON else [orjson.loads(line) for line in answer.content.splitlines()]
    for result in body if isinstance(body, list) else [body]:
        yield len(result["events"]) if result["status"] == "recorded" else 0


@settings(max_examples=150, deadline=None)
@given(raws=st.lists(bodies(), min_size=1, max_size=4), kind=st.sampled_from([SINGLE, BATCH, NDJSON]),
       atomic=st.sampled_from(["true", "false"]))  # fmt: skip
def test_whatever_is_posted_the_log_holds_what_the_answer_says(
    fuzzed: Caller, raws: list[bytes], kind: str, atomic: str
) -> None:
    joined = {SINGLE: raws[0], BATCH: b"[" + b",".join(raws) + b"]", NDJSON: b"\n".join(raws)}[kind]
    before = fuzzed.head
    answer = fuzzed.post(joined, kind, atomic=atomic)
    assert fuzzed.head == before + sum(recorded(answer, kind))


@pytest.fixture(scope="module")
def fuzzed(live: Live) -> Caller:
    """Open a book for what nobody thought of: some of it may be good."""
    caller = open_book(live, live.client(live.key(sources=["*"])[1]))
    caller.tell(("customer.opened", {"currency": "EUR"}))
    return caller


PARAMETERS = (
    "limit", "page", "after", "type", "customer", "min_position", "as_of_position", "as_of_recorded",
    "as_of_occurred", "state", "currency", "from", "through", "by", "within_seconds", "service",
    "order", "overdue", "nonsense",
)  # fmt: skip
ADDRESSES = (
    "/events", "/customers", "/invoices", "/disputes", "/discounts", "/customers/alice/statement",
    "/customers/alice/balance", "/reports/trial-balance", "/contacts", "/reports/contacts",
    "/reports/dunning", "/reminders", "/customers/alice/timeline",
    "/reports/aging", "/reports/revenue", "/reports/tax",
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(PARAMETERS),
    value=st.text(max_size=30) | st.integers().map(str) | st.datetimes().map(str) | st.dates().map(str),
    path=st.sampled_from(ADDRESSES),
)
def test_whatever_is_asked_is_answered(fuzzed: Caller, name: str, value: str, path: str) -> None:
    if name == "min_position" and value.isdecimal():
        value = "1"
    try:
        answer = fuzzed.get(path, **{name: value})
    except (UnicodeEncodeError, httpx.InvalidURL):
        return  # the client cannot even send it
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        problem(answer)


def test_nothing_of_all_this_was_a_fault_of_ours(target: Caller) -> None:
    figures = target.client.get("/metrics").text
    assert 'status="500"' not in figures
    assert target.post(write(charge("after all", 1)), SINGLE).status_code == 400
    assert target.post(write(charge("after-all", 1)), SINGLE).status_code == 201
