"""By which event a discount is new on an invoice, is used up by it, or is not on it any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from ledger.invoice import InvoiceLine
from ledger_api.explaining.facts import InvoiceFacts, Step, shares_of
from ledger_api.shapes.explain import Cause


class DiscountCauses:
    """What was recorded of the discounts of two invoices by the time the later one was issued.

    `of_services` are the causes of each service that ended: a discount on it ends with it.
    """

    def __init__(self, facts: InvoiceFacts, of_services: Mapping[str, list[Cause]]) -> None:
        self._facts = facts
        self._of_services = of_services
        self._granted = {
            str(each.data["discount"]): each for each in facts.steps or () if each.kind == "granted"
        }

    def of_grant(self, discount: str) -> list[Cause]:
        """Name the grant of a discount."""
        granted = self._granted.get(discount)
        return [] if granted is None else [granted.cause("granted", self._facts.day_of(granted))]

    def of_use(self, discount: str) -> list[Cause]:
        """Name the invoice that used a discount up; nothing where something is left."""
        granted = self._granted.get(discount)
        uses = [each for each in self._facts.uses or () if each.discount == discount]
        if granted is None or not uses:
            return []
        terms = granted.data
        once = terms.get("kind") == "fixed" and terms.get("invoices") == 1
        amount, number = terms.get("amount") if once else terms.get("at_most"), terms.get("invoices")
        by_amount = isinstance(amount, int) and sum(each.amount for each in uses) >= amount
        if not by_amount and not (isinstance(number, int) and not once and len(uses) >= number):
            return []
        return [uses[-1].cause("used_up", self._facts.day_of(uses[-1]), uses[-1].invoice)]

    def of_end(self, discount: str) -> list[Cause]:
        """Name why a discount is not on this invoice: by its use, its days, or what there is to lower."""
        granted = self._granted.get(discount)
        if granted is None:
            return []
        return self.of_use(discount) or self._out_of_days(discount, granted) or self._out_of_base(granted)

    def _out_of_days(self, discount: str, granted: Step) -> list[Cause]:
        """Name what ended a discount, the first of two; or its grant, if this invoice is dated before."""
        ends = [each.cause("revoked", self._facts.day_of(each))
                for each in self._facts.revoked or () if each.discount == discount]  # fmt: skip
        if (until := granted.data.get("until")) is not None:
            last_day = date.fromisoformat(str(until))
            if last_day < self._facts.issued.issued_on:
                ends.append(granted.cause("expired", last_day))
        if ends:
            return [min(ends, key=lambda each: each.day)]
        if granted.occurred_at > self._facts.issued_at:
            return [granted.cause("granted_later", self._facts.day_of(granted))]
        return []

    def _out_of_base(self, granted: Step) -> list[Cause]:
        """Name why a discount that could still be used lowers no line of this invoice."""
        day = self._facts.day_of(granted)
        left = self._left_for(granted)
        if left is None:
            ended = self._of_services.get(str(_scope(granted)[1]), [])
            out = [each.model_copy(update={"kind": "out_of_scope"}) for each in ended]
            return out or [granted.cause("out_of_scope", day)]
        if left == 0:
            return [granted.cause("nothing_left", day)]
        return [granted.cause("rounded_away", day)] if granted.data.get("kind") == "percent" else []

    def _left_for(self, granted: Step) -> int | None:
        """Tell what earlier discounts left of the lines that one is for; None where there is no such line."""
        earlier = {name for name, each in self._granted.items() if _turn(each) < _turn(granted)}
        left = None
        for line, shares in zip(self._facts.issued.lines, shares_of(self._facts.issued), strict=True):
            if _is_for(granted, line):
                # Where older events do not say whose share it was, it was not that of this one.
                taken = line.discount if shares is None else sum(
                    each.amount for each in shares if each.discount in earlier
                )  # fmt: skip
                left = (left or 0) + line.net - taken
        return left


def _scope(granted: Step) -> tuple[str | None, str | None]:
    """Tell the charge and the service that a discount is for; both None of one for all."""
    scope = granted.data.get("scope")
    return (scope.get("charge"), scope.get("service")) if isinstance(scope, dict) else (None, None)


def _is_for(granted: Step, line: InvoiceLine) -> bool:
    charge, service = _scope(granted)
    return charge in {None, line.charge} and service in {None, line.service}


def _turn(granted: Step) -> tuple[bool, bool, datetime, int]:
    """Order discounts as an invoice uses them: narrow scope first, then wide, then by grant time."""
    charge, service = _scope(granted)
    return charge is None, service is None, granted.occurred_at, granted.position
