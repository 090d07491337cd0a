"""Using discounts on an invoice: on nets before tax, never more than what is left; a void gives them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from ledger.fields import Amount, Name
from ledger.money import percent_of, split
from ledger.parts import Discount, Unbilled
from ledger.state import Customer


class DiscountUsed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How much a discount took off an invoice.

    `lines` are pairs of a line and how much of it this one took off that. They are left out where the invoice
    has no other discount: then all that a line's discount says is of this one.
    """

    discount: Name
    amount: Amount
    lines: tuple[tuple[int, Amount], ...] = ()


def apply(
    discounts: Iterable[Discount], charges: Sequence[Unbilled], issued_at: datetime, issued_on: date
) -> tuple[list[DiscountUsed], list[int]]:
    """Take discounts off the nets of one invoice; return each one used, and each line's share of them all.

    Narrow scope first, then wide, then by grant time; each is of what the earlier ones left [docs/domain.md,
    Discounts; Lago AppliedCouponsService]. A discount that comes to nothing is not used.
    """
    left = [charge.net for charge in charges]
    used: list[DiscountUsed] = []
    usable = [each for each in discounts if _is_usable(each, issued_at, issued_on)]
    for discount in sorted(usable, key=lambda each: (_width(each), each.granted_at)):
        lines = [place for place, charge in enumerate(charges) if left[place] and _covers(discount, charge)]
        base = sum(left[place] for place in lines)
        amount = _amount(discount, base)
        if amount == 0:
            continue
        shares = split(amount, [left[place] for place in lines])
        for place, share in zip(lines, shares, strict=True):
            left[place] -= share
        taken = tuple((place + 1, share) for place, share in zip(lines, shares, strict=True) if share)
        used.append(DiscountUsed(discount=discount.discount, amount=amount, lines=taken))
    if len(used) == 1:
        used = [msgspec.structs.replace(used[0], lines=())]
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
        percent = percent_of(base, discount.percent)
        return percent if discount.amount_left is None else min(percent, discount.amount_left)
    fixed = discount.amount if discount.amount_left is None else discount.amount_left
    return min(fixed or 0, base)


def use(customer: Customer, used: Iterable[tuple[str, int]], currency: str) -> None:
    """Use discounts up by what an invoice took of them."""
    for name, amount in used:
        _move(customer.discounts[name], -1, -amount, currency)


def give_back(customer: Customer, used: Iterable[tuple[str, int]], currency: str) -> None:
    """Give back what a void invoice had used of discounts."""
    for name, amount in used:
        _move(customer.discounts[name], 1, amount, currency)


def _move(discount: Discount, uses: int, amount: int, currency: str) -> None:
    discount.uses -= uses
    if discount.uses_left is not None:
        discount.uses_left += uses
    if discount.amount_left is not None:
        discount.amount_left += amount
    if discount.worth is None:
        discount.taken[currency] = discount.taken.get(currency, 0) - amount
