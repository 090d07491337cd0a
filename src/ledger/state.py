"""What the rules need to remember of one customer, and no more.

Every part is a plain struct that changes in place. What is settled (an invoice with nothing due, a source
with nothing left) is kept packed: few bytes, opened only when a message names it, so that nothing scans it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import ClassVar, Literal, Protocol, TypeVar

import msgspec

from ledger.parts import (
    Agreement,
    Contact,
    Discount,
    Dispute,
    Invoice,
    PendingDiscount,
    Run,
    Source,
    Unbilled,
)  # fmt: skip

P = TypeVar("P", Invoice, Source)


class _Pack(Protocol):
    def __call__(self, part: P, /) -> bytes | P: ...


class Customer(msgspec.Struct):
    """One customer, as far as the rules need to know."""

    _pack: ClassVar[_Pack] = msgspec.msgpack.Encoder().encode
    """Makes what is kept of a settled part."""

    currency: str
    payment_days: int
    tax_treatment: Literal["standard", "exempt", "reverse_charge"]
    opened_at: datetime
    billing_day: int = 1
    treatment_position: int = 0
    """Of the event that said the tax treatment."""
    closed_at: datetime | None = None
    agreements: list[Agreement] = []
    """By their first days, which are all different."""
    runs: dict[str, list[Run]] = {}
    """Of each service, the days that are billed, in the order of billing."""
    billed_through: dict[str, date] = {}
    """Of each currency, the last day of the billing period that was billed last."""
    erased: bool = False
    """Whether their personal data was to be erased."""
    unbilled: dict[str, Unbilled] = {}
    """Charges that no invoice bills yet."""
    charges: dict[str, str] = {}
    """Of every other charge ever posted, the invoice that bills it, or "" when it was reversed."""
    open_invoices: dict[str, Invoice] = {}
    """Invoices with something due or in dispute."""
    settled_invoices: dict[str, bytes | Invoice] = {}
    """All other invoices, packed; the void ones too."""
    open_sources: dict[str, Source] = {}
    """Payments and credit notes that are not used up, or overdrawn."""
    spent_sources: dict[str, bytes | Source] = {}
    """All others, packed."""
    discounts: dict[str, Discount] = {}
    pending_discounts: dict[str, PendingDiscount] = {}
    """Those that wait: requested of a second person, or offered to the customer."""
    ended_discounts: set[str] = set()
    """Those that were declined, refused or withdrawn, whose names stay taken."""
    refused_offers: set[str] = set()
    """Of these the offers that the customer refused: an alternative that they did not take."""
    trials: dict[str, str] = {}
    """Of each trial that they take part in, their arm."""
    disputes: dict[str, Dispute] = {}
    """The open ones."""
    resolved: dict[str, str] = {}
    """Of every other dispute, its outcome."""
    refunds: set[str] = set()
    contacts: dict[str, Contact] = {}
    """Those that go on."""
    ended_contacts: set[str] = set()
    notes: dict[str, str] = {}
    """Of each note the hash of its text."""
    failed_attempts: list[datetime] = []
    """When the last attempts to verify a caller failed, by the ledger's clock."""
    codes_sent: list[datetime] = []
    """When the last one-time codes were sent, by the same."""

    def invoice(self, number: str) -> Invoice | None:
        """Return an invoice, open or settled, for reading; `keep_invoice` after changing it."""
        invoice = self.open_invoices.get(number) or self.settled_invoices.get(number)
        return _unpack_invoice(invoice) if isinstance(invoice, bytes) else invoice

    def keep_invoice(self, invoice: Invoice) -> None:
        """Put a changed invoice where it belongs: with the open ones, or packed."""
        number = invoice.number
        if invoice.receivable or invoice.disputed or invoice.disputes:
            self.open_invoices[number] = invoice
            self.settled_invoices.pop(number, None)
        else:
            self.settled_invoices[number] = self._pack(invoice)
            self.open_invoices.pop(number, None)

    def source(self, key: str) -> Source | None:
        """Return a payment or a credit note, for reading; `keep_source` after changing it."""
        source = self.open_sources.get(key) or self.spent_sources.get(key)
        return _unpack_source(source) if isinstance(source, bytes) else source

    def keep_source(self, source: Source) -> None:
        """Put a changed source where it belongs: with those that have something left, or packed."""
        key = source.key
        if source.left:
            self.open_sources[key] = source
            self.spent_sources.pop(key, None)
        else:
            self.spent_sources[key] = self._pack(source)
            self.open_sources.pop(key, None)

    def invoices(self) -> Iterator[Invoice]:
        """Walk over every invoice ever issued, which takes time: for checks, never for a rule."""
        yield from self.open_invoices.values()
        for settled in self.settled_invoices.values():
            yield _unpack_invoice(settled) if isinstance(settled, bytes) else settled

    def sources(self) -> Iterator[Source]:
        """Walk over every payment and credit note ever, which takes time: for checks, never for a rule."""
        yield from self.open_sources.values()
        for spent in self.spent_sources.values():
            yield _unpack_source(spent) if isinstance(spent, bytes) else spent

    def credit(self, currency: str) -> int:
        """Sum what is left of all sources; below zero it is overdrawn."""
        return sum(source.left for source in self.open_sources.values() if source.currency == currency)

    def currencies(self) -> set[str]:
        """Name the currencies in which the customer has or owes something now, their own included."""
        held = (self.unbilled, self.open_invoices, self.open_sources)
        return {self.currency}.union(*({part.currency for part in parts.values()} for parts in held))


def _unchanged(part: P, /) -> P:
    return part


class Replayed(Customer):
    """A customer whose whole history is folded to look at all of it in the end: nothing is packed."""

    _pack: ClassVar[_Pack] = staticmethod(_unchanged)

    @classmethod
    def of(cls, customer: Customer) -> Replayed:
        """Begin with a customer as they were opened."""
        return cls(*msgspec.structs.astuple(customer))

    def packed(self) -> Customer:
        """Give the same as it is when what is settled is packed."""
        whole = Customer(*msgspec.structs.astuple(self))
        whole.settled_invoices = {key: self._packed(part) for key, part in self.settled_invoices.items()}
        whole.spent_sources = {key: self._packed(part) for key, part in self.spent_sources.items()}
        return whole

    @staticmethod
    def _packed(part: bytes | P) -> bytes | P:
        return part if isinstance(part, bytes) else Customer._pack(part)


_unpack_invoice = msgspec.msgpack.Decoder(Invoice).decode
_unpack_source = msgspec.msgpack.Decoder(Source).decode
