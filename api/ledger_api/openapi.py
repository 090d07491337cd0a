"""The description of the interface (OpenAPI 3.1): what the routes say of themselves, and what only we can.

The posting of messages is no FastAPI route, so its description is written here: the envelope, and for each
type of message the shape of its data, taken from the very structs that read it.
"""

from __future__ import annotations

from typing import cast

import msgspec
import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ledger.decider import DECODERS, OF_BOOK
from ledger.event import Data
from ledger.log.outcome import Receipt
from ledger_api.metrics import POSTING_ROUTE
from ledger_api.problems import PROBLEM_JSON, Problem
from ledger_api.reads.billing import ASKED

Json = dict[str, object]

_REF = "#/components/schemas/{name}"

_FAILURES: dict[str, str] = {
    "400": "The request is not of the right shape.",
    "401": "No API key, or one that does not work.",
    "403": "The key may not do this.",
    "404": "There is nothing of that name in this book.",
    "422": "Refused: `code` names the rule that says so.",
    "503": "Not now; `Retry-After` says when.",
    "504": "`min_position` was not reached in time.",
}
"""What any route behind a key may answer instead."""
_OF_BODIES = {"413": "The body is too long.", "415": "The body is of no type that is taken here."}
_UNTAGGED = ("/stream", "/person", "/notes", "/{sha256}")
"""How addresses end whose answers have no tag: a stream, and what nobody may keep."""

_EXAMPLE: Json = {
    "specversion": "1.0",
    "id": "2026-11-0042",
    "source": "shop/eu",
    "type": "charge.posted",
    "subject": "c-1001",
    "time": "2026-11-03T09:30:00Z",
    "data": {"charge": "ch-42", "service": "fibre-100", "currency": "EUR", "net": 2990},
}
_LINE = orjson.dumps(_EXAMPLE).decode() + "\n"
_RECEIPT: Json = {
    "status": "recorded",
    "recordedtime": "2026-11-03T09:30:01.123456Z",
    "events": [
        {
            "type": "charge.posted",
            "position": 7,
            "version": 2,
            "leaf": "a6afaf2edd5b3c364b41f762c8b049d98c48e82ff1eeda71881aaf467e70e205",
        }
    ],
}
_REFUSED: Json = {
    "status": "refused",
    "code": "currency_mismatch",
    "detail": "invoice INV-7 is EUR, payment is USD",
    "pointer": "/data/currency",
    "values": {"invoice": "INV-7", "invoice_currency": "EUR", "currency": "USD"},
}
_REFUSED_SCHEMA: Json = {
    "type": "object",
    "title": "Refused",
    "description": "One message among several that was refused: the members of its problem that tell why. "
    "At the end of NDJSON the ledger may say, with a number as `status`, why it read no further.",
    "required": ["status", "code", "detail"],
    "properties": {
        "status": {"enum": ["refused", *range(400, 600)]},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string"},
        "values": {"type": "object"},
    },
}


def install(app: FastAPI) -> None:
    """Make `app.openapi()` give the whole description, made once."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(app: FastAPI) -> Json:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        openapi_version=app.openapi_version, tags=app.openapi_tags,
    )  # fmt: skip
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    components["Refused"] = _REFUSED_SCHEMA
    components["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components.update(_message_schemas())
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    schema["paths"].setdefault(POSTING_ROUTE, {})["post"] = _posting()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe_failures(path, method, operation)
    # As it is sent: a tuple among the defaults is an array only then.
    return cast(Json, orjson.loads(orjson.dumps(schema)))


def _describe_failures(path: str, method: str, operation: dict[str, Json]) -> None:
    """Every failure is a problem, and none is the framework's own."""
    responses = operation["responses"]
    responses.pop("422", None) if not _is_posting(operation) else None
    if path.startswith("/v1/"):
        others = _FAILURES | (_OF_BODIES if "requestBody" in operation else {})
        if method == "get" and not path.endswith(_UNTAGGED):
            others["304"] = "The caller holds the same bytes already: `If-None-Match` named their tag."
        for status, meaning in others.items():
            responses.setdefault(status, {"description": meaning})
    else:
        responses.setdefault("400", {"description": _FAILURES["400"]})
    for status, response in responses.items():
        if status >= "400":
            cast(Json, response)["content"] = {
                PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}
            }


def _is_posting(operation: dict[str, Json]) -> bool:
    return cast(object, operation.get("operationId")) == "post_events"


def _message_schemas() -> Json:
    """Describe the data of every type of message, the envelope around it, and the receipt."""
    structs = {type_: _struct_of(type_) for type_ in sorted(DECODERS)}
    _, components = msgspec.json.schema_components([*structs.values(), Receipt, *ASKED], ref_template=_REF)
    described = cast(Json, components)
    names = []
    for type_, struct in structs.items():
        name = f"Message_{type_}"
        names.append(name)
        described[name] = _envelope(type_, f"#/components/schemas/{struct.__name__}")
    described["Message"] = {
        "description": "A CloudEvents 1.0 document.",
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names],
        "discriminator": {
            "propertyName": "type",
            "mapping": {t: f"#/components/schemas/Message_{t}" for t in structs},
        },
    }
    return described


def _struct_of(type_: str) -> type[Data]:
    """Find the struct that a decoder reads; a decoder is the bound method of a msgspec decoder."""
    decoder: msgspec.json.Decoder[Data] = DECODERS[type_].__self__  # type: ignore[attr-defined]
    struct: type[Data] = decoder.type
    return struct


def _envelope(type_: str, data: str) -> Json:
    properties: dict[str, Json] = {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "description": "With the source the key: for ever.",
        },
        "source": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "description": "One that the API key may post as.",
        },
        "type": {"const": type_},
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it occurred, with its offset.",
        },
        "datacontenttype": {"const": "application/json"},
        "expectedversion": {
            "type": "integer",
            "minimum": 0,
            "description": "The version its stream must be at.",
        },
        "data": {"$ref": data},
    }
    required = ["specversion", "id", "source", "type", "time", "data"]
    if type_ not in OF_BOOK:
        properties["subject"] = {"type": "string", "maxLength": 64, "description": "The customer."}
        required.append("subject")
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _posting() -> Json:
    message = {"$ref": "#/components/schemas/Message"}
    return {
        "tags": ["Events"],
        "operationId": "post_events",
        "summary": "Post messages",
        "description": (
            "Post one message, or many. (`source`, `id`) is the idempotency key: a message sent again gets "
            "its first receipt. A refused message records nothing and may be sent again.\n\n"
            "Besides the structured form, one message may come in CloudEvents' binary mode: attributes as "
            "`ce-` headers, `data` as the body."
        ),
        "security": [{"key": []}],
        "parameters": [
            {"name": "book", "in": "path", "required": True, "schema": {"type": "string"}, "example": "main"},
            {
                "name": "atomic", "in": "query", "schema": {"type": "boolean", "default": False},
                "description": "Of several messages, record all or none.",
            },
            *_binary_mode(),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {"schema": message, "example": _EXAMPLE},
                "application/cloudevents-batch+json": {
                    "schema": {"type": "array", "items": message}, "example": [_EXAMPLE],
                },
                "application/x-ndjson": {
                    "schema": {"type": "string"}, "example": _LINE,
                },
                "application/json": {"schema": {"type": "object"}, "example": _EXAMPLE["data"]},
            },
        },
        "responses": _posting_responses(),
    }  # fmt: skip


def _binary_mode() -> list[Json]:
    """Describe the headers that carry an event's attributes when the body is its data alone."""
    attributes = {
        name: str(_EXAMPLE[name]) for name in ("specversion", "id", "source", "type", "subject", "time")
    }
    return [
        {
            "name": f"ce-{name}", "in": "header", "schema": {"type": "string"}, "example": example,
            "description": f"Binary mode: the attribute `{name}`, percent-encoded.",
        }
        for name, example in attributes.items()
    ]  # fmt: skip


def _posting_responses() -> Json:
    position = {
        "schema": {"type": "integer"},
        "description": "Highest position recorded: a `min_position` to read with.",
    }
    receipt = {"$ref": "#/components/schemas/Receipt"}
    result = {"anyOf": [receipt, {"$ref": "#/components/schemas/Refused"}]}
    several = {"oneOf": [receipt, {"type": "array", "items": result}]}
    return {
        "201": {
            "description": "Recorded.",
            "headers": {"Ledger-Position": position},
            "content": {"application/json": {"schema": receipt, "example": _RECEIPT}},
        },
        "200": {
            "description": "One message: it was recorded before, this is its first receipt. "
            "Several: one result each, in order.",
            "headers": {"Ledger-Position": position},
            "content": {
                "application/json": {"schema": several, "example": [_RECEIPT, _REFUSED]},
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": orjson.dumps(_RECEIPT).decode() + "\n",
                },
            },
        },
        "409": {"description": "The key (`source`, `id`) is taken by a message with other content."},
        "413": {"description": "The body is too long, or holds too many messages."},
        "415": {"description": "The body is of no type that is taken here."},
        "422": {"description": "Refused: `code` names the rule that the message breaks."},
        "429": {"description": "Too many requests; `Retry-After` says when to come again."},
    }
