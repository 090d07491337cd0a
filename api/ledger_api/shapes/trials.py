"""Shapes of trials and of what becomes of discounts."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, MinorUnits, Shape


class ArmMoney(Shape):
    """What the customers of an arm were billed since they take part, in one currency."""

    currency: CurrencyCode
    billed: MinorUnits = Field(description="Net after discounts, less credit notes; void invoices left out.")
    discount: MinorUnits = Field(description="What discounts took off.")
    per_customer: str | None = Field(description="billed for each of them, those who left included.")
    per_customer_difference: str | None = Field(description="Less that of the hold-out.")


class ArmOutcome(Shape):
    """What became of one arm."""

    arm: str = Field(description="`hold_out` is who was left alone.")
    planned_share: str = Field(description="Percent.")
    customers: int
    closed: int = Field(description="Ended before the end of the trial.")
    kept: int
    kept_share: str | None
    kept_low: str | None = Field(description="Wilson score interval, 95 percent.")
    kept_high: str | None
    difference: str | None = Field(description="kept_share less that of the hold-out.")
    difference_low: str | None = Field(description="Newcombe's hybrid score interval, 95 percent.")
    difference_high: str | None
    revenue: list[ArmMoney]


class TrialOutcome(Shape):
    """One trial as it was planned, and what became of it. Differences are causal: arms were drawn by lot."""

    trial: str
    question: str
    measure: str
    seed: str
    end: date
    registered_at: datetime
    registered_by: str
    causal: bool = Field(
        description="True: the arms were drawn by lot, so a difference is an effect, or chance."
    )
    arms: list[ArmOutcome]


class CampaignOutcome(Shape):
    """What became of the discounts of one campaign and criterion."""

    campaign: str | None
    criterion: str | None
    causal: bool = Field(description="False: who was given a discount differs from who was not.")
    requested: int
    declined: int
    offered: int
    accepted: int
    refused: int
    expired: int
    granted: int
    customers: int
    kept: int = Field(description="Of the customers, those who did not end.")
    kept_share: str | None
    taken_off: list[CampaignCost]


class CampaignCost(Shape):
    """What the discounts of a campaign took off, in one currency."""

    currency: CurrencyCode
    amount: MinorUnits


class RetentionReport(Shape):
    """What keeps customers: trials, which tell causes, and campaigns, which do not."""

    trials: list[TrialOutcome]
    campaigns: list[CampaignOutcome]
