"""The parts of a customer's state: plain structs that change in place, small when packed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from ledger.event import Event
from ledger.fields import Period
from ledger.tax import Tax

DisputeKind = Literal["complaint", "inquiry", "chargeback"]


Interval = Literal["month", "quarter", "year"]


class Terms(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a day of a service costs: equal terms are the same price. Decimals in their shortest form."""

    quantity: str
    unit_price: str
    interval: Interval
    tax_category: str


class Taken(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A service as an agreement has it; `to` is its last day where it has one of its own."""

    service: str
    description: str | None
    terms: Terms
    to: date | None
    advance: bool


class Agreement(msgspec.Struct, array_like=True):
    """All services taken from a day on, until the next agreement begins."""

    from_: date
    services: list[Taken]
    position: int = 0
    """Of the agreement.changed; 0 of one that nobody recorded."""


class Run(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Days of one service, both included, that a charge bills: `net` is what is left of its net for them."""

    from_: date
    to: date
    terms: Terms
    charge: str
    net: int

    @property
    def days(self) -> int:
        """How many."""
        return (self.to - self.from_).days + 1


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
    """One category at one rate on an invoice: how much of its base and tax is credited, and given up."""

    category: str
    rate: str
    credited_base: int = 0
    credited_tax: int = 0
    relieved_base: int = 0
    """Net of the group in what is written off with tax relief, and the tax that came back with it below."""
    relieved_tax: int = 0


class Note(msgspec.Struct, array_like=True, gc=False):
    """A credit note that lives on an invoice, as far as voiding it needs to know."""

    number: str
    lines: list[tuple[int, int]]
    """Line and net."""
    taxes: list[Tax]
    to_receivable: int
    to_disputed: int
    to_credit: int
    dispute: str | None
    """The complaint that it settles."""


class Invoice(msgspec.Struct, array_like=True, gc=False):
    """An issued invoice. What is due of it is `receivable` + `disputed`; what is written off is no more."""

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
    written_off: int = 0
    written_off_at: datetime | None = None
    """When something of it was last written off."""
    notes: list[Note] = []
    """Its credit notes that are not void, oldest first."""
    reminders: int = 0
    """The last step of dunning that was sent."""
    reminded_on: date | None = None

    @property
    def due(self) -> int:
        """Total less what is allocated, credited and written off."""
        return self.receivable + self.disputed

    def tax_group(self, category: str, rate: str) -> TaxGroup:
        """Return the group that a line's tax is in."""
        return next(group for group in self.taxes if group.category == category and group.rate == rate)


class Source(msgspec.Struct, array_like=True, gc=False):
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
    invoice: str | None = None
    """Of a credit note, the invoice that it lowers."""

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
    """What is left of a fixed one that is granted once, or of the bound of one in percent; else None."""
    recorded_at: datetime
    """Since when it counts against the authority to grant, on the ledger's own clock."""
    worth: int | None
    """All that it can ever take off; None where nothing bounds it."""
    revoked: bool = False
    uses: int = 0
    """On how many invoices it is used."""
    granted_by: str = ""
    """Whose authority it was: who granted, approved or offered it."""
    taken: dict[str, int] = {}
    """What one that nothing bounds took off, by currency."""


class PendingDiscount(msgspec.Struct, array_like=True, gc=False):
    """A discount that waits for a second person (a request), or for the customer (an offer)."""

    kind: Literal["request", "offer"]
    principal: str
    """Who asked, or offered."""
    asked_at: datetime
    recorded_at: datetime
    terms: bytes
    """What it would grant, packed: nothing looks into it before it is decided."""
    worth: int | None
    currency: str | None
    until: date | None = None
    """The last day on which the customer can accept; None where they were not to be asked."""
    authority: tuple[str, date] | None = None
    """Of an offer: the role that it was made in, and since when the policy is in force."""


class Deadline(msgspec.Struct, array_like=True, gc=False):
    """Until which day an answer to a dispute is awaited, and when the ledger was told so."""

    respond_by: date
    recorded_at: datetime

    @staticmethod
    def of(respond_by: date | None, event: Event) -> Deadline | None:
        """Make the deadline that an event sets, if it sets one."""
        return None if respond_by is None else Deadline(respond_by, event.recordedtime)


class Contact(msgspec.Struct, array_like=True, gc=False):
    """A contact that goes on."""

    arrived_at: datetime
    answered_at: datetime | None = None


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
    deadline: Deadline | None = None
    """None when none was given, and when evidence met it or it passed."""
    undone: list[tuple[str, int]] = []
    """Allocations that a chargeback undid, in that order: invoice and amount."""
    assignee: str | None = None
    """Who works on it; None while it waits in the queue."""
    evidence: list[str] = []
    """SHA-256 of each file submitted."""
    level: int = 0
    """How often it was escalated."""
    withdrawn: bool = False
    """Whether the bank said that the customer withdrew this chargeback."""
