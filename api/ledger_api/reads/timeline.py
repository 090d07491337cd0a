"""A customer's timeline: everything that happened with them, in order, in few words."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer_page
from ledger_api.moments import moment_of
from ledger_api.parameters import POSITION_MAX, BookPath, CustomerPath, Paged, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import refuse_future
from ledger_api.services import services_of
from ledger_api.shapes.timeline import Timeline

_SQL = queries("ledger_api.reads", "timeline.sql")

router = APIRouter(tags=["Customers"], dependencies=[MAY_READ, StrictQuery])


class TimelineParameters(ReadAsOf, Paged):
    """Which part of a timeline, and from which end."""

    order: Literal["oldest", "newest"] = Field("oldest", description="What comes first.")


@router.get(
    "/v1/books/{book}/customers/{customer}/timeline",
    summary="Everything that happened with a customer",
    responses={200: {"model": Timeline}},
)
async def show_timeline(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[TimelineParameters, Query()],
) -> Response:
    """List a customer's events in the order in which they were recorded, each with what it names.

    It is read from the log itself and never behind. Pages of newest first are not disturbed by what is
    recorded meanwhile. As of an occurred moment a page may have fewer events.
    """
    services = services_of(request)
    moment = await moment_of(services.reader, book, parameters)
    upto = moment.position
    await services.reader.log_reached(book, parameters.min_position)
    newest = parameters.order == "newest"
    listing = f"{book}/timeline"
    filters = {
        "customer": customer, "order": parameters.order, "upto": upto, "day": moment.day,
        "instant": moment.instant,
    }  # fmt: skip
    after = services.pages.after(listing, filters, parameters.page)
    behind = after[0] if after else POSITION_MAX if newest else 0
    values = {"book": book, "behind": behind, "newest": newest, "limit": parameters.limit, **filters}
    rows = await services.reader.rows(_SQL["timeline"], values)
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    head, last = int(str(rows[0][0])), int(str(rows[0][1]))
    refuse_future(book, upto, head)
    if not last:
        raise NotFound("customer_unknown", f"there is no customer {customer} in {book}", customer=customer)
    page = [(int(str(row[2])), row[3]) for row in rows if row[2] is not None]
    if newest:
        page.reverse()
    end = page[-1][0] if page else 0
    token = services.pages.token(listing, filters, [end]) if page and end != (1 if newest else last) else None
    events = [msgspec.Raw(str(event).encode()) for _, event in page if event is not None]
    return answer_page(request, events, head if upto is None else upto, token)
