"""Evidence of a dispute: files put before they are submitted, listed, and read back.

A file is personal data. It is in the vault, nobody keeps an answer with it, and none has a tag.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ledger.disputes.handling import MEDIA_TYPE
from ledger.errors import Malformed
from ledger.sql import queries
from ledger_api.access import MAY_READ, MAY_SEE_PERSONS, Posts
from ledger_api.answers import JSON, answer, encode
from ledger_api.documents import media_type_of, read_body
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, Name, Read, ReadAsOf, StrictQuery
from ledger_api.problems import ERASED, NotFound
from ledger_api.services import services_of
from ledger_api.shapes.disputes import Evidence, StoredFile

_SQL = queries("ledger_api.reads", "disputes.sql")
_MODELS = ("disputes",)
_MEDIA_TYPE = re.compile(MEDIA_TYPE)
_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Authorization"}
_ADDRESS = "/v1/books/{book}/customers/{customer}/disputes/{dispute}/evidence"

DisputePath = Annotated[Name, Path(description="The dispute.", examples=["cb-1"])]
HashPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file.")]

router = APIRouter(tags=["Disputes"])


@router.put(
    _ADDRESS,
    summary="Put a file of evidence",
    status_code=201,
    dependencies=[StrictQuery],
    openapi_extra={"requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string"}}}}},
    responses={201: {"model": StoredFile}, 410: ERASED},
)
async def put_evidence(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    dispute: DisputePath,
    parameters: Annotated[Read, Query()],
    principal: Posts,
) -> Response:
    """Keep a file, the body as it is, under its hash; `dispute.submit_evidence` then names that.

    The same file again changes nothing.
    """
    del principal
    services = services_of(request)
    kind = media_type_of(request)
    if len(kind) > 127 or _MEDIA_TYPE.fullmatch(kind) is None:
        raise Malformed("media_type_unsupported", "say in Content-Type of which type the file is")
    await _find(request, book, customer, dispute, ReadAsOf.model_validate(parameters.model_dump()))
    file = await read_body(request, services.settings.evidence_bytes_max)
    if not file:
        raise Malformed("body_empty", "the body is the file, and it is empty")
    sha256 = hashlib.sha256(file).hexdigest()
    await services.evidence.keep(book, customer, sha256, file)
    stored = {"sha256": sha256, "size": len(file), "media_type": kind}
    return Response(encode(stored), status_code=201, headers=_NOT_KEPT, media_type=JSON)


@router.get(
    _ADDRESS,
    summary="List the evidence of a dispute",
    dependencies=[MAY_READ, StrictQuery],
    responses={200: {"model": Evidence}},
)
async def list_evidence(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    dispute: DisputePath,
    parameters: Annotated[ReadAsOf, Query()],
) -> Response:
    """List the files that were submitted, in order."""
    values = {"book": book, "customer": customer, "dispute": dispute}
    reader = services_of(request).reader
    position, files = await items_at(reader, _SQL["evidence"], _MODELS, values, parameters, [customer])
    if not files:
        await _find(request, book, customer, dispute, parameters)
    return answer(request, {"files": files}, position)


@router.get(
    _ADDRESS + "/{sha256}",
    summary="Read a file of evidence",
    dependencies=[MAY_SEE_PERSONS, StrictQuery],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}, 410: ERASED},
)
async def show_evidence(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    dispute: DisputePath,
    sha256: HashPath,
    parameters: Annotated[ReadAsOf, Query()],
) -> Response:
    """Give back a file that was submitted in this dispute, as it was put.

    It is to be saved and never shown by a browser: it comes from anybody.
    """
    services = services_of(request)
    file = await services.evidence.find(book, customer, sha256)
    values = {"book": book, "customer": customer, "dispute": dispute}
    _, files = await items_at(services.reader, _SQL["evidence"], _MODELS, values, parameters, [customer])
    if file is None or all(each["sha256"] != sha256 for each in files):
        raise NotFound(
            "evidence_unknown", f"no file {sha256} was submitted in {dispute} of {customer}",
            sha256=sha256, **values,
        )  # fmt: skip
    headers = {**_NOT_KEPT, "Content-Disposition": f'attachment; filename="{sha256}"'}
    return Response(file, headers=headers, media_type="application/octet-stream")


async def _find(request: Request, book: str, customer: str, dispute: str, parameters: ReadAsOf) -> None:
    """Raise `NotFound` when the customer has no such dispute, or had none then."""
    values = {"book": book, "customer": customer, "dispute": dispute}
    reader = services_of(request).reader
    found = await items_at(reader, _SQL["dispute_is_known"], _MODELS, values, parameters, [customer])
    if not found.items:
        raise NotFound("dispute_unknown", f"{customer} has no dispute {dispute}", **values)
