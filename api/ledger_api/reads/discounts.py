"""Discounts: granted, offered and requested, how much of them is used, and whose authority it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_page
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, Name, ReadAsOf, StrictQuery, Words
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.services import services_of
from ledger_api.shapes.discounts import AuthorityReport, DiscountPage, State

_SQL = queries("ledger_api.reads", "discounts.sql")
_DISCOUNTS = Listing("discounts", _SQL["discounts"], ("discounts",), {"position": 0}, _SQL["members"])

Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]

router = APIRouter(tags=["Discounts"], dependencies=[MAY_READ, StrictQuery])


class DiscountsOfCustomer(ListParameters):
    """Which discounts of a customer."""

    state: State | None = Field(
        None, description="Only those that stand so; `requested` is the queue of who decides, oldest first."
    )
    campaign: Words | None = Field(None, description="Only those of this campaign.")
    criterion: Name | None = Field(None, description="Only those granted on this criterion.")
    asked_by: Name | None = Field(None, description="Only those that this principal requested.")


class DiscountsParameters(DiscountsOfCustomer):
    """Which discounts."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


@router.get("/v1/books/{book}/discounts", summary="List discounts", responses={200: {"model": DiscountPage}})
async def list_discounts(
    request: Request, book: BookPath, parameters: Annotated[DiscountsParameters, Query()]
) -> Response:
    """List discounts, offers and requests in the order in which they began."""
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
    """List a customer's discounts, offers and requests in the order in which they began."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _DISCOUNTS, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)


class AuthorityParameters(ReadAsOf):
    """Whose authority over whom."""

    customer: Name | None = Field(
        None, description="Tell also what each role may still grant to this customer.", examples=["c-1001"]
    )
    principal: Name | None = Field(None, description="Only the use of this principal.")
    month: Month | None = Field(None, description="Only the use in this month.", examples=["2026-01"])


@router.get(
    "/v1/books/{book}/reports/discount-authority",
    summary="How the authority to grant discounts is used",
    responses={200: {"model": AuthorityReport}},
)
async def report_authority(
    request: Request, book: BookPath, parameters: Annotated[AuthorityParameters, Query()]
) -> Response:
    """Tell what each role may grant, and what each principal granted, asked for and decided, by month.

    Limits for each customer count what was granted by whomever within the policy's days; `left` tells what is
    left of them for the customer that is named.
    """
    reader = services_of(request).reader
    values = {"book": book, **parameters.model_dump(exclude={"min_position"})}
    position, items = await items_at(
        reader, _SQL["authority"], ("discounts",), values, parameters, _SQL["members_by"]
    )
    body: dict[str, list[object]] = {"roles": [], "use": [], "left": []}
    for item in items:
        body[str(item["part"])].append(item["said"])
    return answer(request, body, position)
