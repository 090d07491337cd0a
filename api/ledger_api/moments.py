"""As of when: from the parameters of a request to a position of the log and a point on the occurred clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple

from ledger.errors import Malformed, Refusal
from ledger_api.parameters import LogAsOf, ReadAsOf
from ledger_api.problems import NotFound
from ledger_api.reading import Items, Reader, Wanted, refuse_future
from ledger_projections.past import MOMENT, Past, Question

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
    _, upto, *_ = await _fixed(reader, book, recorded=parameters.as_of_recorded)
    return int(str(upto))


async def moment_of(reader: Reader, book: str, parameters: ReadAsOf) -> Moment:
    """Work out the moment that a request asks for."""
    position = await upto_position(reader, book, parameters)
    occurred, recorded = parameters.as_of_occurred, parameters.as_of_recorded
    if occurred is None:
        return Moment(position, recorded=recorded)
    if not isinstance(occurred, datetime):
        return Moment(position, occurred.isoformat(), recorded=recorded)
    _, _, _, day, *_ = await _fixed(reader, book, occurred=occurred.isoformat(), is_date=False)
    return Moment(position, str(day), occurred.isoformat(), recorded)


async def items_at(
    reader: Reader,
    query: LiteralString,
    models: Sequence[str],
    values: Mapping[str, object],
    parameters: ReadAsOf,
    about: Sequence[str] | LiteralString | None,
) -> Items:
    """Answer a question as of now, or as of the moment that is asked for.

    The query is the same, and looks from `ledger.moment()`. It is about these customers; or about those whom
    a query finds (of what never changes in the live read models, up to `upto`); or, None, about all.
    """
    moment = await moment_of(reader, str(values["book"]), parameters)
    if moment == NOW:
        return await reader.items(query, models, values, Wanted(parameters.min_position))
    past = await past_of(reader, str(values["book"]), moment, parameters.min_position)
    if isinstance(about, str):
        found = await reader.items(about, models, past._asdict(), Wanted(upto=past.upto))
        about = [str(item["customer"]) for item in found.items]
    return await reader.items_as_of(past, Question(about, models, query, values))


async def past_of(reader: Reader, book: str, moment: Moment, min_position: int | None) -> Past:
    """Fix a moment on both clocks: where the log ends for it, and which day it is."""
    await reader.log_reached(book, min_position)
    is_date = moment.instant == _FOREVER
    occurred = moment.day if is_date else moment.instant
    head, upto, _, *rest = await _fixed(
        reader, book, position=moment.position, recorded=moment.recorded, is_date=is_date,
        occurred=None if occurred == _FOREVER else occurred,
    )  # fmt: skip
    refuse_future(book, moment.position, int(str(head)))
    day, instant, today, at = map(str, rest)
    return Past(book, int(str(upto)), day, instant, today, at)


async def _fixed(
    reader: Reader,
    book: str,
    *,
    position: int | None = None,
    recorded: datetime | None = None,
    occurred: str | None = None,
    is_date: bool = True,
) -> tuple[object, ...]:
    """Ask the log about a moment (see `MOMENT`). Raises `NotFound`."""
    values = {"position": position, "recorded": recorded, "occurred": occurred, "is_date": is_date}
    rows = await reader.rows(MOMENT, {"book": book, **values})
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    return rows[0]
