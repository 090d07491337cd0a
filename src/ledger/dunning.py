"""The policy of dunning: after how many days past its due date an invoice is reminded of, and how.

Here are its shapes, as they stand in `policy.changed`; `reminder.py` judges by them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec

from ledger.errors import Malformed
from ledger.fields import Amount, CurrencyCode, Text, require_currency

STEPS_MAX = 20
"""Steps of one policy: whoever has not paid by then is a case for something else than another letter."""
DaysOverdue = Annotated[int, msgspec.Meta(ge=1, le=3660)]


class LeastAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Below this, in this currency, nobody is reminded."""

    currency: CurrencyCode
    amount: Amount


class DunningStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One reminder: so many days after the due date, of this kind, and of which amounts at least."""

    days: DaysOverdue
    kind: Text
    minimum: list[LeastAmount] = []

    def least(self, currency: str) -> int:
        """Tell the least amount of a currency that it is sent for."""
        return next((each.amount for each in self.minimum if each.currency == currency), 1)


class Dunning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The steps of dunning, in order; none ends it."""

    steps: Annotated[list[DunningStep], msgspec.Meta(max_length=STEPS_MAX)]

    def __post_init__(self) -> None:
        for place, (before, after) in enumerate(pairwise(self.steps), start=1):
            if after.days <= before.days:
                raise Malformed(
                    "steps_disordered",
                    f"step {place + 1} is at {after.days} days, the one before it at {before.days}",
                    pointer=f"/data/dunning/steps/{place}/days", days=after.days, before=before.days,
                )  # fmt: skip
        for place, step in enumerate(self.steps):
            _refuse_repeated(step.minimum, f"/data/dunning/steps/{place}/minimum")


def _refuse_repeated(minimum: list[LeastAmount], pointer: str) -> None:
    currencies = [each.currency for each in minimum]
    for place, currency in enumerate(currencies):
        require_currency(currency)
        if currency in currencies[:place]:
            raise Malformed(
                "policy_repeated", f"the currency {currency} stands twice, so that it is open which counts",
                pointer=f"{pointer}/{place}/currency", what="currency", name=currency,
            )  # fmt: skip
