"""The values of a mapping file: each is read once and becomes a function from a row's cells to what it makes.

`mapping` says how they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.errors import LedgerError
from ledger.money import EXPONENTS

Cells = Mapping[str, str]
Made = str | int | bool | dict[str, "Made"] | list["Made"] | None
Make = Callable[[Cells], Made]
"""Makes one value from the cells of a row; None where the row has none and need not have one."""

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?\Z", re.ASCII)


class MappingError(LedgerError):
    """The mapping cannot be followed at all; the message names the place in it."""


class RowError(MappingError):
    """One row does not hold what the mapping says; other rows may."""


def read_value(value: object, place: str) -> Make:
    """Turn one value of the mapping into what makes it from a row."""
    match value:
        case bool() | int():
            return lambda _: value
        case str():
            return read_template(value, place)
        case datetime() | date():
            return lambda _: _written(value)
        case list():
            items = [read_value(item, f"{place}[{index}]") for index, item in enumerate(value)]
            return lambda cells: [item(cells) for item in items]
        case dict() if "column" in value or "text" in value:
            return _converted(value, place)
        case dict():
            return read_object(value, place)
        case None:
            raise MappingError(f"{place} is missing")
        case _:
            raise MappingError(f"{place} is {value!r}: write exact numbers as text")


def _written(value: datetime | date) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise MappingError(f"the instant {value} has no time zone")
    return value.isoformat()


def read_object(table: Mapping[str, object], place: str) -> Make:
    """Turn a table of values into what makes it; a value that a row has not is left out."""
    fields = [(name, read_value(value, f"{place}.{name}")) for name, value in table.items()]

    def make(cells: Cells) -> Made:
        return {name: made for name, field in fields if (made := field(cells)) is not None}

    return make


def read_template(text: str, place: str) -> Make:
    """Read a text with columns in braces."""
    parts: list[tuple[bool, str]] = []
    at = 0
    for match in _PLACEHOLDER.finditer(text):
        parts.append((False, text[at : match.start()]))
        parts.append((False, match[0][0]) if match[1] is None else (True, match[1]))
        at = match.end()
    parts.append((False, text[at:]))
    if any(not column and set("{}") & set(part) and len(part) > 1 for column, part in parts):
        raise MappingError(f"{place}: the braces in {text!r} do not pair")
    parts = [(column, part) for column, part in parts if part or column]
    if not any(column for column, _ in parts):
        constant = "".join(part for _, part in parts)
        return lambda _: constant
    return lambda cells: "".join(cell_of(cells, part) if column else part for column, part in parts)


def cell_of(cells: Cells, column: str) -> str:
    """Give a cell without the blanks around it, or raise `MappingError`."""
    try:
        return cells[column].strip()
    except KeyError:
        raise MappingError(
            f"the file has no column {column!r}, it has {', '.join(map(repr, cells))}"
        ) from None


def _converted(table: Mapping[str, object], place: str) -> Make:
    """Read a table with `column` or `text`: look up, convert, or leave out."""
    refuse_unknown(table, {"column", "text", "as", "currency", "format", "zone", "values", "optional"}, place)
    column = table.get("column")
    read = read_template(text_of(table.get("text", f"{{{column}}}"), place), place)
    values = table_of(table["values"], f"{place} values") if "values" in table else None
    convert = _conversion(table, place)
    optional = table.get("optional") is True

    def make(cells: Cells) -> Made:
        text = cast(str, read(cells))
        if not text and optional:
            return None
        if values is not None:
            if text not in values:
                raise RowError(f"{place}: {text!r} is not among the values {', '.join(map(repr, values))}")
            return cast(Made, values[text])
        try:
            return convert(text)
        except (ValueError, InvalidOperation) as error:
            raise RowError(
                f"{place}: {text!r} cannot be read as {table.get('as', 'text')}: {error}"
            ) from error

    return make


def _conversion(table: Mapping[str, object], place: str) -> Callable[[str], Made]:
    form = cast(str, table.get("format", ""))
    match table.get("as", "text"):
        case "text":
            return lambda text: text
        case "integer":
            return lambda text: int(_checked(_INTEGER, text))
        case "decimal":
            return lambda text: _checked(_DECIMAL, text)
        case "minor":
            currency = text_of(table.get("currency"), f"{place} currency")
            if currency not in EXPONENTS:
                raise MappingError(f"{place}: {currency} is no currency of ISO 4217")
            return lambda text: to_minor(text, EXPONENTS[currency])
        case "date":
            return lambda text: datetime.strptime(text, form or "%Y-%m-%d").date().isoformat()  # noqa: DTZ007
        case "instant":
            zone = _zone(text_of(table.get("zone", "UTC"), f"{place} zone"), place)
            return lambda text: _instant(text, form, zone)
        case other:
            raise MappingError(
                f"{place}: as = {other!r} is none of text, integer, decimal, minor, date, instant"
            )


def to_minor(text: str, digits: int) -> int:
    """Read a decimal as minor units of a currency of `digits` decimals, exactly, or raise ValueError."""
    amount = Decimal(_checked(_DECIMAL, text)).scaleb(digits)
    if amount != amount.to_integral_value():
        raise ValueError(f"more than {digits} decimals")
    return int(amount)


def _instant(text: str, form: str, zone: ZoneInfo) -> str:
    read = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - zone follows
    return (
        (read if read.tzinfo else read.replace(tzinfo=zone))
        .astimezone(UTC)
        .isoformat()
        .replace("+00:00", "Z")
    )


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.match(text):
        raise ValueError("not written in digits")
    return text


def _zone(name: str, place: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"{place}: there is no time zone {name!r}") from error


def text_of(value: object, place: str) -> str:
    """Demand a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise MappingError(f"{place} is missing or no text")
    return value


def table_of(value: object, place: str) -> Mapping[str, object]:
    """Demand a table."""
    if not isinstance(value, dict):
        raise MappingError(f"{place} is no table")
    return value


def refuse_unknown(table: Mapping[str, object], known: set[str], place: str) -> None:
    """Refuse a name that means nothing, most likely a slip of the pen."""
    if unknown := sorted(table.keys() - known):
        raise MappingError(f"{place} knows no {unknown[0]!r}, only {', '.join(sorted(known))}")
