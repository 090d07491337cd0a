"""Retention: what trials found, and what became of campaigns."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, ReadAsOf, StrictQuery
from ledger_api.services import services_of
from ledger_api.shapes.trials import RetentionReport

_SQL = queries("ledger_api.reads", "trials.sql")

router = APIRouter(tags=["Discounts"], dependencies=[MAY_READ, StrictQuery])


@router.get(
    "/v1/books/{book}/reports/retention",
    summary="What keeps customers",
    responses={200: {"model": RetentionReport}},
)
async def report_retention(
    request: Request, book: BookPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Tell of each trial how many customers each arm kept, what they were billed, and what discounts cost.

    Arms of a trial are drawn by lot: their difference to the hold-out is an effect, or chance, and the
    interval says how far chance reaches. What became of a campaign is told beside it and is **not** causal:
    who is given a discount differs from who is not.
    """
    reader = services_of(request).reader
    position, items = await items_at(
        reader, _SQL["retention"], ("discounts", "trials"), {"book": book}, parameters, _SQL["members"]
    )
    body: dict[str, list[object]] = {"trials": [], "campaigns": []}
    for item in items:
        body[str(item["part"])].append(item["said"])
    return answer(request, body, position)
