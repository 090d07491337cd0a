"""Invoices and credit notes as their customer gets them: as pages, as PDF and as e-invoices."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ledger_api.access import ReadsDocuments
from ledger_api.keys import Principal
from ledger_api.papers.billed import credit_note_paper, invoice_paper
from ledger_api.papers.einvoice import DECIMALS_MAX, as_einvoice, is_sayable
from ledger_api.papers.paper import Addressing, reason_of
from ledger_api.papers.pdf import as_pdf
from ledger_api.papers.vouchers import CreditNote, Invoice
from ledger_api.parameters import BookPath, CreditNotePath, InvoicePath, ReadAsOf, StrictQuery
from ledger_api.problems import NotFound
from ledger_api.reads.addressing import Subject, addressing_of
from ledger_api.reads.credit_notes import find_credit_note
from ledger_api.reads.invoices import find_invoice
from ledger_api.reads.setting import (
    HTML,
    PDF,
    XML,
    LanguageQuery,
    answer_document,
    answer_page,
    documents_of,
)

router = APIRouter(tags=["Documents"], dependencies=[StrictQuery])
_document = documents_of(router)


class DocumentParameters(ReadAsOf):
    """How an invoice or a credit note is written."""

    language: LanguageQuery = None


_DocumentQuery = Annotated[DocumentParameters, Query()]
_VoucherQuery = Annotated[ReadAsOf, Query()]


@_document("invoices/{number}.html", HTML, "An invoice as a page")
async def show_invoice_as_html(
    request: Request,
    book: BookPath,
    number: InvoicePath,
    parameters: _DocumentQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show an invoice as the customer reads it, with what settled it so far. It prints well."""
    position, invoice, to = await _invoice(request, book, number, parameters, principal)
    return await answer_page(request, principal, position, lambda: invoice_paper(to, invoice))


@_document("invoices/{number}.pdf", PDF, "An invoice as PDF/A-3, with the e-invoice in it")
async def show_invoice_as_pdf(
    request: Request,
    book: BookPath,
    number: InvoicePath,
    parameters: _DocumentQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show the same as PDF, the same bytes each time.

    Without a policy `seller`, or in a currency of three decimals, it has no e-invoice in it.
    """
    position, invoice, to = await _invoice(request, book, number, parameters, principal)

    def work() -> bytes:
        return as_pdf(invoice_paper(to, invoice), _einvoice(to, invoice))

    return await answer_document(request, principal, position, work, PDF)


@_document("invoices/{number}.xml", XML, "An invoice as e-invoice (EN 16931)")
async def show_invoice_as_xml(
    request: Request,
    book: BookPath,
    number: InvoicePath,
    parameters: _VoucherQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show an invoice as it was issued, in the syntax of UN/CEFACT, for programs."""
    position, invoice, to = await _invoice(request, book, number, parameters, principal)
    return await answer_document(request, principal, position, lambda: _required(to, invoice), XML)


@_document("credit-notes/{number}.html", HTML, "A credit note as a page")
async def show_credit_note_as_html(
    request: Request,
    book: BookPath,
    number: CreditNotePath,
    parameters: _DocumentQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show a credit note as the customer reads it."""
    position, note, to = await _credit_note(request, book, number, parameters, principal)
    return await answer_page(request, principal, position, lambda: credit_note_paper(to, note))


@_document("credit-notes/{number}.pdf", PDF, "A credit note as PDF/A-3, with the e-invoice in it")
async def show_credit_note_as_pdf(
    request: Request,
    book: BookPath,
    number: CreditNotePath,
    parameters: _DocumentQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show the same as PDF, the same bytes each time."""
    position, note, to = await _credit_note(request, book, number, parameters, principal)

    def work() -> bytes:
        return as_pdf(credit_note_paper(to, note), _einvoice(to, note))

    return await answer_document(request, principal, position, work, PDF)


@_document("credit-notes/{number}.xml", XML, "A credit note as e-invoice (EN 16931)")
async def show_credit_note_as_xml(
    request: Request,
    book: BookPath,
    number: CreditNotePath,
    parameters: _VoucherQuery,
    principal: ReadsDocuments,
) -> Response:
    """Show a credit note as it was issued, in the syntax of UN/CEFACT, for programs."""
    position, note, to = await _credit_note(request, book, number, parameters, principal)
    return await answer_document(request, principal, position, lambda: _required(to, note), XML)


async def _invoice(
    request: Request, book: str, number: str, parameters: ReadAsOf, principal: Principal
) -> tuple[int, Invoice, Addressing]:
    position, item = await find_invoice(request, book, number, parameters)
    invoice = msgspec.convert(item, Invoice)
    subject = Subject(book, invoice.customer, invoice.position, invoice.issued_on)
    return position, invoice, await _addressing(request, subject, parameters, principal)


async def _credit_note(
    request: Request, book: str, number: str, parameters: ReadAsOf, principal: Principal
) -> tuple[int, CreditNote, Addressing]:
    position, item = await find_credit_note(request, book, number, parameters)
    note = msgspec.convert(item, CreditNote)
    subject = Subject(book, note.customer, note.position, note.issued_on)
    return position, note, await _addressing(request, subject, parameters, principal)


async def _addressing(
    request: Request, subject: Subject, parameters: ReadAsOf, principal: Principal
) -> Addressing:
    language = parameters.language if isinstance(parameters, DocumentParameters) else None
    return await addressing_of(request, subject, parameters, language, principal)


def _einvoice(to: Addressing, voucher: Invoice | CreditNote) -> bytes | None:
    if to.issuer.seller is None or not is_sayable(voucher.currency):
        return None
    if isinstance(voucher, CreditNote):
        voucher = msgspec.structs.replace(voucher, reason=reason_of(to.tongue, voucher.reason))
    return as_einvoice(to.issuer.seller, to.person, voucher)


def _required(to: Addressing, voucher: Invoice | CreditNote) -> bytes:
    if not is_sayable(voucher.currency):
        raise NotFound(
            "currency_not_einvoiced",
            f"{voucher.number} is in {voucher.currency}, whose amounts have more decimals than the "
            f"{DECIMALS_MAX} of an e-invoice",
            number=voucher.number, currency=voucher.currency, decimals_max=DECIMALS_MAX,
        )  # fmt: skip
    einvoice = _einvoice(to, voucher)
    if einvoice is None:
        raise NotFound(
            "seller_unknown",
            f"{voucher.number} was issued while no policy of the book named its seller",
            number=voucher.number,
        )
    return einvoice
