"""Who a document is from and for: the book's seller, the customer's language, and the person behind them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec
from fastapi import Request

from ledger.errors import Refusal
from ledger.person import RECORDS, Person, from_records
from ledger.seller import Seller
from ledger.sql import queries
from ledger_api.keys import PERSON, Principal
from ledger_api.moments import items_at
from ledger_api.papers.paper import Addressing, Issuer
from ledger_api.parameters import ReadAsOf
from ledger_api.problems import NotFound
from ledger_api.services import services_of
from ledger_api.tongue import Language, Tongue

_WORDS = "ledger_api.papers"
_SQL = queries("ledger_api.reads", "addressing.sql")
_MODELS = ("customers", "journal")


class Subject(NamedTuple):
    """Whom a document is about, and by which seller: the one in force on a day, as known at a position."""

    book: str
    customer: str
    position: int
    day: str | date


async def addressing_of(
    request: Request,
    subject: Subject,
    parameters: ReadAsOf,
    language: Language | None,
    principal: Principal,
) -> Addressing:
    """Find out from whom and for whom a document is. Raises `NotFound` for a customer that is none."""
    values = {
        "book": subject.book, "customer": subject.customer, "upto": subject.position, "day": str(subject.day)
    }  # fmt: skip
    least = max(parameters.min_position or 0, subject.position)
    asked = parameters.model_copy(update={"min_position": least})
    reader = services_of(request).reader
    _, items = await items_at(reader, _SQL["issuer"], _MODELS, values, asked, [subject.customer])
    if not items:
        raise NotFound(
            "customer_unknown",
            f"there is no customer {subject.customer} in {subject.book}",
            customer=subject.customer,
        )
    item = items[0]
    seller = None if item["seller"] is None else msgspec.convert(item["seller"], Seller)
    tongue = Tongue(_WORDS, language, str(item["locale"]), str(item["time_zone"]))
    person = await _person(request, subject, principal)
    return Addressing(Issuer(str(item["name"]), seller), tongue, person, str(item["opened_at"]))


async def _person(request: Request, subject: Subject, principal: Principal) -> Person | None:
    """Take the person out of the vault for who may see them; nobody is left of who was erased."""
    if PERSON not in principal.scopes:
        return None
    try:
        records = await services_of(request).vault.get(subject.book, subject.customer, RECORDS)
    except Refusal as refusal:
        if refusal.code == "person_erased":
            return None
        raise
    return from_records(records)
