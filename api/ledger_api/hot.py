"""POST /v1/books/{book}/events: the way in, as a plain ASGI endpoint.

Every request of an upstream system passes here, so nothing stands between the socket and the writer: no
middleware, no model objects. The shapes: one CloudEvent (structured or binary mode), a batch (a JSON
array), or NDJSON, which is read, judged and answered slice by slice, so that its size costs no memory.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec
import orjson

from ledger.decider import DECODERS
from ledger.errors import Malformed, Refusal, Unauthorised, Unavailable
from ledger.event import LEDGER
from ledger.log.outcome import Outcome, Receipt
from ledger.log.writer import Writer
from ledger.message import Message, read_message
from ledger.settings import Settings
from ledger_api.edge import request_id_from
from ledger_api.keys import Keys, Principal
from ledger_api.problems import PROBLEM_JSON, problem_body, problem_headers, problem_members

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Refused = Callable[[str], None]

SINGLE = b"application/cloudevents+json"
BATCH = b"application/cloudevents-batch+json"
NDJSON = b"application/x-ndjson"

_SLICE_MESSAGES = 500
"""Messages of a long body that are judged together.

Enough to share a commit, few enough to keep others waiting little.
"""
_SLICES_AHEAD = 2
"""Slices that may wait for the writer while the next one is read."""
_SPOOL_BYTES = 1 << 20
"""Results of a long body that stay in memory; the rest waits in a temporary file until the body has ended."""

_numbers = itertools.count(1)
_process = secrets.token_hex(6)


def _next_request_id() -> str:
    """Make up an id that no other request has: of this process, and counted."""
    return f"{_process}-{next(_numbers)}"


_encode = msgspec.json.Encoder().encode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Call(NamedTuple):
    """One request, as far as its head tells."""

    book: str
    principal: Principal
    headers: dict[bytes, bytes]
    atomic: bool
    receive: Receive


class _Answer(NamedTuple):
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Ingest:
    """The endpoint. `refused` is told the code of every refusal, for the metrics."""

    def __init__(self, writer: Writer, keys: Keys, settings: Settings, refused: Refused) -> None:
        self._writer = writer
        self._keys = keys
        self._settings = settings
        self._refused = refused

    async def post_events(self, scope: Scope, receive: Receive, send: Send, book: str) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = request_id_from(scope["headers"]) if b"x-request-id" in headers else _next_request_id()
        try:
            principal = await self._keys.authorise(headers, book, "post")
            call = _Call(book, principal, headers, _atomic(scope["query_string"]), receive)
            kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
            if kind == SINGLE or b"ce-specversion" in headers:
                answer = await self._single(call)
            elif kind == BATCH:
                answer = await self._batch(call)
            elif kind == NDJSON:
                await self._ndjson(call, send, request_id)
                return
            else:
                raise Malformed(
                    "media_type_unsupported",
                    f"the body is {kind.decode('latin-1') or 'of no type'}; this address "
                    f"takes {SINGLE.decode()}, {BATCH.decode()}, {NDJSON.decode()}, or binary mode (ce- headers)",
                    content_type=kind.decode("latin-1"),
                )  # fmt: skip
        except (Refusal, Unavailable) as error:
            self._count(error)
            status, body = problem_body(error, request_id)
            extra = tuple((k.lower().encode(), v.encode()) for k, v in problem_headers(error).items())
            answer = _Answer(status, body, PROBLEM_JSON, extra)
        await _send(send, answer, request_id)

    # One message.

    async def _single(self, call: _Call) -> _Answer:
        body = await self._body(call, self._settings.body_bytes_max)
        if b"ce-specversion" in call.headers:
            body = _structured(call.headers, body)
        message = self._read(body, call.principal)
        loop = asyncio.get_running_loop()
        (outcome,) = await self._writer.submit_soon(call.book, (message,), loop)
        if isinstance(outcome, Refusal):
            raise outcome
        position = str(outcome.position).encode()
        status = 201 if outcome.status == "recorded" else 200
        return _Answer(status, _encode(outcome), headers=((b"ledger-position", position),))

    def _read(self, raw: bytes, principal: Principal) -> Message:
        message = read_message(raw, DECODERS, principal.name)
        if message.source == LEDGER:
            raise Unauthorised(
                "source_reserved", f"the source {LEDGER} is the ledger's own", pointer="/source"
            )
        if not principal.may_post_as(message.source):
            raise Unauthorised(
                "source_not_allowed", f"{principal.name} may not post as {message.source}",
                pointer="/source", principal=principal.name, source=message.source,
            )  # fmt: skip
        return message

    # Several messages in one JSON array.

    async def _batch(self, call: _Call) -> _Answer:
        body = await self._body(call, self._settings.batch_bytes_max)
        try:
            raws = _decode_array(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Malformed("json_malformed", f"the body is not a JSON array: {error}") from None
        self._refuse_too_many(len(raws))
        if call.atomic:
            return await self._atomic(call, [bytes(raw) for raw in raws])
        results: list[object] = []
        position = 0
        for at in range(0, len(raws), _SLICE_MESSAGES):
            slice_ = [bytes(raw) for raw in raws[at : at + _SLICE_MESSAGES]]
            outcomes = await self._judge(call, slice_)
            position = max(position, _highest(outcomes))
            results.extend(self._result(outcome) for outcome in outcomes)
        return _Answer(200, _encode(results), headers=_position_header(position))

    async def _atomic(self, call: _Call, raws: Sequence[bytes]) -> _Answer:
        """All or nothing: the first refusal, with its index, is the answer to all."""
        messages = []
        for index, raw in enumerate(raws):
            try:
                messages.append(self._read(raw, call.principal))
            except Refusal as refusal:
                raise _at(refusal, index) from None
        if not messages:
            return _Answer(200, b"[]")
        loop = asyncio.get_running_loop()
        outcomes = await self._writer.submit_soon(call.book, messages, loop, atomic=True)
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Refusal):
                raise _at(outcome, index)
        return _Answer(200, _encode(outcomes), headers=_position_header(_highest(outcomes)))

    async def _judge(self, call: _Call, raws: Sequence[bytes]) -> list[Outcome]:
        """Judge messages each on its own; what cannot be read is refused in its place."""
        outcomes: list[Outcome | None] = []
        messages = []
        for raw in raws:
            try:
                messages.append(self._read(raw, call.principal))
                outcomes.append(None)
            except Refusal as refusal:
                outcomes.append(refusal)
        judged: list[Outcome] = []
        if messages:
            judged = await self._writer.submit_soon(call.book, messages, asyncio.get_running_loop())
        rest = iter(judged)
        return [next(rest) if outcome is None else outcome for outcome in outcomes]

    def _result(self, outcome: Outcome) -> object:
        if isinstance(outcome, Receipt):
            return outcome
        self._count(outcome)
        members = problem_members(outcome)
        return {"status": "refused", **{k: members[k] for k in ("code", "detail", "pointer", "values")}}

    # A stream of lines.

    async def _ndjson(self, call: _Call, send: Send, request_id: str) -> None:
        """Judge lines slice by slice while they arrive; answer when the body has ended.

        Answering earlier could lock up with a client that sends all before it reads. A body that turns out
        too long is answered with a last line that says so: what stands above it is recorded.
        """
        self._refuse_announced_length(call, self._settings.bulk_bytes_max)
        if call.atomic:
            lines = [line async for slice_ in self._slices(call) for line in slice_]
            self._refuse_too_many(len(lines))
            await _send(send, await self._atomic(call, lines), request_id)
            return
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as results:
            waiting: list[asyncio.Task[list[Outcome]]] = []
            position = 0

            async def settle(most: int) -> None:
                nonlocal position
                while len(waiting) > most:
                    outcomes = await waiting.pop(0)
                    position = max(position, _highest(outcomes))
                    results.write(b"".join(_encode(self._result(outcome)) + b"\n" for outcome in outcomes))

            try:
                async for lines in self._slices(call):
                    await settle(_SLICES_AHEAD - 1)
                    waiting.append(asyncio.create_task(self._judge(call, lines)))
                    await asyncio.sleep(0)
                await settle(0)
            except (Refusal, Unavailable) as error:
                if results.tell() == 0 and not waiting:
                    raise
                await _settle_quietly(settle)
                self._count(error)
                results.write(orjson.dumps({"status": "refused", **problem_members(error)}) + b"\n")
            length = results.tell()
            results.seek(0)
            head = ((b"content-length", str(length).encode()), *_position_header(position))
            await _start(send, 200, "application/x-ndjson", head, request_id)
            while chunk := results.read(_SPOOL_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _slices(self, call: _Call) -> AsyncIterator[list[bytes]]:
        """Cut the body into lines, a slice at a time; blank lines are passed over."""
        lines: list[bytes] = []
        rest = b""
        async for chunk in self._chunks(call, self._settings.bulk_bytes_max):
            parts = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
            rest = parts.pop()
            if len(rest) > self._settings.line_bytes_max:
                raise Malformed(
                    "body_too_large", f"a line is longer than {self._settings.line_bytes_max} bytes"
                )
            lines.extend(part for part in parts if part.strip())
            while len(lines) >= _SLICE_MESSAGES:
                yield lines[:_SLICE_MESSAGES]
                del lines[:_SLICE_MESSAGES]
        if rest.strip():
            lines.append(rest)
        if lines:
            yield lines

    # The body.

    async def _body(self, call: _Call, limit: int) -> bytes:
        self._refuse_announced_length(call, limit)
        first = await call.receive()
        if first["type"] == "http.request" and not first.get("more_body", False):
            body: bytes = first.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            return body
        return b"".join(
            [_chunk(first)] + [chunk async for chunk in self._chunks(call, limit, len(_chunk(first)))]
        )

    async def _chunks(self, call: _Call, limit: int, taken: int = 0) -> AsyncIterator[bytes]:
        while True:
            message = await call.receive()
            chunk = _chunk(message)
            taken += len(chunk)
            if taken > limit:
                raise _too_large(limit)
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                return

    def _refuse_announced_length(self, call: _Call, limit: int) -> None:
        announced = call.headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            raise _too_large(limit)

    def _refuse_too_many(self, messages: int) -> None:
        most = self._settings.batch_messages_max
        if messages > most:
            raise Malformed(
                "batch_too_large", f"{messages} messages, at most {most} go in a batch",
                messages=messages, messages_max=most,
            )  # fmt: skip

    def _count(self, error: Refusal | Unavailable) -> None:
        self._refused(error.code if isinstance(error, Refusal) else "unavailable")


async def _settle_quietly(settle: Callable[[int], Awaitable[None]]) -> None:
    """Wait for what was already handed to the writer, so that its outcome is told."""
    try:
        await settle(0)
    except Unavailable:
        return


def _chunk(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] == "http.disconnect":
        raise Malformed("body_incomplete", "the client went away before its body had ended")
    chunk: bytes = message.get("body", b"")
    return chunk


def _atomic(query: bytes) -> bool:
    """Read `?atomic=true`; anything else in the query is refused."""
    if not query:
        return False
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name != "atomic":
            raise Malformed("parameter_unknown", f"this address takes no parameter {name}", parameter=name)
        if value not in ("true", "false"):
            raise Malformed(
                "parameter_malformed", f"atomic is {value}, it must be true or false", parameter=name
            )
    return query.endswith(b"true")


def _structured(headers: dict[bytes, bytes], body: bytes) -> bytes:
    """Turn binary mode (attributes as ce- headers, data as the body) into the structured document."""
    attributes: dict[str, object] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            attributes[name[3:].decode("latin-1")] = unquote(value.decode("latin-1"), errors="strict")
    if "expectedversion" in attributes and str(attributes["expectedversion"]).isdecimal():
        attributes["expectedversion"] = int(str(attributes["expectedversion"]))
    if b"content-type" in headers:
        attributes["datacontenttype"] = headers[b"content-type"].partition(b";")[0].strip().decode("latin-1")
    head = orjson.dumps(attributes)
    return head[:-1] + b',"data":' + (body or b"{}") + b"}"


def _at(refusal: Refusal, index: int) -> Refusal:
    """Say which message of an atomic batch the refusal is about."""
    detail = f"message {index}: {refusal.detail}; nothing of the batch is recorded"
    moved = type(refusal)(refusal.code, detail, pointer=f"/{index}{refusal.pointer}", **refusal.values)
    moved.values["index"] = index
    return moved


def _highest(outcomes: Sequence[Outcome]) -> int:
    return max((o.position for o in outcomes if isinstance(o, Receipt)), default=0)


def _position_header(position: int) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"ledger-position", str(position).encode()),) if position else ()


def _too_large(limit: int) -> Malformed:
    return Malformed("body_too_large", f"the body is longer than {limit} bytes", bytes_max=limit)


async def _start(
    send: Send, status: int, content_type: str, headers: Sequence[tuple[bytes, bytes]], request_id: str
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type.encode()),
                (b"x-request-id", request_id.encode("latin-1")),
                *headers,
            ],
        }
    )


async def _send(send: Send, answer: _Answer, request_id: str) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    await _start(send, answer.status, answer.content_type, (length, *answer.headers), request_id)
    await send({"type": "http.response.body", "body": answer.body})
