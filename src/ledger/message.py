"""A message: what is posted. Strict reading of one CloudEvents 1.0 document from bytes.

Nothing is coerced: an integer is an integer, a field that nobody defined is refused, a key that stands twice is
refused, and so is text that PostgreSQL cannot hold (NUL). The checks here are the *shape* rules, the first in the
order of refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import msgspec

from ledger.errors import Malformed
from ledger.event import Data

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""Text a person reads on one line: no control characters."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@~-]*\Z")]
"""An identifier that may stand in a URL as it is: a customer, a charge, a payment, an invoice number."""
Amount = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
"""Minor units of a currency, positive: the type of the message says the direction."""
CurrencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Message(NamedTuple):
    """A message that has the right shape. `time` is when it occurred, in UTC; `subject` is the customer."""

    type: str
    id: str
    source: str
    subject: str | None
    time: datetime
    data: Data
    expected_version: int | None
    principal: str


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


Decode = Callable[[bytes], Data]
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def read_message(raw: bytes, decoders: dict[str, Decode], principal: str) -> Message:
    """Read one message, or raise `Malformed` naming the field at fault.

    `decoders` tells for each known message type how its `data` is read.
    """
    try:
        envelope = _decode_envelope(raw)
        decode = decoders.get(envelope.type)
        if decode is None:
            raise Malformed("type_unknown", f"no message has the type {envelope.type}", pointer="/type", type=envelope.type)
        data = decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error, raw) from None
    _refuse_repeated_keys(raw)
    if b"\\u0000" in raw:
        raise Malformed("text_not_storable", "text may not contain the character NUL (\\u0000)")
    if envelope.specversion != "1.0":
        raise Malformed("specversion_unknown", f"specversion is {envelope.specversion}, this ledger reads 1.0",
                        pointer="/specversion", specversion=envelope.specversion)
    if envelope.datacontenttype not in (None, "application/json"):
        raise Malformed("datacontenttype_unknown", f"data is {envelope.datacontenttype}, this ledger reads application/json",
                        pointer="/datacontenttype", datacontenttype=envelope.datacontenttype)
    return Message(envelope.type, envelope.id, envelope.source, envelope.subject, envelope.time.astimezone(UTC),
                   data, envelope.expectedversion, principal)
