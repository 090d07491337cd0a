"""The policies of a book: what it decides by, as data, from a date on.

Each policy is a struct here and a dated list in `Policies`; `policy.py` changes them. The posting rules are a
policy too, which the journal applies: decisions depend only on what they leave out.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Generic, TypeVar

import msgspec

from ledger.discounts.policy import DiscountAuthority
from ledger.dunning import Dunning
from ledger.posting_rules import Unposted
from ledger.seller import Seller
from ledger.verification_policy import Verification

P = TypeVar("P")


class Dated(msgspec.Struct, Generic[P]):
    """What holds from which date on, latest first."""

    entries: list[tuple[date, P]] = []

    def put(self, from_: date, value: P) -> None:
        """Let a value hold from a date on, in place of one that begins on the same day."""
        dated = [entry for entry in self.entries if entry[0] != from_]
        self.entries = sorted([*dated, (from_, value)], key=lambda entry: entry[0], reverse=True)

    def on(self, day: date) -> P | None:
        """Tell what is in force on a day, None where nothing is yet."""
        found = self.since(day)
        return None if found is None else found[1]

    def since(self, day: date) -> tuple[date, P] | None:
        """Tell the same with the date from which it is in force."""
        return next((entry for entry in self.entries if entry[0] <= day), None)


class WriteOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How debt is written off: with `tax_relief` the tax in it comes back from the state."""

    tax_relief: bool = False


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long after a customer has left their personal data is kept, because vouchers name them."""

    days_after_closing: Annotated[int, msgspec.Meta(ge=0, le=36_600)]


class Policies(msgspec.Struct):
    """All policies of a book that decisions depend on."""

    write_off: Dated[WriteOff] = msgspec.field(default_factory=Dated[WriteOff])
    discount_authority: Dated[DiscountAuthority] = msgspec.field(default_factory=Dated[DiscountAuthority])
    retention: Dated[Retention] = msgspec.field(default_factory=Dated[Retention])
    dunning: Dated[Dunning] = msgspec.field(default_factory=Dated[Dunning])
    verification: Dated[Verification] = msgspec.field(default_factory=Dated[Verification])
    unposted: Dated[Unposted] = msgspec.field(default_factory=Dated[Unposted])
    unposted_ever: frozenset[str] = frozenset()
    """Types of events of which any set of posting rules leaves something out: of a sound book, none."""

    def put_rules(self, from_: date, left_out: Unposted) -> None:
        """Keep what a set of posting rules leaves out, from a date on."""
        self.unposted.put(from_, left_out)
        self.unposted_ever |= left_out.keys()

    seller: Dated[Seller] = msgspec.field(default_factory=Dated[Seller])
