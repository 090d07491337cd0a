"""The endpoint: who calls, which shape the body has, and the answer."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Sequence

import msgspec

from ledger.errors import Malformed, Refusal, Unavailable
from ledger.log.writer import Writer
from ledger.settings import Settings
from ledger_api.edge import request_id_from
from ledger_api.evidence import EvidenceFiles
from ledger_api.ingest import bodies
from ledger_api.ingest.calls import (
    BATCH,
    NDJSON,
    SINGLE,
    Answer,
    Call,
    Receive,
    Scope,
    Send,
    media_type,
    read_headers,
    read_query,
    structured,
)  # fmt: skip
from ledger_api.ingest.intake import Intake, Refused, encode, highest, position_header
from ledger_api.ingest.lines import Results
from ledger_api.keys import POST, Keys
from ledger_api.problems import PROBLEM_JSON, NotFound, problem_body, problem_headers

Answered = Callable[[int, float], None]
"""Told the status of an answer and the seconds it took."""

_BOOK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~-]{0,63}")
_PROBLEM = PROBLEM_JSON.encode()

_numbers = itertools.count(1)
_process = secrets.token_hex(6)
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _next_request_id() -> str:
    """Make up an id that no other request has: of this process, and counted."""
    return f"{_process}-{next(_numbers)}"


class Ingest:
    """The endpoint. `refused` and `answered` are told what comes of the requests, for the metrics."""

    def __init__(
        self,
        writer: Writer,
        keys: Keys,
        evidence: EvidenceFiles,
        settings: Settings,
        refused: Refused,
        answered: Answered,
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._intake = Intake(writer, evidence, settings.key_messages_max, refused)
        self._answered = answered

    async def post_events(self, scope: Scope, receive: Receive, send: Send, book: str) -> None:
        """Answer one request."""
        began = time.perf_counter()
        given = scope["headers"]
        request_id = _next_request_id()
        try:
            headers = read_headers(given)
            if b"x-request-id" in headers:
                request_id = request_id_from(given)
            principal = await self._keys.authorise(headers, book, POST)
            if _BOOK.fullmatch(book) is None:
                raise NotFound("not_found", "no book is written like this", parameter="book", value=book)
            call = Call(book, principal, headers, read_query(scope["query_string"]), receive)
            answer = await self._answer(call, send, request_id)
        except (Refusal, Unavailable) as error:
            self._intake.count(error)
            status, body = problem_body(error, request_id)
            extra = tuple((k.lower().encode(), v.encode()) for k, v in problem_headers(error).items())
            answer = Answer(status, body, _PROBLEM, extra)
        if answer is not None:
            await _send(send, answer, request_id)
        self._answered(200 if answer is None else answer.status, time.perf_counter() - began)

    async def _answer(self, call: Call, send: Send, request_id: str) -> Answer | None:
        """Answer by the type of the body; None where the answer is sent already."""
        kind = media_type(call.headers)
        if kind == SINGLE:
            return await self._single(call, await bodies.whole(call, self._settings.body_bytes_max))
        if kind == BATCH:
            return await self._batch(call)
        if kind == NDJSON:
            return await self._ndjson(call, send, request_id)
        if b"ce-specversion" in call.headers:
            body = await bodies.whole(call, self._settings.body_bytes_max)
            return await self._single(call, structured(call.headers, body))
        raise Malformed(
            "media_type_unsupported",
            f"the body is {kind.decode('latin-1') or 'of no type'}; this address "
            f"takes {SINGLE.decode()}, {BATCH.decode()}, {NDJSON.decode()}, or binary mode (ce- headers)",
            content_type=kind.decode("latin-1"),
        )

    async def _single(self, call: Call, document: bytes) -> Answer:
        message = self._intake.read(document, call.principal)
        if EvidenceFiles.concerns(message):
            for refusal in (await self._intake.not_stored(call, (message,))).values():
                raise refusal
        (outcome,) = await self._intake.submit(call, (message,))
        if isinstance(outcome, Refusal):
            raise outcome
        status = 201 if outcome.status == "recorded" else 200
        return Answer(status, encode(outcome), headers=position_header(outcome.position))

    async def _batch(self, call: Call) -> Answer:
        body = await bodies.whole(call, self._settings.batch_bytes_max)
        try:
            raws = [bytes(raw) for raw in _decode_array(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed("json_malformed", f"the body is not a JSON array: {error}") from None
        self._refuse_too_many(len(raws))
        if call.atomic:
            return await self._atomic(call, raws)
        results: list[object] = []
        position = 0
        for at in range(0, len(raws), bodies.SLICE_MESSAGES):
            outcomes = await self._intake.judge(call, raws[at : at + bodies.SLICE_MESSAGES])
            position = max(position, highest(outcomes))
            results.extend(self._intake.result(outcome) for outcome in outcomes)
        return Answer(200, encode(results), headers=position_header(position))

    async def _atomic(self, call: Call, raws: Sequence[bytes], *, as_lines: bool = False) -> Answer:
        """All or nothing: the first refusal, with its index, is the answer to all."""
        messages = []
        for index, raw in enumerate(raws):
            try:
                messages.append(self._intake.read(raw, call.principal))
            except Refusal as refusal:
                raise _at(refusal, index) from None
        for index, unfit in (await self._intake.not_stored(call, messages)).items():
            raise _at(unfit, index)
        outcomes = await self._intake.submit(call, messages, atomic=True) if messages else []
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Refusal):
                raise _at(outcome, index)
        headers = position_header(highest(outcomes))
        if as_lines:
            return Answer(200, b"".join(encode(each) + b"\n" for each in outcomes), NDJSON, headers)
        return Answer(200, encode(outcomes), headers=headers)

    async def _ndjson(self, call: Call, send: Send, request_id: str) -> Answer | None:
        limits = self._settings
        bytes_max = limits.batch_bytes_max if call.atomic else limits.bulk_bytes_max
        bodies.refuse_announced_length(call, bytes_max)
        slices = bodies.slices(call, bytes_max, limits.line_bytes_max)
        if call.atomic:
            lines: list[bytes] = []
            async for some in slices:
                lines += some
                self._refuse_too_many(len(lines))
            return await self._atomic(call, lines, as_lines=True)
        with Results(self._intake, call) as results:
            try:
                async for some in slices:
                    await results.add(some)
                await results.settle()
            except (Refusal, Unavailable) as error:
                await results.stop(error)
            await results.send(send, _common_headers(request_id))
        return None

    def _refuse_too_many(self, messages: int) -> None:
        most = self._settings.batch_messages_max
        if messages > most:
            raise Malformed(
                "batch_too_large", f"{messages} messages, at most {most} go in a batch",
                messages=messages, messages_max=most,
            )  # fmt: skip


def _at(refusal: Refusal, index: int) -> Refusal:
    """Say which message of an atomic batch the refusal is about."""
    detail = f"message {index}: {refusal.detail}; nothing of the batch is recorded"
    moved = type(refusal)(refusal.code, detail, pointer=f"/{index}{refusal.pointer}", **refusal.values)
    moved.values["index"] = index
    return moved


def _common_headers(request_id: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"x-request-id", request_id.encode("ascii")), _NOSNIFF)


_NOSNIFF = (b"x-content-type-options", b"nosniff")
"""The security header that means something where no browser shows a page; each one costs every post."""


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
        *_common_headers(request_id),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
