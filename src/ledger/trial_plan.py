"""The plan of a retention trial, and the draw of each customer's arm, which anybody can draw again.

The draw [docs/domain.md, Trials]: SHA-256 over trial, seed and customer, joined by line feeds, in UTF-8; read
as a number below 2^256, it falls into one of the shares, laid next to each other in the order of the plan,
the hold-out last. Nothing else decides.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated

import msgspec

from ledger.discounts.policy import Conditions
from ledger.errors import Malformed
from ledger.event import Data
from ledger.fields import Day, Name, Percent, Text, refuse_far_day
from ledger.money import ratio

HOLD_OUT = "hold_out"
"""The arm of those who are left alone, with whom the others are compared."""
_DRAWS = 2**256


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What is done with a share, in percent, of the customers who take part."""

    arm: Name
    share: Percent
    description: Text | None = None


class TrialRegistered(Data, frozen=True, kw_only=True):
    """The plan of a trial. It is recorded before its data, and never changed.

    The shares of the arms and of the hold-out, each above 0, are 100 percent together. `seed` is of the
    sender's choosing, better by lot. Customers take part until `end`, and what they did by then is measured.
    """

    trial: Name
    question: Text
    criteria: Conditions = Conditions()
    arms: Annotated[list[Arm], msgspec.Meta(min_length=1, max_length=16)]
    hold_out_share: Percent
    measure: Text
    seed: Text
    end: Day

    def __post_init__(self) -> None:
        refuse_far_day(self.end, "/data/end")
        names = [HOLD_OUT, *(arm.arm for arm in self.arms)]
        for place, name in enumerate(names[1:]):
            if names.count(name) > 1:
                raise Malformed(
                    "arm_repeated", f"the arm {name} stands twice ({HOLD_OUT} is always one)",
                    pointer=f"/data/arms/{place}/arm", arm=name,
                )  # fmt: skip
        parts = [ratio(share) for share in (*(arm.share for arm in self.arms), self.hold_out_share)]
        power = max(power for _, power in parts)
        whole = sum(numerator * (power // of) for numerator, of in parts)
        if whole != 100 * power or not all(numerator for numerator, _ in parts):
            raise Malformed(
                "shares_not_whole",
                "the shares of the arms and the hold-out, each above 0, are not 100 together",
                pointer="/data/arms",
            )  # fmt: skip


class Plan(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of a plan for the draws to come. `shares` are the arms, without the hold-out."""

    trial: str
    seed: str
    shares: list[tuple[str, str | int]]
    criteria: Conditions
    registered_at: datetime
    end: date


def draw(plan: Plan, customer: str) -> str:
    """Draw a customer's arm."""
    said = f"{plan.trial}\n{plan.seed}\n{customer}".encode()
    drawn = int.from_bytes(hashlib.sha256(said).digest(), "big")
    upto, power_upto = 0, 1
    for arm, share in plan.shares:
        numerator, power = ratio(share)
        upto, power_upto = upto * power + numerator * power_upto, power_upto * power
        if drawn * 100 * power_upto < upto * _DRAWS:
            return arm
    return HOLD_OUT
