"""The body of a request that is no message: bounded, one JSON document or a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from ledger.errors import Malformed, Refusal
from ledger.message import read_document
from ledger_api.answers import JSON

T = TypeVar("T")


def media_type_of(request: Request) -> str:
    """Say of which type the body is, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Read the body. Raises `Malformed` when it is too long."""
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > bytes_max:
            raise Malformed(
                "body_too_large", f"the body is longer than {bytes_max} bytes", bytes_max=bytes_max
            )
    return bytes(taken)


async def read_json(request: Request, bytes_max: int) -> bytes:
    """Read the body. Raises `Malformed` when it is too long, and a refusal when it is no JSON by its type."""
    kind = media_type_of(request)
    if kind != JSON:
        raise Refusal("media_type_unsupported", f"this address takes {JSON}", media_type=kind[:100])
    return await read_body(request, bytes_max)


async def read_posted(request: Request, decode: Callable[[bytes], T], bytes_max: int) -> T:
    """Read a JSON document as strictly as a message. Raises what `read_json` does, and `Malformed`."""
    return read_document(await read_json(request, bytes_max), decode)


def body_of(schema: dict[str, object]) -> dict[str, object]:
    """Describe such a body for the documentation of a route."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
