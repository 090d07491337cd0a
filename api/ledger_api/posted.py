"""Bodies of requests that are no messages: JSON, read as strictly as a message, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from ledger.errors import Malformed, Refusal
from ledger.message import read_document
from ledger_api.answers import JSON

T = TypeVar("T")


async def read_posted(request: Request, decode: Callable[[bytes], T], bytes_max: int) -> T:
    """Read the body. Raises `Malformed` when it is too long or of the wrong shape, and for another type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refusal("media_type_unsupported", f"this address reads {JSON}", media_type=kind[:100])
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > bytes_max:
            raise Malformed(
                "body_too_large", f"the body is longer than {bytes_max} bytes", bytes_max=bytes_max
            )
    return read_document(bytes(taken), decode)
