"""The access log: who looked at which customer's data, when and why. For auditors only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ledger_api.access import MAY_AUDIT
from ledger_api.answers import answer, link_next
from ledger_api.parameters import BookPath, Name, Paged, StrictQuery
from ledger_api.services import services_of
from ledger_api.shapes.access_log import AccessPage

router = APIRouter(tags=["Transparency"], dependencies=[MAY_AUDIT, StrictQuery])


class AccessParameters(Paged):
    """Which looks."""

    model_config = ConfigDict(extra="forbid")

    customer: Name | None = Field(None, description="Only looks at this customer's data.")
    principal: Name | None = Field(None, description="Only what this person looked at.")


def _of(parameters: BaseModel) -> dict[str, object]:
    return parameters.model_dump(include={"customer", "principal"})


@router.get("/v1/books/{book}/access-log", summary="List who looked", responses={200: {"model": AccessPage}})
async def list_looks(
    request: Request, book: BookPath, parameters: Annotated[AccessParameters, Query()]
) -> Response:
    """List who asked for a customer's data, in order; `hash` chains each to the one before."""
    services = services_of(request)
    filters = {"book": book, **_of(parameters)}
    after = services.pages.after("access-log", filters, parameters.page) or [0]
    asked = {**filters, "after": after[0], "limit": parameters.limit + 1}
    items = await services.looks.page(asked)
    token = None
    if len(items) > parameters.limit:
        items.pop()
        token = services.pages.token("access-log", filters, [int(str(items[-1]["number"]))])
    response = answer(request, {"items": items, "next": token}, None)
    if token is not None:
        response.headers["Link"] = link_next(request, {"page": token})
    return response
