"""Bodies off the socket, none longer than is allowed, and none held longer than it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from typing import Any

from ledger.errors import Malformed
from ledger_api.ingest.calls import Call

SLICE_MESSAGES = 500
"""Messages of a long body that are judged together.

Enough to share a commit, few enough to keep others waiting little.
"""
SLICE_BYTES = 1 << 20
"""Bytes after which a slice of long messages is judged, however few they are."""


async def whole(call: Call, bytes_max: int) -> bytes:
    """Read the whole body. Raises `Malformed` when it is too long or ends too early."""
    refuse_announced_length(call, bytes_max)
    first = await call.receive()
    if first["type"] == "http.request" and not first.get("more_body", False):
        body: bytes = first.get("body", b"")
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        return body
    begun = _chunk(first)
    return b"".join([begun] + [chunk async for chunk in _chunks(call, bytes_max, len(begun))])


async def slices(call: Call, bytes_max: int, line_bytes_max: int) -> AsyncIterator[list[bytes]]:
    """Cut the body into lines, a slice at a time; blank lines are passed over."""
    lines: list[bytes] = []
    size = 0
    rest = b""
    async for chunk in _chunks(call, bytes_max):
        parts = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        too_long = next((at for at, part in enumerate(parts) if len(part) > line_bytes_max), None)
        rest = parts.pop() if too_long is None else b""
        lines.extend(part for part in parts[:too_long] if part.strip())
        size += len(chunk)
        while len(lines) >= SLICE_MESSAGES or (size >= SLICE_BYTES and lines):
            yield lines[:SLICE_MESSAGES]
            del lines[:SLICE_MESSAGES]
            size = 0
        if too_long is not None:
            if lines:
                yield lines
            raise Malformed(
                "body_too_large", f"a line is longer than {line_bytes_max} bytes", bytes_max=line_bytes_max
            )
    if rest.strip():
        lines.append(rest)
    if lines:
        yield lines


def refuse_announced_length(call: Call, bytes_max: int) -> None:
    """Refuse a body that says itself that it is too long, before any of it is read."""
    announced = call.headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > bytes_max:
        raise _too_large(bytes_max)


async def _chunks(call: Call, bytes_max: int, taken: int = 0) -> AsyncIterator[bytes]:
    while True:
        message = await call.receive()
        chunk = _chunk(message)
        taken += len(chunk)
        if taken > bytes_max:
            raise _too_large(bytes_max)
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


def _chunk(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] == "http.disconnect":
        raise Malformed("body_incomplete", "the client went away before its body had ended")
    chunk: bytes = message.get("body", b"")
    return chunk


def _too_large(bytes_max: int) -> Malformed:
    return Malformed("body_too_large", f"the body is longer than {bytes_max} bytes", bytes_max=bytes_max)
