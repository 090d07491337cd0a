"""The body of a request that is one JSON document: bounded, and JSON by its type."""

from __future__ import annotations

from fastapi import Request

from ledger.errors import Malformed, Refusal
from ledger_api.answers import JSON


async def read_json(request: Request, bytes_max: int) -> bytes:
    """Read the body. Raises `Malformed` when it is too long, and a refusal when it is no JSON by its type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refusal("media_type_unsupported", f"this address takes {JSON}", media_type=kind[:100])
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > bytes_max:
            raise Malformed(
                "body_too_large", f"the body is longer than {bytes_max} bytes", bytes_max=bytes_max
            )
    return bytes(taken)


def body_of(schema: dict[str, object]) -> dict[str, object]:
    """Describe such a body for the documentation of a route."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
