"""The shapes of answers, for the documentation and for the tests that hold the answers to them.

Answers are written from rows directly; none of these is made while answering.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MinorUnits = Annotated[int, Field(description="Minor units of the currency.", examples=[1250])]
CurrencyCode = Annotated[str, Field(description="ISO 4217 code.", examples=["EUR"])]
CustomerId = Annotated[str, Field(examples=["c-1001"])]


class Shape(BaseModel):
    """Base: an answer has exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Alive(Shape):
    """The process works."""

    status: Literal["alive"]


class Readiness(Shape):
    """Each thing that was looked at, with "ok"."""

    status: Literal["ready"]
    checks: dict[str, str]


class StoredEvent(Shape):
    """An event as it was recorded: CloudEvents 1.0 with the ledger's own attributes."""

    book: str
    causation: int = Field(description="Position of the first event of the same decision.")
    data: dict[str, object]
    decisionsize: int = Field(description="Events of that decision.")
    id: str
    position: int
    principal: str
    recordedtime: datetime
    source: str
    specversion: Literal["1.0"]
    subject: str | None = None
    time: datetime
    type: str = Field(examples=["charge.posted"])
    version: int


class EventPage(Shape):
    """Events in order."""

    items: list[StoredEvent]
    next: int = Field(description="The `after` of the next page.")
    head: int = Field(description="Position of the book's last event.")


class Balance(Shape):
    """A customer's balance in one currency; positive is what the customer owes."""

    currency: CurrencyCode
    balance: MinorUnits
    receivable: int = Field(description="Billed and open, without what is in dispute.")
    disputed: int = Field(description="Billed and in dispute.")
    credit: int = Field(description="What we owe the customer.")
    overdrawn: int = Field(description="By how much the credit is below zero.")
    unbilled: int = Field(description="Delivered and not yet billed: net, before discount and tax.")


class CustomerBalances(Shape):
    """All balances of a customer."""

    customer: CustomerId
    balances: list[Balance]


class StatementItem(Shape):
    """One entry, as far as it moved the customer's balance."""

    occurred_on: date = Field(description="In the book's time zone.")
    position: int
    currency: CurrencyCode
    type: str = Field(description="What happened.", examples=["invoice.issued"])
    invoice: str | None
    amount: int = Field(description="By how much the balance moved: receivable + disputed - credit.")
    balance: int = Field(description="The balance behind this entry.")
    receivable: int
    disputed: int
    credit: int
    occurred_at: datetime
    recorded_at: datetime


class Statement(Shape):
    """Entries in order of date."""

    items: list[StatementItem]
    next: str | None = Field(description="Token of the next page.")


class AccountTotal(Shape):
    """What was posted to one account in one currency."""

    account: str = Field(examples=["receivable"])
    name: str | None
    kind: Literal["asset", "liability", "income", "expense"] | None
    currency: CurrencyCode
    debit: MinorUnits
    credit: MinorUnits
    balance: int = Field(description="debit - credit.")


class Total(Shape):
    """Sums over all accounts in one currency."""

    currency: CurrencyCode
    debit: MinorUnits
    credit: MinorUnits
    difference: int = Field(description="Zero: every entry balances.")


class TrialBalance(Shape):
    """All accounts, and their sums by currency."""

    accounts: list[AccountTotal]
    totals: list[Total]


class Book(Shape):
    """A legal entity, with a log of its own."""

    book: str = Field(examples=["main"])
    name: str
    currency: CurrencyCode
    time_zone: str = Field(examples=["Europe/Berlin"])
    opened_at: datetime
    position: int = Field(description="Position of its last event.")
    recorded_at: datetime = Field(description="When that was recorded.")


class Books(Shape):
    """Books in order of name."""

    items: list[Book]
    next: str | None


class CustomerTerms(Shape):
    """A customer's terms."""

    customer: CustomerId
    status: Literal["open", "closed"]
    currency: CurrencyCode
    payment_days: int
    billing_day: int
    locale: str
    tax_treatment: Literal["standard", "exempt", "reverse_charge"]
    segment: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closing_reason: str | None
    position: int = Field(description="Position of the customer.opened.")


class CustomerPage(Shape):
    """Customers in order of name."""

    items: list[CustomerTerms]
    next: str | None


class AgreedService(Shape):
    """A service that a customer takes."""

    service: str
    description: str | None
    quantity: str = Field(description="An exact decimal.", examples=["1"])
    unit_price: str = Field(description="Minor units, an exact decimal.", examples=["2990"])
    interval: Literal["month", "quarter", "year"]
    tax_category: str


class Agreement(Shape):
    """The services that a customer takes from a date on."""

    from_: date = Field(alias="from")
    services: list[AgreedService]


class Activity(Shape):
    """How much happened with a customer."""

    events: int
    charges: int
    invoices: int
    credit_notes: int
    payments: int
    disputes: int
    last_occurred_at: datetime
    last_position: int


class Customer(CustomerTerms):
    """A customer with what was agreed on and how much happened."""

    agreements: list[Agreement]
    activity: Activity | None


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
    supplied_on: date


class InvoiceAllocation(Shape):
    """A payment or a credit note used on the invoice; a negative amount undoes."""

    position: int
    payment: str | None
    credit_note: str | None
    amount: int
    automatic: bool
    occurred_at: datetime


class InvoiceCreditNote(Shape):
    """A credit note on the invoice."""

    credit_note: str
    net: int
    tax: int
    total: int
    reason: str
    issued_at: datetime


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
    credit_notes: list[InvoiceCreditNote]


class Dispute(Shape):
    """A dispute. All amounts are minor units of `currency`."""

    dispute: str
    customer: CustomerId
    kind: Literal["complaint", "inquiry", "chargeback"]
    state: Literal["open", "resolved"]
    outcome: str | None
    invoice: str | None
    charge: str | None
    payment: str | None
    currency: str | None
    amount: int | None
    held: int = Field(description="What moved from receivable to disputed.")
    charged_back: int
    fee: int
    upheld: int
    released: int
    restored: int
    fee_returned: int
    reason: str
    resolution: str | None
    respond_by: str | None
    lines: list[object]
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    resolved_by: str | None
    position: int


class DisputePage(Shape):
    """Disputes in the order in which they were opened."""

    items: list[Dispute]
    next: str | None


class Discount(Shape):
    """A discount granted to a customer."""

    discount: str
    customer: CustomerId
    state: Literal["granted", "used_up", "revoked"]
    left_over: int | None = Field(description="What is left of a fixed amount.")
    kind: Literal["percent", "fixed"]
    percent: str | None
    amount: int | None
    currency: str | None
    charge: str | None
    service: str | None
    invoices: int | None = Field(description="For how many invoices; null: for ever.")
    until: date | None
    used: int
    uses: int
    reason: str
    campaign: str | None
    granted_at: datetime
    granted_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None
    position: int


class DiscountPage(Shape):
    """Discounts in the order in which they were granted."""

    items: list[Discount]
    next: str | None


class BookCursor(Shape):
    """How far a read model has folded a book."""

    book: str
    position: int
    head: int
    lag: int


class Projection(Shape):
    """A read model, or a rebuild of one that is under way (`<name>@rebuild`)."""

    name: str = Field(examples=["balances"])
    version: str
    current: bool = Field(description="Whether this version of the program made it.")
    state: Literal["live", "stopped", "filling", "indexed"]
    error: str | None
    stopped_book: str | None
    stopped_after: int | None
    changed_at: datetime
    cursors: list[BookCursor]


class Projections(Shape):
    """All read models."""

    items: list[Projection]


class RebuildBegun(Shape):
    """A rebuild has begun; GET /v1/projections shows how far it is."""

    name: str
    status: Literal["begun"]
