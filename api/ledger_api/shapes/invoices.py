"""Shapes of invoices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, Shape


class InvoiceSummary(Shape):
    """An invoice without its parts. All amounts are minor units of `currency`."""

    invoice: str = Field(examples=["INV-7"])
    customer: CustomerId
    currency: CurrencyCode
    state: Literal["open", "paid", "credited", "written_off", "void"]
    partly_paid: bool
    in_dispute: bool
    overdue: bool
    issued_on: date
    due_on: date
    net: int
    discount: int
    tax: int
    total: int
    allocated: int
    credited: int
    written_off: int
    disputed: int = Field(description="Part of the due that is in dispute.")
    due: int = Field(description="total - allocated - credited - written_off; 0 once void.")
    issued_at: datetime
    position: int = Field(description="Position of the invoice.issued.")


class InvoicePage(Shape):
    """Invoices in the order in which they were issued."""

    items: list[InvoiceSummary]
    next: str | None


class InvoiceLine(Shape):
    """One line; `net` is before discount and tax."""

    line: int
    charge: str
    service: str
    description: str | None
    quantity: str | None
    unit_price: str | None
    net: int
    discount: int
    tax_category: str
    rate: str = Field(description="Percent, or share, as the book's tax table writes it.")
    supplied_on: date = Field(description="Date that decides on the rate.")
    begins_on: date | None = Field(description="First day of the service period, if it has one.")
    ends_on: date | None = Field(description="Last day of the service period.")


class InvoiceAllocation(Shape):
    """A payment or a credit note used on the invoice; a negative amount undoes."""

    position: int
    payment: str | None
    credit_note: str | None
    amount: int
    automatic: bool
    occurred_at: datetime


class InvoiceDebt(Shape):
    """What was given up of the invoice; below zero what of that is owed again."""

    position: int
    amount: int = Field(description="net + tax.")
    net: int = Field(description="Part that is lost.")
    tax: int = Field(description="Part that came back as tax relief.")
    reason: str | None
    credit_note: str | None = Field(description="The credit note that took it back, where nobody paid.")
    occurred_at: datetime


class InvoiceCreditNote(Shape):
    """A credit note on the invoice."""

    credit_note: str
    net: int
    tax: int
    total: int
    reason: str
    issued_at: datetime
    voided_at: datetime | None


class Invoice(InvoiceSummary):
    """A whole invoice."""

    series: str
    sequence: int
    rounding: str | None
    voided_at: datetime | None
    void_reason: str | None
    discounts: list[dict[str, object]]
    taxes: list[dict[str, object]]
    lines: list[InvoiceLine]
    allocations: list[InvoiceAllocation]
    debts: list[InvoiceDebt]
    credit_notes: list[InvoiceCreditNote]


class CreditNoteLine(Shape):
    """What is lowered of a line of the invoice."""

    line: int
    service: str
    description: str | None
    net: int = Field(description="Net credited, after the line's discount.")
    tax_category: str
    rate: str
    supplied_on: date
    begins_on: date | None
    ends_on: date | None


class CreditNote(Shape):
    """A whole credit note. All amounts are minor units of `currency`."""

    credit_note: str = Field(examples=["CN-3"])
    customer: CustomerId
    invoice: str = Field(description="The invoice that it lowers.")
    invoice_issued_on: date
    currency: CurrencyCode
    series: str
    sequence: int
    issued_on: date
    issued_at: datetime
    position: int = Field(description="Position of the credit_note.issued.")
    net: int
    tax: int
    total: int
    lowers_due: int = Field(description="Part that lowers what is due of the invoice.")
    left_as_credit: int = Field(description="The rest, which becomes credit of the customer.")
    unallocated: int = Field(description="What is left of that credit.")
    reason: str
    voided_at: datetime | None
    void_reason: str | None
    taxes: list[dict[str, object]]
    lines: list[CreditNoteLine]
