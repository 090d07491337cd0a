"""Credit notes: what each lowers, line by line, and where its amount went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CreditNotePath, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import Item
from ledger_api.reads.owners import owner_of
from ledger_api.services import services_of
from ledger_api.shapes.invoices import CreditNote

_SQL = queries("ledger_api.reads", "credit_notes.sql")
MODELS = ("invoices", "journal")

router = APIRouter(tags=["Invoices"], dependencies=[MAY_READ, StrictQuery])


@router.get(
    "/v1/books/{book}/credit-notes/{number}",
    summary="Show a credit note",
    responses={200: {"model": CreditNote}},
)
async def show_credit_note(
    request: Request, book: BookPath, number: CreditNotePath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Show a credit note with the lines that it lowers, its taxes, and where its amount went."""
    position, note = await find_credit_note(request, book, number, parameters)
    return answer(request, note, position)


async def find_credit_note(
    request: Request, book: str, number: str, parameters: ReadAsOf
) -> tuple[int, Item]:
    """Find a credit note, and the position that it is as of. Raises `NotFound`."""
    values = {"book": book, "credit_note": number}
    unknown = NotFound(
        "credit_note_unknown", f"there is no credit note {number} in {book}", credit_note=number
    )
    owner = await owner_of(request, _SQL["customer_of"], values, parameters, unknown)
    reader = services_of(request).reader
    position, items = await items_at(reader, _SQL["credit_note"], MODELS, values, parameters, [owner])
    if not items:
        raise unknown
    return position, items[0]
