"""Invoices: each complete in itself, and where it stands."""

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
    Currency,
    CustomerPath,
    Flag,
    InvoicePath,
    Name,
    ReadAsOf,
    StrictQuery,
)
from ledger_api.problems import NotFound
from ledger_api.reading import Item
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.reads.owners import owner_of
from ledger_api.services import services_of
from ledger_api.shapes.invoices import Invoice, InvoicePage

_SQL = queries("ledger_api.reads", "invoices.sql")
MODELS = ("invoices", "journal")
_INVOICES = Listing("invoices", _SQL["invoices"], MODELS, {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Invoices"], dependencies=[MAY_READ, StrictQuery])


class InvoicesOfCustomer(ListParameters):
    """Which invoices of a customer."""

    state: Literal["open", "paid", "credited", "written_off", "void"] | None = Field(
        None, description="Only those that stand so."
    )
    currency: Currency | None = Field(None, description="Only this currency.", examples=["EUR"])
    in_dispute: Flag | None = Field(
        None, description="Only those of which a part is in dispute (or none is)."
    )
    overdue: Flag | None = Field(None, description="Only those past their due date (or not), today or then.")


class InvoicesParameters(InvoicesOfCustomer):
    """Which invoices."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


@router.get("/v1/books/{book}/invoices", summary="List invoices", responses={200: {"model": InvoicePage}})
async def list_invoices(
    request: Request, book: BookPath, parameters: Annotated[InvoicesParameters, Query()]
) -> Response:
    """List invoices in the order in which they were issued."""
    return await list_page(request, _INVOICES, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}/invoices",
    summary="List a customer's invoices",
    responses={200: {"model": InvoicePage}},
)
async def list_invoices_of_customer(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[InvoicesOfCustomer, Query()],
) -> Response:
    """List a customer's invoices in the order in which they were issued."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _INVOICES, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)


@router.get(
    "/v1/books/{book}/invoices/{number}", summary="Show an invoice", responses={200: {"model": Invoice}}
)
async def show_invoice(
    request: Request,
    book: BookPath,
    number: InvoicePath,
    parameters: Annotated[ReadAsOf, Query()],
) -> Response:
    """Show an invoice with its lines, discounts and taxes, and with what lowered its due."""
    position, invoice = await find_invoice(request, book, number, parameters)
    return answer(request, invoice, position)


async def find_invoice(request: Request, book: str, number: str, parameters: ReadAsOf) -> tuple[int, Item]:
    """Find an invoice, and the position that it is as of. Raises `NotFound`."""
    values = {"book": book, "invoice": number}
    unknown = NotFound("invoice_unknown", f"there is no invoice {number} in {book}", invoice=number)
    owner = await owner_of(request, _SQL["customer_of"], values, parameters, unknown)
    reader = services_of(request).reader
    position, items = await items_at(reader, _SQL["invoice"], MODELS, values, parameters, [owner])
    if not items:
        raise unknown
    invoice = items[0]
    for part in ("lines", "allocations", "debts", "credit_notes"):
        invoice[part] = invoice[part] or []
    return position, invoice
