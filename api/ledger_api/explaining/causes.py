"""By which event something began, changed or ended between two invoices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from ledger.agreements.agreement import Service
from ledger.money import decimal_text
from ledger_api.explaining.facts import Agreed, AgreementFact, Event, InvoiceFacts, Step
from ledger_api.shapes.explain import Cause, CauseKind

ONE_DAY = timedelta(days=1)


class Causes:
    """What was recorded by the time an invoice was issued, asked for the event behind a difference."""

    def __init__(self, facts: InvoiceFacts) -> None:
        self._facts = facts
        self._zone = ZoneInfo(facts.time_zone)
        in_force = {each.begins: each for each in facts.agreements or ()}
        self._agreements = sorted(in_force.values(), key=lambda each: each.begins)
        self._closed_on = None if facts.closed is None else self._day(facts.closed)

    def of_terms(self, before: Iterable[Agreed], after: Iterable[Agreed]) -> list[Cause]:
        """Name the agreements that say the terms now and did not before, and what cut an interval short."""
        before, after = list(before), list(after)
        then = {each.service.agreement_position for each in before}
        found = [
            _cause("agreed", each, each.begins)
            for each in self._facts.agreements or ()
            if each.position not in then
            and each.position in {one.service.agreement_position for one in after}
        ]
        for each in (*before, *after):
            if each.service.days != each.service.interval_days:
                found += self._cut(each)
        return list({each.position: each for each in found}.values())

    def _cut(self, agreed: Agreed) -> Iterator[Cause]:
        """Name what began or ended within an interval that was not billed as a whole."""
        period = agreed.service.period
        for each in self._agreements:
            if each.position == agreed.service.agreement_position and each.begins == period.from_:
                yield _cause("agreed", each, each.begins)
        ended = self._ended(agreed.service.service, period.to + ONE_DAY)
        if ended is not None:
            yield ended
            return
        agreement = self._in_force(period.to + ONE_DAY)
        if agreement is not None and agreement.begins == period.to + ONE_DAY:
            (taken,) = (each for each in agreement.services if each.service == agreed.service.service)
            if not _is_at_terms(taken, agreed):
                yield _cause("agreed", agreement, agreement.begins)

    def of_end(self, service: str, before: Iterable[Agreed]) -> list[Cause]:
        """Name what ended a service; nothing where it goes on, or ends later than this invoice bills."""
        periods = [each.service.period for each in before]
        first, after_last = min(each.from_ for each in periods), max(each.to for each in periods) + ONE_DAY
        days = {first, after_last}
        for each in self._agreements:
            days.add(each.begins)
            days |= {one.to + ONE_DAY for one in each.services if one.service == service and one.to}
        if self._closed_on is not None:
            days.add(self._closed_on + ONE_DAY)
        found = None
        for day in sorted((each for each in days if first <= each <= after_last), reverse=True):
            ended = self._ended(service, day)
            if ended is None:
                break
            found = day, ended
        through = self._facts.through
        if found is None or through is None or found[0] > through + ONE_DAY:
            return []
        return [found[1]]

    def _ended(self, service: str, day: date) -> Cause | None:
        """Name why a service is not taken on a day; None where it is."""
        if self._facts.closed is not None and self._closed_on is not None and self._closed_on < day:
            return _cause("closed", self._facts.closed, self._closed_on)
        agreement = self._in_force(day)
        if agreement is None:
            return None
        taken = next((each for each in agreement.services if each.service == service), None)
        if taken is None:
            kind: CauseKind = "dropped" if agreement.services else "agreement_ended"
            return _cause(kind, agreement, agreement.begins)
        if taken.to is not None and taken.to < day:
            return _cause("fixed_end", agreement, taken.to)
        return None

    def of_new_discount(self, discount: str) -> list[Cause]:
        """Name the grant of a discount."""
        granted = self._granted(discount)
        return [] if granted is None else [_cause("granted", granted, self._day(granted))]

    def of_use(self, discount: str) -> list[Cause]:
        """Name the invoice that used a discount up; nothing where something is left."""
        granted = self._granted(discount)
        uses = [each for each in self._facts.uses or () if each.discount == discount]
        if granted is None or not uses:
            return []
        terms = granted.data
        once = terms.get("kind") == "fixed" and terms.get("invoices") == 1
        amount, number = terms.get("amount") if once else terms.get("at_most"), terms.get("invoices")
        by_amount = isinstance(amount, int) and sum(each.amount for each in uses) >= amount
        if not by_amount and not (isinstance(number, int) and not once and len(uses) >= number):
            return []
        last = uses[-1]
        return [_cause("used_up", last, self._day(last), last.invoice)]

    def of_end_of_discount(self, discount: str, of_services: Mapping[str, list[Cause]]) -> list[Cause]:
        """Name what ended a discount: its use, its end by either day, or that nothing is there to lower.

        `of_services` are the causes of each service that ended, whose discounts end with it.
        """
        granted = self._granted(discount)
        if used_up := self.of_use(discount):
            return used_up
        ends = [_cause("revoked", each, self._day(each)) for each in self._facts.revoked or ()
                if each.discount == discount]  # fmt: skip
        until = None if granted is None else granted.data.get("until")
        if granted is not None and until is not None:
            last_day = date.fromisoformat(str(until))
            if last_day < self._facts.issued.issued_on:
                ends.append(_cause("expired", granted, last_day))
        if ends:
            return [min(ends, key=lambda each: each.day)]
        return [] if granted is None else self._without_base(granted, of_services)

    def _without_base(self, granted: Step, of_services: Mapping[str, list[Cause]]) -> list[Cause]:
        """Name why a discount that could still be used lowers no line of this invoice."""
        scope = granted.data.get("scope")
        charge, service = (
            (scope.get("charge"), scope.get("service")) if isinstance(scope, dict) else (None, None)
        )
        lines = [
            each for each in self._facts.issued.lines
            if charge in {None, each.charge} and service in {None, each.service}
        ]  # fmt: skip
        if not lines:
            ended = of_services.get(str(service), [])
            return [each.model_copy(update={"kind": "out_of_scope"}) for each in ended] or [
                _cause("out_of_scope", granted, self._day(granted))
            ]
        if all(each.net == each.discount for each in lines):
            return [_cause("nothing_left", granted, self._day(granted))]
        return []

    def _granted(self, discount: str) -> Step | None:
        return next(
            (each for each in self._facts.steps or ()
             if each.kind == "granted" and each.data["discount"] == discount), None,
        )  # fmt: skip

    def of_rates(self, category: str, before: Iterable[int | None]) -> list[Cause]:
        """Name the events that say the rates of a category now, and none of those before."""
        now = {each.rate_position for each in self._facts.issued.lines if each.tax_category == category}
        return [
            _cause("rate", each, each.begins or self._day(each))
            for each in self._facts.rates or () if each.position in now - set(before)
        ]  # fmt: skip

    def of_treatment(self) -> list[Cause]:
        """Name the event since the invoice before by which the customer is taxed otherwise."""
        before = 0 if self._facts.before is None else self._facts.before.position
        said = self._facts.treatments or []
        found = [
            each for earlier, each in pairwise(said)
            if each.position > before and each.treatment != earlier.treatment
        ]  # fmt: skip
        return [_cause("treatment", each, self._day(each)) for each in found[-1:]]

    def _day(self, event: Event) -> date:
        return event.occurred_at.astimezone(self._zone).date()

    def _in_force(self, day: date) -> AgreementFact | None:
        return next((each for each in reversed(self._agreements) if each.begins <= day), None)


def _is_at_terms(taken: Service, agreed: Agreed) -> bool:
    billed = agreed.service
    return (decimal_text(taken.quantity), decimal_text(taken.unit_price), taken.interval) == (
        decimal_text(billed.quantity), decimal_text(billed.unit_price), billed.interval,
    )  # fmt: skip


def _cause(kind: CauseKind, event: Event, day: date, invoice: str | None = None) -> Cause:
    return Cause(
        kind=kind, type=event.type, id=event.id, day=day, invoice=invoice, position=event.position,
        occurred_at=event.occurred_at, recorded_at=event.recorded_at, principal=event.principal,
    )  # fmt: skip
