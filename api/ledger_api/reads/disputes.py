"""Disputes: complaints, inquiries and chargebacks, and how each went."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer_page
from ledger_api.parameters import BookPath, CustomerPath, Name, StrictQuery
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.shapes.disputes import DisputePage

_SQL = queries("ledger_api.reads", "disputes.sql")
_DISPUTES = Listing("disputes", _SQL["disputes"], ("disputes",), {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Disputes"], dependencies=[MAY_READ, StrictQuery])


class DisputesOfCustomer(ListParameters):
    """Which disputes of a customer."""

    state: Literal["open", "resolved"] | None = Field(
        None, description="Only those that are open, or resolved."
    )
    kind: Literal["complaint", "inquiry", "chargeback"] | None = Field(None, description="Only this kind.")
    invoice: Name | None = Field(None, description="Only those about this invoice.", examples=["INV-7"])


class DisputesParameters(DisputesOfCustomer):
    """Which disputes."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


@router.get("/v1/books/{book}/disputes", summary="List disputes", responses={200: {"model": DisputePage}})
async def list_disputes(
    request: Request, book: BookPath, parameters: Annotated[DisputesParameters, Query()]
) -> Response:
    """List disputes in the order in which they were opened."""
    return await list_page(request, _DISPUTES, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}/disputes",
    summary="List a customer's disputes",
    responses={200: {"model": DisputePage}},
)
async def list_disputes_of_customer(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[DisputesOfCustomer, Query()],
) -> Response:
    """List a customer's disputes in the order in which they were opened."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _DISPUTES, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)
