"""Discounts: what was granted to whom, and how much of it is used."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer_page
from ledger_api.parameters import BookPath, CustomerPath, Name, StrictQuery, Words
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.shapes.discounts import DiscountPage

_SQL = queries("ledger_api.reads", "discounts.sql")
_DISCOUNTS = Listing("discounts", _SQL["discounts"], ("discounts",), {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Discounts"], dependencies=[MAY_READ, StrictQuery])


class DiscountsOfCustomer(ListParameters):
    """Which discounts of a customer."""

    state: Literal["granted", "used_up", "revoked"] | None = Field(
        None, description="Only those that stand so."
    )
    campaign: Words | None = Field(None, description="Only those of this campaign.")


class DiscountsParameters(DiscountsOfCustomer):
    """Which discounts."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


@router.get("/v1/books/{book}/discounts", summary="List discounts", responses={200: {"model": DiscountPage}})
async def list_discounts(
    request: Request, book: BookPath, parameters: Annotated[DiscountsParameters, Query()]
) -> Response:
    """List discounts in the order in which they were granted."""
    return await list_page(request, _DISCOUNTS, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}/discounts",
    summary="List a customer's discounts",
    responses={200: {"model": DiscountPage}},
)
async def list_discounts_of_customer(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[DiscountsOfCustomer, Query()],
) -> Response:
    """List a customer's discounts in the order in which they were granted."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _DISCOUNTS, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)
