"""The billing run: every customer who is due gets exactly one invoice for a billing period, a page at a time.

A page looks at the next customers in order of name and hands those who may be due to the writer, together,
each under a key that only this run has. So a page that is asked for again, a run that was killed and begins
anew, and two runs at once find what is recorded already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, NamedTuple

import msgspec
from starlette.concurrency import run_in_threadpool

from ledger.agreements.billing import CustomerBill
from ledger.book import AHEAD_MAX
from ledger.database import connect
from ledger.errors import Refusal
from ledger.event import Draft
from ledger.invoice import InvoiceIssued
from ledger.log.outcome import Outcome, Receipt
from ledger.log.trial import decide_only
from ledger.message import Message
from ledger.sql import queries
from ledger_api.keys import Principal
from ledger_api.problems import NotFound
from ledger_api.reading import Wanted
from ledger_api.services import Services

_SQL = queries("ledger_api", "billing.sql")

SOURCE = "ledger/billing"
"""The source of the run's messages: nobody else may post as it."""
CUSTOMERS_DEFAULT = 1_000
"""Customers looked at on one page when the request does not say: less than half a second's work."""
CUSTOMERS_MAX = 5_000
"""Customers looked at on one page at most; they are decided under one lock of the book."""
MODELS = ("customers",)
NOT_DUE = frozenset({"nothing_to_bill", "period_billed"})
"""Refusals that mean that a customer is not due after all."""


class BillingRunAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bill through a date. `dry_run`: only tell what would be. `page`: the `next` of the page before.

    `limit`: how many customers to look at; 0 only begins a run, so that any page may be asked for again.
    """

    through: date
    dry_run: bool = False
    limit: Annotated[int, msgspec.Meta(ge=0, le=CUSTOMERS_MAX)] = CUSTOMERS_DEFAULT
    page: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class Result(msgspec.Struct, kw_only=True):
    """What became of one customer in one currency.

    `status`: billed, replayed (this run's, recorded before), due (of a dry run), not_due, or refused.
    """

    customer: str
    currency: str
    status: str
    invoice: str | None = None
    total: int | None = None
    code: str | None = None
    detail: str | None = None


class _Run(NamedTuple):
    """One page under way."""

    services: Services
    book: str
    asked: BillingRunAsked
    principal: Principal
    at: datetime


async def run_page(
    services: Services, book: str, asked: BillingRunAsked, principal: Principal
) -> tuple[int, dict[str, object]]:
    """Bill the customers of one page; gives the position of the read models, and the answer.

    The read models have come to where the log ended when the run began: nobody is overlooked because of a
    lag. Raises the refusal `position_not_reached` when that takes long, and then the page may be asked again.
    """
    rows = await services.reader.rows(_SQL["begin"], {"book": book, "through": asked.through})
    if not rows:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    time_zone, at, head = rows[0]
    assert isinstance(at, datetime)  # noqa: S101 - narrows the type
    _refuse_ahead(asked.through, at)
    filters = {"book": book, "through": asked.through, "dry_run": asked.dry_run}
    after = services.pages.after("billing-runs", filters, asked.page)
    name, least = ("", int(str(head))) if after is None else (str(after[0]), int(str(after[1])))
    values = {
        "book": book,
        "through": asked.through,
        "time_zone": time_zone,
        "after": name,
        "limit": asked.limit,
        "since": least,
    }
    position, looked_at = await services.reader.items(_SQL["due"], MODELS, values, Wanted(least))
    run = _Run(services, book, asked, principal, at.astimezone(UTC))
    messages = list(_messages(run, looked_at))
    results = await (_tried(run, messages) if asked.dry_run else _billed(run, messages))
    last = None if len(looked_at) < asked.limit else str(looked_at[-1]["customer"]) if looked_at else name
    token = None if last is None else services.pages.token("billing-runs", filters, [last, least])
    total = None if after else (await services.reader.rows(_SQL["count_customers"], {"book": book}))[0][0]
    answer = {
        "through": asked.through,
        "dry_run": asked.dry_run,
        "customers": total,
        "looked_at": len(looked_at),
        "results": results,
        "next": token,
    }
    return position, answer


def _refuse_ahead(through: date, at: datetime) -> None:
    now = datetime.now(UTC)
    if at > now + AHEAD_MAX:
        raise Refusal(
            "time_ahead", f"{through} is more than a day ahead of the ledger's clock",
            pointer="/through", time=at.isoformat(), now=now.isoformat(),
        )  # fmt: skip


def _messages(run: _Run, looked_at: Sequence[dict[str, object]]) -> Iterator[Message]:
    """Make the command for each customer and currency that may be due; the same one in every run."""
    for row in looked_at:
        currencies = row["currencies"]
        for currency in currencies if isinstance(currencies, list) else ():
            key = f"{run.asked.through}/{row['customer']}/{currency}"
            data = CustomerBill(through=run.asked.through, currency=currency)
            yield Message(
                "customer.bill", key, SOURCE, str(row["customer"]), run.at, data, None, run.principal.name,
                run.principal.role,
            )  # fmt: skip


async def _billed(run: _Run, messages: Sequence[Message]) -> list[Result]:
    if not messages:
        return []
    # Customers pass by the writer once: what it remembers of those who come and go all day stays as it is.
    loop = asyncio.get_running_loop()
    outcomes = await run.services.writer.submit_soon(run.book, messages, loop, passing=True)
    positions = [
        event.position
        for outcome in outcomes
        if isinstance(outcome, Receipt)
        for event in outcome.events
        if event.type == "invoice.issued"
    ]
    values = {"book": run.book, "positions": positions}
    rows = await run.services.reader.rows(_SQL["invoices"], values, binary=True)
    invoices = {int(str(position)): (str(number), int(str(total))) for position, number, total in rows}
    return [_result(m, outcome, invoices) for m, outcome in zip(messages, outcomes, strict=True)]


def _result(message: Message, outcome: Outcome, invoices: dict[int, tuple[str, int]]) -> Result:
    result = _of(message)
    if isinstance(outcome, Refusal):
        return _refused(result, outcome)
    result.status = "billed" if outcome.status == "recorded" else "replayed"
    for event in outcome.events:
        if event.position in invoices:
            result.invoice, result.total = invoices[event.position]
    return result


async def _tried(run: _Run, messages: Sequence[Message]) -> list[Result]:
    """Decide as a run would, and record nothing; the invoices have no numbers, which are given on issue."""
    if not messages:
        return []
    decided = await run_in_threadpool(_decide_only, run.services.conninfo, run.book, messages)
    return [_would_be(message, drafts) for message, drafts in zip(messages, decided, strict=True)]


def _decide_only(conninfo: str, book: str, messages: Sequence[Message]) -> list[list[Draft] | Refusal]:
    with connect(conninfo, application_name="billing-ledger dry run") as conn:
        return decide_only(conn, book, messages)


def _would_be(message: Message, decided: list[Draft] | Refusal) -> Result:
    result = _of(message)
    if isinstance(decided, Refusal):
        return _refused(result, decided)
    result.status = "due"
    issued = next((draft.data for draft in decided if isinstance(draft.data, InvoiceIssued)), None)
    result.total = None if issued is None else issued.amount
    return result


def _of(message: Message) -> Result:
    data = message.data
    assert isinstance(data, CustomerBill)  # noqa: S101 - narrows the type
    return Result(customer=message.subject or "", currency=data.currency or "", status="")


def _refused(result: Result, refusal: Refusal) -> Result:
    result.status = "not_due" if refusal.code in NOT_DUE else "refused"
    result.code = refusal.code
    result.detail = refusal.detail
    return result
