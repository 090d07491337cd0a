"""The policy of who may grant which discounts: limits by role, criteria, and who decides on what goes beyond.

Here are its shapes, as they stand in `policy.changed`; `authority.py` judges by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from ledger.errors import Malformed
from ledger.fields import Amount, CurrencyCode, Name, Percent, require_currency

Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]
Times = Annotated[int, msgspec.Meta(ge=1, le=1200)]


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What must hold of a customer; what is left out need not."""

    tenure_days: Days | None = None
    open_complaint: bool = False
    nothing_overdue: bool = False


class Criterion(Conditions, frozen=True, kw_only=True):
    """A ground for a discount, by its name, and what must hold where it is named."""

    criterion: Name
    alternative_offered: bool = False


class AmountLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most in one currency."""

    currency: CurrencyCode
    amount: Amount


class CustomerLimit(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """The most that one customer is granted within so many days, by whomever; what is left out is no limit.

    A discount counts with all that it can ever take off; one in percent says that by `at_most`, and is beyond
    any amount without it.
    Days are counted back from the ledger's clock, over recorded times: a date in a message moves nothing.
    """

    days: Days
    amounts: list[AmountLimit] = []
    grants: Times | None = None

    def __post_init__(self) -> None:
        _refuse_currencies(self.amounts)


class RoleAuthority(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What a role may grant by itself: nothing in percent, or in a currency, for which no limit is named.

    A fixed discount counts with all that it can ever take off. `invoices` limits for how many invoices one
    is; without `criteria` all of the policy count. `approves` lets the role decide on the requests of others.
    """

    role: Name
    percent: Percent = 0
    amounts: list[AmountLimit] = []
    invoices: Times | None = None
    per_customer: CustomerLimit | None = None
    criteria: list[Name] | None = None
    approves: bool = False

    def __post_init__(self) -> None:
        _refuse_currencies(self.amounts)


class DiscountAuthority(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Who may grant which discounts. A key without a role acts as `without_role`, or may grant nothing."""

    roles: Annotated[list[RoleAuthority], msgspec.Meta(min_length=1, max_length=100)]
    criteria: list[Criterion] = []
    without_role: Name | None = None

    def __post_init__(self) -> None:
        roles = [each.role for each in self.roles]
        criteria = [each.criterion for each in self.criteria]
        _refuse_repeated("role", roles)
        _refuse_repeated("criterion", criteria)
        _refuse_unknown("role", [self.without_role] if self.without_role else [], roles)
        _refuse_unknown("criterion", _named(self.roles), criteria)

    def role(self, name: str | None) -> RoleAuthority | None:
        """Return the limits of a role, None where the policy does not name it."""
        wanted = name or self.without_role
        return next((each for each in self.roles if each.role == wanted), None)

    def criterion(self, name: str | None) -> Criterion | None:
        """Return a criterion by its name, None where the policy has no such one."""
        return next((each for each in self.criteria if each.criterion == name), None)


def _named(roles: Iterable[RoleAuthority]) -> Iterator[str]:
    for each in roles:
        yield from each.criteria or ()


def _refuse_currencies(limits: list[AmountLimit]) -> None:
    for limit in limits:
        require_currency(limit.currency)
    _refuse_repeated("currency", [limit.currency for limit in limits])


def _refuse_repeated(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Malformed(
                "policy_repeated", f"the {what} {name} stands twice, so that it is open which counts",
                pointer="/data/discount_authority", what=what, name=name,
            )  # fmt: skip


def _refuse_unknown(what: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise Malformed(
                "policy_incomplete", f"the policy names the {what} {name} but does not describe it",
                pointer="/data/discount_authority", what=what, name=name,
            )  # fmt: skip
