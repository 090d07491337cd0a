"""Who looked: what is recorded of a read by a person, and that nobody sees personal data unrecorded."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from tests.api.live import Caller, Json, Live, problem
from tests.api.sellers import sold_by
from tests.api.test_openapi import DESCRIPTION
from tests.ledger.asks import charge, credit, issue

from ledger.database import connect
from ledger.verify.looks import check_looks
from ledger_api.keys import SCOPES
from ledger_api.looking import IN_WORDS, PATH_CHARACTERS_MAX, QUERY_CHARACTERS_MAX, TOLD

PERSON = "/customers/alice/person"
OF_NOBODY = {
    "/v1/books/{book}", *(f"/v1/books/{{book}}/{path}" for path in (
        "access-log", "log/checkpoint", "log/keys", "log/proof/inclusion/{position}", "log/proof/consistency",
        "log/proof/offline/{position}", "reports/contacts", "reports/discount-authority", "reports/disputes",
        "reports/retention", "reports/revenue", "reports/tax", "reports/trial-balance",
    )),
}  # fmt: skip
"""Reads that show no customer's data: sums over all, hashes, and who looked."""


def looks(caller: Caller) -> list[Json]:
    """Read the book's access log, as an auditor."""
    auditor = caller.live.client(caller.live.key("audit", book=caller.book, principal="auditor")[1])
    items: list[Json] = auditor.get(f"{caller.at}/access-log", params={"limit": 1_000}).json()["items"]
    return items


def agent(caller: Caller, *scopes: str, role: str | None = "agent") -> httpx.Client:
    """Call as somebody of customer service."""
    key = caller.live.key(*scopes or ("read", "person"), principal="ann", role=role)[1]
    return caller.live.client(key, **{"Ledger-Reason": "the caller asks"})


@pytest.fixture
def invoiced(alice: Caller) -> Caller:
    """Open the book of a seller, with Alice in it, who has an invoice and a credit note."""
    for ask in (sold_by(), charge("c1", 30_000), issue(), credit("INV-1", (1, 10_000))):
        alice.tell(ask)
    alice.client.put(alice.at + PERSON, json={"name": "Alice"}).raise_for_status()
    return alice


def test_a_look_at_a_person_is_recorded_with_who_what_why_and_when(alice: Caller) -> None:
    before = len(looks(alice))
    answer = agent(alice).get(alice.at + PERSON, headers={"x-request-id": "req-7"})
    assert answer.status_code == 200
    (look,) = looks(alice)[before:]
    told = {
        name: look[name] for name in ("principal", "role", "customer", "method", "path", "reason", "request")
    }
    assert told == {
        "principal": "ann", "role": "agent", "customer": "alice", "method": "GET", "path": alice.at + PERSON,
        "reason": "the caller asks", "request": "req-7",
    }  # fmt: skip
    assert look["number"] == before + 1
    assert look["at"].endswith("Z")
    assert look["key"].startswith("key_")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_without_a_reason_nobody_sees_or_changes_a_person(alice: Caller, method: str) -> None:
    client = agent(alice)
    del client.headers["ledger-reason"]
    before = len(looks(alice))
    assert problem(client.request(method, alice.at + PERSON)) == (400, "reason_missing")
    answer = client.request(method, alice.at + PERSON, headers={"ledger-reason": "x"})
    assert problem(answer) == (400, "reason_malformed")
    assert len(looks(alice)) == before


def test_a_reason_that_is_none_is_refused_where_none_is_needed_too(alice: Caller) -> None:
    client, before = agent(alice), len(looks(alice))
    for reason in ("x", "xy", "r" * 201):
        answer = client.get(f"{alice.at}/customers/alice", headers={"ledger-reason": reason})
        assert problem(answer) == (400, "reason_malformed"), reason
    assert len(looks(alice)) == before


def test_what_a_person_reads_of_a_customer_is_recorded_and_what_a_system_reads_is_not(alice: Caller) -> None:
    person, system = agent(alice, "read"), agent(alice, "read", role=None)
    before = len(looks(alice))
    for client in (person, system):
        for path in (
            "/customers/alice",
            "/customers/alice/balance",
            "/invoices/INV-1",
            "/invoices?customer=alice",
        ):
            assert client.get(alice.at + path).status_code in (200, 404)
        for path in ("/customers", "/invoices", "/reports/trial-balance", "/events", "/events/2"):
            assert client.get(alice.at + path).status_code == 200
    seen = [(look["path"].removeprefix(alice.at), look["customer"]) for look in looks(alice)[before:]]
    assert seen == [
        ("/customers/alice", "alice"), ("/customers/alice/balance", "alice"), ("/invoices/INV-1", None),
        ("/invoices", "alice"), ("/customers", None), ("/invoices", None), ("/events", None),
        ("/events/2", "alice"),
    ]  # fmt: skip


def test_who_may_see_persons_is_one_without_a_role_too(alice: Caller) -> None:
    client, before = agent(alice, "read", "person", role=None), len(looks(alice))
    for path in (PERSON, "/customers/alice"):
        assert client.get(alice.at + path).status_code in (200, 404)
    assert [look["role"] for look in looks(alice)[before:]] == [None, None]


@pytest.mark.parametrize("form", [
    "/invoices/INV-1", "/invoices/INV-1.html", "/invoices/INV-1.pdf", "/invoices/INV-1.xml",
    "/invoices/INV-1/explain", "/credit-notes/CN-1", "/credit-notes/CN-1.html", "/credit-notes/CN-1.pdf",
    "/credit-notes/CN-1.xml",
])  # fmt: skip
def test_whose_invoice_or_credit_note_it_is_is_recorded_in_every_form(invoiced: Caller, form: str) -> None:
    client, head = agent(invoiced), invoiced.head
    before = len(looks(invoiced))
    for moment in ({"min_position": head}, {"as_of_position": head}):
        assert client.get(invoiced.at + form, params=moment).status_code == 200
    seen = [(look["path"].removeprefix(invoiced.at), look["customer"]) for look in looks(invoiced)[before:]]
    assert seen == [(form, "alice")] * 2


def test_a_look_at_an_invoice_that_is_not_there_is_nobody_s(invoiced: Caller) -> None:
    before = len(looks(invoiced))
    client = agent(invoiced)
    assert problem(client.get(f"{invoiced.at}/invoices/INV-9.html")) == (404, "invoice_unknown")
    early = client.get(f"{invoiced.at}/invoices/INV-1", params={"as_of_position": 2})
    assert problem(early) == (404, "invoice_unknown")
    assert [look["customer"] for look in looks(invoiced)[before:]] == [None, None]


def reads() -> Iterator[tuple[str, set[str]]]:
    """Every read of a book by its address, and the parameters that it takes."""
    for path, methods in DESCRIPTION["paths"].items():
        if "get" in methods and path.startswith("/v1/books/{book}"):
            yield (
                path,
                {each["name"] for each in methods["get"].get("parameters", []) if each["in"] == "query"},
            )


def test_every_read_of_customers_is_recorded_and_of_whom(invoiced: Caller) -> None:
    client = agent(invoiced, *SCOPES)
    for path, _ in reads():
        for tile in ("0/000.p/5", "entries/000.p/5") if "{path}" in path else ("",):
            number = "CN-1" if "/credit-notes/" in path else "INV-1"
            address = path.format(
                book=invoiced.book,
                customer="alice",
                number=number,
                position=2,
                path=tile,
                dispute="d-1",
                sha256="0" * 64,
            )
            before = len(looks(invoiced))
            with client.stream("GET", address, params={"old": 1} if "consistency" in path else {}) as answer:
                assert answer.status_code == 200 or "{customer}" in path, address
            seen = [(look["path"], look["customer"]) for look in looks(invoiced)[before:]]
            named = re.search(r"customers/\{|\{number|events/\{", path)
            of_nobody = path in OF_NOBODY or tile.startswith("0/")
            assert seen == ([] if of_nobody else [(address, "alice" if named else None)]), address


def test_what_was_asked_for_and_of_when_is_recorded_without_words_of_a_person_s_own(alice: Caller) -> None:
    client, before = agent(alice), len(looks(alice))
    for path in (
        "/customers/alice/balance?as_of_position=2&as_of_occurred=2026-03-01T12:00:00%2B01:00",
        "/contacts?queue=Anna%20Jensen&state=waiting&limit=5", "/customers?segment=Jensen",
        "/events?after=1&type=a.b", "/reports/discount-authority?customer=alice",
        "/customers?anna=jensen&status=Anna+Jensen&status=open", "/customers",
    ):  # fmt: skip
        client.get(alice.at + path)
    assert [look["query"] for look in looks(alice)[before:]] == [
        "as_of_position=2&as_of_occurred=2026-03-01T12:00:00+01:00", "queue=?&state=waiting&limit=5",
        "segment=?", "after=1&type=a.b", "customer=alice", "status=?&status=open", "",
    ]  # fmt: skip


def test_from_where_on_a_stream_is_followed_again_is_recorded(alice: Caller) -> None:
    client, before = agent(alice), len(looks(alice))
    for behind in ("1", "Jensen 1"):
        with client.stream("GET", f"{alice.at}/events/stream?after=0", headers={"Last-Event-ID": behind}):
            pass
    assert [look["query"] for look in looks(alice)[before:]] == [
        "after=0&Last-Event-ID=1",
        "after=0&Last-Event-ID=?",
    ]


def test_the_page_of_a_list_is_recorded(alice: Caller) -> None:
    alice.tell(("customer.opened", {"currency": "EUR"}), customer="bob")
    alice.read("/customers", min_position=alice.head)
    client, before = agent(alice), len(looks(alice))
    token = client.get(f"{alice.at}/customers?limit=1").json()["next"]
    client.get(f"{alice.at}/customers", params={"limit": 1, "page": token})
    assert [look["query"] for look in looks(alice)[before:]] == ["limit=1", f"limit=1&page={token}"]


def test_of_every_parameter_it_is_known_whether_it_is_in_somebody_s_own_words() -> None:
    assert not TOLD & IN_WORDS
    assert set().union(*(names for _, names in reads())) <= TOLD | IN_WORDS
    for methods in DESCRIPTION["paths"].values():
        for operation in methods.values():
            for each in operation.get("parameters", []):
                if each["in"] == "query" and "\\x00" in str(each["schema"]):
                    assert each["name"] in IN_WORDS


def test_a_refused_caller_saw_nothing_and_is_not_recorded(alice: Caller) -> None:
    before = len(looks(alice))
    assert agent(alice, "read").get(alice.at + PERSON).status_code == 403
    assert len(looks(alice)) == before


def test_the_access_log_is_read_in_pages_and_by_customer(alice: Caller) -> None:
    client = agent(alice)
    for number in range(5):
        assert client.get(f"{alice.at}/customers/{'alice' if number % 2 else 'bob'}").status_code in (
            200,
            404,
        )
    everything = [look["number"] for look in looks(alice)]
    assert everything == list(range(1, len(everything) + 1))
    assert [look["number"] for look in alice.walk("/access-log", limit=2)] == everything
    bobs = alice.walk("/access-log", customer="bob", principal="ann", limit=1)
    assert [look["customer"] for look in bobs] == ["bob"] * 3


def test_an_address_that_names_no_customer_of_ours_is_recorded_as_it_is_written(alice: Caller) -> None:
    agent(alice).get(alice.at + "/customers/%00x%C3%A6")
    look = looks(alice)[-1]
    assert look["customer"] is None
    assert look["path"] == alice.at + "/customers/%00x%C3%A6"


def test_of_a_long_address_only_so_much_is_recorded(alice: Caller) -> None:
    agent(alice).get(f"{alice.at}/customers/{'x' * 400}", params=[("status", "open")] * 200)
    look = looks(alice)[-1]
    assert (len(look["path"]), len(look["query"])) == (PATH_CHARACTERS_MAX, QUERY_CHARACTERS_MAX)


def test_of_what_can_name_no_book_nothing_is_recorded(alice: Caller) -> None:
    client = agent(alice)
    for name in ("a%00b", "a%20b", "x" * 65):
        assert problem(client.get(f"/v1/books/{name}/customers/alice")) == (404, "not_found")
    named = "SELECT count(*) FROM ledger.access_head WHERE book IN ('a b', repeat('x', 65))"
    with psycopg.connect(alice.live.database) as superuser:
        assert superuser.execute(named).fetchone() == (0,)


def test_a_person_is_not_shown_when_the_look_cannot_be_recorded(live: Live, alice: Caller) -> None:
    with psycopg.connect(live.database, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE ledger.access RENAME TO access_away")
        try:
            answer = agent(alice).get(alice.at + PERSON)
        finally:
            superuser.execute("ALTER TABLE ledger.access_away RENAME TO access")
    assert problem(answer) == (503, "unavailable")
    assert agent(alice).get(alice.at + PERSON).status_code == 200


def test_the_chain_of_a_running_service_holds(live: Live, alice: Caller) -> None:
    client = agent(alice)
    for _ in range(20):
        client.get(alice.at + PERSON)
    with connect(live.database, role="ledger_verifier") as connection:
        found = check_looks(connection, alice.book)
    assert (found.found, found.count >= 20) == (0, True)
