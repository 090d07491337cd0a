"""Files of evidence over HTTP: stored before they are named, read back by few, erased with the customer."""

from __future__ import annotations

import hashlib

import httpx
import orjson
import psycopg
import pytest
from tests.api.live import BATCH, NDJSON, Caller, Json, Live, problem, write
from tests.ledger.asks import charge, chargeback, close, erase, evidence, issue, pay, resolve
from tests.ledger.world import Ask

PDF = "application/pdf"
FILE = b"%PDF-1.7 the receipt of Aurelia Quistgaard\n" * 1000
HASH = hashlib.sha256(FILE).hexdigest()
AT_DISPUTE = "/customers/alice/disputes/cb-1/evidence"


def put(caller: Caller, file: bytes = FILE, path: str = AT_DISPUTE, kind: str | None = PDF) -> httpx.Response:
    headers = {} if kind is None else {"content-type": kind}
    return caller.client.put(caller.at + path, content=file, headers=headers)


def submit(sha256: str = HASH, size: int = len(FILE)) -> Ask:
    return evidence("cb-1", sha256=sha256, size=size)


@pytest.fixture
def disputed(alice: Caller) -> Caller:
    """Alice charged a payment back."""
    for ask in (
        charge("c", 900),
        issue(),
        pay("p", 900),
        chargeback("cb-1", "p", 400, respond_by="2999-01-01"),
    ):
        position = alice.tell(ask)["events"][-1]["position"]
    alice.read("/disputes", min_position=position)
    return alice


def test_a_file_is_stored_then_submitted_then_read_back(disputed: Caller) -> None:
    stored = put(disputed)
    assert (stored.status_code, stored.json()) == (
        201,
        {"sha256": HASH, "size": len(FILE), "media_type": PDF},
    )
    assert put(disputed).json() == stored.json()
    position = disputed.tell(submit())["events"][-1]["position"]
    (listed,) = disputed.read(AT_DISPUTE, min_position=position)["files"]
    assert (listed["sha256"], listed["size"], listed["name"]) == (HASH, len(FILE), "receipt-1.pdf")
    back = disputed.get(f"{AT_DISPUTE}/{HASH}")
    assert (back.status_code, back.content) == (200, FILE)
    assert back.headers["content-disposition"] == f'attachment; filename="{HASH}"'
    assert (back.headers["cache-control"], "etag" in back.headers) == ("no-store", False)
    (dispute,) = disputed.read("/disputes")["items"]
    assert (dispute["evidence"], dispute["deadline"]) == (1, None)


def test_a_file_is_given_back_in_its_own_dispute_and_once_it_was_submitted(disputed: Caller) -> None:
    put(disputed)
    unknown = (404, "evidence_unknown")
    assert problem(disputed.get(f"{AT_DISPUTE}/{HASH}")) == unknown
    disputed.tell(chargeback("cb-2", "p", 100, respond_by="2999-01-01"))
    position = disputed.tell(submit())["events"][-1]["position"]
    given = disputed.get(f"{AT_DISPUTE}/{HASH}", min_position=position)
    assert (given.status_code, given.content) == (200, FILE)
    for dispute in ("cb-2", "cb-3"):
        assert problem(disputed.get(f"{AT_DISPUTE.replace('cb-1', dispute)}/{HASH}")) == unknown
    assert problem(disputed.get(f"{AT_DISPUTE}/{HASH}", as_of_position=position - 1)) == unknown


def test_the_log_has_the_hash_and_the_database_no_readable_file(disputed: Caller, live: Live) -> None:
    put(disputed)
    disputed.tell(submit())
    with psycopg.connect(live.database) as connection:
        log = connection.execute(
            "SELECT string_agg(convert_from(state, 'UTF8'), '') FROM ledger.event"
        ).fetchone()
        kept = connection.execute(
            "SELECT sealed FROM vault.record WHERE name = %s", (f"file.{HASH}",)
        ).fetchall()
    assert log is not None
    assert HASH in log[0]
    assert "Quistgaard" not in log[0]
    assert kept
    assert not any(b"Quistgaard" in sealed for (sealed,) in kept)


def test_what_is_not_stored_cannot_be_submitted(disputed: Caller) -> None:
    answer = disputed.post(write(submit()))
    assert problem(answer) == (422, "evidence_not_stored")
    assert answer.json()["pointer"] == "/data/sha256"
    put(disputed)
    assert problem(disputed.post(write(submit(size=len(FILE) + 1)))) == (422, "evidence_not_stored")
    other = write(("customer.opened", {"currency": "EUR"}), customer="bob")
    assert disputed.post(other).status_code == 201
    assert problem(disputed.post(write(submit(), customer="bob"))) == (422, "evidence_not_stored")
    disputed.tell(submit())


def test_among_several_each_is_refused_in_its_place(disputed: Caller) -> None:
    put(disputed)
    messages = [
        orjson.loads(write(ask)) for ask in (charge("x", 1), submit("0" * 64), submit(), charge("y", 1))
    ]
    for kind in (BATCH, NDJSON):
        body = orjson.dumps(messages) if kind == BATCH else b"\n".join(map(orjson.dumps, messages))
        answer = disputed.client.post(f"{disputed.at}/events", content=body, headers={"content-type": kind})
        results: list[Json] = (
            answer.json() if kind == BATCH else [orjson.loads(x) for x in answer.text.splitlines()]
        )
        assert [each["status"] in ("recorded", "replayed") for each in results] == [True, False, True, True]
        assert results[1]["code"] == "evidence_not_stored"
    head = disputed.read("/events")["head"]
    atomic = disputed.client.post(
        f"{disputed.at}/events?atomic=true",
        content=orjson.dumps([orjson.loads(write(ask)) for ask in (charge("z", 1), submit("1" * 64))]),
        headers={"content-type": BATCH},
    )
    assert problem(atomic) == (422, "evidence_not_stored")
    assert atomic.json()["pointer"] == "/1/data/sha256"
    assert disputed.read("/events")["head"] == head


def test_a_repeat_gets_its_first_answer_after_the_file_was_erased(disputed: Caller) -> None:
    put(disputed)
    document = write(submit())
    assert disputed.post(document).status_code == 201
    disputed.tell(resolve("cb-1", "won"))
    disputed.tell(close())
    disputed.tell(erase())
    assert problem(disputed.get(f"{AT_DISPUTE}/{HASH}")) == (410, "person_erased")
    assert problem(put(disputed)) == (410, "person_erased")
    again = disputed.post(document)
    assert (again.status_code, again.json()["status"]) == (200, "replayed")


@pytest.mark.parametrize(
    ("file", "path", "kind", "expected"),
    [
        (b"", AT_DISPUTE, PDF, (400, "body_empty")),
        (b"x" * (8 * 2**20 + 1), AT_DISPUTE, PDF, (413, "body_too_large")),
        (b"x", AT_DISPUTE, None, (415, "media_type_unsupported")),
        (b"x", AT_DISPUTE, "pdf", (415, "media_type_unsupported")),
        (b"x", "/customers/alice/disputes/cb-2/evidence", PDF, (404, "dispute_unknown")),
        (b"x", "/customers/bob/disputes/cb-1/evidence", PDF, (404, "dispute_unknown")),
        (b"x", AT_DISPUTE + "?name=x", PDF, (400, "parameter_unknown")),
        (b"x", AT_DISPUTE + "?as_of_position=1", PDF, (422, "as_of_not_answered")),
        (b"x", f"{AT_DISPUTE}/{HASH}", PDF, (400, "body_unexpected")),
    ],
)
def test_what_is_refused(
    disputed: Caller, file: bytes, path: str, kind: str | None, expected: tuple[int, str]
) -> None:
    assert problem(put(disputed, file, path, kind)) == expected


def test_who_may(disputed: Caller, live: Live) -> None:
    put(disputed)
    address = disputed.at + AT_DISPUTE
    reads, posts = (live.client(live.key(scope)[1]) for scope in ("read", "post"))
    assert problem(reads.put(address, content=b"x", headers={"content-type": PDF})) == (403, "scope_missing")
    assert problem(posts.get(address)) == (403, "scope_missing")
    assert reads.get(address).status_code == 200
    assert problem(reads.get(f"{address}/{HASH}")) == (403, "scope_missing")
    assert problem(httpx.get(f"{live.url}{address}/{HASH}")) == (401, "key_missing")
    assert problem(disputed.get(f"{AT_DISPUTE}/{'0' * 64}")) == (404, "evidence_unknown")
