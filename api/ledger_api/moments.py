"""As of when: from the parameters of a request to a position of the log and a point on the occurred clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from ledger.errors import Malformed, Refusal
from ledger.sql import queries
from ledger_api.parameters import LogAsOf, ReadAsOf
from ledger_api.problems import NotFound
from ledger_api.reading import Reader

_SQL = queries("ledger_api", "moments.sql")
_FOREVER = "infinity"


class Moment(NamedTuple):
    """What counts, on both clocks.

    Recorded at or before `position` (None: all); and occurred on a date before `day`, or on `day` at or
    before `instant` (both as PostgreSQL writes them).
    """

    position: int | None
    day: str = _FOREVER
    instant: str = _FOREVER


async def upto_position(reader: Reader, book: str, parameters: LogAsOf) -> int | None:
    """Say up to which position the log counts, None for all of it."""
    if parameters.as_of_recorded is None:
        return parameters.as_of_position
    if parameters.as_of_position is not None:
        raise Malformed(
            "parameters_exclusive", "as_of_position and as_of_recorded say the same thing: give one of them",
            parameter="as_of_recorded",
        )  # fmt: skip
    if parameters.as_of_recorded > datetime.now(UTC):
        raise Refusal(
            "as_of_in_future", "nobody knows yet what will be recorded by then",
            parameter="as_of_recorded", as_of_recorded=parameters.as_of_recorded,
        )  # fmt: skip
    rows = await reader.rows(_SQL["position_at"], {"book": book, "instant": parameters.as_of_recorded})
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    return int(str(rows[0][0]))


async def moment_of(reader: Reader, book: str, parameters: ReadAsOf) -> Moment:
    """Work out the moment that a request asks for."""
    position = await upto_position(reader, book, parameters)
    occurred = parameters.as_of_occurred
    if occurred is None:
        return Moment(position)
    if not isinstance(occurred, datetime):
        return Moment(position, occurred.isoformat())
    rows = await reader.rows(_SQL["date_in_book"], {"book": book, "instant": occurred})
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    return Moment(position, str(rows[0][0]), occurred.isoformat())
