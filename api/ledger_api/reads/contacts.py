"""Contacts: who came, who waited and for how long, who answered, and who gave up."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_page
from ledger_api.moments import items_at
from ledger_api.parameters import (
    BookPath,
    CustomerPath,
    Date,
    Name,
    ReadAsOf,
    Seconds,
    StrictQuery,
    Words,
)
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.services import services_of
from ledger_api.shapes.contacts import ContactPage, ContactReport

_SQL = queries("ledger_api.reads", "contacts.sql")
MODELS = ("contacts",)
_CONTACTS = Listing("contacts", _SQL["contacts"], MODELS, {"position": 0}, _SQL["members"])

ANSWERED_WITHIN_SECONDS = 20
"""What counts as answered in time when the question does not say: the custom of telephone services, whose
goal is four of five calls within twenty seconds."""

router = APIRouter(tags=["Contacts"], dependencies=[MAY_READ, StrictQuery])


class ContactsOfCustomer(ListParameters):
    """Which contacts of a customer."""

    state: Literal["waiting", "answered", "ended"] | None = Field(
        None, description="Only those that stand so."
    )
    queue: Words | None = Field(None, description="Only those of this queue.")
    channel: Words | None = Field(None, description="Only those of this channel.")


class ContactsParameters(ContactsOfCustomer):
    """Which contacts."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


class ContactReportParameters(ReadAsOf):
    """Which contacts the report is about, and how it divides them."""

    from_: Date | None = Field(None, alias="from", description="Only what arrived on this date or later.")
    through: Date | None = Field(None, description="Only what arrived on this date or earlier.")
    by: Literal["queue", "channel", "topic", "language"] = Field("queue", description="What divides them.")
    within_seconds: Seconds = Field(
        ANSWERED_WITHIN_SECONDS, description="What counts as answered in time.", examples=[20]
    )


@router.get("/v1/books/{book}/contacts", summary="List contacts", responses={200: {"model": ContactPage}})
async def list_contacts(
    request: Request, book: BookPath, parameters: Annotated[ContactsParameters, Query()]
) -> Response:
    """List contacts in the order in which their arrival was recorded."""
    return await list_page(request, _CONTACTS, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}/contacts",
    summary="List a customer's contacts",
    responses={200: {"model": ContactPage}},
)
async def list_contacts_of_customer(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[ContactsOfCustomer, Query()],
) -> Response:
    """List a customer's contacts in the order in which their arrival was recorded."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _CONTACTS, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)


@router.get(
    "/v1/books/{book}/reports/contacts",
    summary="How contacts were served",
    responses={200: {"model": ContactReport}},
)
async def report_contacts(
    request: Request, book: BookPath, parameters: Annotated[ContactReportParameters, Query()]
) -> Response:
    """Count arrivals, answers and abandonment, with waits and handling times, by day and in all.

    Days are those on which contacts arrived, in the book's time zone. A wait ends with the answer; its median
    and 90th percentile are of those who were answered, and are waits that occurred. Shares are of all that
    arrived.
    """
    values = {
        "book": book, "from": str(parameters.from_ or "-infinity"), "by": parameters.by,
        "through": str(parameters.through or "infinity"), "within_seconds": parameters.within_seconds,
    }  # fmt: skip
    reader = services_of(request).reader
    position, items = await items_at(reader, _SQL["service"], MODELS, values, parameters, None)
    levels: dict[object, list[dict[str, object]]] = {"day": [], "period": [], "all": []}
    for item in items:
        levels[item.pop("level")].append(item)
    body = {"by": parameters.by, "within_seconds": parameters.within_seconds, "days": levels["day"]}
    return answer(request, {**body, "period": levels["period"], "all": levels["all"]}, position)
