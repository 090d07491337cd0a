"""Discounts, as the model takes them: what they may be used for, not who may grant what."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

from tests.model.money import Data
from tests.model.parts import Discount
from tests.model.rules import Model, Told, deny


def grant(model: Model, data: Data, at: datetime, told: Told) -> None:
    """Take the terms of a discount from its event: who may grant what is no question of money."""
    charge = model.charges.get(
        (data.get("scope") or {}).get("charge") or model.scopes.get(data["discount"], "")
    )
    deny(charge is not None and data.get("currency") not in {None, charge.currency}, "currency_mismatch")
    deny(charge is not None and charge.place != "unbilled", "charge_billed")
    for type_, terms in told:
        scope = terms.get("scope") or {}
        if type_ == "discount.requested" and "charge" in scope:
            model.scopes[terms["discount"]] = scope["charge"]
        if type_ != "discount.granted":
            continue
        percent, count = terms.get("percent"), terms.get("invoices")
        once = percent is None and count == 1
        model.discounts[terms["discount"]] = Discount(
            terms["discount"], None if percent is None else Fraction(percent) / 100, terms.get("amount", 0),
            terms.get("currency"), scope.get("charge"), scope.get("service"), at,
            until=date.fromisoformat(terms.get("until", "9999-12-31")), uses=None if once else count, left=terms["amount"] if once else terms.get("at_most"),
        )  # fmt: skip


def revoke(model: Model, data: Data, _: datetime, told: Told) -> None:
    if told:
        model.discounts[data["discount"]].revoked = True
