"""What every request passes on its way in and out: an id, security headers, a line in the log, a figure.

Pure ASGI, so that a stream is passed on as it comes. Posted messages do not pass here (see `app`): their path
uses `request_id_from` itself.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.errors import Malformed
from ledger_api.metrics import Metrics
from ledger_api.problems import PROBLEM_JSON, internal_error, problem_body

log = structlog.get_logger("ledger.access")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_TAKES_BODY: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("PUT", re.compile(r"/v1/books/[^/]+/customers/[^/]+/disputes/[^/]+/evidence")),
    ("POST", re.compile(r"/v1/books/[^/]+/(billing-runs|customers/[^/]+/what-if)")),
    ("PUT", re.compile(r"/v1/books/[^/]+/customers/[^/]+/(person|password|notes/[^/]+)")),
    ("POST", re.compile(r"/v1/books/[^/]+/customers/[^/]+/verifications(/attempt)?")),
)
"""Addresses that read a body by themselves, and bound it."""

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"private, no-cache"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""Headers of every answer, unless the route says otherwise: nothing here is to be framed or shared."""


async def send_internal_error(send: Send, request_id: str) -> None:
    """Answer where a fault of ours left no answer; nothing happens when one was begun."""
    body = internal_error(request_id)
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode("ascii")),
        *SECURITY_HEADERS,
    ]
    with suppress(RuntimeError):
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": body})


RawHeaders = Iterable[tuple[bytes, bytes]]


def request_id_from(headers: RawHeaders) -> str:
    """Take over the caller's `X-Request-Id` when it is a plain short word, else make one up."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return secrets.token_hex(12)


class Edge:
    """The outermost middleware of every route but the posting of messages."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Passage(scope, send)
        try:
            if _brings_a_body(scope["headers"]) and not takes_body(scope["method"], scope["path"]):
                await request.refuse_body()
            else:
                await self._app(scope, receive, request.send)
        except Exception:  # the one place where a fault becomes an answer and a line in the log
            log.exception("failed", request_id=request.id, method=scope["method"], path=scope["path"])
            await send_internal_error(send, request.id)
        finally:
            self._note(scope, request)

    def _note(self, scope: Scope, request: _Passage) -> None:
        seconds = time.perf_counter() - request.began
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.answered(scope["method"], route, request.status, seconds)
        if code := scope.get("ledger.refused"):
            self._metrics.refused(code)
        principal = scope.get("ledger.principal")
        log.info(
            "answered",
            request_id=request.id,
            method=scope["method"],
            path=scope["path"],
            status=request.status,
            milliseconds=round(seconds * 1000, 2),
            bytes=request.bytes,
            principal=None if principal is None else principal.name,
        )


class _Passage:
    """One request under way: what its answer turned out to be."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.began = time.perf_counter()
        self.id = scope["ledger.request_id"] = request_id_from(scope["headers"])
        self.status = 500
        self.bytes = 0
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with our headers on its start."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *((name, value) for name, value in SECURITY_HEADERS if name not in present),
                (b"x-request-id", self.id.encode("ascii")),
            ]
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)

    async def refuse_body(self) -> None:
        """Refuse a request that brings a body where none is read: it may be endless."""
        refusal = Malformed("body_unexpected", "this address takes no body")
        status, body = problem_body(refusal, self.id)
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def takes_body(method: str, path: str) -> bool:
    """Say whether a body is read at an address."""
    return any(method == taken and pattern.fullmatch(path) for taken, pattern in _TAKES_BODY)


def _brings_a_body(headers: RawHeaders) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )
