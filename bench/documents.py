"""Documents: how many invoices are set in a second, as PDF/A-3 with the e-invoice in it and as HTML."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.figures import Figure, median

from ledger.person import Address
from ledger.seller import Bank, Seller
from ledger.tax import taxes_of
from ledger_api.papers.billed import invoice_paper
from ledger_api.papers.einvoice import as_einvoice
from ledger_api.papers.html import as_html
from ledger_api.papers.paper import Addressing, Issuer
from ledger_api.papers.pdf import as_pdf
from ledger_api.papers.press import THREADS
from ledger_api.papers.vouchers import Invoice, Line, TaxGroup
from ledger_api.tongue import Tongue

_ROUNDS, _DOCUMENTS, _LINES = 3, 60, 10
_ISSUED_AT = "2026-04-01T08:00:00+00:00"
_SELLER = Seller(
    name="Nordlys Fibernet ApS",
    address=Address(lines=["Havnegade 12"], postal_code="8000", city="Aarhus C", country="DK"),
    vat_id="DK12345678",
    bank=Bank(iban="DK5000400440116243"),
)
_TO = Addressing(
    Issuer("Nordlys", _SELLER),
    Tongue("ledger_api.papers", "da", "da-DK", "Europe/Copenhagen"),
    None,
    _ISSUED_AT,
)


def documents(_: str, __: int) -> list[Figure]:
    """Set invoices of ten lines one by one and on all threads of the press, and one of a thousand."""
    _pdf(0)  # the fonts are read once
    alone = median(_ROUNDS, lambda: _rate(_pdf, threads=1))
    before = _megabytes()
    together = median(_ROUNDS, lambda: _rate(_pdf, threads=THREADS))
    grown = _megabytes() - before
    return [
        Figure(f"invoice of {_LINES} lines as PDF/A-3 with e-invoice, one thread", alone, "PDF/s"),
        Figure(f"the same on {THREADS} threads", together, "PDF/s"),
        Figure("invoice as HTML, one thread", median(_ROUNDS, lambda: _rate(_html, threads=1)), "pages/s"),
        Figure("e-invoice alone", median(_ROUNDS, lambda: _rate(_xml, threads=1)), "XML/s"),
        Figure("invoice of 1,000 lines as PDF", median(_ROUNDS, _thousand) * 1000, "ms"),
        Figure(f"memory after {_ROUNDS * _DOCUMENTS} PDFs more", grown, "MB"),
    ]


def _rate(work: Callable[[int], object], threads: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(_DOCUMENTS)))
    return _DOCUMENTS / (time.perf_counter() - began)


def _pdf(number: int) -> bytes:
    invoice = _invoice(number, _LINES)
    return as_pdf(invoice_paper(_TO, invoice), as_einvoice(_SELLER, None, invoice))


def _html(number: int) -> bytes:
    return as_html(invoice_paper(_TO, _invoice(number, _LINES)))


def _xml(number: int) -> bytes:
    return as_einvoice(_SELLER, None, _invoice(number, _LINES))


def _thousand() -> float:
    began = time.perf_counter()
    as_pdf(invoice_paper(_TO, _invoice(int(began * 1000), 1_000)))
    return time.perf_counter() - began


def _invoice(number: int, lines: int) -> Invoice:
    """Make an invoice like no other, so that nothing of it was set before."""
    billed = [
        Line(
            line=place, service="fibre", description=f"Fibre 1000/1000, connection {number}-{place}",
            net=29_900 + place, tax_category="standard", rate="25", supplied_on="2026-03-31",
            begins_on="2026-03-01", ends_on="2026-03-31", quantity="1", unit_price=str(29_900 + place),
        )
        for place in range(1, lines + 1)
    ]  # fmt: skip
    taxes = [
        TaxGroup(group.category, group.rate, group.base, group.tax)
        for group in taxes_of((line.tax_category, line.rate, line.net) for line in billed)
    ]
    net, tax = sum(line.net for line in billed), sum(group.tax for group in taxes)
    return Invoice(
        number=f"INV-{number}", customer="c-1001", currency="DKK", issued_on="2026-04-01",
        issued_at=_ISSUED_AT, position=9, net=net, tax=tax, total=net + tax, lines=billed, taxes=taxes,
        voided_at=None, void_reason=None, due_on="2026-04-15", state="open",
        allocations=[], credit_notes=[], credited=0, written_off=0, due=net + tax,
    )  # fmt: skip


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
