"""What may stand in an address: strict shapes of path parts and query parameters.

A parameter that an address does not know is refused, so that a misspelt `as_of_occured` never gives today's
figures; so is one that stands twice.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ledger.errors import Malformed

_DIGITS = re.compile(r"0|[1-9][0-9]{0,18}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{5,8}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:@~-]{0,63}$"

PAGE_ITEMS_MAX = 1_000
"""Items on one page, and therefore in one answer."""
PAGE_ITEMS_DEFAULT = 100
"""Items on one page when the request does not say."""
POSITION_MAX = 2**53 - 1
"""The highest position a JSON reader of any language keeps exactly."""


def _digits(value: object) -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    raise ValueError("write a whole number in plain digits")


def _flag(value: object) -> bool:
    if value in ("true", "false", True, False):
        return value in ("true", True)
    raise ValueError("write true or false")


def _instant(value: object) -> datetime:
    text = str(value)
    if _INSTANT.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("write an instant with its offset, like 2026-01-31T23:59:59Z")


def _date(value: object) -> date:
    text = str(value)
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError("write a date, like 2026-01-31")


def _moment(value: object) -> date | datetime:
    return _date(value) if _DATE.fullmatch(str(value)) else _instant(value)


Position = Annotated[int, BeforeValidator(_digits), Field(ge=0, le=POSITION_MAX)]
Limit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=PAGE_ITEMS_MAX)]
Seconds = Annotated[int, BeforeValidator(_digits), Field(ge=0, le=86_400)]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Date = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[
    date | datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
Flag = Annotated[bool, BeforeValidator(_flag)]
Words = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3)]
Name = Annotated[str, Field(pattern=_NAME)]

BookPath = Annotated[str, Path(pattern=_NAME, description="The book.", examples=["main"])]
CustomerPath = Annotated[str, Path(pattern=_NAME, description="The customer.", examples=["c-1001"])]
InvoicePath = Annotated[str, Path(pattern=_NAME, description="The invoice's number.", examples=["INV-7"])]
CreditNotePath = Annotated[
    str, Path(pattern=_NAME, description="The credit note's number.", examples=["CN-3"])
]


class Read(BaseModel):
    """Parameters of every read."""

    model_config = ConfigDict(extra="forbid")

    min_position: Position | None = Field(
        None,
        description="Answer only when everything up to this position is in the answer; wait for it, some "
        "seconds at most. Give the `Ledger-Position` of a write to read it back.",
    )


class LogAsOf(Read):
    """Parameters of a read that can answer as the log stood earlier. The moment itself is included."""

    as_of_position: Position | None = Field(None, description="As the log stood at this position.")
    as_of_recorded: Instant | None = Field(
        None, description="As the log stood at this instant: what was recorded by then."
    )


class ReadAsOf(LogAsOf):
    """Parameters of a read that can answer for an earlier moment, on either clock."""

    as_of_occurred: Moment | None = Field(
        None,
        description="Only what occurred by this instant, or by the end of this date in the book's time zone. "
        "May be combined with one of the other two: what was known then about what occurred by then.",
    )


class Paged(BaseModel):
    """Parameters of a list."""

    limit: Limit = Field(PAGE_ITEMS_DEFAULT, description="Items on the page at most.")
    page: str | None = Field(
        None, max_length=2_000, description="Where to go on: the `next` of the page before, unchanged."
    )


async def strict_query(request: Request) -> None:
    """Refuse a query parameter that stands twice: which of the two counts would be a guess."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise Malformed("parameter_repeated", f"{name[:64]} stands more than once", parameter=name)


async def no_query(request: Request) -> None:
    """Refuse any query parameter, at an address that takes none."""
    for name in request.query_params:
        raise Malformed("parameter_unknown", f"this address takes no parameter {name[:64]}", parameter=name)


StrictQuery = Depends(strict_query)
NoQuery = Depends(no_query)

__all__ = [
    "PAGE_ITEMS_MAX", "BookPath", "CreditNotePath", "Currency", "CustomerPath", "Date", "Flag", "Instant",
    "InvoicePath", "Limit", "LogAsOf", "Name", "NoQuery", "Paged", "Position", "Query", "Read", "ReadAsOf",
    "Seconds", "StrictQuery", "Words",
]  # fmt: skip
