"""One request, as far as its head tells, and the document that binary mode spreads over head and body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from ledger.errors import Malformed
from ledger_api.keys import Principal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SINGLE = b"application/cloudevents+json"
BATCH = b"application/cloudevents-batch+json"
NDJSON = b"application/x-ndjson"

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class Call(NamedTuple):
    """One request: who posts to which book, and where its body comes from."""

    book: str
    principal: Principal
    headers: dict[bytes, bytes]
    atomic: bool
    receive: Receive


class Answer(NamedTuple):
    """One answer whose body is known as a whole."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def read_headers(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Take the headers by name. Raises `Malformed` where two of one name would leave open which counts."""
    by_name = dict(headers)
    if len(by_name) != len(headers):
        _refuse_repeated(name for name, _ in headers)
    return by_name


def _refuse_repeated(names: Iterable[bytes]) -> None:
    for name, times in Counter(names).items():
        if times > 1 and (name in (b"authorization", b"content-type") or name.startswith(b"ce-")):
            said = name.decode("latin-1")
            raise Malformed("header_repeated", f"the header {said} stands {times} times", header=said)


def read_query(query: bytes) -> bool:
    """Read `?atomic=true`; anything else in the query is refused."""
    if not query:
        return False
    atomic: bool | None = None
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name != "atomic":
            raise Malformed("parameter_unknown", f"this address takes no parameter {name}", parameter=name)
        if atomic is not None:
            raise Malformed("parameter_repeated", "atomic stands more than once", parameter=name)
        if value not in ("true", "false"):
            raise Malformed(
                "parameter_malformed", f"atomic is {value}, it must be true or false", parameter=name
            )
        atomic = value == "true"
    return bool(atomic)


def media_type(headers: dict[bytes, bytes]) -> bytes:
    """Say of which type the body is, without its parameters; b"" where the request does not say."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


def structured(headers: dict[bytes, bytes], body: bytes) -> bytes:
    """Turn binary mode (attributes as ce- headers, data as the body) into the structured document."""
    document: dict[str, object] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            document[name[3:].decode("latin-1")] = _attribute(name, value)
    version = document.get("expectedversion")
    if isinstance(version, str) and version.isascii() and version.isdecimal() and len(version) < 20:
        document["expectedversion"] = int(version)
    kind = media_type(headers)
    if kind:
        document["datacontenttype"] = kind.decode("latin-1")
    if body:
        # Read first, as one value of its own: pasted in as it is, it could bring attributes of the event.
        try:
            document["data"] = _decode_raw(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Malformed("json_invalid", f"this is not JSON: {error}", pointer="/data") from None
    return msgspec.json.encode(document)


def _attribute(name: bytes, value: bytes) -> str:
    """Read an attribute as the HTTP binding writes it: percent-encoded UTF-8."""
    try:
        return unquote(value.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        attribute = name[3:].decode("latin-1")
        raise Malformed(
            "utf8_invalid", f"the header ce-{attribute} is not percent-encoded UTF-8", pointer=f"/{attribute}"
        ) from None
