"""Repeats: a message is the one recorded under its key, or differs from it, and where first."""

from __future__ import annotations

import msgspec

from ledger import book as books
from ledger.catalogue import DECODERS
from ledger.event import Data, Decided, Event
from ledger.message import Message


def first_difference(first: Event, message: Message) -> str | None:
    """Compare a recorded decision's first event with a message of the same key.

    Returns None for the same content, else the JSON pointer of the first field that differs, in the order
    type, subject, time, then data by sorted path [docs/domain.md, Idempotency].
    """
    type_, data = _content(first)
    for pointer, ours, theirs in (
        ("/type", type_, message.type),
        ("/subject", first.subject, message.subject),
        ("/time", first.time, message.time),
    ):
        if ours != theirs:
            return pointer
    return None if data == message.data else _difference(data, message.data, "/data")


def _content(first: Event) -> tuple[str, Data]:
    """Return the type and data of the message that led to an event."""
    if isinstance(first.data, Decided) and first.data.command is not None:
        command = first.data.command
        return command.type, DECODERS[command.type](bytes(command.data))
    if isinstance(first.data, books.BookOpened):
        return first.type, books.as_posted(first.data)
    return first.type, first.data


def _difference(ours: object, theirs: object, pointer: str) -> str | None:
    """Find the first path by name at which two values differ; a default is the same said or left out."""
    if isinstance(ours, msgspec.Struct) and type(ours) is type(theirs):
        names = {field.encode_name: field.name for field in msgspec.structs.fields(type(ours))}
        parts = ((key, getattr(ours, name), getattr(theirs, name)) for key, name in sorted(names.items()))
        differences = (_difference(one, other, f"{pointer}/{key}") for key, one, other in parts)
        return next((found for found in differences if found is not None), None)
    if isinstance(ours, list) and isinstance(theirs, list):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            found = _difference(one, other, f"{pointer}/{place}")
            if found is not None:
                return found
        return None if len(ours) == len(theirs) else f"{pointer}/{min(len(ours), len(theirs))}"
    return None if ours == theirs else pointer
