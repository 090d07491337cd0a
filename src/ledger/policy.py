"""Changing a policy of the book: an event like any other, effective from a date on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ledger.book import Book, refuse_undatable, refuse_unknown_accounts
from ledger.discounts.policy import DiscountAuthority
from ledger.dunning import Dunning
from ledger.errors import Unauthorised
from ledger.event import Data, Draft, Event
from ledger.fields import Day, refuse_far_day, refuse_field, require_field
from ledger.message import Message
from ledger.policies import Retention, WriteOff
from ledger.posting_rules import PostingRule, refuse_unbalanced, unposted
from ledger.seller import Seller, refuse_blank
from ledger.verification_policy import Verification

_FIELDS = {
    "posting_rules": "rules",
    "write_off": "write_off",
    "discount_authority": "discount_authority",
    "retention": "retention",
    "dunning": "dunning",
    "verification": "verification",
    "seller": "seller",
}
"""Of each policy, the field that holds it."""


class PolicyChanged(Data, frozen=True, kw_only=True):
    """From a date on, the book decides by another policy; exactly the field of that policy holds it."""

    policy: Literal[
        "posting_rules", "write_off", "discount_authority", "retention", "dunning", "verification", "seller"
    ]
    from_: Day = msgspec.field(name="from")
    rules: Annotated[list[PostingRule], msgspec.Meta(min_length=1)] | None = None
    write_off: WriteOff | None = None
    discount_authority: DiscountAuthority | None = None
    retention: Retention | None = None
    dunning: Dunning | None = None
    verification: Verification | None = None
    seller: Seller | None = None

    def __post_init__(self) -> None:
        refuse_far_day(self.from_, "/data/from")
        for policy, field in _FIELDS.items():
            if policy == self.policy:
                require_field(getattr(self, field), field, f"it is the policy {policy}")
            else:
                refuse_field(getattr(self, field), field, f"the policy is {self.policy}")
        refuse_unbalanced(self.rules or ())


def change(book: Book, message: Message, data: PolicyChanged, now: datetime) -> list[Draft]:
    """Decide on `policy.changed`: rules name accounts of the chart, and closed periods are left alone."""
    refuse_unknown_accounts(data.rules or (), book.accounts)
    if data.seller is not None:
        refuse_blank(data.seller)
    if data.policy == "discount_authority":
        _refuse_limited(message)
    refuse_undatable(book, message, now)
    book.refuse_closed_day(data.from_, "/data/from")
    return [Draft(message.type, data)]


def _refuse_limited(message: Message) -> None:
    """Refuse who acts in a role: nobody moves the limits that they are under [docs/domain.md, Authority]."""
    if message.role is not None:
        raise Unauthorised(
            "policy_not_allowed",
            f"{message.principal} acts as {message.role}, whom the policy limits, and so cannot change it",
            principal=message.principal, role=message.role,
        )  # fmt: skip


def evolve_changed(book: Book, _: Event, data: PolicyChanged) -> None:
    """Put the policy among those of its kind; of posting rules, only what they leave out."""
    if data.policy == "posting_rules":
        book.policies.put_rules(data.from_, unposted(data.rules or ()))
    else:
        getattr(book.policies, data.policy).put(data.from_, getattr(data, data.policy))
