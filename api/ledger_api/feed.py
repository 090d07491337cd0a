"""The event feed: the log itself, in order, page by page, one by one, or as it grows.

Events are handed out as the bytes that were hashed. Positions have no gaps and are in commit order, so
whoever has read up to a position has missed nothing before it.
"""

from __future__ import annotations

from typing import Annotated, LiteralString, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer_bytes, link_next
from ledger_api.moments import moment_of
from ledger_api.parameters import (
    PAGE_ITEMS_DEFAULT,
    BookPath,
    Limit,
    Name,
    Position,
    Read,
    ReadAsOf,
    StrictQuery,
)
from ledger_api.problems import NotFound
from ledger_api.reading import Reader, refuse_future
from ledger_api.services import services_of
from ledger_api.shapes.events import EventPage, StoredEvent

_SQL = queries("ledger_api", "feed.sql")

CLOUDEVENT = "application/cloudevents+json"
PAGE_BYTES_MAX = 1_000_000
"""A page ends behind the event that passes this: a thousand long invoices do not become one answer."""
STRETCH_EVENTS = 50_000
"""Events that one page looks at of a single type, or of what had occurred by some moment."""

router = APIRouter(tags=["Events"], dependencies=[MAY_READ, StrictQuery])

EventType = Annotated[str, Field(max_length=255, pattern=r"^[a-z_]+(\.[a-z_]+)+$")]


class FeedParameters(ReadAsOf):
    """Which events."""

    after: Position = Field(0, description="Begin behind this position.")
    limit: Limit = Field(PAGE_ITEMS_DEFAULT, description="Events on the page at most.")
    type: EventType | None = Field(None, description="Only events of this type.", examples=["invoice.issued"])
    customer: Name | None = Field(None, description="Only events of this customer.", examples=["c-1001"])


class Selection(NamedTuple):
    """Which events of a book to read; `upto` None: up to the head; what occurred by `day` and `instant`."""

    book: str
    type: str | None = None
    customer: str | None = None
    upto: int | None = None
    day: str = "infinity"
    instant: str = "infinity"

    @property
    def is_sparse(self) -> bool:
        """Whether few events of the log may be among them, and no index says which."""
        return self.customer is None and (self.type is not None or self.day != "infinity")


class Found(NamedTuple):
    """Events of a page as (position, stored bytes); `next` is the last position looked at."""

    events: list[tuple[int, bytes]]
    next: int
    head: int


async def read_events(
    reader: Reader, selection: Selection, after: int, limit: int, bytes_max: int = PAGE_BYTES_MAX
) -> Found:
    """Read the next events of a selection. Raises `NotFound` when there is no such book."""
    values = selection._asdict() | {
        "after": after, "limit": limit, "bytes_max": bytes_max, "stretch": STRETCH_EVENTS,
    }  # fmt: skip
    rows = await reader.rows(_query_for(selection), values, binary=True)
    if not rows:
        raise NotFound("book_unknown", f"there is no book {selection.book}", book=selection.book)
    head = int(str(rows[0][0]))
    events = [
        (position, state)
        for _, position, state in rows
        if isinstance(position, int) and isinstance(state, bytes)
    ]
    full = len(events) == limit or sum(len(state) for _, state in events) >= bytes_max
    return Found(events, _behind(selection, events[-1][0] if full else None, after, head), head)


def _query_for(selection: Selection) -> LiteralString:
    if selection.customer is not None:
        return _SQL["events_of_customer"]
    return _SQL["events_that" if selection.is_sparse else "all_events"]


def _behind(selection: Selection, last: int | None, after: int, head: int) -> int:
    """Say how far was looked: to the last event of a full page, else to the end of the stretch."""
    if last is not None:
        return last
    end = head if selection.upto is None else min(head, selection.upto)
    if selection.is_sparse:
        end = min(end, after + STRETCH_EVENTS)
    return max(after, end)


@router.get(
    "/v1/books/{book}/events",
    summary="Read events in order",
    responses={200: {"model": EventPage, "description": "Events in the order of their positions."}},
)
async def list_events(
    request: Request, book: BookPath, parameters: Annotated[FeedParameters, Query()]
) -> Response:
    """Read the log from a position on. `next` is the `after` of the page behind this one."""
    services = services_of(request)
    moment = await moment_of(services.reader, book, parameters)
    upto = moment.position
    await services.reader.log_reached(book, parameters.min_position)
    selection = Selection(book, parameters.type, parameters.customer, upto, moment.day, moment.instant)
    found = await read_events(services.reader, selection, parameters.after, parameters.limit)
    refuse_future(book, upto, found.head)
    items = b",".join(state for _, state in found.events)
    body = b'{"items":[%b],"next":%d,"head":%d}' % (items, found.next, found.head)
    response = answer_bytes(request, body, found.head if upto is None else upto)
    if found.next < (found.head if upto is None else upto):
        response.headers["Link"] = link_next(request, {"after": str(found.next)})
    return response


@router.get(
    "/v1/books/{book}/events/{position}",
    summary="Read one event",
    responses={200: {"content": {CLOUDEVENT: {"schema": StoredEvent.model_json_schema()}}}},
    response_class=Response,
)
async def show_event(
    request: Request,
    book: BookPath,
    position: Annotated[Position, Path(ge=1, examples=[1])],
    parameters: Annotated[Read, Query()],
) -> Response:
    """Read one event: exactly the bytes that were recorded and hashed."""
    services = services_of(request)
    await services.reader.log_reached(book, parameters.min_position)
    rows = await services.reader.rows(_SQL["one_event"], {"book": book, "position": position}, binary=True)
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    head, state, leaf, customer = rows[0]
    await services.looks.record_found(request, None if customer is None else str(customer))
    if not isinstance(state, bytes) or not isinstance(leaf, bytes):
        raise NotFound(
            "event_unknown", f"the log of {book} ends at position {head}", position=position, head=head
        )
    response = answer_bytes(request, state, int(str(head)), media_type=CLOUDEVENT, tag=leaf.hex())
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
