"""Shapes of the reports of finance. All amounts are minor units of `currency`."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, Shape


class Ages(Shape):
    """What is due in one currency, by how long it is overdue."""

    currency: CurrencyCode
    not_due: int = Field(description="Receivable and not past its due date.")
    days_1_to_30: int = Field(description="Receivable and 1 to 30 days past its due date.")
    days_31_to_60: int
    days_61_to_90: int
    days_over_90: int
    disputed: int = Field(description="In dispute, however old; in none of the others.")
    total: int = Field(description="All that is due: the sum of the others.")


class CustomerAges(Ages):
    """What one customer owes, by how long it is overdue."""

    customer: CustomerId


class Aging(Shape):
    """What customers owe, in order of name, and what all of them owe together."""

    as_of: date = Field(description="The date to which the days are counted.")
    totals: list[Ages] = Field(description="Sums of all customers, not of the page alone.")
    items: list[CustomerAges]
    next: str | None


class RevenueItem(Shape):
    """Revenue of one service in one month."""

    month: date = Field(description="First day of the month.", examples=["2026-03-01"])
    service: str
    currency: CurrencyCode
    recognised: int = Field(description="Delivered in that month; a service period by its days.")
    discounts: int = Field(description="Discounts on invoices issued in that month.")
    credited: int = Field(description="Nets of credit notes issued in that month.")
    net: int = Field(description="recognised - discounts - credited.")


class Revenue(Shape):
    """Revenue by month, service and currency."""

    items: list[RevenueItem]
    next: str | None


class TaxItem(Shape):
    """Tax of one category at one rate in one month."""

    month: date = Field(description="First day of the month.", examples=["2026-03-01"])
    category: str = Field(examples=["standard"])
    rate: str = Field(description="Percent.", examples=["19"])
    currency: CurrencyCode
    base: int = Field(description="Net invoiced, after discounts; void invoices taken off.")
    tax: int
    credited_base: int
    credited_tax: int
    relieved_base: int = Field(description="Net written off with tax relief, less what was made good again.")
    relieved_tax: int
    payable: int = Field(description="tax - credited_tax - relieved_tax.")


class TaxReport(Shape):
    """Tax by month, category, rate and currency."""

    items: list[TaxItem]
    next: str | None
