"""Reports of finance: aging, revenue by service, tax; each as of any moment on both clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, LiteralString, NamedTuple

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_page, link_next
from ledger_api.moments import moment_of, past_of
from ledger_api.pages import Key
from ledger_api.parameters import BookPath, Date, Name, Paged, ReadAsOf, StrictQuery, Words
from ledger_api.reading import Item, Wanted
from ledger_api.reads.balances import refuse_unknown_then
from ledger_api.services import services_of
from ledger_api.shapes.reports import Aging, Revenue, TaxReport

_SQL = queries("ledger_api.reads", "reports.sql")
MODELS = ("reports",)

router = APIRouter(tags=["Reports"], dependencies=[MAY_READ, StrictQuery])


class ReportParameters(ReadAsOf, Paged):
    """Parameters of every report."""


class AgingParameters(ReportParameters):
    """Whose debts."""

    customer: Name | None = Field(None, description="Only this customer's.", examples=["c-1001"])


class MonthsParameters(ReportParameters):
    """Which months."""

    from_: Date | None = Field(
        None, alias="from", description="Only months that begin on this date or later."
    )
    through: Date | None = Field(None, description="Only months that begin on this date or earlier.")


class RevenueParameters(MonthsParameters):
    """Which months and services."""

    service: Words | None = Field(None, description="Only this service.")


class _Report(NamedTuple):
    """A report in the order of its key, each column with a value that comes before all others."""

    name: str
    query: LiteralString
    key: Mapping[str, str]


_AGING = _Report("aging", _SQL["aging"], {"customer": "", "currency": ""})
_REVENUE = _Report("revenue", _SQL["revenue"], {"month": "-infinity", "service": "", "currency": ""})
_TAX = _Report("tax", _SQL["tax"], {"month": "-infinity", "category": "", "rate": "-1", "currency": ""})


class _Page(NamedTuple):
    position: int
    day: str
    items: list[Item]
    sums: list[Item]
    """Rows that belong to no page: their first column is null."""
    next: str | None


async def _page(request: Request, book: str, report: _Report, parameters: ReportParameters) -> _Page:
    """Read one page of a report. All pages are as of the position, and of the day, of the first one."""
    services = services_of(request)
    filters = parameters.model_dump(by_alias=True, exclude={"limit", "page", "min_position"})
    listing = f"{book}/reports/{report.name}"
    moment = await moment_of(services.reader, book, parameters)
    after = services.pages.after(listing, filters, parameters.page)
    if after is None:
        today = (await past_of(services.reader, book, moment, None)).today
        after = [today, *report.key.values()]
    else:
        moment = moment._replace(position=int(str(after.pop(0))))
    values = {
        **filters, "book": book, "limit": parameters.limit + 1, "today": after[0], "upto": moment.position,
        "day": moment.day, "instant": moment.instant,
        **{f"after_{column}": value for column, value in zip(report.key, after[1:], strict=True)},
    }  # fmt: skip
    wanted = Wanted(parameters.min_position, moment.position)
    position, rows = await services.reader.items(report.query, MODELS, values, wanted)
    first = next(iter(report.key))
    items = [row for row in rows if row[first] is not None]
    sums = [row for row in rows if row[first] is None]
    if len(items) <= parameters.limit:
        return _Page(position, str(after[0]), items, sums, None)
    items.pop()
    key: Key = [position, str(after[0]), *(str(items[-1][column]) for column in report.key)]
    token = services.pages.token(listing, filters, key)
    return _Page(position, str(after[0]), items, sums, token)


@router.get(
    "/v1/books/{book}/reports/aging", summary="What is due, by age", responses={200: {"model": Aging}}
)
async def show_aging(
    request: Request, book: BookPath, parameters: Annotated[AgingParameters, Query()]
) -> Response:
    """Show what each customer owes, by how long it is past its due date, and what all owe together.

    The days are counted to the occurred date that is asked for, else to the day of the recorded moment, else
    to today.
    """
    page = await _page(request, book, _AGING, parameters)
    if parameters.customer is not None and not page.items:
        await refuse_unknown_then(request, book, parameters.customer, parameters)
    totals = [{name: value for name, value in row.items() if name != "customer"} for row in page.sums]
    body = {"as_of": page.day, "totals": totals, "items": page.items, "next": page.next}
    response = answer(request, body, page.position)
    if page.next is not None:
        response.headers["Link"] = link_next(request, {"page": page.next})
    return response


@router.get(
    "/v1/books/{book}/reports/revenue",
    summary="Revenue by month and service",
    responses={200: {"model": Revenue}},
)
async def show_revenue(
    request: Request, book: BookPath, parameters: Annotated[RevenueParameters, Query()]
) -> Response:
    """Show what was recognised of each service in each month, less discounts and credit notes."""
    page = await _page(request, book, _REVENUE, parameters)
    return answer_page(request, page.items, page.position, page.next)


@router.get(
    "/v1/books/{book}/reports/tax",
    summary="Tax by month, category and rate",
    responses={200: {"model": TaxReport}},
)
async def show_tax(
    request: Request, book: BookPath, parameters: Annotated[MonthsParameters, Query()]
) -> Response:
    """Show the tax of each category and rate in each month: invoiced, credited, relieved, and payable."""
    page = await _page(request, book, _TAX, parameters)
    return answer_page(request, page.items, page.position, page.next)
