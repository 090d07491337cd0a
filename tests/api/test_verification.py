"""Verifying callers over HTTP: secrets go in and never come out, and guessing ends where the policy says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

import orjson
import psycopg
import pytest
from tests.api.live import AT, Caller, Json, Live, open_book, problem, serving
from tests.api.mailing import Box, delivering
from tests.api.racing import CLIENTS, at_once
from tests.ledger.asks import arrive, end, verification_policy

from ledger.embedded.programs import installed

PASSWORD = "correct horse battery staple"
METHODS = ("one_time_code", "call_back", "password", "document_number")


@pytest.fixture(scope="module")
def box() -> Box:
    return Box()


@pytest.fixture(scope="module")
def posted(live: Live, box: Box) -> Iterator[Live]:
    """Serve the same database with a mail server."""
    with delivering(box), serving(live.database) as service:
        yield service


@pytest.fixture
def alice(posted: Live) -> Caller:
    """Open a book with Alice in it, of whom everything is on record."""
    client = posted.client(posted.key()[1], **{"Ledger-Reason": "a test"})
    caller = open_book(posted, client)
    caller.tell(("customer.opened", {"currency": "EUR"}))
    caller.tell(verification_policy(*METHODS, attempts_max=4), at=AT)
    person = {"email": "alice@example.com", "phone": "+45 70 10 10 10", "document_number": "P 123-45"}
    assert put(caller, "person", person) == 204
    assert put(caller, "password", {"password": PASSWORD}) == 204
    return caller


def put(caller: Caller, what: str, body: Json) -> int:
    headers = {"content-type": "application/json"}
    address = f"{caller.at}/customers/alice/{what}"
    return caller.client.put(address, content=orjson.dumps(body), headers=headers).status_code


def attempt(caller: Caller, method: str, secret: str | None = None, **more: Json) -> Json:
    """Try, and give what came of it: passed, failed, or the problem's status and code."""
    body = {"method": method, **more} if secret is None else {"method": method, "secret": secret, **more}
    answer = caller.client.post(
        f"{caller.at}/customers/alice/verifications/attempt",
        content=orjson.dumps(body), headers={"content-type": "application/json"},
    )  # fmt: skip
    return answer.json()["result"] if answer.status_code == 200 else problem(answer)


def start(caller: Caller, **more: Json) -> Json:
    answer = caller.client.post(
        f"{caller.at}/customers/alice/verifications",
        content=orjson.dumps(more), headers={"content-type": "application/json"},
    )  # fmt: skip
    return answer.json() if answer.status_code == 201 else problem(answer)


def standing(caller: Caller) -> Json:
    return caller.read("/customers/alice/verification", min_position=caller.head)


def test_a_code_goes_to_the_address_on_record_and_works_once(alice: Caller, box: Box) -> None:
    assert standing(alice)["verified"] is False
    sent = start(alice)
    code = box.code()
    assert box.letters[-1].rcpt_tos == ["alice@example.com"]
    assert code not in orjson.dumps(sent).decode()
    assert attempt(alice, "one_time_code", f"{(int(code) + 1) % 10**6:06}") == "failed"
    assert attempt(alice, "one_time_code", code) == "passed"
    assert attempt(alice, "one_time_code", code) == "failed", "it was used"
    found = standing(alice)
    assert (found["verified"], found["by"]["method"]) == (True, "one_time_code")


CODES = {
    "da": ("Din kode", r"Din kode er ([0-9]{6})\. Sig den kun til den, du har ringet til\."),
    "de-AT": (
        "Ihr Code",
        r"Ihr Code ist ([0-9]{6})\. Nennen Sie ihn nur der Person, die Sie angerufen haben\.",
    ),
    "es": ("Su código", r"Su código es ([0-9]{6})\. Dígaselo solo a la persona a la que ha llamado\."),
    "el": ("Ο κωδικός σας", r"Ο κωδικός σας είναι ([0-9]{6})\. Πείτε τον μόνο στο άτομο που καλέσατε\."),  # noqa: RUF001 - Greek
    "et": ("Teie kood", r"Teie kood on ([0-9]{6})\. Öelge see ainult inimesele, kellele helistasite\."),
    "en-GB": ("Your code", r"Your code is ([0-9]{6})\. Tell it to nobody but the person you called\."),
    "fr": ("Your code", r"Your code is ([0-9]{6})\. Tell it to nobody but the person you called\."),
}


@pytest.mark.parametrize("locale", CODES)
def test_the_letter_is_in_the_customer_s_language(alice: Caller, box: Box, locale: str) -> None:
    alice.tell(("customer.changed", {"locale": locale}))
    alice.read("/customers/alice", min_position=alice.head)
    start(alice)
    letter = message_from_bytes(box.letters[-1].original_content or b"", policy=policy.default)
    subject, text = CODES[locale]
    assert isinstance(letter, EmailMessage)
    found = re.fullmatch(text, letter.get_content().strip())
    assert letter["Subject"] == subject
    assert found
    assert attempt(alice, "one_time_code", found[1]) == "passed"


def test_a_code_is_sent_while_the_read_models_lag(alice: Caller, box: Box) -> None:
    """It counts against the codes that may be sent, and nobody learns it but by the letter."""
    with psycopg.connect(alice.live.database) as holding:
        holding.execute("LOCK TABLE ledger.cursor IN SHARE MODE")  # no read model can say how far it came
        alice.tell(("customer.opened", {"currency": "EUR"}), customer="bob")
        address = f"{alice.at}/customers/bob/person"
        assert alice.client.put(address, json={"email": "bob@example.com"}).status_code == 204
        for customer in ("alice", "bob"):
            answer = alice.client.post(f"{alice.at}/customers/{customer}/verifications", json={})
            assert answer.status_code == 201, answer.text
            assert box.letters[-1].rcpt_tos == [f"{customer}@example.com"]
            assert box.code()


def test_a_newer_code_replaces_the_one_before(alice: Caller, box: Box) -> None:
    start(alice)
    first = box.code()
    start(alice)
    second = box.code()
    assert attempt(alice, "one_time_code", first) == ("passed" if first == second else "failed")
    assert attempt(alice, "one_time_code", second) == "passed"


def test_a_code_works_no_longer_than_it_says(alice: Caller, box: Box) -> None:
    start(alice)
    with psycopg.connect(alice.live.database, autocommit=True) as connection:
        connection.execute("UPDATE vault.code SET expires_at = now() WHERE book = %s", (alice.book,))
    assert attempt(alice, "one_time_code", box.code()) == "failed"


def test_each_method_compares_with_what_is_on_record(alice: Caller) -> None:
    assert attempt(alice, "password", PASSWORD.upper()) == "failed"
    assert attempt(alice, "password", PASSWORD) == "passed"
    assert attempt(alice, "document_number", "p123-45") == "passed"
    assert attempt(alice, "document_number", "P 123-46") == "failed"
    assert attempt(alice, "call_back", confirmed=True) == "passed"
    assert attempt(alice, "call_back", confirmed=False) == "failed"
    events = [event for event in alice.walk_feed() if event["type"] == "caller.verified"]
    assert [event["data"]["result"] for event in events] == [
        "failed", "passed", "passed", "failed", "passed", "failed",
    ]  # fmt: skip
    assert {event["principal"] for event in events} == {"tester"}
    assert {event["source"] for event in events} == {"ledger/verification"}


def test_what_is_not_on_record_passes_nobody(posted: Live) -> None:
    caller = open_book(posted, posted.client(posted.key()[1]))
    caller.tell(("customer.opened", {"currency": "EUR"}))
    caller.tell(verification_policy(*METHODS), at=AT)
    assert attempt(caller, "document_number", "null") == "failed"
    assert attempt(caller, "password", "none") == "failed"
    assert attempt(caller, "call_back", confirmed=True) == (422, "nothing_on_record")
    assert start(caller) == (422, "nothing_on_record")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"method": "biographical", "secret": "1970-01-01"}, (400, "choice_unknown")),
        ({"method": "password"}, (400, "field_missing")),
        ({"method": "call_back"}, (400, "field_missing")),
        ({"method": "password", "secret": ""}, (400, "text_length")),
        ({"method": "password", "secret": "x", "hint": "y"}, (400, "field_unknown")),
        ({"method": "password", "secret": PASSWORD, "contact": "k9"}, (422, "contact_unknown")),
    ],
)
def test_an_attempt_that_makes_no_sense_is_none(alice: Caller, body: Json, expected: tuple[int, str]) -> None:
    before = alice.head
    assert attempt(alice, body.pop("method"), body.pop("secret", None), **body) == expected
    assert alice.head == before


def test_a_verification_stands_for_its_contact(alice: Caller) -> None:
    alice.tell(arrive("k1"))
    assert attempt(alice, "password", PASSWORD, contact="k1") == "passed"
    found = standing(alice)
    assert (found["verified"], found["by"]["contact"], found["by"]["valid_until"]) == (True, "k1", None)
    alice.tell(end("k1", "abandoned"))
    assert standing(alice) == {"verified": False, "by": None}


def test_while_locked_a_right_secret_tells_nothing(alice: Caller, box: Box) -> None:
    start(alice)
    for _ in range(4):
        assert attempt(alice, "password", "wrong") == "failed"
    wrong, right = (
        alice.client.post(
            f"{alice.at}/customers/alice/verifications/attempt",
            json={"method": method, "secret": secret},
        ).json()
        for method, secret in (("password", "wrong"), ("password", PASSWORD))
    )
    assert wrong["code"] == "verification_locked"
    assert {**wrong, "request_id": ""} == {**right, "request_id": ""}
    assert attempt(alice, "one_time_code", box.code()) == (422, "verification_locked")
    assert attempt(alice, "call_back", confirmed=True) == (422, "verification_locked")
    assert standing(alice)["verified"] is False


def test_64_who_guess_at_once_get_the_attempts_that_are_allowed(alice: Caller, posted: Live) -> None:
    key = posted.key()[1]
    callers = [Caller(posted, posted.client(key), alice.book) for _ in range(CLIENTS)]
    tries = [partial(attempt, caller, "document_number", f"G{n}") for n, caller in enumerate(callers)]
    results = at_once(*tries)
    assert results.count("failed") == 4
    assert results.count((422, "verification_locked")) == CLIENTS - 4
    assert sum(event["type"] == "caller.verified" for event in alice.walk_feed()) == 4


def test_a_mail_server_that_takes_nothing_is_told_without_the_address(alice: Caller, box: Box) -> None:
    box.refuses = True
    try:
        answer = alice.client.post(f"{alice.at}/customers/alice/verifications", json={})
    finally:
        box.refuses = False
    assert problem(answer) == (503, "unavailable")
    assert b"alice@example.com" not in answer.content


def test_without_a_mail_server_no_code_is_made(alice: Caller, live: Live) -> None:
    without = Caller(live, live.client(live.key()[1]), alice.book)
    before = alice.head
    assert start(without) == (503, "unavailable")
    assert alice.head == before


def test_no_secret_is_in_the_log_the_database_or_what_the_service_says(
    alice: Caller, box: Box, posted: Live
) -> None:
    start(alice)
    code = box.code()
    guess = "a guess that nobody makes twice"
    attempt(alice, "one_time_code", code)
    attempt(alice, "password", guess)
    attempt(alice, "password", PASSWORD)
    feed = orjson.dumps(alice.walk_feed()).decode()
    for secret in (guess, PASSWORD, "alice@example.com", "123-45"):
        assert secret not in feed
    dump = subprocess.run(
        [installed() / "pg_dump", "--inserts", "--dbname", posted.database], capture_output=True, check=True
    ).stdout
    for secret in (guess, PASSWORD, "alice@example.com"):
        assert secret.encode() not in dump


def test_reading_whether_is_not_trying(alice: Caller, posted: Live) -> None:
    reader = posted.client(posted.key("read")[1])
    assert reader.get(f"{alice.at}/customers/alice/verification").status_code == 200
    refused = reader.post(f"{alice.at}/customers/alice/verifications", json={})
    assert problem(refused) == (403, "scope_missing")
    assert problem(alice.get("/customers/nobody/verification")) == (404, "customer_unknown")
