"""Customers: who owes, on which terms, and what they take."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, ReadAsOf, StrictQuery, Words
from ledger_api.problems import NotFound
from ledger_api.reads.lists import Listing, ListParameters, list_page
from ledger_api.services import services_of
from ledger_api.shapes.customers import Customer, CustomerPage

_SQL = queries("ledger_api.reads", "customers.sql")
MODELS = ("customers",)
_CUSTOMERS = Listing("customers", _SQL["customers"], MODELS, {"customer": ""}, _SQL["members"])

router = APIRouter(tags=["Customers"], dependencies=[MAY_READ, StrictQuery])


class CustomersParameters(ListParameters):
    """Which customers."""

    status: Literal["open", "closed", "erased"] | None = Field(
        None, description="Only those that are open, closed, or erased."
    )
    segment: Words | None = Field(None, description="Only this group of customers.")


@router.get("/v1/books/{book}/customers", summary="List customers", responses={200: {"model": CustomerPage}})
async def list_customers(
    request: Request, book: BookPath, parameters: Annotated[CustomersParameters, Query()]
) -> Response:
    """List customers in order of their names."""
    return await list_page(request, _CUSTOMERS, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}", summary="Show a customer", responses={200: {"model": Customer}}
)
async def show_customer(
    request: Request, book: BookPath, customer: CustomerPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Show a customer's terms, agreements and activity. Balances have an address of their own."""
    reader = services_of(request).reader
    values = {"book": book, "customer": customer}
    position, items = await items_at(reader, _SQL["customer"], MODELS, values, parameters, [customer])
    if not items:
        raise NotFound("customer_unknown", f"there is no customer {customer} in {book}", customer=customer)
    return answer(request, items[0], position)
