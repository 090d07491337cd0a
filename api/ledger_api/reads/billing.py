"""Billing: the run, and what the last invoices would have been with another agreement."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ledger.agreements.agreement import Service, refuse_misshapen, taken_of
from ledger.agreements.what_if import Compared, what_if
from ledger.database import connect
from ledger.invoice import InvoiceIssued
from ledger.log.trial import history
from ledger_api.access import MAY_READ, Posts
from ledger_api.answers import JSON, answer, encode
from ledger_api.billing import BillingRunAsked, run_page
from ledger_api.documents import read_posted
from ledger_api.parameters import BookPath, CustomerPath, NoQuery
from ledger_api.problems import NotFound
from ledger_api.services import services_of
from ledger_api.shapes.billing import BillingRunPage, WhatIf

INVOICES_MAX = 36
"""Invoices that one what-if compares at most: three years of months."""
SERVICES_MAX = 200
"""Services that one what-if tries at most."""

router = APIRouter(tags=["Billing"], dependencies=[NoQuery])


def _body(name: str) -> dict[str, object]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


class WhatIfAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which services instead of those agreed on, and how many of the last invoices."""

    services: Annotated[list[Service], msgspec.Meta(max_length=SERVICES_MAX)]
    last: Annotated[int, msgspec.Meta(ge=1, le=INVOICES_MAX)] = 3


ASKED = (BillingRunAsked, WhatIfAsked)
"""What is posted here, for the description of the interface."""
_decode_run = msgspec.json.Decoder(BillingRunAsked).decode
_decode_what_if = msgspec.json.Decoder(WhatIfAsked).decode


@router.post(
    "/v1/books/{book}/billing-runs",
    summary="Bill every customer who is due",
    openapi_extra=_body("BillingRunAsked"),
    responses={200: {"model": BillingRunPage}},
)
async def bill_customers(request: Request, book: BookPath, principal: Posts) -> Response:
    """Bill the next customers who are due through a date, or only tell what would be billed (`dry_run`).

    A run has as many pages as it takes: post again with `page` set to the `next` of this answer until that
    is null. Any page, and any run, may be repeated, also by two at once: nobody is billed twice for a period.
    """
    services = services_of(request)
    asked = await read_posted(request, _decode_run, services.settings.body_bytes_max)
    position, page = await run_page(services, book, asked, principal)
    return Response(encode(page), headers={"Ledger-Position": str(position)}, media_type=JSON)


@router.post(
    "/v1/books/{book}/customers/{customer}/what-if",
    summary="Compare invoices with another agreement",
    dependencies=[MAY_READ],
    openapi_extra=_body("WhatIfAsked"),
    responses={200: {"model": WhatIf}},
)
async def compare_agreements(request: Request, book: BookPath, customer: CustomerPath) -> Response:
    """Tell what the last invoices would have been with other services, by the same rules. Writes nothing."""
    services = services_of(request)
    asked = await read_posted(request, _decode_what_if, services.settings.body_bytes_max)
    refuse_misshapen(asked.services)
    position, compared = await run_in_threadpool(_compare, services.conninfo, book, customer, asked)
    return answer(request, _laid_out(compared), position)


def _compare(conninfo: str, book: str, customer: str, asked: WhatIfAsked) -> tuple[int, list[Compared]]:
    with connect(conninfo, application_name="billing-ledger what-if") as conn:
        events = history(conn, book, customer)
    if not events:
        raise NotFound("book_unknown", f"there is no book {book}", book=book)
    if all(event.subject is None for event in events):
        raise NotFound("customer_unknown", f"there is no customer {customer} in {book}", customer=customer)
    return events[-1].position, what_if(events, [taken_of(each) for each in asked.services], asked.last)


def _laid_out(compared: list[Compared]) -> dict[str, object]:
    """Lay the comparison out, with sums by currency: what was paid more than with the other agreement."""
    saved: dict[str, int] = {}
    for each in compared:
        would_be = 0 if each.would_be is None else each.would_be.amount
        saved[each.was.currency] = saved.get(each.was.currency, 0) + each.was.amount - would_be
    invoices = [
        {
            "invoice": each.was.invoice,
            "issued_on": each.was.issued_on,
            "currency": each.was.currency,
            "was": _figures(each.was),
            "would_be": None if each.would_be is None else _figures(each.would_be),
        }
        for each in compared
    ]
    return {"invoices": invoices, "saved": [{"currency": c, "amount": a} for c, a in sorted(saved.items())]}


def _figures(issued: InvoiceIssued) -> dict[str, object]:
    lines = [
        {"service": line.service, "description": line.description, "period": line.period, "net": line.net}
        for line in issued.lines
    ]
    return {
        "net": issued.net,
        "discount": issued.discount,
        "tax": issued.tax,
        "total": issued.amount,
        "lines": lines,
    }
