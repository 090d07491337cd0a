"""The description of the interface: valid, complete, and true of the running service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import orjson
from fastapi import APIRouter
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route
from tests.api.live import BATCH, NDJSON, SINGLE, Caller, Json, Live

from ledger.decider import DECODERS
from ledger.refusals import REFUSALS
from ledger.settings import Settings
from ledger_api.app import create_app
from ledger_api.problem_codes import PROBLEM_CODES

APP = create_app(Settings(), "")
DESCRIPTION = APP.openapi()
MESSAGE = {"$ref": "#/components/schemas/Message"}
POSTING = DESCRIPTION["paths"]["/v1/books/{book}/events"]["post"]


@cache
def validator(schema: bytes) -> OAS31Validator:
    """Make what holds values against a schema of the description."""
    return OAS31Validator({**orjson.loads(schema), "components": DESCRIPTION["components"]})


def wrong(value: Json, schema: Json) -> list[str]:
    """Hold a value against a schema of the description."""
    errors = validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


def operations() -> Iterator[tuple[str, str, Json]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_description_is_valid_and_the_one_that_is_served(live: Live) -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()
    assert live.client().get("/openapi.json").json() == orjson.loads(orjson.dumps(DESCRIPTION))


def routes() -> set[tuple[str, str]]:
    """Every route of the application that is meant to be described."""
    found = {("POST", "/v1/books/{book}/events")}
    for included in APP.routes:
        for route in getattr(included, "original_router", APIRouter()).routes:
            if isinstance(route, Route) and route.include_in_schema:
                path = re.sub(r":\w+\}", "}", route.path)
                found |= {(method, path) for method in route.methods or ()}
    return found


def test_every_route_is_described_and_every_described_one_is_there(told: Caller) -> None:
    described = {(method.upper(), path) for method, path, _ in operations()}
    assert described == routes()
    assert len(described) > 20
    for method, path in described:
        if not path.endswith("/stream"):
            assert told.client.request(method, re.sub(r"\{\w+\}", "x", path)).status_code != 405, path


def test_every_operation_says_what_it_is_and_how_it_fails() -> None:
    for _, path, operation in operations():
        assert operation["summary"], path
        assert operation["tags"][0] in {tag["name"] for tag in DESCRIPTION["tags"]}
        assert operation["operationId"], path
        failures = {status for status in operation["responses"] if status >= "400"}
        assert failures >= ({"400", "401", "403", "404", "503"} if path.startswith("/v1/") else {"400"})
        for status in failures:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_every_key_route_wants_the_key() -> None:
    for _, path, operation in operations():
        assert operation.get("security", []) == ([{"key": []}] if path.startswith("/v1/") else []), path


def test_the_examples_of_bodies_can_be_posted_as_they_stand(book: Caller) -> None:
    content = POSTING["requestBody"]["content"]
    assert set(content) == {SINGLE, BATCH, NDJSON, "application/json"}
    example = content[SINGLE]["example"]
    client = book.live.client(book.live.key(sources=[example["source"]])[1])
    book.tell(("customer.opened", {"currency": "EUR"}), customer=example["subject"])
    said = []
    for kind in (SINGLE, BATCH, NDJSON):
        body = content[kind]["example"]
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        answer = client.post(f"{book.at}/events", content=raw, headers={"content-type": kind})
        results = [orjson.loads(line) for line in answer.content.splitlines()]
        said += [
            result["status"] for each in results for result in (each if isinstance(each, list) else [each])
        ]
    headers = {p["name"]: p["example"] for p in POSTING["parameters"] if p["in"] == "header"}
    binary = client.post(
        f"{book.at}/events",
        content=orjson.dumps(content["application/json"]["example"]),
        headers={"content-type": "application/json", **headers},
    )
    assert [*said, binary.json()["status"]] == ["recorded", "replayed", "replayed", "replayed"]


def test_the_examples_of_answers_are_of_their_shapes() -> None:
    seen = 0
    for _, path, operation in operations():
        for response in operation["responses"].values():
            for kind, content in response.get("content", {}).items():
                for example in [content["example"]] if "example" in content else []:
                    seen += 1
                    assert wrong(example, content["schema"]) == [], path
                    if kind == NDJSON:
                        assert wrong(orjson.loads(example), {"$ref": "#/components/schemas/Receipt"}) == []
        for parameter in operation.get("parameters", []):
            for example in [parameter["example"]] if "example" in parameter else []:
                seen += 1
                assert wrong(example, parameter["schema"]) == [], path
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            for example in described.get("examples", []) if isinstance(described, dict) else []:
                seen += 1
                assert wrong(example, described) == [], f"{name}.{field}"
    assert seen > 15


def test_every_message_of_a_history_is_of_the_shape_of_its_type(told: Caller) -> None:
    types = set()
    for event in told.walk_feed():
        data = event["data"].get("command", {"type": event["type"], "data": event["data"]})
        if event["source"] != "test":
            continue
        document = {
            name: event[name] for name in ("specversion", "id", "source", "subject", "time") if name in event
        }
        message = {**document, "type": data["type"], "data": data["data"]}
        message["data"].pop("filled", None)
        types.add(message["type"])
        assert wrong(message, {"$ref": f"#/components/schemas/Message_{message['type']}"}) == []
        assert wrong(message, {"$ref": "#/components/schemas/Message"}) == []
        assert wrong({**message, "position": 1}, {"$ref": "#/components/schemas/Message"})
        assert wrong(
            {**message, "data": {**message["data"], "x": 1}}, {"$ref": "#/components/schemas/Message"}
        )
    assert len(types) > 12
    mapping = DESCRIPTION["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    assert set(mapping) == set(DECODERS)


def test_every_answer_of_the_service_is_of_its_described_shape(told: Caller) -> None:
    names = {"book": told.book, "customer": "c-07", "number": "INV-3", "position": "3", "path": "0/000"}
    for method, path, operation in operations():
        wants = [each["name"] for each in operation.get("parameters", []) if each.get("required")]
        if method != "get" or path.endswith("/stream") or not names.keys() >= set(wants):
            continue
        content = operation["responses"]["200"]["content"]
        number = "CN-1" if "/credit-notes/" in path else names["number"]
        answer = told.client.get(path.format(**{**names, "number": number}))
        kind = answer.headers["content-type"].partition(";")[0]
        if answer.status_code == 200:
            assert {name.partition(";")[0] for name in content} == {kind}, path
        if answer.status_code == 200 and kind == "application/json":
            assert wrong(answer.json(), content[kind]["schema"]) == [], path
        else:
            # A log that is not signed yet has no tiles, and a book without a seller no e-invoices.
            absent = "/log/" in path or path.endswith(".xml")
            assert answer.status_code in ((200, 404, 422) if absent else (200,)), path
        if path.startswith("/v1/"):
            refused = told.client.get(path.format(**names), params={"nonsense": "1"})
            assert refused.status_code == 400
            assert wrong(refused.json(), {"$ref": "#/components/schemas/Problem"}) == [], path


def test_receipts_and_refusals_are_of_their_described_shapes(alice: Caller) -> None:
    schema = POSTING["responses"]["200"]["content"]["application/json"]["schema"]
    answer = alice.post(
        b"[7," + orjson.dumps(POSTING["requestBody"]["content"][SINGLE]["example"]) + b"]", BATCH
    )
    assert wrong(answer.json(), schema) == []
    refused = alice.post(b"7")
    assert wrong(refused.json(), {"$ref": "#/components/schemas/Problem"}) == []


def test_the_pages_for_people_need_nothing_from_elsewhere(live: Live) -> None:
    client = live.client()
    docs, problems = client.get("/docs"), client.get("/problems")
    for page in (docs, problems):
        assert page.headers["content-type"].startswith("text/html")
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert not re.findall(
            r"<script|<link|src=|https?://(?!json-schema)", page.text.split("<h2>Shapes")[0]
        )
    for _, path, operation in operations():
        assert f'id="{operation["operationId"]}"' in docs.text, path
    for code in (*PROBLEM_CODES, *REFUSALS):
        assert f'id="{code}"' in problems.text
