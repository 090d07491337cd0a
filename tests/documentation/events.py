"""The page of all messages and events, written from the shapes that the decider reads and records."""

from __future__ import annotations

import datetime
import tomllib
import types
import typing
from collections.abc import Iterator
from functools import reduce
from operator import or_
from pathlib import Path

import msgspec

from ledger import customer, decider, fields, person
from ledger.disputes import handling
from ledger.event import Data

Struct = type[msgspec.Struct]

_MEANINGS: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("meanings.toml").read_text("utf-8")
)
_FIELDS, _LEADS_TO, _EXAMPLES = (_MEANINGS[table] for table in ("fields", "leads_to", "examples"))

_KINDS: tuple[tuple[object, str], ...] = (
    (fields.Name, "[name](#kinds)"),
    (fields.Text, "[text](#kinds)"),
    (fields.Amount, "[amount](#kinds)"),
    (fields.Net, "[amount](#kinds) or 0"),
    (fields.CurrencyCode, "[currency](#kinds)"),
    (fields.Decimal, "[decimal](#kinds)"),
    (fields.Percent, "[percent](#kinds)"),
    (fields.Position, "[position](#kinds)"),
    (fields.Sha256, "[hash](#kinds)"),
    (fields.Instant, "[instant](#kinds)"),
    (datetime.date, "[date](#kinds)"),
    (customer.Locale, "[text](#kinds)"),
    (handling.MediaType, "[text](#kinds)"),
    (person.Line, "[text](#kinds) of 100 at most"),
    (person.Email, "[text](#kinds)"),
    (person.Phone, "[text](#kinds)"),
    (bool, "true or false"),
    (int, "integer"),
    (str, "[text](#kinds)"),
    (msgspec.Raw, "JSON"),
)
_DEFAULTS: dict[object, str] = {True: "true", False: "false"}

_HEAD = """\
# Messages and events

<!-- Written by: python -m tests.documentation -->

What may be posted, and what is recorded. The envelope around `data` is described in
[upstream.md](upstream.md), the words and rules in [domain.md](domain.md). A field that is not listed is
refused; so is a value of another JSON type.

- A **fact** is recorded as it was posted, under its own type.
- A **command** is decided by the ledger and leads to events of other types.

| message | is a | about |
|---|---|---|
"""

_KINDS_TABLE = """
## Kinds

| kind | is written |
|---|---|
| name | Text of 1 to 64 letters, digits and `._:@~-`, the first of them a letter or digit. |
| text | Text of 1 to 255 characters, no control characters or line breaks. |
| amount | An integer from 1 to 10^15: minor units of the currency. Never a float, never text. |
| currency | A code of ISO 4217, like `EUR`. |
| decimal | An exact decimal as text (`"0.0125"`, up to 15 digits, then up to 12), or an integer. |
| percent | A decimal from 0 to 100. |
| position | An integer: the place of an event in its book's log. |
| hash | A SHA-256: 64 hexadecimal digits in lower case. |
| date | `2026-03-31`, in the book's time zone. |
| instant | RFC 3339 with its offset: `2026-03-31T09:00:00+02:00`. |
"""


def as_markdown() -> str:
    """Write the page. Raises `LookupError` when a field has no meaning, or a meaning no field."""
    used: set[str] = set()
    shapes: dict[str, Struct] = {}
    messages = {type_: decoder_type(type_) for type_ in decider.DECODERS}
    recorded = {type_: data for type_, data in decider.EVENTS.items() if type_ not in messages}
    parts = [_HEAD + "".join(_row(type_) for type_ in sorted(messages)), _KINDS_TABLE]
    parts.append("\n## Messages\n")
    parts += [_message(type_, data, shapes, used) for type_, data in sorted(messages.items())]
    parts.append("\n## Events that only the ledger records\n")
    parts += [_section(type_, data, shapes, used) for type_, data in sorted(recorded.items())]
    parts.append("\n## Shapes\n")
    written: set[str] = set()
    while left := sorted(shapes.keys() - written):
        for name in left:
            written.add(name)
            parts.append(_section(name, shapes[name], shapes, used))
    if unused := _FIELDS.keys() - used:
        raise LookupError(f"meanings of no field: {sorted(unused)}")
    return "".join(parts)


def decoder_type(type_: str) -> type[Data]:
    """Find the shape of a message's data: the type that its decoder reads."""
    decoder: msgspec.json.Decoder[Data] = decider.DECODERS[type_].__self__  # type: ignore[attr-defined]
    shape: type[Data] = decoder.type
    return shape


def _row(type_: str) -> str:
    kind = "fact" if type_ in decider.EVENTS else "command"
    about = "the book" if type_ in decider.OF_BOOK else "a customer"
    return f"| [`{type_}`](#{_anchor(type_)}) | {kind} | {about} |\n"


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "")


def _message(type_: str, data: Struct, shapes: dict[str, Struct], used: set[str]) -> str:
    leads_to = _LEADS_TO.get(type_)
    if type_ in decider.EVENTS:
        leads = f"\nRecorded as it is. Leads also to {leads_to}.\n" if leads_to else ""
    else:
        leads = f"\nLeads to {_LEADS_TO[type_]}.\n"
    example = _EXAMPLES[type_]
    decider.DECODERS[type_](example.encode())
    return f"{_section(type_, data, shapes, used)}{leads}\n```json\n{example}\n```\n"


def _section(heading: str, shape: Struct, shapes: dict[str, Struct], used: set[str]) -> str:
    meaning = " ".join((shape.__doc__ or "").split())
    lines = [f"\n### {heading}\n\n{meaning}\n\n| field | | is | meaning |\n|---|---|---|---|\n"]
    for field in msgspec.structs.fields(shape):
        kind = " or ".join(_kinds(field.type, shapes))
        need = "required" if field.required else _default(field)
        lines.append(f"| `{field.encode_name}` | {need} | {kind} | {_meaning(shape, field, used)} |\n")
    return "".join(lines)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default in (None, msgspec.NODEFAULT, ()):
        return "optional"
    return f"`{_DEFAULTS.get(field.default, field.default)}` if absent"


def _meaning(shape: Struct, field: msgspec.structs.FieldInfo, used: set[str]) -> str:
    own, name = f"{shape.__name__}.{field.encode_name}", field.encode_name
    key = own if own in _FIELDS else name
    used.add(key)
    if key not in _FIELDS:
        raise LookupError(f"{own} has no meaning in meanings.toml")
    return _FIELDS[key]


def _kinds(type_: object, shapes: dict[str, Struct]) -> Iterator[str]:
    """Say in words what a field may be; remember the shapes that it refers to."""
    for known, kind in _KINDS:
        if type_ == known:
            yield kind
            return
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in (typing.Union, types.UnionType):
        yield from _union(arguments, shapes)
    elif origin is typing.Literal:
        yield ", ".join(f"`{value}`" for value in arguments)
    elif origin is tuple and Ellipsis not in arguments:
        yield f"pair of {' and '.join(kind for each in arguments for kind in _kinds(each, shapes))}"
    elif origin in (list, tuple):
        yield f"list of {' or '.join(_kinds(arguments[0], shapes))}"
    elif origin is typing.Annotated or hasattr(type_, "__metadata__"):
        yield _annotated(type_, shapes)
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        shapes[type_.__name__] = type_
        yield f"[{type_.__name__}](#{_anchor(type_.__name__)})"
    else:
        raise LookupError(f"no words for {type_}")


def _union(members: tuple[object, ...], shapes: dict[str, Struct]) -> Iterator[str]:
    rest = tuple(member for member in members if member is not type(None))
    whole = reduce(or_, rest)
    for known, kind in _KINDS:
        if whole == known:
            yield kind
            return
    for member in rest:
        yield from _kinds(member, shapes)


def _annotated(type_: object, shapes: dict[str, Struct]) -> str:
    base, *metadata = typing.get_args(type_)
    meta = next(each for each in metadata if isinstance(each, msgspec.Meta))
    words = " or ".join(_kinds(base, shapes))
    if meta.ge is not None:
        return f"{words} from {meta.ge} to {meta.le}"
    if meta.max_length is not None and base is str:
        return f"[name](#kinds) of {meta.max_length} at most"
    return f"{words}, not empty" if meta.min_length else words
