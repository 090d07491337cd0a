"""Discounts: granted, revoked, and used on an invoice. On nets before tax, never more than what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from ledger.book import Book, refuse_undatable
from ledger.charge import find_unbilled, refuse_not_unbilled
from ledger.customer import refuse_closed
from ledger.errors import Malformed, Refusal
from ledger.event import Data, Decided, Draft, Event
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
)  # fmt: skip
from ledger.message import Message
from ledger.money import percent_of, ratio, split
from ledger.parts import Discount, Unbilled
from ledger.references import refuse_currency
from ledger.state import Customer

Invoices = Annotated[int, msgspec.Meta(ge=1, le=1200)]


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


class DiscountGrant(Data, frozen=True, kw_only=True):
    """Grant a discount: `percent` of what is left, or a fixed `amount`.

    `invoices` is on how many invoices it is used, absent for ever. A fixed discount for one invoice may be
    used up over several; one for more takes its amount off each.
    """

    discount: Name
    kind: Literal["percent", "fixed"]
    percent: Percent | None = None
    amount: Amount | None = None
    currency: CurrencyCode | None = None
    scope: Scope | None = None
    invoices: Invoices | None = None
    reason: Text
    campaign: Text | None = None
    until: Day | None = None

    def __post_init__(self) -> None:
        _refuse_misshapen(self)


class DiscountGranted(Decided, frozen=True, kw_only=True):
    """A discount may be used on invoices from now on."""

    discount: Name
    kind: Literal["percent", "fixed"]
    percent: Percent | None = None
    amount: Amount | None = None
    currency: CurrencyCode | None = None
    scope: Scope | None = None
    invoices: Invoices | None = None
    reason: Text
    campaign: Text | None = None
    until: Day | None = None


class DiscountRevoke(Data, frozen=True, kw_only=True):
    """Let a discount not be used any more; what it lowered stays lowered."""

    discount: Name
    reason: Text


class DiscountRevoked(Decided, frozen=True, kw_only=True):
    """A discount is not used any more."""

    discount: Name
    reason: Text


class DiscountUsed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much a discount took off an invoice."""

    discount: Name
    amount: Amount


def _refuse_misshapen(data: DiscountGrant) -> None:
    require_currency(data.currency)
    if data.kind == "fixed":
        require_field(data.amount, "amount", "a fixed discount takes off an amount")
        require_field(data.currency, "currency", "an amount has a currency")
        refuse_field(data.percent, "percent", "a fixed discount takes off an amount")
        return
    require_field(data.percent, "percent", "a discount in percent says how many")
    refuse_field(data.amount, "amount", "a discount in percent has no amount of its own")
    refuse_field(data.currency, "currency", "a discount in percent fits any currency")
    if not 0 < ratio(data.percent or 0)[0] <= 100 * ratio(data.percent or 0)[1]:
        raise Malformed(
            "percent_out_of_range", f"a discount is above 0 and at most 100 percent, not {data.percent}",
            pointer="/data/percent", percent=data.percent,
        )  # fmt: skip


def grant(
    book: Book, customer: Customer, message: Message, data: DiscountGrant, now: datetime
) -> list[Draft]:
    """Decide on `discount.grant`: its currency must be one that it can ever be used in."""
    of_charge = None if data.scope is None else data.scope.charge
    found = None if of_charge is None else find_unbilled(customer, of_charge, "/data/scope/charge")
    if data.currency is not None:
        _refuse_unusable(customer, data.currency, found)
    refuse_undatable(book, message, now)
    refuse_closed(customer, message)
    if data.discount in customer.discounts:
        raise Refusal(
            "discount_exists", f"the discount {data.discount} was granted before",
            pointer="/data/discount", discount=data.discount,
        )  # fmt: skip
    if of_charge is not None:
        refuse_not_unbilled(customer, of_charge, found, "/data/scope/charge")
    return [Draft("discount.granted", DiscountGranted(**msgspec.structs.asdict(data)))]


def _refuse_unusable(customer: Customer, currency: str, charge: Unbilled | None) -> None:
    if charge is not None:
        refuse_currency(f"charge {charge.charge}", charge.currency, "discount", currency)
    elif currency not in customer.currencies():
        refuse_currency("the customer", customer.currency, "discount", currency)


def revoke(
    book: Book, customer: Customer, message: Message, data: DiscountRevoke, now: datetime
) -> list[Draft]:
    """Decide on `discount.revoke`: once. An issued invoice keeps what the discount took off it."""
    discount = customer.discounts.get(data.discount)
    if discount is None:
        raise Refusal(
            "discount_unknown", f"the customer has no discount {data.discount}",
            pointer="/data/discount", discount=data.discount,
        )  # fmt: skip
    refuse_undatable(book, message, now)
    if discount.revoked:
        raise Refusal(
            "discount_revoked", f"the discount {data.discount} is revoked already",
            pointer="/data/discount", discount=data.discount,
        )  # fmt: skip
    return [Draft("discount.revoked", DiscountRevoked(discount=data.discount, reason=data.reason))]


def apply(
    discounts: Iterable[Discount], charges: Sequence[Unbilled], issued_at: datetime, issued_on: date
) -> tuple[list[DiscountUsed], list[int]]:
    """Take discounts off the nets of one invoice; return each one used, and each line's share of them all.

    Narrow scope first, then wide, then by grant time; each is of what the earlier ones left [docs/domain.md,
    Discounts; Lago AppliedCouponsService]. A discount that comes to nothing is not used.
    """
    left = [charge.net for charge in charges]
    used = []
    usable = [each for each in discounts if _is_usable(each, issued_at, issued_on)]
    for discount in sorted(usable, key=lambda each: (_width(each), each.granted_at)):
        lines = [place for place, charge in enumerate(charges) if left[place] and _covers(discount, charge)]
        base = sum(left[place] for place in lines)
        amount = _amount(discount, base)
        if amount == 0:
            continue
        for place, share in zip(lines, split(amount, [left[place] for place in lines]), strict=True):
            left[place] -= share
        used.append(DiscountUsed(discount=discount.discount, amount=amount))
    return used, [charge.net - rest for charge, rest in zip(charges, left, strict=True)]


def _is_usable(discount: Discount, issued_at: datetime, issued_on: date) -> bool:
    return (
        not discount.revoked
        and discount.granted_at <= issued_at
        and (discount.until is None or issued_on <= discount.until)
        and discount.uses_left != 0
        and discount.amount_left != 0
    )


def _width(discount: Discount) -> int:
    if discount.charge is not None:
        return 0
    return 1 if discount.service is not None else 2


def _covers(discount: Discount, charge: Unbilled) -> bool:
    if discount.currency is not None and discount.currency != charge.currency:
        return False
    if discount.charge is not None:
        return discount.charge == charge.charge
    return discount.service is None or discount.service == charge.service


def _amount(discount: Discount, base: int) -> int:
    if discount.percent is not None:
        return percent_of(base, discount.percent)
    fixed = discount.amount if discount.amount_left is None else discount.amount_left
    return min(fixed or 0, base)


def evolve_granted(customer: Customer, event: Event, data: DiscountGranted) -> None:
    """Keep the discount for the invoices to come."""
    used_up = data.kind == "fixed" and data.invoices == 1
    customer.discounts[data.discount] = Discount(
        data.discount, data.percent, data.amount, data.currency,
        None if data.scope is None else data.scope.charge, None if data.scope is None else data.scope.service,
        event.time, data.until,
        uses_left=None if used_up else data.invoices, amount_left=data.amount if used_up else None,
    )  # fmt: skip


def evolve_revoked(customer: Customer, _: Event, data: DiscountRevoked) -> None:
    """Let the discount rest."""
    customer.discounts[data.discount].revoked = True


def use(customer: Customer, used: Iterable[tuple[str, int]]) -> None:
    """Use discounts up by what an invoice took of them."""
    for name, amount in used:
        _move(customer.discounts[name], -1, -amount)


def give_back(customer: Customer, used: Iterable[tuple[str, int]]) -> None:
    """Give back what a void invoice had used of discounts."""
    for name, amount in used:
        _move(customer.discounts[name], 1, amount)


def _move(discount: Discount, uses: int, amount: int) -> None:
    if discount.uses_left is not None:
        discount.uses_left += uses
    if discount.amount_left is not None:
        discount.amount_left += amount
