"""Every answer that is not a success: RFC 9457 problem details, and the one table from refusal to status.

Nothing else in this package decides a status code of a failure or writes the body of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ledger.errors import Conflict, LedgerError, Malformed, Refusal, Unauthorised, Unavailable

PROBLEM_JSON = "application/problem+json"
_SHOWN_CHARACTERS_MAX = 200
"""Characters of a caller's value that a problem repeats: enough to recognise it."""


class Problem(BaseModel):
    """The shape of every failure (RFC 9457)."""

    type: str = Field(
        description="Address of the description of this kind of problem.",
        examples=["/problems#scope_missing"],
    )
    title: str = Field(examples=["Scope missing"])
    status: int = Field(examples=[403])
    detail: str = Field(description="One sentence with the values in it.")
    code: str = Field(description="Stable name of the rule that was broken.", examples=["scope_missing"])
    pointer: str = Field(
        "", description="JSON pointer of the field at fault in what was posted, if there is one."
    )
    values: dict[str, object] = Field({}, description="The values of the sentence, for programs.")
    request_id: str = Field(description="Under this id the request stands in the ledger's log.")


class NotFound(Refusal):
    """What the address names does not exist, or not in this book."""


ERASED = {"description": "It was erased: the customer is forgotten."}
"""What a route about a person says of the status 410."""

STATUS_OF_CODE: Mapping[str, int] = {
    "key_missing": 401,
    "key_unknown": 401,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "rebuild_running": 409,
    "person_erased": 410,
    "body_too_large": 413,
    "batch_too_large": 413,
    "media_type_unsupported": 415,
    "rate_limited": 429,
    "pdf_not_installed": 503,
    "headers_too_large": 431,
    "position_not_reached": 504,
}
"""Refusals whose status is not the one of their class."""

STATUS_OF_CLASS: Mapping[type[LedgerError], int] = {
    NotFound: 404,
    Malformed: 400,
    Unauthorised: 403,
    Conflict: 409,
    Refusal: 422,
    Unavailable: 503,
}


def status_of(error: Refusal | Unavailable) -> int:
    """Say which HTTP status a refusal is answered with: by its code, else by its class."""
    if isinstance(error, Refusal) and error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    return next(STATUS_OF_CLASS[cls] for cls in type(error).__mro__ if cls in STATUS_OF_CLASS)


def problem_members(error: Refusal | Unavailable) -> dict[str, object]:
    """Lay out a refusal as the members of a problem, without the request id."""
    code = error.code if isinstance(error, Refusal) else "unavailable"
    members: dict[str, object] = {
        "type": f"/problems#{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status_of(error),
        "detail": _shown(error.detail if isinstance(error, Refusal) else str(error), 2_000),
        "code": code,
    }
    if isinstance(error, Refusal):
        members["pointer"] = _shown(error.pointer)
        members["values"] = _plain(error.values)
    return members


def problem_body(error: Refusal | Unavailable, request_id: str) -> tuple[int, bytes]:
    """Write a refusal as a problem: its status, and its body as bytes.

    Whoever sends it adds `Content-Type: application/problem+json` and what `problem_headers` says.
    """
    return status_of(error), orjson.dumps(problem_members(error) | {"request_id": request_id})


def problem_headers(error: Refusal | Unavailable) -> dict[str, str]:
    """Say which headers belong to a refusal: when to come again, or how to authenticate."""
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after_seconds)}
    status = status_of(error)
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="ledger"'}
    if status in (429, 504):
        return {"Retry-After": "1"}
    return {}


def problem_response(
    error: Refusal | Unavailable, request: Request, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a request with a problem."""
    status, body = problem_body(error, request_id_of(request))
    return Response(body, status, {**problem_headers(error), **(headers or {})}, PROBLEM_JSON)


def request_id_of(request: Request) -> str:
    """Give the id under which this request stands in the log ("" when it never passed the edge)."""
    return str(request.scope.get("ledger.request_id", ""))


def install(app: FastAPI) -> None:
    """Make every failure a problem, but for faults of ours: those are `edge`'s."""
    app.add_exception_handler(LedgerError, _on_ledger_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_ledger_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal | Unavailable):
        request.scope["ledger.refused"] = error.code if isinstance(error, Refusal) else "unavailable"
        return problem_response(error, request)
    raise error


async def _on_validation_error(request: Request, error: Exception) -> Response:
    errors = cast(RequestValidationError, error).errors()
    return await _on_ledger_error(request, _refusal_of_validation(errors))


def _refusal_of_validation(errors: Sequence[Mapping[str, object]]) -> Refusal:
    """Name the first thing wrong with an address or its query."""
    first = errors[0]
    loc = first.get("loc")
    place, *rest = loc if isinstance(loc, tuple) else ("query",)
    name = str(rest[0]) if rest else ""
    if place == "path":
        return NotFound(
            "not_found", f"no {name} is written like this", parameter=name, value=first.get("input")
        )
    if first.get("type") == "extra_forbidden" and name.startswith("as_of_"):
        return Refusal(
            "as_of_not_answered",
            f"{name} is no parameter here: it is misspelt, or what this address tells is of no moment",
            parameter=name,
        )
    if first.get("type") == "extra_forbidden":
        return Malformed(
            "parameter_unknown", f"this address takes no parameter {_shown(name)}", parameter=name
        )
    why = str(first.get("msg", "")).removeprefix("Value error, ")
    return Malformed("parameter_malformed", f"{name}: {why}", parameter=name, value=first.get("input"))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    if error.status_code == 404:
        return problem_response(NotFound("not_found", "nothing is at this address"), request)
    if error.status_code == 405:
        allowed = ", ".join(allowed_methods(request))
        refusal = Refusal(
            "method_not_allowed", f"this address takes {allowed}", method=request.method, allowed=allowed
        )
        return problem_response(refusal, request, {"Allow": allowed})
    return problem_response(Malformed("request_malformed", str(error.detail)), request)


def allowed_methods(request: Request) -> list[str]:
    """Collect the methods that any route takes here: the router itself names those of the first."""
    methods: set[str] = set()
    for path, operations in request.app.openapi()["paths"].items():
        pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request.url.path):
            methods |= {method.upper() for method in operations}
    return sorted(methods or {"GET"})


def internal_error(request_id: str) -> bytes:
    """Write the problem for a fault of ours: the log has the trace, the caller the id to ask for it."""
    return orjson.dumps(
        {
            "type": "/problems#internal_error",
            "title": "Internal error",
            "status": 500,
            "detail": "the ledger failed to answer; nothing is known about the request beyond its id",
            "code": "internal_error",
            "request_id": request_id,
        }
    )


def _shown(text: str, characters_max: int = _SHOWN_CHARACTERS_MAX) -> str:
    """Make any text storable in JSON, and short."""
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= characters_max else clean[: characters_max - 1] + "…"


def _plain(value: object) -> object:
    """Make any value one that JSON has, without losing a digit: what is no JSON number becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, Mapping):
        return {_shown(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return _shown(value.isoformat() if hasattr(value, "isoformat") else str(value))
