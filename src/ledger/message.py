"""A message: what is posted. Strict reading of one CloudEvents 1.0 document from bytes.

Nothing is coerced: an integer is an integer, a field that nobody defined is refused, a key that stands twice
is refused, and so is text that a line cannot show or PostgreSQL cannot hold. The checks here are the *shape*
rules, the first in the order of refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from ledger.errors import Malformed
from ledger.event import Data
from ledger.fields import Amount, CurrencyCode, Instant, Name, Text, in_utc

__all__ = [
    "Amount", "CurrencyCode", "Decode", "Instant", "Message", "Name", "Text", "read_document", "read_message",
]  # fmt: skip


class Message(NamedTuple):
    """A message that has the right shape. `time` is when it occurred, in UTC; `subject` is the customer.

    `principal` and `role` come from the credential of who posts it, never from its body. Systems have no
    role.
    """

    type: str
    id: str
    source: str
    subject: str | None
    time: datetime
    data: Data
    expected_version: int | None
    principal: str
    role: str | None = None


class _Envelope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    data: msgspec.Raw = msgspec.Raw(b"{}")
    datacontenttype: str | None = None
    expectedversion: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    id: Text
    source: Text
    specversion: str
    subject: Name | None = None
    time: Instant
    type: Text


Decode = Callable[[bytes | msgspec.Raw], Data]
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_any = msgspec.json.Decoder().decode
_encode_any = msgspec.json.Encoder().encode

_OF_THE_LOG = frozenset(
    {"book", "causation", "correlation", "decisionsize", "position", "principal", "recordedtime", "version"}
)
"""Attributes that the log adds; a message that brings one is refused."""


def read_message(raw: bytes, decoders: dict[str, Decode], principal: str, role: str | None = None) -> Message:
    """Read one message, or raise `Malformed` naming the field at fault.

    `decoders` tells for each known message type how its `data` is read.
    """
    try:
        envelope = _decode_envelope(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error, "") from None
    decode = decoders.get(envelope.type)
    if decode is None:
        raise Malformed(
            "type_unknown", f"no message has the type {envelope.type}", pointer="/type", type=envelope.type
        )
    try:
        data = decode(envelope.data)
        _refuse_repeated_keys(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error, "/data") from None
    if envelope.specversion != "1.0":
        raise Malformed(
            "specversion_unknown", f"specversion is {envelope.specversion}, this ledger reads 1.0",
            pointer="/specversion", specversion=envelope.specversion,
        )  # fmt: skip
    if envelope.datacontenttype not in (None, "application/json"):
        raise Malformed(
            "datacontenttype_unknown",
            f"data is {envelope.datacontenttype}, this ledger reads application/json",
            pointer="/datacontenttype", datacontenttype=envelope.datacontenttype,
        )  # fmt: skip
    time = in_utc(envelope.time, "/time")
    return Message(
        envelope.type,
        envelope.id,
        envelope.source,
        envelope.subject,
        time,
        data,
        envelope.expectedversion,
        principal,
        role,
    )


T = TypeVar("T")


def read_document(raw: bytes, decode: Callable[[bytes], T]) -> T:
    """Read a JSON document that is no message as strictly as one, or raise `Malformed`."""
    try:
        document = decode(raw)
        _refuse_repeated_keys(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error, "", enveloped=False) from None
    return document


_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters and line breaks, in whatever script."""


def _refuse_repeated_keys(raw: bytes) -> None:
    """Refuse a key that stands twice in one object, and text with control characters.

    JSON without a backslash has a quote followed by a colon once for each key and nowhere else, so counting
    them before and after a reading that drops repeated keys is enough; and a control character cannot stand
    in it. What has a backslash, or does not count up, is read slowly and exactly.
    """
    if (
        b"\\" in raw
        or b"\x7f" in raw
        or raw.translate(None, b" \t\r\n").count(b'":') != _encode_any(_decode_any(raw)).count(b'":')
        or (not raw.isascii() and _NO_TEXT.search(raw.decode().translate(_BETWEEN)))
    ):
        _read_exactly(raw)


_BETWEEN = {ord(space): None for space in "\t\r\n"}
"""White space that JSON allows between its parts; inside a text it would have needed a backslash."""


class _Pairs(list[tuple[str, object]]):
    """An object as it was written: every key, also one that stands twice."""


def _read_exactly(raw: bytes) -> None:
    for pointer, text in _texts(json.loads(raw, object_pairs_hook=_Pairs), ""):
        found = _NO_TEXT.search(text)
        if found is not None:
            character = f"U+{ord(found[0]):04X}"
            raise Malformed(
                "text_not_allowed",
                f"{pointer}: text may not contain {character}, a control character or line break",
                pointer=pointer,
                character=character,
            )


def _texts(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    """Walk over all text of a document; refuse a key that stands twice on the way."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, _Pairs):
        keys: set[str] = set()
        for key, part in value:
            below = f"{pointer}/{_escaped(key)}"
            if key in keys:
                raise Malformed("key_repeated", f"{below} stands twice", pointer=below, key=key)
            keys.add(key)
            yield from _texts(part, below)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _texts(part, f"{pointer}/{place}")


def _escaped(key: str) -> str:
    """Write a key as a step of a JSON pointer [RFC 6901]."""
    return key.replace("~", "~0").replace("/", "~1")


_PATH = re.compile(r" - at `(?:key in )?\$(.*)`\Z", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("field_missing", r"Object missing required field `(?P<field>.*)`"),
        ("field_unknown", r"Object contains unknown field `(?P<field>.*)`"),
        ("number_out_of_range", r"Integer value out of range|Number out of range|Expected `int` [<>]"),
        ("text_length", r"Expected `str` of length"),
        ("text_not_allowed", r"Expected `str` matching regex"),
        ("list_length", r"Expected `array` of length"),
        ("choice_unknown", r"Invalid enum value"),
        ("time_zone_missing", r"Expected `datetime` with a timezone component"),
        (
            "time_invalid",
            r"Invalid RFC3339 encoded datetime|Invalid RFC3339 encoded date|Timestamp is out of range",
        ),
        ("field_type_wrong", r"Expected `"),
    )
)
"""How what msgspec says of a shape is called here, first match first."""


def _malformed(error: Exception, root: str, *, enveloped: bool = True) -> Malformed:
    """Name what the reader stumbled over; `root` is the pointer of what it was reading.

    At the root of what is `enveloped` the fields are called attributes, as CloudEvents does.
    """
    if isinstance(error, RecursionError):
        return Malformed("json_too_deep", "the JSON is nested too deeply", pointer=root)
    if isinstance(error, UnicodeDecodeError):
        return Malformed("utf8_invalid", f"the text is not UTF-8: {error.reason}", pointer=root)
    said = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Malformed("json_invalid", f"this is not JSON: {said}", pointer="")
    path = _PATH.search(said)
    pointer = root + "".join(f"/{name or place}" for name, place in _STEP.findall(path[1] if path else ""))
    detail = said[: path.start()] if path else said
    code, field = _shape_of(detail)
    if field is not None:
        pointer += f"/{_escaped(field)}"
        if code == "field_unknown" and enveloped and not root:
            code = "attribute_reserved" if field in _OF_THE_LOG else "attribute_unknown"
    return Malformed(code, f"{pointer or 'the document'}: {detail}", pointer=pointer)


def _shape_of(detail: str) -> tuple[str, str | None]:
    """Find the code of what msgspec says, and the field that it says is missing or unknown."""
    for code, pattern in _SHAPES:
        match = pattern.match(detail)
        if match is not None:
            return code, match.groupdict().get("field")
    return "field_type_wrong", None
