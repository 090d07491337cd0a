"""What the rules need to remember of one customer, and no more.

Every part is a plain struct that changes in place. What is settled (an invoice with nothing due, a source with nothing
left) is kept packed: few bytes, opened only when a message names it, so that nothing scans it.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from ledger.fields import Period


class Unbilled(msgspec.Struct, gc=False):
    """A charge that no invoice bills yet, or that an invoice's line bills and a void would give back."""

    charge: str
    service: str
    description: str | None
    currency: str
    net: int
    quantity: str | None
    unit_price: str | int | None
    tax_category: str
    period: Period | None
    occurred_at: datetime
    dispute: str | None = None
    """The open complaint that keeps it off invoices."""


class Line(msgspec.Struct, gc=False):
    """One line of an invoice: the charge it bills, and what may still be credited of it."""

    charge: Unbilled
    net: int
    """After its share of the discounts."""
    category: str
    rate: str
    credited: int = 0


class TaxGroup(msgspec.Struct, gc=False):
    """One category at one rate on an invoice, and how much of both is credited."""

    category: str
    rate: str
    credited_base: int = 0
    credited_tax: int = 0


class Invoice(msgspec.Struct):
    """An issued invoice. What is due of it is `receivable` + `disputed`."""

    number: str
    sequence: int
    currency: str
    issued_at: datetime
    due_on: date
    total: int
    receivable: int
    lines: list[Line]
    taxes: list[TaxGroup]
    discounts: list[tuple[str, int]]
    disputed: int = 0
    allocated: int = 0
    credited: int = 0
    disputes: list[str] = []
    """The open complaints about it, oldest first."""

    @property
    def due(self) -> int:
        """Total less what is allocated, credited and written off."""
        return self.receivable + self.disputed


class Source(msgspec.Struct):
    """A payment or a credit note: where credit comes from.

    `left` is the unallocated rest. It is below zero where the bank took back more than we held of a payment.
    """

    key: str
    currency: str
    amount: int
    occurred_at: datetime
    left: int
    refunded: int = 0
    returned: int = 0
    charged_back: int = 0
    allocations: list[tuple[str, int]] = []
    """Invoice and amount, oldest first."""
