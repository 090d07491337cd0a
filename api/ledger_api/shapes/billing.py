"""Shapes of the billing run and of comparing agreements."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import CurrencyCode, CustomerId, Shape


class BillingResult(Shape):
    """What became of one customer in one currency."""

    customer: CustomerId
    currency: CurrencyCode
    status: Literal["billed", "replayed", "due", "not_due", "refused"] = Field(
        description="replayed: since the run began, and told again. due: of a dry run, would be billed."
    )
    invoice: str | None = Field(description="None where there is nothing but credit, and in a dry run.")
    total: int | None = Field(description="What the invoice comes to.")
    code: str | None = Field(description="Of a refusal.")
    detail: str | None


class BillingRunPage(Shape):
    """A page of a billing run."""

    through: date
    dry_run: bool
    customers: int | None = Field(description="How many customers a run looks at; on the first page only.")
    looked_at: int = Field(description="How many this page looked at.")
    results: list[BillingResult] = Field(description="Those who may have been due.")
    next: str | None = Field(description="The `page` to go on with; null at the end.")


class WhatIfPeriod(Shape):
    """Days, both included."""

    from_: date = Field(alias="from")
    to: date


class WhatIfLine(Shape):
    """One line; `net` is before discount and tax."""

    service: str
    description: str | None
    period: WhatIfPeriod | None
    net: int


class WhatIfFigures(Shape):
    """What an invoice comes to, in minor units."""

    net: int
    discount: int
    tax: int
    total: int
    lines: list[WhatIfLine]


class WhatIfInvoice(Shape):
    """An invoice as it was, and as it would have been: null where there would have been none."""

    invoice: str
    issued_on: date
    currency: CurrencyCode
    was: WhatIfFigures
    would_be: WhatIfFigures | None


class Saved(Shape):
    """How much less the invoices would have come to in all; below zero: more."""

    currency: CurrencyCode
    amount: int


class WhatIf(Shape):
    """The last invoices beside what they would have been, the oldest first."""

    invoices: list[WhatIfInvoice]
    saved: list[Saved]
