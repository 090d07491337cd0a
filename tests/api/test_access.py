"""Who may do what: every route of the description, with every key that does not open it."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.api.live import SINGLE, Caller, Live, open_book, problem, write
from tests.ledger.asks import charge

from ledger.database import connect
from ledger.settings import Settings
from ledger_api import keys
from ledger_api.app import create_app
from ledger_api.cli.runtime import OWNER

DESCRIPTION = create_app(Settings(), "").openapi()
ROUTES = [
    (method.upper(), path) for path, operations in DESCRIPTION["paths"].items() for method in operations
]
GUARDED = [(method, path) for method, path in ROUTES if path.startswith("/v1/")]
OPEN = [(method, path) for method, path in ROUTES if not path.startswith("/v1/")]
OF_A_BOOK = [(method, path) for method, path in GUARDED if "{book}" in path]


OF_PERSONS = ("/person", "/password", "/evidence/{sha256}")
POSTED_TO = (
    "/events", "/billing-runs", "/remind", "/evidence", "/notes/{note}", "/verifications",
    "/verifications/attempt",
)  # fmt: skip

NO_KEYS = (
    f"Bearer blk_{'x' * 43}", "Bearer short", "Bearer", "Basic dTpw", "Bearer " + "\u00e4" * 43, "x" * 9_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def mine(live: Live, client: httpx.Client) -> Caller:
    """Open a book that some keys do not open."""
    return open_book(live, client)


@pytest.fixture(scope="module")
def nobody(live: Live) -> httpx.Client:
    """Call without a key."""
    return live.client()


def ask(client: httpx.Client, method: str, path: str, book: str) -> httpx.Response:
    """Ask an address of the description, with something in the place of each parameter."""
    address = re.sub(r"\{[a-z]+\}", "1", path.replace("{book}", book))
    if not path.endswith("/events") or method == "GET":
        return client.request(method, address)
    return client.post(address, content=write(charge("a", 1)), headers={"content-type": SINGLE})


def needed_scope(method: str, path: str) -> str:
    """Say which scope opens an address."""
    if path.endswith(OF_PERSONS) or (method, path.rpartition("/")[2]) == ("GET", "notes"):
        return keys.PERSON
    if path.endswith("/access-log"):
        return keys.AUDIT
    if method == "GET" or path.endswith("/what-if"):
        return keys.READ
    return keys.POST if path.endswith(POSTED_TO) else keys.ADMIN


def test_there_are_routes_of_every_kind() -> None:
    assert len(GUARDED) > 18
    assert len(OPEN) >= 3
    assert ("POST", "/v1/books/{book}/events") in OF_A_BOOK


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_no_key_opens_nothing(nobody: httpx.Client, mine: Caller, method: str, path: str) -> None:
    answer = ask(nobody, method, path, mine.book)
    assert problem(answer) == (401, "key_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="ledger"'


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_that_is_none_opens_nothing(live: Live, mine: Caller, method: str, path: str) -> None:
    client = live.client()
    for authorization in NO_KEYS:
        client.headers["authorization"] = authorization
        assert problem(ask(client, method, path, mine.book)) == (401, "key_unknown")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_without_the_scope_opens_nothing(live: Live, mine: Caller, method: str, path: str) -> None:
    needed = needed_scope(method, path)
    client = live.client(live.key(*(scope for scope in keys.SCOPES if scope != needed))[1])
    answer = ask(client, method, path, mine.book)
    assert problem(answer) == (403, "scope_missing")
    assert answer.json()["values"]["scope"] == needed


@pytest.mark.parametrize(("method", "path"), OF_A_BOOK)
def test_a_key_of_another_book_opens_nothing(live: Live, mine: Caller, method: str, path: str) -> None:
    client = live.client(live.key(book="another")[1])
    assert problem(ask(client, method, path, mine.book)) == (403, "book_not_allowed")


@pytest.mark.parametrize(
    ("method", "path"), [route for route in OF_A_BOOK if not route[1].endswith("/stream")]
)
def test_a_key_of_the_book_opens_it(live: Live, mine: Caller, method: str, path: str) -> None:
    client = live.client(live.key(book=mine.book)[1])
    assert ask(client, method, path, mine.book).status_code in (200, 400, 404, 415, 422)


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_what_machines_ask_needs_no_key(nobody: httpx.Client, method: str, path: str) -> None:
    assert ask(nobody, method, path, "").status_code == 200


def test_a_key_of_one_book_sees_no_other(live: Live, mine: Caller) -> None:
    client = live.client(live.key(book=mine.book)[1])
    assert [each["book"] for each in client.get("/v1/books").json()["items"]] in ([], [mine.book])
    cursors = [each["cursors"] for each in client.get("/v1/projections").json()["items"]]
    assert {cursor["book"] for each in cursors for cursor in each} == {mine.book}


@pytest.mark.parametrize(
    ("sources", "source", "code"),
    [
        (["shop/eu"], "shop/eu", None),
        (["shop/*"], "shop/us", None),
        (["*"], "anything", None),
        (["shop/eu"], "shop/eu2", "source_not_allowed"),
        (["shop/*"], "shop", "source_not_allowed"),
        (["shop/*", "bank"], "banks", "source_not_allowed"),
        (["*"], "ledger", "source_reserved"),
    ],
)
def test_a_key_posts_only_as_its_sources(
    live: Live, alice: Caller, sources: list[str], source: str, code: str | None
) -> None:
    client = live.client(live.key("post", sources=sources)[1])
    body = write(charge("a", 1)).replace(b'"source":"test"', b'"source":"%b"' % source.encode())
    answer = client.post(f"{alice.at}/events", content=body, headers={"content-type": SINGLE})
    if code is None:
        assert answer.status_code == 201
    else:
        assert problem(answer) == (403, code)
        assert alice.head == 2


def test_the_principal_in_an_event_is_the_key_s(live: Live, alice: Caller) -> None:
    client = live.client(live.key("post", principal="robot-7")[1])
    client.post(f"{alice.at}/events", content=write(charge("a", 1)), headers={"content-type": SINGLE})
    assert alice.read("/events/3")["principal"] == "robot-7"


def test_a_revoked_key_stops_working_within_the_time_that_keys_are_remembered(impatient: Live) -> None:
    id_, key = impatient.key("read")
    client = impatient.client(key)
    assert client.get("/v1/books").status_code == 200
    with connect(impatient.database, role=OWNER) as connection:
        assert keys.revoke(connection, id_)
    assert problem(client.get("/v1/books")) == (401, "key_unknown")


def test_what_is_about_the_book_itself_needs_a_key_that_governs(live: Live, mine: Caller) -> None:
    posts = live.client(live.key(keys.POST, book=mine.book)[1])
    rate = write(("tax_rate.changed", {"category": "new", "rate": "5", "from": "2026-01-01"}))
    refused = posts.post(f"/v1/books/{mine.book}/events", content=rate, headers={"content-type": SINGLE})
    assert problem(refused) == (403, "scope_missing")
    assert refused.json()["values"] == {"scope": keys.GOVERN}
    governs = live.client(live.key(keys.POST, keys.GOVERN, book=mine.book)[1])
    taken = governs.post(f"/v1/books/{mine.book}/events", content=rate, headers={"content-type": SINGLE})
    assert taken.status_code == 201
