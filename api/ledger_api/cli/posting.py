"""A message from the command line itself, through the same reading, deciding and recording as any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import orjson

from ledger.decider import DECODERS
from ledger.errors import Malformed, Refusal
from ledger.fields import Name
from ledger.log.outcome import Receipt
from ledger.log.writer import Writer
from ledger.message import read_message
from ledger_api import logs
from ledger_api.cli.runtime import Runtime

SOURCE = "billing-ledger/command-line"
ANSWER_SECONDS_MAX = 60
"""How long to wait for the writer's answer: it may have to read a long book first."""


def post_one(found: Runtime, book: str, type_: str, data: Mapping[str, object], principal: str) -> Receipt:
    """Post one message that occurs now, and give its receipt; raises the `Refusal` when it is refused."""
    try:
        msgspec.convert(book, Name)
    except msgspec.ValidationError:
        raise Malformed(
            "book_malformed", f"a book is a short name without spaces: {book!r}", book=book
        ) from None
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": type_,
        "time": datetime.now(UTC),
        "data": data,
    }
    message = read_message(orjson.dumps(envelope), DECODERS, principal)
    logs.configure("warning")
    writer = Writer(found.connect, found.settings)
    writer.start()
    try:
        (outcome,) = writer.submit(book, [message]).result(ANSWER_SECONDS_MAX)
    finally:
        writer.stop()
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
