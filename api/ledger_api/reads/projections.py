"""Projections: how far the read models have come, and building one anew."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import Reads
from ledger_api.answers import answer
from ledger_api.parameters import NoQuery
from ledger_api.services import services_of
from ledger_api.shapes.running import Projections
from ledger_projections.readmodel import READ_MODELS

_SQL = queries("ledger_api.reads", "projections.sql")
_COLUMNS = ("name", "version", "state", "changed_at", "cursors")

router = APIRouter(tags=["Projections"], dependencies=[NoQuery])


@router.get("/v1/projections", summary="List read models", responses={200: {"model": Projections}})
async def list_projections(request: Request, principal: Reads) -> Response:
    """List the read models and how far each has folded the books that the key opens."""
    versions = {model.name: model.version for model in READ_MODELS}
    rows = await services_of(request).reader.rows(_SQL["projections"], {"book": principal.book})
    items = []
    for row in rows:
        item = dict(zip(_COLUMNS, row, strict=True))
        name = str(item["name"]).partition("@")[0]
        items.append({**item, "current": versions.get(name) == item["version"]})
    return answer(request, {"items": items}, None)
