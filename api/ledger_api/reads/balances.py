"""Balances, statements and the trial balance: sums over the journal, now or as of any moment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer, answer_page
from ledger_api.moments import NOW, Moment, moment_of, upto_position
from ledger_api.pages import Key
from ledger_api.parameters import BookPath, Currency, CustomerPath, Date, Paged, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import Reader, Wanted
from ledger_api.services import services_of
from ledger_api.shapes.balances import CustomerBalances, Statement, TrialBalance

_SQL = queries("ledger_api.reads", "balances.sql")

JOURNAL = ("journal",)
BALANCES = ("journal", "balances")

router = APIRouter(tags=["Balances"], dependencies=[MAY_READ, StrictQuery])


class StatementParameters(ReadAsOf, Paged):
    """Which part of a statement."""

    from_: Date | None = Field(
        None, alias="from", description="Begin with this date; balances count everything before it too."
    )
    currency: Currency | None = Field(None, description="Only this currency.", examples=["EUR"])


@router.get(
    "/v1/books/{book}/customers/{customer}/balance",
    summary="What a customer owes",
    responses={200: {"model": CustomerBalances}},
)
async def show_balance(
    request: Request, book: BookPath, customer: CustomerPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Show a customer's balance in each currency: positive is what the customer owes.

    `balance` = `receivable` + `disputed` - `credit`; `unbilled` (net, before tax) stands beside it.
    """
    reader = services_of(request).reader
    moment = await moment_of(reader, book, parameters)
    name, models = ("balance", BALANCES) if moment == NOW else ("balance_as_of", JOURNAL)
    values = {"book": book, "customer": customer, **_values(moment)}
    found = await reader.items(_SQL[name], models, values, Wanted(parameters.min_position, moment.position))
    if not found.items:
        await refuse_unknown_customer(reader, book, customer, moment.position)
    return answer(request, {"customer": customer, "balances": found.items}, found.position)


@router.get(
    "/v1/books/{book}/customers/{customer}/statement",
    summary="What moved a customer's balance",
    responses={200: {"model": Statement}},
)
async def show_statement(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[StatementParameters, Query()],
) -> Response:
    """List the entries that moved a customer's balance, in order of date, each with the balance behind it.

    All pages of a statement are as of the position of its first page.
    """
    services = services_of(request)
    moment = await moment_of(services.reader, book, parameters)
    filters = parameters.model_dump(exclude={"limit", "page", "min_position"}) | {"customer": customer}
    listing = f"{book}/statement"
    after = services.pages.after(listing, filters, parameters.page) or _BEGINNING
    if isinstance(after[0], int):
        moment = moment._replace(position=after[0])
    values = {
        "book": book, "customer": customer, "currency": parameters.currency, "limit": parameters.limit + 1,
        "from": str(parameters.from_ or "-infinity"), "after_day": after[1], "after_position": after[2],
        "after_currency": after[3], **_values(moment),
    }  # fmt: skip
    wanted = Wanted(parameters.min_position, moment.position)
    position, items = await services.reader.items(_SQL["statement"], JOURNAL, values, wanted)
    if not items:
        await refuse_unknown_customer(services.reader, book, customer, moment.position)
    token = None
    if len(items) > parameters.limit:
        items.pop()
        last = items[-1]
        key: Key = [position, str(last["occurred_on"]), int(str(last["position"])), str(last["currency"])]
        token = services.pages.token(listing, filters, key)
    return answer_page(request, items, position, token)


_BEGINNING: Key = [None, "-infinity", 0, ""]


@router.get(
    "/v1/books/{book}/reports/trial-balance",
    summary="Every account, and that they sum to zero",
    responses={200: {"model": TrialBalance}},
)
async def show_trial_balance(
    request: Request, book: BookPath, parameters: Annotated[ReadAsOf, Query()]
) -> Response:
    """Show debits, credits and balance (debit - credit) of every account, and their sums by currency."""
    reader = services_of(request).reader
    moment = await moment_of(reader, book, parameters)
    name, models = ("trial_balance", BALANCES) if moment == NOW else ("trial_balance_as_of", JOURNAL)
    wanted = Wanted(parameters.min_position, moment.position)
    found = await reader.items(_SQL[name], models, {"book": book, **_values(moment)}, wanted)
    totals: dict[str, dict[str, int]] = {}
    for account in found.items:
        total = totals.setdefault(str(account["currency"]), {"debit": 0, "credit": 0, "difference": 0})
        debit, credit = int(str(account["debit"])), int(str(account["credit"]))
        total["debit"] += debit
        total["credit"] += credit
        total["difference"] += debit - credit
    sums = [{"currency": currency, **total} for currency, total in totals.items()]
    return answer(request, {"accounts": found.items, "totals": sums}, found.position)


async def refuse_unknown_then(request: Request, book: str, customer: str, parameters: ReadAsOf) -> None:
    """Raise `NotFound` when the customer was never opened by the moment that is asked for."""
    reader = services_of(request).reader
    await refuse_unknown_customer(reader, book, customer, await upto_position(reader, book, parameters))


async def refuse_unknown_customer(reader: Reader, book: str, customer: str, upto: int | None = None) -> None:
    """Raise `NotFound` when the customer was never opened (by that position)."""
    if not await reader.rows(_SQL["customer_is_known"], {"book": book, "customer": customer, "upto": upto}):
        raise NotFound("customer_unknown", f"there is no customer {customer} in {book}", customer=customer)


def _values(moment: Moment) -> dict[str, object]:
    return {"upto": moment.position, "day": moment.day, "instant": moment.instant}
