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
from ledger_api.answers import answer, answer_page
from ledger_api.keys import Principal
from ledger_api.parameters import BookPath, Date, Flag, Name, Paged, Read, StrictQuery
from ledger_api.reading import Item, Wanted
from ledger_api.reads.lists import Listing, ListParameters, list_page
from ledger_api.services import Services, services_of
from ledger_api.shapes.dunning import Overdue, ReminderPage, Run

_SQL = queries("ledger_api.reads", "dunning.sql")
MODELS = ("dunning", "invoices", "journal")
_REMINDERS = Listing("reminders", _SQL["reminders"], ("dunning",), {"position": 0}, _SQL["members"])

router = APIRouter(tags=["Dunning"], dependencies=[StrictQuery])


class OverdueParameters(Read, Paged):
    """Which overdue invoices, on which day."""

    on: Date | None = Field(None, description="The day to tell it for; today without it.")
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

    `amount` is what is due and not in dispute. Invoices and reminders count as they are known now, whatever
    the day.
    """
    filters = parameters.model_dump(exclude={"limit", "page", "min_position"})
    return await _page(request, "overdue", {"book": book, **filters}, parameters, parameters.min_position)


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
    position, items, token = await _rows(
        services, "ready", filters, parameters, int(str(head[0][0])) if head else None
    )
    if not parameters.dry_run:
        position = max(position, await _send(services, book, principal, items))
    for item in items:
        item.setdefault("status", "ready")
        item.setdefault("code", None)
    said = {"through": parameters.through, "dry_run": parameters.dry_run}
    return answer(request, {**said, "items": items, "next": token}, position)


async def _page(
    request: Request, name: str, filters: dict[str, object], paged: Paged, least: int | None
) -> Response:
    position, items, token = await _rows(services_of(request), name, filters, paged, least)
    return answer_page(request, items, position, token)


async def _rows(
    services: Services, name: str, filters: dict[str, object], paged: Paged, least: int | None
) -> tuple[int, list[Item], str | None]:
    """Read one page of a dunning list, in order of the invoices' issue."""
    after = services.pages.after(f"dunning {name}", filters, paged.page) or [0]
    values = {**filters, "after_position": after[0], "limit": paged.limit + 1}
    position, items = await services.reader.items(
        _SQL["overdue" if name == "overdue" else "ready"], MODELS, values, Wanted(least)
    )
    if len(items) <= paged.limit:
        return position, items, None
    items.pop()
    last = int(str(items[-1]["position"]))
    return position, items, services.pages.token(f"dunning {name}", filters, [last])


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
