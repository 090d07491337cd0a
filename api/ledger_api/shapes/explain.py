"""Shapes of explanations: parts that sum to the whole, each with the positions of the events that say so."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, Shape


class Said(Shape):
    """An event that says something."""

    position: int
    occurred_at: datetime
    recorded_at: datetime
    principal: str


class AgreedPrice(Shape):
    """The days of a service that a line bills, and the price that was agreed for a whole interval."""

    agreement: Said | None = Field(
        description="The agreement.changed that says the price; null: not recorded."
    )
    begins: date | None = Field(description="From which day that agreement counts.")
    billed: int = Field(description="Position of the customer.billed that made the charge.")
    quantity: str
    unit_price: str = Field(description="Minor units, of a whole interval.")
    interval: Literal["month", "quarter", "year"]
    days: int
    interval_days: int


class DiscountShare(Shape):
    """What a discount took off a line."""

    discount: str
    amount: int


class LineTax(Shape):
    """The rate of a line; the tax itself is worked out for all lines of a rate together."""

    category: str
    rate: str = Field(description="Percent.")
    supplied_on: date = Field(description="The day that decides on the rate.")
    position: int | None = Field(
        description="Of the event that says the rate: of the book's table, or of the customer's terms where "
        "their tax treatment decides; null: not recorded."
    )


class ExplainedLine(Shape):
    """A line: `amount` = `net` - `discount`."""

    kind: Literal["agreed", "priced", "charged"] = Field(
        description="By an agreement, by quantity and unit price, or as it was charged."
    )
    line: int
    service: str
    description: str | None
    charge: str
    charged: Said | None = Field(description="The charge.posted.")
    agreed: AgreedPrice | None
    quantity: str | None
    unit_price: str | None
    begins_on: date | None
    ends_on: date | None
    net: int
    discount: int
    amount: int
    discounts: list[DiscountShare] | None = Field(
        description="They sum to `discount`; null: which one took how much was not recorded."
    )
    tax: LineTax


class DiscountStep(Said):
    """A step in the life of a discount: who did it, and under which authority."""

    kind: Literal["requested", "approved", "offered", "accepted", "granted"]
    role: str | None = Field(description="The role that it was done in; null without a policy.")
    policy_from: date | None = Field(description="From which day the policy of that authority counts.")
    policy: int | None = Field(description="Position of that policy.changed.")
    exceeds: str | None = Field(description="Of a request, the first limit that it is beyond.")


class ExplainedDiscount(Shape):
    """A discount that the invoice used: `amount` in all, and who said so."""

    discount: str
    amount: int
    percent: str | None
    fixed: int | None = Field(description="Of a fixed one, its amount.")
    at_most: int | None = Field(
        description="Of one in percent, what it may take off on all invoices together; null: no bound."
    )
    reason: str | None
    criterion: str | None
    campaign: str | None
    steps: list[DiscountStep]


class ExplainedTax(Shape):
    """The tax of one category at one rate: base * rate, rounded by the invoice's policy."""

    category: str
    rate: str
    base: int
    tax: int
    said: list[Said] = Field(description="The events that say the rate; none: not recorded.")
    since: date | None = Field(description="Since when the rate holds, where one tax_rate.changed says it.")


class Settlement(Shape):
    """What changed the due since: below zero it was lowered."""

    kind: Literal["payment", "credit", "credit_note", "write_off", "void"] = Field(
        description="A payment used, credit of a credit note used, a credit note on this invoice, a "
        "write-off (above zero: owed again), or its void."
    )
    amount: int
    position: int
    occurred_at: datetime
    payment: str | None
    credit_note: str | None
    reason: str | None


class InDispute(Shape):
    """A part of the due that is in dispute."""

    dispute: str
    amount: int
    position: int
    opened_at: datetime


CauseKind = Literal[
    "agreed", "dropped", "agreement_ended", "fixed_end", "closed", "posted", "billed", "lowered", "granted",
    "revoked", "used_up", "expired", "granted_later", "out_of_scope", "nothing_left", "rounded_away", "rate",
    "treatment",
]  # fmt: skip
Because = Literal[
    "price", "quantity", "tax_category", "days", "intervals", "rate", "amounts", "not_due", "not_recorded"
]


class Cause(Said):
    """The event by which something began, changed or ended."""

    kind: CauseKind = Field(
        description="Of a service: agreed (or at other terms) from a day on, dropped by an agreement, the "
        "whole agreement ended, the last day of a service of fixed length was over, the customer was closed. "
        "Of a charge: posted, or billed with the invoice before, as each charge is once. Of either: lowered, "
        "because a part was taken back before it was billed. Of a discount: granted, revoked, used up by an "
        "invoice, expired, granted_later than this invoice is dated, what it is for is not on this invoice, "
        "nothing_left there to lower, rounded_away to nothing. Of a tax: another rate, another treatment of "
        "the customer."
    )
    type: str = Field(description="Type of the event.")
    id: str = Field(
        description="Its CloudEvents id: that of the message, where it is the first event of its decision."
    )
    day: date = Field(
        description="The day that counts: from which the agreement or rate is in force, the last day of what "
        "expired or was of fixed length, else the day on which the event occurred."
    )
    invoice: str | None = Field(None, description="Which invoice used the last of it, or billed it.")


class Change(Shape):
    """One difference to the invoice before: `amount` = `after` - `before`, as the totals differ by it."""

    kind: Literal["service", "charge", "discount", "tax"]
    change: Literal["added", "ended", "changed"]
    name: str = Field(description="The service, the discount, or the category of tax.")
    description: str | None = None
    before: int
    after: int
    amount: int
    because: list[Because] = Field(
        default_factory=list,
        description="In what it differs. amounts: more or less to charge, to lower or to tax. not_due: none "
        "of what is agreed falls on this invoice. not_recorded: in older events.",
    )
    causes: list[Cause] = Field(
        default_factory=list, description="The events by which it differs; none where `because` says it all."
    )
    rate_before: str | None = None
    rate_after: str | None = None
    lines: list[int] = Field(default_factory=list, description="The lines of this invoice that it is about.")
    positions: list[int] = Field(
        default_factory=list, description="Of the agreement.changed that say its prices now."
    )


class Changes(Shape):
    """What is different from the customer's invoice before, in the same currency; the parts sum to it."""

    invoice: str
    position: int
    issued_on: date
    total: int
    amount: int
    parts: list[Change]


class Sentence(Shape):
    """One sentence in the language that was asked for."""

    about: str = Field(description="JSON pointer to the part that it tells; empty: the whole.")
    text: str


class ExplainedInvoice(Shape):
    """An invoice, line by line: net - discount + tax = total; total + settlements = due."""

    kind: Literal["invoice"] = "invoice"
    invoice: str
    customer: CustomerId
    currency: CurrencyCode
    state: Literal["open", "paid", "credited", "written_off", "void"]
    issued_on: date
    due_on: date
    position: int
    rounding: str | None
    net: int
    discount: int
    tax: int
    total: int
    due: int
    lines: list[ExplainedLine]
    discounts: list[ExplainedDiscount]
    taxes: list[ExplainedTax]
    settlements: list[Settlement]
    disputes: list[InDispute]
    changes: Changes | None = Field(description="Null for the first invoice in its currency.")
    language: str
    sentences: list[Sentence]


class OpenInvoice(Shape):
    """An invoice with something due: total + settlements = due."""

    invoice: str
    position: int
    issued_on: date
    due_on: date
    total: int
    paid: int
    credited: int
    written_off: int
    disputed: int
    due: int
    settlements: list[Settlement]
    disputes: list[InDispute]


class CreditSource(Shape):
    """A payment or credit note with something left, or of which the bank took back more than we held."""

    kind: Literal["payment", "credit_note"]
    name: str
    position: int
    occurred_at: datetime
    amount: int
    allocated: int
    refunded: int
    returned: int
    charged_back: int
    left: int = Field(description="amount - allocated - refunded - returned - charged_back.")


class ExplainedCurrency(Shape):
    """A balance: what is due of the invoices, less what is left of the sources."""

    currency: CurrencyCode
    balance: int
    receivable: int
    disputed: int
    credit: int
    unbilled: int
    invoices: list[OpenInvoice]
    sources: list[CreditSource]


class ExplainedBalance(Shape):
    """A customer's balance in each currency."""

    kind: Literal["balance"] = "balance"
    customer: CustomerId
    balances: list[ExplainedCurrency]
    language: str
    sentences: list[Sentence]
