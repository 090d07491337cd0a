"""Successful answers: bytes, the position they are as of, a tag to ask again with, and the next page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from fastapi import Request
from starlette.responses import Response

JSON = "application/json"


def encode(body: object) -> bytes:
    """Write an answer as JSON: integers of any size as they are, instants in UTC."""
    return msgspec.json.encode(body)


def answer(request: Request, body: object, position: int | None) -> Response:
    """Answer with JSON as of a position (None: of no one book); 304 when the caller holds the same bytes."""
    return answer_bytes(request, encode(body), position)


def answer_page(request: Request, items: Sequence[object], position: int, next_page: str | None) -> Response:
    """Answer with one page of a list: `items`, and `next`, the token of the page after it or null."""
    response = answer(request, {"items": items, "next": next_page}, position)
    if next_page is not None:
        response.headers["Link"] = link_next(request, {"page": next_page})
    return response


def answer_bytes(
    request: Request, body: bytes, position: int | None, *, media_type: str = JSON, tag: str | None = None
) -> Response:
    """Answer with bytes as they are. `tag` stands for them in the ETag, where it is known without hashing."""
    etag = f'"{tag or hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"ETag": etag, "Vary": "Authorization"}
    if position is not None:
        headers["Ledger-Position"] = str(position)
    if _is_held(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def link_next(request: Request, changed: Mapping[str, str]) -> str:
    """Write the Link header of the next page: this address with some of its parameters changed."""
    query = dict(request.query_params) | dict(changed)
    return f'<{request.scope["path"]}?{urlencode(query)}>; rel="next"'


def _is_held(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
