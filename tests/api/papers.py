"""Vouchers as the read models give them, drawn at random and consistent, for tests that need no service."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st
from tests.api.sellers import BUYER, SELLER

from ledger.money import net_of
from ledger.person import Person
from ledger.seller import Seller
from ledger.tax import taxes_of
from ledger_api.papers.paper import Addressing, Issuer
from ledger_api.papers.vouchers import Invoice, Line, TaxGroup
from ledger_api.tongue import Language, Tongue

WORDS = "ledger_api.papers"
"""The package whose words documents are in."""
RATES = {"standard": "25", "reduced": "8.1", "food": "8.1", "zero": "0", "exempt": "0", "reverse_charge": "0"}
ISSUED_AT = "2026-04-01T08:00:00+00:00"
TEXTS = st.text(min_size=1, max_size=60)


def addressing(language: Language | None = None, locale: str = "en-GB") -> Addressing:
    """Address Aurelia, from a seller in Denmark."""
    issuer = Issuer("Nordlys", msgspec.convert(SELLER, Seller))
    person = msgspec.convert(BUYER, Person)
    return Addressing(issuer, Tongue(WORDS, language, locale, "Europe/Berlin"), person, ISSUED_AT)


def line(
    number: int, net: int, *, category: str = "standard", discount: int = 0, description: str | None = None,
    priced: tuple[str, str] | None = None,
) -> Line:  # fmt: skip
    """Make a line; `priced` is its quantity and unit price."""
    quantity, price = priced or (None, None)
    return Line(
        line=number, service="fibre", description=description, net=net, tax_category=category,
        rate=RATES[category], supplied_on="2026-03-31", begins_on=None, ends_on=None,
        quantity=quantity, unit_price=price, discount=discount,
    )  # fmt: skip


def invoice(lines: list[Line], *, currency: str = "EUR") -> Invoice:
    """Make the invoice of these lines, with nothing paid of it; taxes as the ledger computes them."""
    groups = taxes_of((each.tax_category, each.rate, each.net - each.discount) for each in lines)
    net, discount = sum(each.net for each in lines), sum(each.discount for each in lines)
    tax = sum(group.tax for group in groups)
    total = net - discount + tax
    return Invoice(
        number="INV-7", customer="c-1001", currency=currency, issued_on="2026-04-01", issued_at=ISSUED_AT,
        position=9, net=net, discount=discount, tax=tax, total=total, lines=lines,
        taxes=[TaxGroup(group.category, group.rate, group.base, group.tax) for group in groups],
        voided_at=None, void_reason=None, due_on="2026-04-15", state="open", allocations=[], credit_notes=[],
        credited=0, written_off=0, due=total,
    )  # fmt: skip


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    """Draw an invoice: some lines with a price per unit, some with a discount, in all categories."""
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        priced = None
        net = draw(st.integers(0, 10**9))
        if draw(st.booleans()):
            priced = str(draw(st.integers(0, 1000))), draw(st.sampled_from(["0.0125", "1999", "33.5"]))
            net = net_of(*priced)
        lines.append(
            line(
                number, net, category=draw(st.sampled_from(sorted(RATES))), priced=priced,
                discount=draw(st.integers(0, net)), description=draw(st.none() | TEXTS),
            )
        )  # fmt: skip
    return invoice(lines, currency=draw(st.sampled_from(["EUR", "JPY", "DKK"])))
