"""Shapes of discounts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, MinorUnits, Shape

State = Literal[
    "requested", "declined", "withdrawn", "offered", "refused", "expired", "granted", "used_up", "revoked"
]


class TakenOff(Shape):
    """What a discount took off so far, in one currency."""

    currency: CurrencyCode
    amount: MinorUnits


class Discount(Shape):
    """A discount that was granted to a customer, offered to them, or requested for them."""

    discount: str
    customer: CustomerId
    state: State
    left_over: int | None = Field(
        description="What is left of a fixed amount granted once, or of what one in percent may take off."
    )
    uses_left: int | None = Field(
        description="On how many more invoices it counts; null: for ever, or by amount."
    )
    kind: Literal["percent", "fixed"]
    percent: str | None
    amount: int | None
    currency: str | None
    at_most: int | None = Field(
        description="Of one in percent, what it may take off on all invoices together; null: no bound."
    )
    charge: str | None
    service: str | None
    invoices: int | None = Field(description="For how many invoices; null: for ever.")
    until: date | None
    uses: int = Field(description="On how many invoices it counted.")
    reason: str
    criterion: str | None = Field(description="The criterion of the policy that it is granted on.")
    alternative: str | None = Field(description="What was offered before and not taken.")
    campaign: str | None
    role: str | None = Field(
        description="The role whose authority it is granted or offered under; that of who asks, of a request."
    )
    policy_from: date | None = Field(description="Since when that policy counts; null: there was none.")
    requested_at: datetime | None
    requested_by: str | None
    exceeds: str | None = Field(description="Of a request, the first limit that it is beyond.")
    decision: Literal["approved", "declined"] | None
    decided_at: datetime | None
    decided_by: str | None = Field(description="A second person, never who asked.")
    decision_reason: str | None
    offered_at: datetime | None
    offered_by: str | None
    offered_until: date | None
    answer: Literal["accepted", "refused"] | None
    answered_at: datetime | None
    answered_by: str | None
    answer_reason: str | None
    granted_at: datetime | None
    granted_by: str | None
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None
    withdrawn_at: datetime | None = Field(description="When who asked withdrew the request.")
    withdraw_reason: str | None
    position: int
    taken_off: list[TakenOff] = Field(description="By currency; void invoices left out.")


class DiscountPage(Shape):
    """Discounts in the order in which they began."""

    items: list[Discount]
    next: str | None


class AmountLimit(Shape):
    """The most in one currency."""

    currency: CurrencyCode
    amount: MinorUnits


class AuthorityOfRole(Shape):
    """What a role may grant by itself today."""

    role: str
    policy_from: date
    percent: str
    amounts: list[AmountLimit] = Field(description="The most that a fixed discount can ever take off.")
    invoices: int | None = Field(description="For how many invoices a discount may be; null: any number.")
    approves: bool
    without_role: bool = Field(description="Whether keys without a role act in it.")


class AuthorityUse(Shape):
    """What one principal did in one role and month."""

    month: str = Field(examples=["2026-01"])
    principal: str
    role: str | None
    currency: str | None = Field(description="Null: of discounts in percent that nothing bounds.")
    granted: int = Field(
        description="Granted, offered or approved under their authority, as far as it counts."
    )
    amount: int = Field(description="All that they can ever take off, in minor units.")
    percent_max: str | None
    requested: int
    approved: int
    declined: int


class AuthorityLeft(Shape):
    """What a role may still grant to one customer within the days that count."""

    customer: CustomerId
    role: str
    days: int
    grants_allowed: int | None
    grants_used: int
    grants_left: int | None
    currency: str | None
    amount_allowed: int | None
    amount_used: int = Field(
        description="Each with all that it can ever take off, or what it took off where nothing bounds it."
    )
    amount_left: int | None


class AuthorityReport(Shape):
    """How the authority to grant discounts is given and used."""

    roles: list[AuthorityOfRole] = Field(description="The policy in force; empty: everybody may grant.")
    use: list[AuthorityUse]
    left: list[AuthorityLeft] = Field(description="Empty unless a customer is named.")
