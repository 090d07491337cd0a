"""Personal data over HTTP: who may see it, what is kept, and that it leaves no trace outside the vault."""

from __future__ import annotations

import httpx
import orjson
import pytest
from tests.api.live import Caller, Json, problem

PERSON: Json = {
    "name": "Aurelia Quistgaard",
    "address": {
        "lines": ["Østergade 1", "2. tv."],
        "postal_code": "1100",
        "city": "København",
        "country": "DK",
    },
    "email": "aurelia@example.com",
    "phone": "+45 70 10 10 10",
    "tax_number": "DK12345678",
    "document_number": "P1234567",
}
AT = "/customers/alice/person"


def put(caller: Caller, body: Json, customer: str = "alice") -> httpx.Response:
    """Say who somebody is."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return caller.client.put(
        f"{caller.at}/customers/{customer}/person", content=raw, headers={"content-type": "application/json"}
    )


def test_a_person_is_kept_as_it_was_put_and_by_nobody_on_the_way(alice: Caller) -> None:
    assert alice.read(AT) == {}
    answer = put(alice, PERSON)
    assert (answer.status_code, answer.content) == (204, b"")
    shown = alice.get(AT)
    assert shown.json() == PERSON
    assert shown.headers["cache-control"] == "no-store"
    assert "etag" not in shown.headers


def test_a_field_that_is_absent_is_not_known_any_more(alice: Caller) -> None:
    put(alice, PERSON)
    put(alice, {"name": "A. Q."})
    assert alice.read(AT) == {"name": "A. Q."}
    put(alice, {})
    assert alice.read(AT) == {}


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"", "json_invalid", ""),
        (b"{", "json_invalid", ""),
        (b"[]", "field_type_wrong", ""),
        (b'{"name":"a","name":"b"}', "key_repeated", "/name"),
        ({"nickname": "A"}, "field_unknown", "/nickname"),
        ({"name": 7}, "field_type_wrong", "/name"),
        ({"name": ""}, "text_length", "/name"),
        ({"name": "a\nb"}, "text_not_allowed", "/name"),
        ({"email": "nobody"}, "text_not_allowed", "/email"),
        ({"phone": "call me"}, "text_not_allowed", "/phone"),
        ({"address": {"lines": [], "city": "K", "country": "DK"}}, "list_length", "/address/lines"),
        ({"address": {"lines": ["1"], "city": "K", "country": "dk"}}, "text_not_allowed", "/address/country"),
        ({"address": {"lines": ["1"], "country": "DK"}}, "field_missing", "/address/city"),
        ({"name": "x" * 20_000}, "body_too_large", ""),
    ],
)
def test_a_person_of_the_wrong_shape_is_refused_and_its_values_are_not_repeated(
    alice: Caller, body: Json, code: str, pointer: str
) -> None:
    answer = put(alice, body)
    assert problem(answer) == (413 if code == "body_too_large" else 400, code)
    assert answer.json()["pointer"] == pointer
    for value in ("nobody", "call me", "a\\nb"):
        assert value not in answer.text


def test_a_person_is_json_and_of_a_customer(alice: Caller) -> None:
    answer = alice.client.put(alice.at + AT, content=b"<x/>", headers={"content-type": "text/xml"})
    assert problem(answer) == (415, "media_type_unsupported")
    assert problem(put(alice, PERSON, "nobody")) == (404, "customer_unknown")
    assert problem(alice.get("/customers/nobody/person")) == (404, "customer_unknown")


def test_nobody_reads_a_person_with_the_scopes_of_billing_alone(alice: Caller) -> None:
    put(alice, PERSON)
    client = alice.live.client(alice.live.key("read", "post", "admin")[1])
    assert problem(client.get(alice.at + AT)) == (403, "scope_missing")
    assert problem(client.put(alice.at + AT, content=b"{}")) == (403, "scope_missing")
