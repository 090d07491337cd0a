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
from ledger_api.access import MAY_READ, Posts, SeesPersons
from ledger_api.answers import JSON, answer, encode
from ledger_api.parameters import BookPath, CustomerPath, Name, NoQuery, Read, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import Wanted
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
    responses={201: {"model": StoredFile}},
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
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(kind) > 127 or _MEDIA_TYPE.fullmatch(kind) is None:
        raise Malformed("media_type_unsupported", "say in Content-Type of which type the file is")
    await _find(request, book, customer, dispute, parameters)
    file = await _body(request, services.settings.evidence_bytes_max)
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
    parameters: Annotated[Read, Query()],
) -> Response:
    """List the files that were submitted, in order."""
    values = {"book": book, "customer": customer, "dispute": dispute}
    wanted = Wanted(parameters.min_position)
    position, files = await services_of(request).reader.items(_SQL["evidence"], _MODELS, values, wanted)
    if not files:
        await _find(request, book, customer, dispute, parameters)
    return answer(request, {"files": files}, position)


@router.get(
    _ADDRESS + "/{sha256}",
    summary="Read a file of evidence",
    dependencies=[NoQuery],
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def show_evidence(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    dispute: DisputePath,
    sha256: HashPath,
    principal: SeesPersons,
) -> Response:
    """Give a file back as it was put, to be saved and never shown by a browser: it comes from anybody."""
    del principal, dispute
    file = await services_of(request).evidence.find(book, customer, sha256)
    if file is None:
        raise NotFound("evidence_unknown", f"no file {sha256} of {customer} is kept", sha256=sha256)
    headers = {**_NOT_KEPT, "Content-Disposition": f'attachment; filename="{sha256}"'}
    return Response(file, headers=headers, media_type="application/octet-stream")


async def _find(request: Request, book: str, customer: str, dispute: str, parameters: Read) -> None:
    """Raise `NotFound` when the customer has no such dispute."""
    values = {"book": book, "customer": customer, "dispute": dispute}
    wanted = Wanted(parameters.min_position)
    found = await services_of(request).reader.items(_SQL["dispute_is_known"], _MODELS, values, wanted)
    if not found.items:
        raise NotFound("dispute_unknown", f"{customer} has no dispute {dispute}", **values)


async def _body(request: Request, bytes_max: int) -> bytes:
    """Read the body. Raises `Malformed` when it is empty, too long, or ends too early."""
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > bytes_max:
            raise Malformed(
                "body_too_large", f"the body is longer than {bytes_max} bytes", bytes_max=bytes_max
            )
    if not taken:
        raise Malformed("body_empty", "the body is the file, and it is empty")
    return bytes(taken)
