"""Shapes of balances, statements and the trial balance."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, MinorUnits, Shape


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
