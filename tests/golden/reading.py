"""Golden lines: events as they were stored once, each followed by what it has to be read as for ever.

One file for each type in `events`; lines are added to it and never changed or taken out. A line is stored
bytes; the line behind it is how it reads: its columns, and its data with every default spelled out, because a
default is not in the bytes, and changing it would change what old events say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from inspect import get_annotations
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from ledger import decider
from ledger.decider import read_event
from ledger.event import Event, encode_canonical

FOLDER = Path(__file__).with_name("events")

Spelled = dict[str, "Spelled"] | list["Spelled"] | str | int | bool | None


class Golden(NamedTuple):
    """An event as it was stored, and how it reads."""

    stored: bytes
    reading: bytes


def golden(type_: str) -> list[Golden]:
    """Give the golden lines of a type, none when there is no file of it."""
    file = FOLDER / f"{type_}.ndjson"
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [Golden(*pair) for pair in zip(lines[::2], lines[1::2], strict=True)]


def golden_types() -> list[str]:
    """Name the types that have golden lines."""
    return sorted(file.stem for file in FOLDER.glob("*.ndjson"))


def reading_of(stored: bytes) -> Spelled:
    """Read stored bytes, and spell out all that they say."""
    event = read_event(stored)
    return {"columns": _spelled(event.data.columns()._asdict()), "data": _spelled(event.data)}


def write(reading: Spelled) -> bytes:
    """Write a reading as a line."""
    return msgspec.json.encode(reading, order="sorted")


def _spelled(value: object) -> Spelled:
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {field.encode_name: _spelled(getattr(value, field.name)) for field in fields}
    if isinstance(value, dict):
        return {str(key): _spelled(each) for key, each in value.items()}
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, list | tuple | set | frozenset):
        return [_spelled(each) for each in value]
    if isinstance(value, date | datetime):
        return str(msgspec.to_builtins(value))
    assert value is None or isinstance(value, str | int), f"{value!r} has no spelling yet"
    return value


def differences(golden_: Spelled, now: Spelled, path: str = "") -> Iterator[str]:
    """Find where a reading of today denies the golden one; fields that came later may be there too."""
    if isinstance(golden_, dict) and isinstance(now, dict):
        for name, value in golden_.items():
            if name in now:
                yield from differences(value, now[name], f"{path}/{name}")
            else:
                yield f"{path}/{name} is not read any more"
    elif isinstance(golden_, list) and isinstance(now, list) and len(golden_) == len(now):
        for place, (before, after) in enumerate(zip(golden_, now, strict=True)):
            yield from differences(before, after, f"{path}/{place}")
    elif golden_ != now:
        yield f"{path} reads {now!r}, it was {golden_!r}"


def paths_of(value: object, path: str = "") -> Iterator[str]:
    """Name the fields that are in stored data, wherever they stand in a list."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield f"{path}/{name}"
            yield from paths_of(each, f"{path}/{name}")
    elif isinstance(value, list):
        for each in value:
            yield from paths_of(each, path)


def fields_of(event: Event) -> set[str]:
    """Name the fields that an event's data has; what a command brought is not the event's own."""
    stored = msgspec.json.decode(encode_canonical(event.data))
    return {path for path in paths_of(stored) if not path.startswith("/command/data/")}


class Shown(NamedTuple):
    """A field of a class of stored data, as a line shows it: in the bytes, or left out of them."""

    field: str
    stored: bool


def shown_by(line: Golden) -> set[Shown]:
    """Tell which fields a line shows, with the value that they have to have for ever."""
    stored, reading = msgspec.json.decode(line.stored), msgspec.json.decode(line.reading)
    return set(_shown(read_event(line.stored).data, stored["data"], reading["data"]))


def _shown(value: object, stored: Spelled, reading: Spelled) -> Iterator[Shown]:
    if isinstance(value, msgspec.Struct) and isinstance(stored, dict) and isinstance(reading, dict):
        for field in msgspec.structs.fields(value):
            name = field.encode_name
            if name in reading:  # a field that came after the line is not held to anything by it
                yield Shown(_named(type(value), field.name), name in stored)
            if name in stored and name in reading:
                yield from _shown(getattr(value, field.name), stored[name], reading[name])
    elif isinstance(value, list | tuple) and isinstance(stored, list) and isinstance(reading, list):
        for each in zip(value, stored, reading, strict=True):
            yield from _shown(*each)


def to_show() -> set[Shown]:
    """List every field of whatever is stored, and every one that has a default as left out too."""
    return {
        Shown(_named(each, field.name), stored)
        for each in _stored_classes(decider.EVENTS.values(), set())
        for field in msgspec.structs.fields(each)
        for stored in ((True,) if field.required else (True, False))
    }


def _stored_classes(types: Iterable[object], found: set[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    for each in types:
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            if each not in found:
                found.add(each)
                _stored_classes((field.type for field in msgspec.structs.fields(each)), found)
        else:
            _stored_classes(get_args(each), found)
    return found


def _named(owner: type[msgspec.Struct], field: str) -> str:
    """Name a field by the class that says it and its default: that may be a base of the class at hand."""
    says = next(each for each in owner.__mro__ if field in get_annotations(each))
    return f"{says.__module__}.{says.__qualname__}.{field}"
