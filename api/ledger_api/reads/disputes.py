"""Disputes: complaints, inquiries and chargebacks, how each went, and who works on what is open."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_page
from ledger_api.moments import items_at
from ledger_api.pages import Key
from ledger_api.parameters import BookPath, CustomerPath, Flag, Name, ReadAsOf, StrictQuery
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.reads.lists import Listing, ListParameters, list_page, list_rows
from ledger_api.services import services_of
from ledger_api.shapes.disputes import DisputePage, DisputeQueue, Workload

_SQL = queries("ledger_api.reads", "disputes.sql")
_MODELS = ("disputes",)
_DISPUTES = Listing("disputes", _SQL["disputes"], _MODELS, {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Disputes"], dependencies=[MAY_READ, StrictQuery])


class DisputesOfCustomer(ListParameters):
    """Which disputes of a customer."""

    state: Literal["open", "resolved"] | None = Field(
        None, description="Only those that are open, or resolved."
    )
    kind: Literal["complaint", "inquiry", "chargeback"] | None = Field(None, description="Only this kind.")
    assignee: Name | None = Field(None, description="Only those that they work on.", examples=["ann"])
    invoice: Name | None = Field(None, description="Only those about this invoice.", examples=["INV-7"])


class DisputesParameters(DisputesOfCustomer):
    """Which disputes."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


class QueueParameters(ListParameters):
    """Which part of the queue."""

    kind: Literal["complaint", "inquiry", "chargeback"] | None = Field(None, description="Only this kind.")
    assignee: Name | None = Field(None, description="Only those that they work on.", examples=["ann"])
    assigned: Flag | None = Field(None, description="Only those that somebody works on, or nobody.")
    overdue: Flag | None = Field(None, description="Only those whose last day to answer is over, or is not.")


@router.get("/v1/books/{book}/disputes", summary="List disputes", responses={200: {"model": DisputePage}})
async def list_disputes(
    request: Request, book: BookPath, parameters: Annotated[DisputesParameters, Query()]
) -> Response:
    """List disputes in the order in which they were opened."""
    return await list_page(request, _DISPUTES, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/customers/{customer}/disputes",
    summary="List a customer's disputes",
    responses={200: {"model": DisputePage}},
)
async def list_disputes_of_customer(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[DisputesOfCustomer, Query()],
) -> Response:
    """List a customer's disputes in the order in which they were opened."""
    values = {"book": book, "customer": customer}
    position, items, token = await list_rows(request, _DISPUTES, values, parameters)
    if not items:
        await refuse_unknown_then(request, book, customer, parameters)
    return answer_page(request, items, position, token)


@router.get(
    "/v1/books/{book}/queues/disputes",
    summary="What is open, the most urgent first",
    responses={200: {"model": DisputeQueue}},
)
async def show_queue(
    request: Request, book: BookPath, parameters: Annotated[QueueParameters, Query()]
) -> Response:
    """List what is open: the next deadline first, then who has waited longest."""
    services = services_of(request)
    filters = {**parameters.model_dump(exclude={"limit", "page", "min_position"}), "book": book}
    after = services.pages.after("queue", filters, parameters.page) or _BEGINNING
    behind = {"after_deadline": after[0], "after_opened_at": after[1], "after_position": after[2]}
    values = {**filters, **behind, "limit": parameters.limit + 1}
    position, items = await items_at(services.reader, _SQL["queue"], _MODELS, values, parameters, None)
    token = None
    if len(items) > parameters.limit:
        items.pop()
        last = items[-1]
        deadline = None if last["deadline"] is None else str(last["deadline"])
        key: Key = [deadline, str(last["opened_at"]), int(str(last["position"]))]
        token = services.pages.token("queue", filters, key)
    return answer_page(request, items, position, token)


_BEGINNING: Key = ["-infinity", "-infinity", 0]


@router.get(
    "/v1/books/{book}/reports/disputes",
    summary="Who works on how many disputes",
    responses={200: {"model": Workload}},
)
async def show_workload(
    request: Request, book: BookPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Count what is open by who works on it; `assignee` null is what waits in the queue."""
    reader = services_of(request).reader
    position, items = await items_at(reader, _SQL["workload"], _MODELS, {"book": book}, parameters, None)
    return answer(request, {"assignees": items}, position)
