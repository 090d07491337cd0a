"""Notes: the text is in the vault, the log has a hash that tells nothing, and an erased customer has none."""

from __future__ import annotations

import hashlib

import httpx
import pytest
from tests.api.live import Caller, problem

TEXT = "Wants to be called after six.\nHas a dog called Østen."


def put(
    caller: Caller, note: str, text: str | bytes, kind: str = "text/plain; charset=utf-8"
) -> httpx.Response:
    return caller.client.put(
        f"{caller.at}/customers/alice/notes/{note}", content=text, headers={"content-type": kind}
    )


def test_a_note_is_read_as_it_was_written(alice: Caller) -> None:
    first = put(alice, "n1", TEXT)
    assert first.status_code == 201
    put(alice, "n2", "Another.")
    found = alice.walk("/customers/alice/notes", limit=1, min_position=alice.head)
    assert [(item["note"], item["text"], item["added_by"]) for item in found] == [
        ("n1", TEXT, "tester"), ("n2", "Another.", "tester"),
    ]  # fmt: skip
    (event, _) = [event for event in alice.walk_feed() if event["type"] == "note.added"]
    assert event["data"] == {"note": "n1", "sha256": first.json()["sha256"]}
    assert event["source"] == "ledger/notes"


def test_the_hash_of_a_short_text_cannot_be_guessed(alice: Caller) -> None:
    hashes = {put(alice, f"n{number}", "yes").json()["sha256"] for number in range(3)}
    assert len(hashes) == 3
    assert hashlib.sha256(b"yes").hexdigest() not in hashes


def test_the_same_note_again_is_the_same_and_another_text_a_conflict(alice: Caller) -> None:
    first = put(alice, "n1", TEXT)
    again = put(alice, "n1", TEXT)
    assert (again.status_code, again.json()["sha256"]) == (200, first.json()["sha256"])
    assert problem(put(alice, "n1", "Another.")) == (409, "note_exists")
    kept = alice.read("/customers/alice/notes", min_position=first.json()["position"])["items"]
    assert [item["text"] for item in kept] == [TEXT]
    assert sum(event["type"] == "note.added" for event in alice.walk_feed()) == 1


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (b"", "text/plain", (400, "text_length")),
        (b" \n", "text/plain", (400, "text_length")),
        (b"\xff", "text/plain", (400, "utf8_invalid")),
        (b"x" * 16_385, "text/plain", (413, "body_too_large")),
        (b"{}", "application/json", (415, "media_type_unsupported")),
    ],
)
def test_what_is_no_note_is_refused(alice: Caller, text: bytes, kind: str, expected: tuple[int, str]) -> None:
    before = alice.head
    assert problem(put(alice, "n1", text, kind)) == expected
    assert alice.head == before


def test_notes_of_nobody_are_refused(alice: Caller) -> None:
    address = f"{alice.at}/customers/nobody/notes"
    answer = alice.client.put(f"{address}/n1", content="x", headers={"content-type": "text/plain"})
    assert problem(answer) == (404, "customer_unknown")
    assert problem(alice.get("/customers/nobody/notes")) == (404, "customer_unknown")
