"""The terms of a discount: what it takes off what, how often, why; the same asked for and recorded."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from ledger.discounts.policy import Times
from ledger.errors import Malformed
from ledger.event import Data, Decided
from ledger.fields import (
    Amount,
    CurrencyCode,
    Day,
    Name,
    Percent,
    Text,
    refuse_field,
    require_currency,
    require_field,
)
from ledger.money import ratio

D = TypeVar("D", bound=Decided)


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a discount lowers: one charge, or one service. Without a scope it is the whole invoice."""

    charge: Name | None = None
    service: Text | None = None

    def __post_init__(self) -> None:
        if (self.charge is None) is (self.service is None):
            raise Malformed(
                "scope_not_one",
                "a scope is one charge or one service, exactly one of the two",
                pointer="/data/scope",
            )


class Terms(Data, frozen=True, kw_only=True):
    """What a discount is: `percent` of what is left, or a fixed `amount`, and why.

    One in percent may say what it takes off `at_most` on all invoices together, in a `currency`.
    """

    discount: Name
    kind: Literal["percent", "fixed"]
    percent: Percent | None = None
    amount: Amount | None = None
    currency: CurrencyCode | None = None
    at_most: Amount | None = None
    scope: Scope | None = None
    invoices: Times | None = None
    reason: Text
    criterion: Name | None = None
    alternative: Text | None = None
    campaign: Text | None = None
    until: Day | None = None

    def __post_init__(self) -> None:
        _refuse_misshapen(self)


class RecordedTerms(Decided, frozen=True, kw_only=True):
    """The same, as it is recorded."""

    discount: Name
    kind: Literal["percent", "fixed"]
    percent: Percent | None = None
    amount: Amount | None = None
    currency: CurrencyCode | None = None
    at_most: Amount | None = None
    scope: Scope | None = None
    invoices: Times | None = None
    reason: Text
    criterion: Name | None = None
    alternative: Text | None = None
    campaign: Text | None = None
    until: Day | None = None


def _refuse_misshapen(data: Terms) -> None:
    require_currency(data.currency)
    if data.kind == "fixed":
        require_field(data.amount, "amount", "a fixed discount takes off an amount")
        require_field(data.currency, "currency", "an amount has a currency")
        refuse_field(data.percent, "percent", "a fixed discount takes off an amount")
        refuse_field(data.at_most, "at_most", "a fixed discount takes off its amount")
        return
    require_field(data.percent, "percent", "a discount in percent says how many")
    refuse_field(data.amount, "amount", "a discount in percent has no amount of its own")
    if data.at_most is None:
        refuse_field(data.currency, "currency", "what is in percent has a currency only with at_most")
    else:
        require_field(data.currency, "currency", "an amount has a currency")
    if not 0 < ratio(data.percent or 0)[0] <= 100 * ratio(data.percent or 0)[1]:
        raise Malformed(
            "percent_out_of_range", f"a discount is above 0 and at most 100 percent, not {data.percent}",
            pointer="/data/percent", percent=data.percent,
        )  # fmt: skip


def recorded(shape: type[D], terms: Terms, **more: object) -> D:
    """Record terms as the data of an event."""
    fields: dict[str, Any] = {**_fields(terms), **more}
    return shape(**fields)


def asked(data: RecordedTerms | Terms) -> Terms:
    """Return the terms alone, without what else a message or an event says."""
    return Terms(**_fields(data))


def worth_of(terms: Terms | RecordedTerms) -> int | None:
    """Tell all that a discount can ever take off; None where nothing bounds it."""
    if terms.at_most is not None:
        return terms.at_most
    if terms.amount is None or terms.invoices is None:
        return None
    return terms.amount * terms.invoices


def _fields(terms: Terms | RecordedTerms) -> dict[str, Any]:
    return {field: getattr(terms, field) for field in Terms.__struct_fields__}
