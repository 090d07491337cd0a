"""Explanations: why an invoice is what it is, and what a balance is made of, as figures and in words."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ledger.sql import queries
from ledger_api.access import MAY_READ
from ledger_api.answers import answer
from ledger_api.explaining import balances, invoices
from ledger_api.explaining.balances import BalanceFacts, tell_balance
from ledger_api.explaining.facts import InvoiceFacts
from ledger_api.explaining.telling import WORDS, tell_invoice
from ledger_api.moments import items_at
from ledger_api.parameters import BookPath, CustomerPath, Name, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reading import Item
from ledger_api.reads.owners import owner_of
from ledger_api.services import services_of
from ledger_api.shapes.explain import ExplainedBalance, ExplainedInvoice
from ledger_api.tongue import Language, Tongue

_SQL = queries("ledger_api.reads", "explain.sql")
_INVOICE = ("journal", "customers", "invoices", "disputes", "discounts")
_BALANCE = ("journal", "balances", "customers", "invoices", "disputes")

router = APIRouter(dependencies=[MAY_READ, StrictQuery])


class ExplainParameters(ReadAsOf):
    """As of when, and in which language."""

    language: Language | None = Field(
        None, description="The language of the sentences; else the customer's own, or English."
    )


@router.get(
    "/v1/books/{book}/invoices/{number}/explain",
    tags=["Invoices"],
    summary="Explain an invoice",
    responses={200: {"model": ExplainedInvoice}},
)
async def explain_invoice(
    request: Request,
    book: BookPath,
    number: Annotated[Name, Path(description="The invoice's number.", examples=["INV-7"])],
    parameters: Annotated[ExplainParameters, Query()],
) -> Response:
    """Explain an invoice line by line, from what was recorded when it was made.

    Which event charged each line, which agreement says its price, which discount took how much off it under
    whose authority, which event says its rate of tax; what became of it; and what is different from the
    customer's invoice before. Parts sum to their whole exactly. `sentences` say the same in words.
    """
    values = {"book": book, "invoice": number}
    unknown = NotFound("invoice_unknown", f"there is no invoice {number} in {book}", invoice=number)
    owner = await owner_of(request, _SQL["customer_of"], values, parameters, unknown)
    reader = services_of(request).reader
    position, items = await items_at(reader, _SQL["invoice"], _INVOICE, values, parameters, [owner])
    if not items:
        raise unknown
    body = await run_in_threadpool(_tell_invoice, items[0], parameters.language)
    return answer(request, body, position)


def _tell_invoice(item: Item, language: Language | None) -> dict[str, object]:
    facts = msgspec.convert(item, InvoiceFacts)
    tongue = Tongue(WORDS, language, facts.locale, facts.time_zone)
    explained = invoices.explained(facts)
    explained.language = tongue.language
    explained.sentences = tell_invoice(tongue, explained)
    return explained.model_dump()


@router.get(
    "/v1/books/{book}/customers/{customer}/balance/explain",
    tags=["Balances"],
    summary="Explain what a customer owes",
    responses={200: {"model": ExplainedBalance}},
)
async def explain_balance(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: Annotated[ExplainParameters, Query()],
) -> Response:
    """Explain a balance: what is due of each open invoice, less what is left of each source of credit.

    They sum to the balance exactly, in each currency. `sentences` say the same in words.
    """
    reader = services_of(request).reader
    values = {"book": book, "customer": customer}
    position, items = await items_at(reader, _SQL["balance"], _BALANCE, values, parameters, [customer])
    if not items:
        raise NotFound("customer_unknown", f"there is no customer {customer} in {book}", customer=customer)
    body = await run_in_threadpool(_tell_balance, customer, items[0], parameters.language)
    return answer(request, body, position)


def _tell_balance(customer: str, item: Item, language: Language | None) -> dict[str, object]:
    facts = msgspec.convert(item, BalanceFacts)
    tongue = Tongue(WORDS, language, facts.locale, facts.time_zone)
    explained = balances.explained(customer, facts)
    explained.language = tongue.language
    explained.sentences = tell_balance(tongue, explained)
    return explained.model_dump()
