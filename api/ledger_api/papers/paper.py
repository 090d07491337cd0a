"""What stands on a document, whatever sets it: texts only, each in its place, ready to be read."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from ledger.person import Address, Person
from ledger.seller import Seller
from ledger.tax import EXEMPT, REVERSE_CHARGE
from ledger_api.tongue import Tongue

Fact = tuple[str, str]
"""What it is, and how much or which."""
TaxCode = Literal["S", "Z", "E", "AE"]

_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
"""A code of somebody's own, which we have no words for."""
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Party(msgspec.Struct, frozen=True):
    """Who sells or buys: a name, the lines of an address, and what else identifies them."""

    name: str
    lines: list[str]
    facts: list[Fact]


class Column(msgspec.Struct, frozen=True):
    """A column of a table; `wide` takes the room that the others leave."""

    title: str
    right: bool = False
    wide: bool = False


class Row(msgspec.Struct, frozen=True):
    """A row; `detail` stands small under its widest cell, `carried` is the sum up to here."""

    cells: list[str]
    detail: str = ""
    carried: str = ""


class Sum(msgspec.Struct, frozen=True):
    """A line under a table."""

    title: str
    amount: str
    strong: bool = False


class Table(msgspec.Struct, frozen=True):
    """A table with its sums. It carries its sum over from page to page."""

    columns: list[Column]
    rows: list[Row]
    sums: list[Sum]
    title: str = ""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A whole document."""

    language: str
    title: str
    made_at: datetime
    """When what it says was recorded: nothing on it depends on when it is set."""
    seller: Party
    buyer: Party
    facts: list[Fact] = []
    tables: list[Table] = []
    settled: Table | None = None
    notes: list[str] = []
    footer: list[str]
    carried_forward: str
    brought_forward: str
    page: str
    """With `{page}` and `{pages}`."""
    watermark: str = ""
    notice: str = ""


class Issuer(NamedTuple):
    """Who a document comes from: the book, and the seller in force when it was issued."""

    name: str
    seller: Seller | None


class Addressing(NamedTuple):
    """From whom, for whom, and in which language. `person` is None when they are not known or not shown.

    `opened_at` is when the customer was opened.
    """

    issuer: Issuer
    tongue: Tongue
    person: Person | None
    opened_at: str


def plain(text: str) -> str:
    """Write a caller's text so that it reads as it is written: no control of direction, nothing unseen."""
    composed = _UNSEEN.sub(" ", unicodedata.normalize("NFC", text))
    return "".join(each for each in composed if unicodedata.category(each) not in ("Cf", "Cs", "Co", "Cn"))


def reason_of(tongue: Tongue, reason: str) -> str:
    """Write why something was credited or voided: a reason code in words, whatever else as it is written."""
    if tongue.knows(key := f"reason_{reason}"):
        return tongue.say(key)
    return plain(reason.replace("_", " ").capitalize() if _CODE.fullmatch(reason) else reason)


def code_of(category: str, rate: str) -> TaxCode:
    """Tell the category of UNTDID 5305 that a category of the book is at a rate."""
    if category == EXEMPT:
        return "E"
    if category == REVERSE_CHARGE:
        return "AE"
    return "S" if rate.strip("0.") else "Z"


def blank(to: Addressing, customer: str, title: str, made_at: str) -> Paper:
    """Make a document with all on it that does not depend on what it is about."""
    tongue = to.tongue
    return Paper(
        language=tongue.language,
        title=title,
        made_at=datetime.fromisoformat(made_at),
        seller=_seller(tongue, to.issuer),
        buyer=_buyer(to, customer),
        footer=[_bank(to.issuer)],
        carried_forward=tongue.say("carried_forward"),
        brought_forward=tongue.say("brought_forward"),
        page=tongue.say("page", page="{page}", pages="{pages}"),
    )


def _seller(tongue: Tongue, issuer: Issuer) -> Party:
    """Write who sells; of a book whose policy says nothing more, its name."""
    seller = issuer.seller
    if seller is None:
        return Party(plain(issuer.name), [], [])
    facts = [("vat_id", seller.vat_id), ("registration", seller.registration)]
    said = [(tongue.say(key), plain(value)) for key, value in facts if value is not None]
    lines = [*_address(tongue, seller.address, None), *filter(None, (seller.email, seller.phone))]
    return Party(plain(seller.name), [plain(line) for line in lines], said)


def _buyer(to: Addressing, customer: str) -> Party:
    """Write who buys; of a customer whose person is not known, or not to be shown, their id."""
    issuer, tongue, person = to.issuer, to.tongue, to.person
    if person is None or person.name is None:
        return Party(customer, [], [])
    home = None if issuer.seller is None else issuer.seller.address.country
    lines = [] if person.address is None else _address(tongue, person.address, home)
    facts = [] if person.tax_number is None else [(tongue.say("their_vat_id"), plain(person.tax_number))]
    return Party(plain(person.name), [plain(line) for line in lines], facts)


def _bank(issuer: Issuer) -> str:
    """Write where to pay to, in one line; empty when the book does not say."""
    bank = None if issuer.seller is None else issuer.seller.bank
    if bank is None:
        return ""
    iban = " ".join(bank.iban[place : place + 4] for place in range(0, len(bank.iban), 4))
    parts = (bank.name, f"IBAN {iban}", None if bank.bic is None else f"BIC {bank.bic}")
    return plain(" · ".join(part for part in parts if part))


def _address(tongue: Tongue, address: Address, home: str | None) -> list[str]:
    """Write an address; its country where it is not the seller's own."""
    city = " ".join(part for part in (address.postal_code, address.city) if part)
    lines = [*address.lines, city, address.region, tongue.country(address.country)]
    if address.country == home:
        lines.pop()
    return [line for line in lines if line]
