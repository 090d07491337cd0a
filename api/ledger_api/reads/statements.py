"""Statements of account as their customer gets them: as pages and as PDF."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from ledger.errors import Refusal
from ledger.sql import queries
from ledger_api.access import ReadsDocuments
from ledger_api.keys import Principal
from ledger_api.moments import moment_of
from ledger_api.papers.account import Account, Entry, Opening, Period, statement_paper
from ledger_api.papers.paper import Addressing
from ledger_api.papers.pdf import as_pdf
from ledger_api.parameters import BookPath, Currency, CustomerPath, Date, ReadAsOf, StrictQuery
from ledger_api.reading import Wanted
from ledger_api.reads.addressing import Subject, addressing_of
from ledger_api.reads.setting import HTML, PDF, LanguageQuery, answer_document, answer_page, documents_of
from ledger_api.services import services_of

_SQL = queries("ledger_api.reads", "statements.sql")
ENTRIES_MAX = 5_000
"""Entries of one statement: about two hundred pages."""

router = APIRouter(tags=["Documents"], dependencies=[StrictQuery])
_document = documents_of(router)


class StatementDocument(ReadAsOf):
    """Which days a statement is of, and how it is written."""

    from_: Date | None = Field(
        None, alias="from", description="Begin with this date; earlier ones are summed."
    )
    to: Date | None = Field(None, description="End with this date.")
    currency: Currency | None = Field(None, description="Only this currency.", examples=["EUR"])
    language: LanguageQuery = None


_StatementQuery = Annotated[StatementDocument, Query()]


@_document("customers/{customer}/statement.html", HTML, "A statement of account as a page")
async def show_statement_as_html(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: _StatementQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show what moved a customer's balance between two days, and the balances before and after."""
    position, account, to = await _account(request, book, customer, parameters, principal)
    return await answer_page(request, principal, position, lambda: statement_paper(to, account))


@_document("customers/{customer}/statement.pdf", PDF, "A statement of account as PDF/A-3")
async def show_statement_as_pdf(
    request: Request,
    book: BookPath,
    customer: CustomerPath,
    parameters: _StatementQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show the same as PDF."""
    position, account, to = await _account(request, book, customer, parameters, principal)
    return await answer_document(
        request, principal, position, lambda: as_pdf(statement_paper(to, account)), PDF
    )


async def _account(
    request: Request, book: str, customer: str, parameters: StatementDocument, principal: Principal
) -> tuple[int, Account, Addressing]:
    """Read a statement; both of its questions are as of one position."""
    reader = services_of(request).reader
    moment = await moment_of(reader, book, parameters)
    upto = moment.position
    values = {
        "book": book, "customer": customer, "upto": upto, "from": str(parameters.from_ or "-infinity"),
        "to": str(parameters.to or "infinity"), "currency": parameters.currency, "limit": ENTRIES_MAX + 1,
        "day": moment.day, "instant": moment.instant,
    }  # fmt: skip
    wanted = Wanted(parameters.min_position, upto)
    position, openings = await reader.items(_SQL["openings"], ("journal",), values, wanted)
    _, entries = await reader.items(
        _SQL["entries"], ("journal",), {**values, "upto": position}, Wanted(upto=position)
    )
    if len(entries) > ENTRIES_MAX:
        raise Refusal(
            "statement_too_long", f"there are more than {ENTRIES_MAX} entries: ask for fewer days",
            entries_max=ENTRIES_MAX,
        )  # fmt: skip
    subject = Subject(book, customer, position, parameters.to or "infinity")
    to = await addressing_of(request, subject, parameters, parameters.language, principal)
    account = Account(
        customer, Period(parameters.from_, parameters.to), msgspec.convert(openings, list[Opening]),
        msgspec.convert(entries, list[Entry]),
    )  # fmt: skip
    return position, account, to
