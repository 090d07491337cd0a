"""The event feed as it grows: server-sent events over one long answer.

The stream holds no connection to the database while it waits, and no events beyond the page it is sending: a
slow reader slows only itself down. Whoever comes back with `Last-Event-ID` goes on behind that position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ledger.errors import LedgerError, Malformed, Unavailable
from ledger.notices import LOG
from ledger_api.access import Reads
from ledger_api.feed import EventType, Selection, read_events
from ledger_api.keys import READ
from ledger_api.parameters import BookPath, Name, Position, StrictQuery
from ledger_api.services import Services, services_of

log = structlog.get_logger("ledger.stream")

PAGE_EVENTS = 200
"""Events read from the log in one go."""
PAGE_BYTES_MAX = 256_000
"""Bytes of events a stream holds in memory at most, give or take one event."""
PIECE_BYTES = 32_000
"""Bytes handed to the socket in one go; the next piece waits until it has room."""
RETRY_MILLISECONDS = 2_000
"""What a client is told to wait before it comes back."""

router = APIRouter(tags=["Events"], dependencies=[StrictQuery])


class StreamParameters(BaseModel):
    """Which events to follow."""

    model_config = ConfigDict(extra="forbid")

    after: Position | None = Field(
        None, description="Begin behind this position; without it, behind the head."
    )
    type: EventType | None = Field(None, description="Only events of this type.")
    customer: Name | None = Field(None, description="Only events of this customer.")


@router.get(
    "/v1/books/{book}/events/stream",
    summary="Follow events as they are recorded",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `id` is the position, `data` the event as recorded.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 7\ndata: {"book":"main","position":7,"type":"charge.posted"}\n\n',
                }
            },
        }
    },
)
async def stream_events(
    request: Request,
    book: BookPath,
    principal: Reads,
    parameters: Annotated[StreamParameters, Query()],
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Position to go on behind.")
    ] = None,
) -> Response:
    """Follow the log. Ends when the service stops or the key is revoked: come back with `Last-Event-ID`."""
    del principal
    services = services_of(request)
    selection = Selection(book, parameters.type, parameters.customer)
    after = _position(last_event_id) if last_event_id else parameters.after
    if after is None:
        after = (await read_events(services.reader, selection, 0, 1)).head
    else:
        await read_events(services.reader, selection, after, 1)
    if not services.streams.acquire():
        raise Unavailable("as many streams as this ledger allows are open", retry_after_seconds=5)
    return EventStream(services, dict(request.scope["headers"]), selection, after)


def _position(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdigit()) or int(last_event_id) >= 2**63:
        raise Malformed("parameter_malformed", "Last-Event-ID is a position", parameter="Last-Event-ID")
    return int(last_event_id)


class EventStream(Response):
    """The answer of one stream. Its slot among the open streams is given back when it ends."""

    media_type = "text/event-stream"

    def __init__(
        self, services: Services, headers: dict[bytes, bytes], selection: Selection, after: int
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._services = services
        self._caller = headers
        self._selection = selection
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, the service stops or the key does not work any more."""
        del scope
        await_end = asyncio.ensure_future(_gone(receive))
        sending = asyncio.ensure_future(self._send_all(send))
        try:
            await asyncio.wait({await_end, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await_end.cancel()
            sending.cancel()
            self._services.streams.release()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, b"retry: %d\n\n" % RETRY_MILLISECONDS)
        try:
            await self._follow(send)
        except LedgerError as error:
            # The answer has begun: ending it is all that is left, and the client comes back.
            log.info("stream_ended", reason=str(error), position=self._after)
        await send({"type": "http.response.body", "body": b""})

    async def _follow(self, send: Send) -> None:
        services, selection = self._services, self._selection
        heartbeat_seconds = services.settings.stream_heartbeat_seconds
        while not services.draining.is_set():
            found = await read_events(services.reader, selection, self._after, PAGE_EVENTS, PAGE_BYTES_MAX)
            for piece in _pieces(found.events):
                await self._send(send, piece)
            self._after = found.next
            if found.next < found.head:
                continue
            if not await self._news(found.head + 1, heartbeat_seconds):
                await services.keys.authorise(self._caller, selection.book, READ)
                await self._send(send, b"id: %d\n: still here\n\n" % self._after)

    async def _news(self, position: int, seconds: float) -> bool:
        """Wait for a position of the log, or for the service to stop; False when the time is up."""
        notices, draining = self._services.notices, self._services.draining
        told = asyncio.ensure_future(notices.await_position(LOG, self._selection.book, position, seconds))
        stop = asyncio.ensure_future(draining.wait())
        try:
            await asyncio.wait({told, stop}, return_when=asyncio.FIRST_COMPLETED)
            return draining.is_set() or told.result()
        finally:
            told.cancel()
            stop.cancel()

    async def _send(self, send: Send, piece: bytes) -> None:
        """Hand a piece to the socket; a client that takes nothing for too long is let go."""
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        seconds = self._services.settings.stream_stall_seconds_max
        try:
            await asyncio.wait_for(send(message), seconds)
        except TimeoutError:
            raise Unavailable(f"the client took nothing for {seconds} seconds") from None


def _pieces(events: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Write events as server-sent events, several to a piece. Stored JSON has no line breaks in it."""
    piece: list[bytes] = []
    size = 0
    for position, state in events:
        piece.append(b"id: %d\ndata: %b\n\n" % (position, state))
        size += len(state)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
