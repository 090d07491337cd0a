"""Invoices and credit notes as the read models give them, as far as documents need to know."""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A line; on a credit note `net` is what is credited of the invoice's line."""

    line: int
    service: str
    description: str | None
    net: int
    tax_category: str
    rate: str
    supplied_on: str
    begins_on: str | None
    ends_on: str | None
    quantity: str | None = None
    unit_price: str | None = None
    discount: int = 0


class TaxGroup(msgspec.Struct, frozen=True):
    """Tax of one category at one rate."""

    category: str
    rate: str
    base: int
    tax: int


class Allocation(msgspec.Struct, frozen=True):
    """A payment or a credit note used on an invoice; a negative amount undoes."""

    payment: str | None
    credit_note: str | None
    amount: int
    occurred_at: str


class Note(msgspec.Struct, frozen=True):
    """A credit note on an invoice."""

    credit_note: str
    issued_at: str
    voided_at: str | None


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """What invoices and credit notes have in common. Amounts are minor units of `currency`."""

    number: str
    customer: str
    currency: str
    issued_on: str
    issued_at: str
    position: int
    net: int
    discount: int = 0
    tax: int
    total: int
    lines: list[Line]
    taxes: list[TaxGroup]
    voided_at: str | None
    void_reason: str | None


class Invoice(Billed, frozen=True, kw_only=True):
    """An invoice, and what became of it."""

    number: str = msgspec.field(name="invoice")
    due_on: str
    state: str
    allocations: list[Allocation]
    credit_notes: list[Note]
    credited: int
    written_off: int
    due: int


class CreditNote(Billed, frozen=True, kw_only=True):
    """A credit note, and where its amount went."""

    number: str = msgspec.field(name="credit_note")
    invoice: str
    invoice_issued_on: str
    reason: str
    lowers_due: int
    left_as_credit: int
