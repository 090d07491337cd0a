"""What the rules need to remember of one customer, and no more.

Every part is a plain struct that changes in place. What is settled (an invoice with nothing due, a source
with nothing left) is kept packed: few bytes, opened only when a message names it, so that nothing scans it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

import msgspec

from ledger.fields import Period

DisputeKind = Literal["complaint", "inquiry", "chargeback"]


class Unbilled(msgspec.Struct, array_like=True, gc=False):
    """A charge that no invoice bills yet, or that an invoice's line bills and a void would give back."""

    charge: str
    service: str
    description: str | None
    currency: str
    net: int
    quantity: str | int | None
    unit_price: str | int | None
    tax_category: str
    period: Period | None
    occurred_at: datetime
    dispute: str | None = None
    """The open complaint that keeps it off invoices."""


class Line(msgspec.Struct, array_like=True, gc=False):
    """One line of an invoice: the charge it bills, and what was credited of it so far (net)."""

    charge: Unbilled
    net: int
    """After its share of the discounts."""
    category: str
    rate: str
    credited: int = 0

    @property
    def creditable(self) -> int:
        """How much of its net no credit note has taken yet."""
        return self.net - self.credited


class TaxGroup(msgspec.Struct, array_like=True, gc=False):
    """One category at one rate on an invoice, and how much of its base and tax is credited."""

    category: str
    rate: str
    credited_base: int = 0
    credited_tax: int = 0


class Invoice(msgspec.Struct, array_like=True):
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
    void: bool = False

    @property
    def due(self) -> int:
        """Total less what is allocated, credited and written off."""
        return self.receivable + self.disputed

    def tax_group(self, category: str, rate: str) -> TaxGroup:
        """Return the group that a line's tax is in."""
        return next(group for group in self.taxes if group.category == category and group.rate == rate)


class Source(msgspec.Struct, array_like=True):
    """A payment or a credit note: where credit comes from.

    `left` is the unallocated rest. It is below zero where the bank took back more than we held of a payment.
    """

    key: str
    """The payment, or `credit_note/` and the number."""
    currency: str
    amount: int
    occurred_at: datetime
    position: int
    left: int
    refunded: int = 0
    returned: int = 0
    charged_back: int = 0
    allocations: list[tuple[str, int]] = []
    """Invoice and amount, oldest first."""

    @property
    def refundable(self) -> int:
        """What was received less what went back in whatever way; below zero when the bank took back more."""
        return self.amount - self.refunded - self.returned - self.charged_back


class Discount(msgspec.Struct, array_like=True, gc=False):
    """A granted discount and what is left of it. Exactly one of `percent` and `amount` is set."""

    discount: str
    percent: str | int | None
    amount: int | None
    currency: str | None
    charge: str | None
    service: str | None
    granted_at: datetime
    until: date | None
    uses_left: int | None
    """On how many more invoices; None where that is not what limits it."""
    amount_left: int | None
    """Of a fixed discount granted once, what no invoice used yet; None of any other."""
    revoked: bool = False


class Dispute(msgspec.Struct, array_like=True):
    """An open dispute. `held` is what it keeps in dispute of its invoice's receivable."""

    dispute: str
    kind: DisputeKind
    currency: str
    amount: int
    opened_at: datetime
    invoice: str | None
    charge: str | None
    payment: str | None
    lines: list[int] | None
    held: int
    fee: int
    undone: list[tuple[str, int]] = []
    """Allocations that a chargeback undid, in that order: invoice and amount."""


class Customer(msgspec.Struct):
    """One customer, as far as the rules need to know."""

    currency: str
    payment_days: int
    tax_treatment: Literal["standard", "exempt", "reverse_charge"]
    closed_at: datetime | None = None
    unbilled: dict[str, Unbilled] = {}
    """Charges that no invoice bills yet."""
    charges: dict[str, str] = {}
    """Of every other charge ever posted, the invoice that bills it, or "" when it was reversed."""
    open_invoices: dict[str, Invoice] = {}
    """Invoices with something due or in dispute."""
    settled_invoices: dict[str, bytes] = {}
    """All other invoices, packed; the void ones too."""
    open_sources: dict[str, Source] = {}
    """Payments and credit notes that are not used up, or overdrawn."""
    spent_sources: dict[str, bytes] = {}
    """All others, packed."""
    discounts: dict[str, Discount] = {}
    disputes: dict[str, Dispute] = {}
    """The open ones."""
    resolved: dict[str, str] = {}
    """Of every other dispute, its outcome."""
    refunds: set[str] = set()

    def invoice(self, number: str) -> Invoice | None:
        """Return an invoice, open or settled, for reading; `keep_invoice` after changing it."""
        invoice = self.open_invoices.get(number)
        if invoice is None:
            packed = self.settled_invoices.get(number)
            return None if packed is None else _unpack_invoice(packed)
        return invoice

    def keep_invoice(self, invoice: Invoice) -> None:
        """Put a changed invoice where it belongs: with the open ones, or packed."""
        number = invoice.number
        if invoice.receivable or invoice.disputed or invoice.disputes:
            self.open_invoices[number] = invoice
            self.settled_invoices.pop(number, None)
        else:
            self.settled_invoices[number] = _pack(invoice)
            self.open_invoices.pop(number, None)

    def source(self, key: str) -> Source | None:
        """Return a payment or a credit note, for reading; `keep_source` after changing it."""
        source = self.open_sources.get(key)
        if source is None:
            packed = self.spent_sources.get(key)
            return None if packed is None else _unpack_source(packed)
        return source

    def keep_source(self, source: Source) -> None:
        """Put a changed source where it belongs: with those that have something left, or packed."""
        key = source.key
        if source.left:
            self.open_sources[key] = source
            self.spent_sources.pop(key, None)
        else:
            self.spent_sources[key] = _pack(source)
            self.open_sources.pop(key, None)

    def invoices(self) -> Iterator[Invoice]:
        """Walk over every invoice ever issued, which takes time: for checks, never for a rule."""
        yield from self.open_invoices.values()
        yield from map(_unpack_invoice, self.settled_invoices.values())

    def sources(self) -> Iterator[Source]:
        """Walk over every payment and credit note ever, which takes time: for checks, never for a rule."""
        yield from self.open_sources.values()
        yield from map(_unpack_source, self.spent_sources.values())

    def credit(self, currency: str) -> int:
        """Sum what is left of all sources; below zero it is overdrawn."""
        return sum(source.left for source in self.open_sources.values() if source.currency == currency)

    def currencies(self) -> set[str]:
        """Name the currencies in which the customer has or owes something now, their own included."""
        held = (self.unbilled, self.open_invoices, self.open_sources)
        return {self.currency}.union(*({part.currency for part in parts.values()} for parts in held))


_pack = msgspec.msgpack.Encoder().encode
_unpack_invoice = msgspec.msgpack.Decoder(Invoice).decode
_unpack_source = msgspec.msgpack.Decoder(Source).decode
