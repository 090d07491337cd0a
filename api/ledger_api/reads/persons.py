"""The person behind a customer: personal data, out of the vault and into it.

No answer here is to be kept by anybody, and none has a tag: the hash of a person would be a trace of them.
"""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger.person import RECORDS, from_records, read_person, to_records
from ledger_api.access import SeesPersons
from ledger_api.answers import JSON
from ledger_api.documents import read_json
from ledger_api.parameters import BookPath, CustomerPath, NoQuery
from ledger_api.problems import ERASED
from ledger_api.services import services_of
from ledger_api.shapes.persons import Person

PERSON_BYTES_MAX = 16 * 1024
"""The body of one person, in bytes: names and addresses are short."""
_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Authorization"}

router = APIRouter(tags=["Customers"], dependencies=[NoQuery])
_BODY = {"required": True, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Person"}}}}


@router.get(
    "/v1/books/{book}/customers/{customer}/person",
    summary="Show the person behind a customer",
    responses={200: {"model": Person}, 410: ERASED},
)
async def show_person(
    request: Request, book: BookPath, customer: CustomerPath, principal: SeesPersons
) -> Response:
    """Show name, address and what else is known of the person; 410 once it was erased."""
    del principal
    records = await services_of(request).vault.get(book, customer, RECORDS)
    body = msgspec.json.encode(from_records(records))
    return Response(body, headers=_NOT_KEPT, media_type=JSON)


@router.put(
    "/v1/books/{book}/customers/{customer}/person",
    summary="Say who the person behind a customer is",
    status_code=204,
    response_class=Response,
    openapi_extra={"requestBody": _BODY},
    responses={204: {"description": "It is kept, in the place of what was there."}, 410: ERASED},
)
async def put_person(
    request: Request, book: BookPath, customer: CustomerPath, principal: SeesPersons
) -> Response:
    """Keep what is known of the person, all of it: a field that is absent is not known any more."""
    del principal
    person = read_person(await read_json(request, PERSON_BYTES_MAX))
    await services_of(request).vault.put(book, customer, to_records(person))
    return Response(status_code=204, headers=_NOT_KEPT)
