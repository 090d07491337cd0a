"""Dunning: what is overdue and what comes next, the reminders that were sent, and sending what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.errors import Refusal
from ledger.message import Message
from ledger.reminder import SOURCE, ReminderSend
from ledger.sql import queries
from ledger_api.access import MAY_READ, Posts
from ledger_api.answers import answer
from ledger_api.keys import Principal
from ledger_api.parameters import BookPath, Date, Flag, Name, Paged, Read, StrictQuery
from ledger_api.reading import Item, Wanted
from ledger_api.reads.lists import Listing, ListParameters, list_page
from ledger_api.services import Services, services_of
from ledger_api.shapes.dunning import Overdue, ReminderPage, Run

_SQL = queries("ledger_api.reads", "dunning.sql")
MODELS = ("dunning", "invoices", "journal")
_OVERDUE = Listing("overdue", _SQL["overdue"], (*MODELS, "reports"), {"position": 0}, _SQL["members_overdue"])
_REMINDERS = Listing("reminders", _SQL["reminders"], ("dunning",), {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Dunning"], dependencies=[StrictQuery])


class OverdueParameters(ListParameters):
    """Which overdue invoices, on which day."""

    on: Date | None = Field(None, description="The day to tell it for; today without it, or then.")
    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])
    ready: Flag | None = Field(None, description="Only those to be reminded of on that day (or not).")


class RemindersParameters(ListParameters):
    """Which reminders."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])
    invoice: Name | None = Field(None, description="Only those of this invoice.", examples=["INV-7"])


class RunParameters(Paged):
    """What a dunning run sends."""

    model_config = Read.model_config

    through: Date = Field(description="Send what is due through this day, as far as it has come.")
    dry_run: Flag = Field(False, description="Send nothing, only tell what would be sent.")


@router.get(
    "/v1/books/{book}/reports/dunning",
    summary="What is overdue, and what comes next",
    dependencies=[MAY_READ],
    responses={200: {"model": Overdue}},
)
async def report_dunning(
    request: Request, book: BookPath, parameters: Annotated[OverdueParameters, Query()]
) -> Response:
    """List invoices past their due date, with the reminders sent and the next step of dunning.

    `amount` is what is due and not in dispute. Invoices and reminders count as they are known now, or were at
    the moment that is asked for, whatever the day.
    """
    return await list_page(request, _OVERDUE, {"book": book}, parameters)


@router.get(
    "/v1/books/{book}/reminders",
    summary="List reminders",
    dependencies=[MAY_READ],
    responses={200: {"model": ReminderPage}},
)
async def list_reminders(
    request: Request, book: BookPath, parameters: Annotated[RemindersParameters, Query()]
) -> Response:
    """List reminders in the order in which they were sent."""
    return await list_page(request, _REMINDERS, {"book": book}, parameters)


@router.post(
    "/v1/books/{book}/remind",
    summary="Send the reminders that are due",
    responses={200: {"model": Run}},
)
async def remind(
    request: Request, book: BookPath, principal: Posts, parameters: Annotated[RunParameters, Query()]
) -> Response:
    """Send the next reminder of every invoice for which it is due, one page of invoices at a time.

    Each is judged by the ledger when it is sent, and sent once, however often and by how many at once this is
    asked for. `next` goes on with the invoices behind this page.
    """
    services = services_of(request)
    head = await services.reader.rows(_SQL["head"], {"book": book})
    filters = {"book": book, "through": parameters.through}
    position, items, token = await _ready(
        services, filters, parameters, int(str(head[0][0])) if head else None
    )
    if not parameters.dry_run:
        position = max(position, await _send(services, book, principal, items))
    for item in items:
        item.setdefault("status", "ready")
        item.setdefault("code", None)
    said = {"through": parameters.through, "dry_run": parameters.dry_run}
    return answer(request, {**said, "items": items, "next": token}, position)


async def _ready(
    services: Services, filters: dict[str, object], paged: Paged, least: int | None
) -> tuple[int, list[Item], str | None]:
    """Read one page of what is to be sent, in order of the invoices' issue."""
    after = services.pages.after("dunning ready", filters, paged.page) or [0]
    values = {**filters, "after_position": after[0], "limit": paged.limit + 1}
    position, items = await services.reader.items(_SQL["ready"], MODELS, values, Wanted(least))
    if len(items) <= paged.limit:
        return position, items, None
    items.pop()
    last = int(str(items[-1]["position"]))
    return position, items, services.pages.token("dunning ready", filters, [last])


async def _send(services: Services, book: str, principal: Principal, items: Sequence[Item]) -> int:
    """Let the ledger judge a reminder for each item and note in it what became of it; tell the last position.

    The key is made of invoice and step: of two runs at once, one sends it and the other meets its key.
    """
    now = datetime.now(UTC)
    messages = [
        Message(
            type="reminder.send",
            id=f"{item['invoice']}/{item['step']}",
            source=SOURCE,
            subject=str(item["customer"]),
            time=now,
            data=ReminderSend(invoice=str(item["invoice"]), step=int(str(item["step"]))),
            expected_version=None,
            principal=principal.name,
            role=principal.role,
        )
        for item in items
    ]
    if not messages:
        return 0
    outcomes = await services.writer.submit_soon(book, messages, asyncio.get_running_loop())
    reached = 0
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            item.update(status="refused", code=outcome.code)
        else:
            item.update(status="sent")
            reached = max(reached, outcome.position)
    return reached
