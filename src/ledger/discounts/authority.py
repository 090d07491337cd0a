"""The authority to grant: who may, by the book's policy, and what is beyond it [docs/domain.md, Authority].

An authority is what somebody may do at the moment when they do it. So it is judged by the ledger's clock,
never by the time that a message states: a back-dated grant escapes neither the policy nor the period.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from ledger.book import Book
from ledger.discounts.criteria import refuse_not_offered, refuse_unmet
from ledger.discounts.policy import AmountLimit, Criterion, DiscountAuthority, RoleAuthority
from ledger.discounts.terms import Terms, worth_of
from ledger.errors import Refusal, Unauthorised
from ledger.fields import Day, Name, Text
from ledger.message import Message
from ledger.money import ratio
from ledger.parts import Discount
from ledger.state import Customer


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Under which authority it was: the role, and the day from which the policy counts."""

    role: Name
    policy_from: Day


Limit = Literal["criterion", "percent", "amount", "invoices", "customer_grants", "customer_amount"]


class Exceeded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The first limit that a discount is beyond: what it allows, and what was asked, as decimals in text."""

    limit: Limit
    allowed: Text | None = None
    asked: Text | None = None


class Held(NamedTuple):
    """What the principal of a message may do, now."""

    role: RoleAuthority
    policy: DiscountAuthority
    authority: Authority
    now: datetime
    today: date


def find_criterion(book: Book, terms: Terms, now: datetime) -> Criterion | None:
    """Return the criterion that terms name, None where the policy has none, or is not in force."""
    policy = book.policies.discount_authority.on(book.day_of(now))
    if policy is None or not policy.criteria:
        return None
    criterion = policy.criterion(terms.criterion)
    if criterion is None:
        known = [each.criterion for each in policy.criteria]
        raise Refusal(
            "criterion_unknown",
            f"the criterion is {terms.criterion or 'not named'}, not one of {', '.join(known)}",
            pointer="/data/criterion", criterion=terms.criterion, known=known,
        )  # fmt: skip
    return criterion


def held(book: Book, customer: Customer, message: Message, terms: Terms, now: datetime) -> Held | None:
    """Say in which authority a discount is asked for; None where no policy is in force.

    Raises what the criterion is refused for, and `authority_missing`.
    """
    found = held_by(book, message, now)
    if found is None:
        return None
    if terms.kind == "fixed" and terms.invoices is None:
        raise Refusal(
            "discount_unbounded",
            f"{terms.amount} off every invoice for ever is within no authority: say on how many invoices",
            pointer="/data/invoices", amount=terms.amount, currency=terms.currency,
        )  # fmt: skip
    criterion = find_criterion(book, terms, now)
    if criterion is not None:
        refuse_unmet(book, customer, criterion, found.today)
        if criterion.alternative_offered:
            refuse_not_offered(customer, criterion.criterion, terms.alternative, found.today)
    return found


def held_by(book: Book, message: Message, now: datetime) -> Held | None:
    """Say what the principal may do by the policy that is in force; None where there is no policy."""
    today = book.day_of(now)
    found = book.policies.discount_authority.since(today)
    if found is None:
        return None
    from_, policy = found
    role = policy.role(message.role)
    if role is None:
        raise Unauthorised(
            "authority_missing",
            f"{message.principal} has {'the role ' + message.role if message.role else 'no role'}, "
            f"which the policy from {from_} gives no authority",
            principal=message.principal, role=message.role, policy_from=from_.isoformat(),
        )  # fmt: skip
    return Held(role, policy, Authority(role=role.role, policy_from=from_), now, today)


def exceeded(held: Held, customer: Customer, terms: Terms) -> Exceeded | None:
    """Find the first limit of an authority that terms are beyond, None where they are within."""
    role = held.role
    if role.criteria is not None and terms.criterion not in role.criteria:
        return Exceeded(limit="criterion", asked=terms.criterion)
    if terms.percent is not None and _is_above(terms.percent, role.percent):
        return _beyond("percent", role.percent, terms.percent)
    if terms.amount is not None:
        worth, allowed = worth_of(terms) or 0, _limit(role.amounts, terms.currency) or 0
        if worth > allowed:
            return _beyond("amount", allowed, worth)
    if role.invoices is not None and (terms.invoices is None or terms.invoices > role.invoices):
        return _beyond("invoices", role.invoices, terms.invoices)
    return _exceeded_of_customer(held, customer, terms.currency, worth_of(terms))


def refuse_revoking(book: Book, message: Message, discount: Discount, now: datetime) -> None:
    """Refuse to revoke what others granted where the own limits would not cover as much.

    What counts is the percentage or the amount: of a fixed one all that it can ever take off, of one for ever
    its amount.
    """
    held = held_by(book, message, now)
    if held is None:
        return
    beyond = None
    if discount.percent is not None and _is_above(discount.percent, held.role.percent):
        beyond = _beyond("percent", held.role.percent, discount.percent)
    elif discount.amount is not None:
        allowed, amount = _limit(held.role.amounts, discount.currency) or 0, discount.worth or discount.amount
        beyond = _beyond("amount", allowed, amount) if amount > allowed else None
    if beyond is not None:
        raise Unauthorised(
            "revocation_not_allowed",
            f"{message.principal} may not revoke {discount.discount}, which {discount.granted_by} granted: "
            f"{beyond.limit} {beyond.asked} where {beyond.allowed} is allowed to {held.role.role}",
            pointer="/data/discount", discount=discount.discount, granted_by=discount.granted_by,
            role=held.role.role, limit=beyond.limit, allowed=beyond.allowed, asked=beyond.asked,
        )  # fmt: skip


def _exceeded_of_customer(
    held: Held, customer: Customer, currency: str | None, worth: int | None
) -> Exceeded | None:
    """Find whether a customer would be granted too much within the days.

    Nobody knows beforehand what a discount in percent comes to: one that is not bounded by `at_most` is
    beyond every amount [docs/domain.md, Authority].
    """
    limit = held.role.per_customer
    if limit is None:
        return None
    counted = _counted(customer, held.now - timedelta(days=limit.days), held.today)
    if limit.grants is not None and len(counted) >= limit.grants:
        return _beyond("customer_grants", limit.grants, len(counted) + 1)
    if worth is None:
        of_own = _limit(limit.amounts, customer.currency)
        first = next((each.amount for each in limit.amounts), None) if of_own is None else of_own
        return None if first is None else _beyond("customer_amount", first, None)
    allowed = _limit(limit.amounts, currency)
    total = worth + sum(amounts.get(currency or "", 0) for amounts in counted)
    if allowed is not None and total > allowed:
        return _beyond("customer_amount", allowed, total)
    return None


def _beyond(limit: Limit, allowed: str | int, asked: str | int | None) -> Exceeded:
    return Exceeded(limit=limit, allowed=str(allowed), asked=None if asked is None else str(asked))


def _counted(customer: Customer, since: datetime, today: date) -> list[dict[str, int]]:
    """List what was granted since, and is offered still, whoever did it: by currency what each counts with.

    That is all that it can ever take off, or what it took off so far where nothing bounds it. What was
    revoked before any invoice used it does not count.
    """
    granted = [
        each.taken if each.worth is None else {each.currency or "": each.worth}
        for each in customer.discounts.values()
        if each.recorded_at > since and (each.uses or not each.revoked)
    ]
    offered = [
        {} if each.worth is None else {each.currency or "": each.worth}
        for each in customer.pending_discounts.values()
        if each.kind == "offer" and each.recorded_at > since and (each.until is None or each.until >= today)
    ]
    return granted + offered


def _limit(limits: list[AmountLimit], currency: str | None) -> int | None:
    return next((limit.amount for limit in limits if limit.currency == currency), None)


def _is_above(one: str | int, other: str | int) -> bool:
    """Compare two exact decimals."""
    (numerator, power), (limit, power_of_limit) = ratio(one), ratio(other)
    return numerator * power_of_limit > limit * power
