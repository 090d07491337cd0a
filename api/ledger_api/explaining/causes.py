"""By which event a service, a charge or a tax began, changed or ended between two invoices."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import date, timedelta

from ledger.agreements.agreement import Service
from ledger.money import decimal_text
from ledger_api.explaining.facts import Agreed, AgreementFact, ChargeFact, InvoiceFacts
from ledger_api.shapes.explain import Cause, CauseKind

ONE_DAY = timedelta(days=1)


class Causes:
    """What was recorded by the time an invoice was issued, asked for the event behind a difference."""

    def __init__(self, facts: InvoiceFacts) -> None:
        self._facts = facts
        in_force = {each.begins: each for each in facts.agreements or ()}
        self._agreements = sorted(in_force.values(), key=lambda each: each.begins)
        self._charges = {each.charge: each for each in facts.charges or ()}
        self._closed_on = None if facts.closed is None else facts.day_of(facts.closed)

    def of_charges(self, before: list[str], after: list[str], invoice: str) -> list[Cause]:
        """Name what posted the charges of now, and those that the invoice before bills and no other does."""
        return [
            *(each.cause("posted", self._facts.day_of(each)) for each in self._posted(after)),
            *(each.cause("billed", self._facts.day_of(each), invoice) for each in self._posted(before)),
            *self._lowered({*before, *after}),
        ]

    def _posted(self, charges: Iterable[str]) -> list[ChargeFact]:
        found = [self._charges[each] for each in charges if each in self._charges]
        return sorted(found, key=lambda each: each.position)

    def _lowered(self, charges: Container[str]) -> list[Cause]:
        return [
            each.cause("lowered", self._facts.day_of(each))
            for each in self._facts.lowered or () if each.charge in charges
        ]  # fmt: skip

    def of_terms(self, before: Iterable[Agreed], after: Iterable[Agreed]) -> list[Cause]:
        """Name the agreements that say the terms now and did not before, and what cut an interval short."""
        before, after = list(before), list(after)
        then = {each.service.agreement_position for each in before}
        now = {each.service.agreement_position for each in after}
        # Where nothing new was agreed but some of the terms are over, the news is that the others are left.
        new = now - then or (now if now != then else set())
        found = [
            each.cause("agreed", each.begins)
            for each in self._facts.agreements or () if each.position in new
        ]  # fmt: skip
        for each in (*before, *after):
            if each.service.days != each.service.interval_days:
                found += self._cut(each)
        found += self._lowered({each.service.charge for each in (*before, *after)})
        return list({(each.kind, each.position): each for each in found}.values())

    def _cut(self, agreed: Agreed) -> Iterator[Cause]:
        """Name what began or ended within an interval that was not billed as a whole."""
        period = agreed.service.period
        for each in self._agreements:
            if each.position == agreed.service.agreement_position and each.begins == period.from_:
                yield each.cause("agreed", each.begins)
        ended = self._ended(agreed.service.service, period.to + ONE_DAY)
        if ended is not None:
            yield ended
            return
        agreement = self._in_force(period.to + ONE_DAY)
        if agreement is not None and agreement.begins == period.to + ONE_DAY:
            (taken,) = (each for each in agreement.services if each.service == agreed.service.service)
            if not _is_at_terms(taken, agreed):
                yield agreement.cause("agreed", agreement.begins)

    def of_end(self, service: str, before: Iterable[Agreed]) -> list[Cause]:
        """Name what ended a service; nothing where it goes on, or again, or ends later than billed here."""
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
        if found is None or self._facts.through is None:
            return []
        next_day = self._facts.through + ONE_DAY
        return [found[1]] if found[0] <= next_day and self._ended(service, next_day) is not None else []

    def _ended(self, service: str, day: date) -> Cause | None:
        """Name why a service is not taken on a day; None where it is."""
        if self._facts.closed is not None and self._closed_on is not None and self._closed_on < day:
            return self._facts.closed.cause("closed", self._closed_on)
        agreement = self._in_force(day)
        if agreement is None:
            return None
        taken = next((each for each in agreement.services if each.service == service), None)
        if taken is None:
            kind: CauseKind = "dropped" if agreement.services else "agreement_ended"
            return agreement.cause(kind, agreement.begins)
        if taken.to is not None and taken.to < day:
            return agreement.cause("fixed_end", taken.to)
        return None

    def of_rates(self, category: str, before: Iterable[int | None]) -> list[Cause]:
        """Name the events that say the rates of a category now, and none of those before."""
        now = {each.rate_position for each in self._facts.issued.lines if each.tax_category == category}
        return [
            each.cause("rate", each.begins or self._facts.day_of(each))
            for each in self._facts.rates or () if each.position in now - set(before)
        ]  # fmt: skip

    def of_treatment(self) -> list[Cause]:
        """Name the event by which the customer is taxed otherwise than when the invoice before was issued."""
        before = 0 if self._facts.before is None else self._facts.before.position
        said = self._facts.treatments or []
        then = [each.treatment for each in said if each.position <= before]
        if not said or then[-1:] == [said[-1].treatment]:
            return []
        return [said[-1].cause("treatment", self._facts.day_of(said[-1]))]

    def _in_force(self, day: date) -> AgreementFact | None:
        return next((each for each in reversed(self._agreements) if each.begins <= day), None)


def _is_at_terms(taken: Service, agreed: Agreed) -> bool:
    billed = agreed.service
    return (decimal_text(taken.quantity), decimal_text(taken.unit_price), taken.interval) == (
        decimal_text(billed.quantity), decimal_text(billed.unit_price), billed.interval,
    )  # fmt: skip
