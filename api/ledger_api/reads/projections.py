"""Projections: how far the read models have come, and building one anew."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_ADMINISTER, Reads
from ledger_api.answers import JSON, answer, encode
from ledger_api.parameters import NoQuery
from ledger_api.problems import NotFound
from ledger_api.services import services_of
from ledger_api.shapes.running import Projections, RebuildBegun
from ledger_projections.readmodel import READ_MODELS, named

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


@router.post(
    "/v1/projections/{name}/rebuild",
    summary="Rebuild a read model",
    status_code=202,
    dependencies=[MAY_ADMINISTER],
    response_class=Response,
    responses={
        202: {"model": RebuildBegun, "description": "It has begun."},
        409: {"description": "It is being rebuilt already."},
    },
)
async def rebuild(
    request: Request,
    name: Annotated[
        str, Path(pattern="^[a-z_]{1,63}$", description="The read model.", examples=["balances"])
    ],
) -> Response:
    """Begin to build a read model anew beside the live one, of all books; readers notice nothing."""
    try:
        (model,) = named([name])
    except KeyError as error:
        raise NotFound("read_model_unknown", f"there is no read model {name}", read_model=name) from error
    models = await services_of(request).rebuilds.begin(model)
    return Response(encode({"read_models": list(models)}), status_code=202, media_type=JSON)
