"""Posting: every shape of body, and every answer that it can have."""

from __future__ import annotations

import hashlib

import httpx
import orjson
import pytest
from tests.api.live import AT, BATCH, NDJSON, SINGLE, Caller, Json, problem, write
from tests.ledger.asks import charge, issue, pay

BINARY = {
    "ce-specversion": "1.0", "ce-id": "binary 1", "ce-source": "test", "ce-type": "charge.posted",
    "ce-subject": "alice", "ce-time": "2026-03-01T12:00:00Z",
    "content-type": "application/json; charset=utf-8",
}  # fmt: skip


def statuses(results: list[Json]) -> list[str]:
    return [result["status"] for result in results]


def lines(answer: httpx.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    return [orjson.loads(line) for line in answer.content.splitlines()]


def test_a_message_is_recorded_once_and_answered_the_same_ever_after(alice: Caller) -> None:
    body = write(charge("a", 1_000))
    first, again = alice.post(body), alice.post(body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["status"] == "recorded"
    assert again.json() == {**first.json(), "status": "replayed"}
    assert first.headers["ledger-position"] == again.headers["ledger-position"] == "3"
    assert alice.head == 3


def test_a_receipt_names_each_event_with_the_hash_of_its_leaf(alice: Caller) -> None:
    alice.tell(charge("a", 1_000))
    alice.tell(pay("p", 400))
    receipt = alice.tell(issue())
    assert [event["type"] for event in receipt["events"]] == ["invoice.issued", "allocation.made"]
    for version, event in enumerate(receipt["events"], start=4):
        stored = alice.get(f"/events/{event['position']}")
        assert hashlib.sha256(b"\x00" + stored.content).hexdigest() == event["leaf"]
        assert stored.json()["recordedtime"] == receipt["recordedtime"]
        assert stored.json()["version"] == event["version"] == version


def test_the_same_key_with_other_content_is_a_conflict_that_names_the_field(alice: Caller) -> None:
    alice.tell(charge("a", 1_000), key="same")
    answer = alice.post(write(charge("a", 1_001), key="same"))
    assert problem(answer) == (409, "key_conflict")
    assert answer.json()["pointer"] == "/data/net"


def test_a_refused_message_records_nothing_and_may_be_sent_again(book: Caller) -> None:
    body = write(charge("a", 1_000))
    assert problem(book.post(body)) == (422, "customer_unknown")
    assert book.head == 1
    book.tell(("customer.opened", {"currency": "EUR"}))
    assert book.post(body).status_code == 201


def test_an_expected_version_that_is_not_there_is_refused(alice: Caller) -> None:
    message = orjson.loads(write(charge("a", 1_000)))
    for version, status in ((0, 422), (2, 422), (1, 201)):
        assert alice.post(orjson.dumps({**message, "expectedversion": version})).status_code == status


def test_binary_mode_says_the_same_as_the_structured_document(alice: Caller) -> None:
    body = b'{"charge": "a", "service": "mobile", "currency": "EUR", "net": 1000}'
    path = f"{alice.at}/events"
    encoded = {**BINARY, "ce-id": "binary%201"}
    assert alice.client.post(path, content=body, headers=encoded).status_code == 201
    assert alice.client.post(path, content=body, headers=BINARY).status_code == 200
    assert alice.post(write(charge("a", 1_000), key="binary 1")).json()["status"] == "replayed"
    versioned = {**BINARY, "ce-id": "2", "ce-expectedversion": "7"}
    assert problem(alice.client.post(path, content=body, headers=versioned)) == (422, "version_unexpected")


CHARGE = b'{"charge":"a","service":"s","currency":"EUR","net":1}'


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"ce-id": "%ff"}, b"{}", "utf8_invalid"),
        ({"ce-id": "\u00e4"}, b"{}", "utf8_invalid"),
        ({"ce-position": "7"}, b"{}", "attribute_reserved"),
        ({"ce-expectedversion": "one"}, b"{}", "field_type_wrong"),
        ({"content-type": "text/xml"}, CHARGE, "datacontenttype_unknown"),
        ({}, b"", "field_missing"),
        ({}, CHARGE + b',"expectedversion":1', "json_invalid"),
        ({"ce-specversion": "0.3"}, CHARGE, "specversion_unknown"),
    ],
)  # fmt: skip
def test_binary_mode_is_read_as_strictly(
    alice: Caller, headers: dict[str, str], body: bytes, code: str
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in {**BINARY, **headers}.items()]
    answer = alice.client.post(f"{alice.at}/events", content=body, headers=sent)
    assert problem(answer) == (400, code)
    assert alice.head == 2


def test_a_header_that_stands_twice_is_refused(alice: Caller) -> None:
    twice = [*BINARY.items(), ("ce-id", "binary 2")]
    answer = alice.client.post(f"{alice.at}/events", content=b"{}", headers=twice)
    assert problem(answer) == (400, "header_repeated")


@pytest.mark.parametrize("kind", [BATCH, NDJSON])
def test_several_messages_are_judged_each_on_its_own(alice: Caller, kind: str) -> None:
    first, other = write(charge("a", 1), key="x"), write(charge("b", 2), key="x")
    raws = [
        first,
        b"[]" if kind == NDJSON else b"7",
        first,
        other,
        write(charge("c", 3)),
        write(charge("c", 3)),
    ]
    answer = alice.post(b"[" + b",".join(raws) + b"]" if kind == BATCH else b"\n".join(raws), kind)
    results = answer.json() if kind == BATCH else lines(answer)
    assert statuses(results) == ["recorded", "refused", "replayed", "refused", "recorded", "refused"]
    assert [result.get("code") for result in results if "code" in result] == [
        "field_type_wrong", "key_conflict", "charge_exists",
    ]  # fmt: skip
    assert results[2]["events"] == results[0]["events"]
    assert answer.headers["ledger-position"] == "4"
    assert alice.head == 4


@pytest.mark.parametrize("kind", [BATCH, NDJSON])
def test_an_atomic_batch_is_recorded_as_a_whole_or_not_at_all(alice: Caller, kind: str) -> None:
    def body(*raws: bytes) -> bytes:
        return b"[" + b",".join(raws) + b"]" if kind == BATCH else b"\n".join(raws)

    good = [write(charge(name, 10)) for name in "abc"]
    for bad, code, status in (
        (write(charge("a", 10)), "charge_exists", 422),
        (write(charge("z", 10), key="twin"), "key_conflict", 409),
        (b'{"type":7}', "field_type_wrong", 400),
        (write(charge("z", 10)).replace(b'"test"', b'"other"'), "source_not_allowed", 403),
    ):
        twin = [write(charge("y", 11), key="twin")] if code == "key_conflict" else []
        answer = alice.post(body(*good, *twin, bad), kind, atomic="true")
        assert problem(answer) == (status, code)
        assert answer.json()["values"]["index"] == 3 + len(twin)
        assert answer.json()["pointer"].startswith(f"/{3 + len(twin)}")
    assert alice.head == 2
    answer = alice.post(body(*good), kind, atomic="true")
    results = answer.json() if kind == BATCH else lines(answer)
    assert statuses(results) == ["recorded"] * 3
    assert alice.head == 5
    assert alice.post(body(), kind, atomic="true").status_code == 200


def test_a_long_body_keeps_the_order_of_its_lines(alice: Caller) -> None:
    raws = [write(charge(f"c{number}", number + 1)) for number in range(1_700)]
    raws[600] = b"nonsense"
    results = lines(alice.post(b"\n\n".join(raws) + b"\n", NDJSON))
    assert [place for place, result in enumerate(results) if result["status"] == "refused"] == [600]
    positions = [result["events"][0]["position"] for result in results if result["status"] == "recorded"]
    assert positions == list(range(3, 3 + 1_699))


def test_a_line_that_is_too_long_ends_the_reading_and_says_so(alice: Caller) -> None:
    body = write(charge("a", 1)) + b"\n" + b" " * 300_000 + b"\n" + write(charge("b", 1))
    told, stopped = lines(alice.post(body, NDJSON))
    assert told["status"] == "recorded"
    assert (stopped["status"], stopped["code"]) == (413, "body_too_large")
    assert problem(alice.post(b" " * 300_000, NDJSON)) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("kind", "query", "body", "expected"),
    [
        ("application/json", {}, b"{}", (415, "media_type_unsupported")),
        ("", {}, b"{}", (415, "media_type_unsupported")),
        (SINGLE, {}, b" " * (1 << 20) + b" ", (413, "body_too_large")),
        (BATCH, {}, b" " * (16 << 20) + b" ", (413, "body_too_large")),
        (BATCH, {}, b"[" + b"0," * 10_000 + b"0]", (413, "batch_too_large")),
        (NDJSON, {"atomic": "true"}, b"0\n" * 10_001, (413, "batch_too_large")),
        (BATCH, {}, b"{}", (400, "json_malformed")),
        (SINGLE, {"atomic": "yes"}, b"{}", (400, "parameter_malformed")),
        (SINGLE, {"atomik": "true"}, b"{}", (400, "parameter_unknown")),
    ],
)
def test_a_request_that_is_not_understood_is_a_problem(
    alice: Caller, kind: str, query: dict[str, str], body: bytes, expected: tuple[int, str]
) -> None:
    assert problem(alice.post(body, kind, **query)) == expected
    assert alice.head == 2


def test_a_parameter_may_not_stand_twice_and_is_read_as_it_is_decoded(alice: Caller) -> None:
    headers = {"content-type": NDJSON}
    twice = alice.client.post(f"{alice.at}/events?atomic=true&atomic=false", content=b"0", headers=headers)
    assert problem(twice) == (400, "parameter_repeated")
    encoded = alice.client.post(f"{alice.at}/events?atomic=tru%65", content=b"0", headers=headers)
    assert problem(encoded) == (400, "field_type_wrong")


def test_an_address_that_no_book_can_have_is_not_found(book: Caller) -> None:
    body = write(("book.opened", {"name": "B", "currency": "EUR", "time_zone": "UTC"}))
    for name in ("a%20b", "%C3%A4", "-b", "b" * 65):
        answer = book.client.post(f"/v1/books/{name}/events", content=body, headers={"content-type": SINGLE})
        assert problem(answer) == (404, "not_found")


def test_the_time_of_a_message_is_an_instant_whatever_its_offset(alice: Caller) -> None:
    alice.tell(charge("a", 1), key="k", at=AT)
    same = write(charge("a", 1), key="k").replace(b"2026-03-01T12:00:00Z", b"2026-03-01T13:00:00+01:00")
    assert alice.post(same).json()["status"] == "replayed"
