"""As of when: from the parameters of a request to a position of the log and a point on the occurred clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple

from ledger.errors import Malformed, Refusal
from ledger.sql import queries
from ledger_api.parameters import LogAsOf, ReadAsOf
from ledger_api.problems import NotFound
from ledger_api.reading import Items, Reader, Wanted, refuse_future
from ledger_projections.past import Past, Question

_SQL = queries("ledger_api", "moments.sql")
_FOREVER = "infinity"


class Moment(NamedTuple):
    """What counts, on both clocks.

    Recorded at or before `position` (None: all), which is where the log stood at `recorded` if that was asked
    for; and occurred on a date before `day`, or on `day` at or before `instant` (both as PostgreSQL writes
    them).
    """

    position: int | None
    day: str = _FOREVER
    instant: str = _FOREVER
    recorded: datetime | None = None


NOW = Moment(None)
"""All that is recorded, whenever it occurred."""


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
    occurred, recorded = parameters.as_of_occurred, parameters.as_of_recorded
    if occurred is None:
        return Moment(position, recorded=recorded)
    if not isinstance(occurred, datetime):
        return Moment(position, occurred.isoformat(), recorded=recorded)
    rows = await reader.rows(_SQL["date_in_book"], {"book": book, "instant": occurred})
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    return Moment(position, str(rows[0][0]), occurred.isoformat(), recorded)


async def items_at(
    reader: Reader,
    query: LiteralString,
    models: Sequence[str],
    values: Mapping[str, object],
    parameters: ReadAsOf,
    customers: Sequence[str],
) -> Items:
    """Answer a question about these customers as of now, or as of the moment that is asked for.

    The query is the same, and finds `today`, the date it is answered for, in its values: null means now.
    """
    moment = await moment_of(reader, str(values["book"]), parameters)
    if moment == NOW:
        wanted = Wanted(parameters.min_position)
        return await reader.items(query, models, {**values, "today": None}, wanted)
    past = await past_of(reader, str(values["book"]), moment, parameters.min_position)
    return await reader.items_as_of(past, Question(customers, models, query, values))


async def past_of(reader: Reader, book: str, moment: Moment, min_position: int | None) -> Past:
    """Fix a moment on both clocks: where the log ends for it, and which day it is."""
    await reader.log_reached(book, min_position)
    asked = {"book": book, "position": moment.position, "recorded": moment.recorded, "day": moment.day}
    rows = await reader.rows(_SQL["past"], asked)
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    head, upto, today = rows[0]
    refuse_future(book, moment.position, int(str(head)))
    return Past(book, int(str(upto)), moment.day, moment.instant, str(today))
