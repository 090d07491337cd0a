"""Recurring services: which days are taken, which are billed, and what the difference is [Agreements].

A day of a service is billed once, at the terms that hold on it. What is due is the difference between the
days as they are agreed and the days as they are billed; so a change dated back needs no rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ledger.fields import LATEST
from ledger.money import ratio, round_half_away, split
from ledger.parts import Agreement, Interval, Run, Taken, Terms

ONE_DAY = timedelta(days=1)
NEVER = LATEST.date()
"""Stands for the last day of what has no end."""
_MONTHS: dict[Interval, int] = {"month": 1, "quarter": 3, "year": 12}


class Days(NamedTuple):
    """Days from one to another, both included."""

    from_: date
    to: date

    @property
    def length(self) -> int:
        """How many."""
        return (self.to - self.from_).days + 1

    def within(self, other: Days) -> Days:
        """Tell the days that both have; `length` is below 1 when there are none."""
        return Days(max(self.from_, other.from_), min(self.to, other.to))


class Span(NamedTuple):
    """Days on which a service is taken at the same terms; `position` of the agreement that began it."""

    days: Days
    taken: Taken
    position: int


class Piece(NamedTuple):
    """Days of a service to be billed by one line, all in one interval."""

    days: Days
    interval: Days
    taken: Taken
    net: int
    position: int
    """Of the agreement that says the terms."""


class TakenBack(NamedTuple):
    """Billed days that are not taken, or at other terms, and the net that was billed for them."""

    service: str
    charge: str
    days: Days
    net: int


class Plan(NamedTuple):
    """What billing a customer through a day comes to."""

    pieces: list[Piece]
    taken_back: list[TakenBack]


def interval_of(day: date, interval: Interval, billing_day: int) -> Days:
    """Find the interval that a day lies in: it begins on the billing day, a quarter or a year in January."""
    month = day.year * 12 + day.month - 1 - (day.day < billing_day)
    months = _MONTHS[interval]
    month -= month % months
    next_ = month + months
    return Days(
        date(month // 12, month % 12 + 1, billing_day),
        date(next_ // 12, next_ % 12 + 1, billing_day) - ONE_DAY,
    )


def period_end(through: date, billing_day: int) -> date:
    """Find the last day, at most `through`, on which a billing period of the customer ends."""
    return interval_of(through + ONE_DAY, "month", billing_day).from_ - ONE_DAY


def price_of(terms: Terms, days: int, of_days: int) -> int:
    """Price so many days of an interval of so many, rounded half away from zero."""
    quantity, quantity_power = ratio(terms.quantity)
    price, price_power = ratio(terms.unit_price)
    return round_half_away(quantity * price * days, quantity_power * price_power * of_days)


def spans_of(agreements: Sequence[Agreement], ends_on: date | None) -> dict[str, list[Span]]:
    """Lay out on which days each service is taken; `ends_on` is the customer's last day, if there is one."""
    spans: dict[str, list[Span]] = {}
    for place, agreement in enumerate(agreements):
        last = ends_on or NEVER
        if place + 1 < len(agreements):
            last = min(last, agreements[place + 1].from_ - ONE_DAY)
        for taken in agreement.services:
            to = min(last, taken.to or NEVER)
            if to < agreement.from_:
                continue
            of_service = spans.setdefault(taken.service, [])
            before = of_service[-1] if of_service else None
            if before is not None and _goes_on(before, agreement.from_, taken):
                of_service[-1] = Span(Days(before.days.from_, to), taken, before.position)
            else:
                of_service.append(Span(Days(agreement.from_, to), taken, agreement.position))
    return spans


def _goes_on(before: Span, from_: date, taken: Taken) -> bool:
    """Say whether nothing that costs anything changes; another description alone does not cut an interval."""
    return (
        before.days.to + ONE_DAY == from_
        and before.taken.terms == taken.terms
        and before.taken.advance == taken.advance
    )


class Billing(NamedTuple):
    """What a plan is made for: through the end of a billing period, in intervals from the billing day on.

    `held` are charges that are not touched now, because they are in dispute: the days they bill stay as they
    are. No more than `pieces_max` pieces are worked out, so that no agreement, however old, takes for ever.
    """

    through: date
    billing_day: int
    held: frozenset[str]
    pieces_max: int


def plan(spans: dict[str, list[Span]], runs: dict[str, list[Run]], billing: Billing) -> Plan:
    """Work out what is to be billed, and what to be taken back."""
    found = Plan([], [])
    for service in {**spans, **runs}:
        billed = list(runs.get(service, ()))
        of_service = spans.get(service, [])
        found.taken_back.extend(_take_back(service, of_service, billed, billing))
        for span in of_service:
            terms = span.taken.terms
            for interval, days in _due(span, billed, billing):
                # Of an interval that is due as a whole nothing is billed: no need to look.
                so_far, net = (0, 0) if days == interval else _billed_in(billed, terms, interval)
                price = price_of(terms, so_far + days.length, interval.length)
                piece = Piece(days, interval, span.taken, max(0, price - net), span.position)
                billed.append(Run(days.from_, days.to, terms, "", piece.net))
                found.pieces.append(piece)
                if len(found.pieces) >= billing.pieces_max:
                    return found
    return found


def _due(span: Span, billed: list[Run], billing: Billing) -> Iterator[tuple[Days, Days]]:
    """Cut what is due of a span and not billed into intervals: each interval, and the days of it.

    In advance: every interval that begins by the day after `through`. In arrears: what of an interval is
    taken at the same terms, once it is over.
    """
    through, terms = billing.through, span.taken.terms
    kept = [Days(run.from_, run.to) for run in billed if run.terms == terms or run.charge in billing.held]
    for gap in _without(span.days, kept):
        day = gap.from_
        while day <= gap.to:
            interval = interval_of(day, terms.interval, billing.billing_day)
            over = min(span.days.to, interval.to)
            if (interval.from_ > through + ONE_DAY) if span.taken.advance else (over > through):
                break
            yield interval, Days(day, min(gap.to, interval.to))
            day = interval.to + ONE_DAY


def _without(days: Days, taken_out: Iterable[Days]) -> Iterator[Days]:
    """Cut days out of days; gives what is left, in order."""
    day = days.from_
    for out in sorted(taken_out):
        if out.to < day or out.from_ > days.to:
            continue
        if out.from_ > day:
            yield Days(day, out.from_ - ONE_DAY)
        day = out.to + ONE_DAY
    if day <= days.to:
        yield Days(day, days.to)


def _billed_in(billed: Iterable[Run], terms: Terms, interval: Days) -> tuple[int, int]:
    """Count the days of an interval that are billed at these terms, and the net billed for them."""
    count = net = 0
    for run in billed:
        common = Days(run.from_, run.to).within(interval).length
        if common > 0 and run.terms == terms:
            count += common
            net += run.net if common == run.days else round_half_away(run.net * common, run.days)
    return count, net


def _take_back(service: str, spans: list[Span], billed: list[Run], billing: Billing) -> Iterator[TakenBack]:
    """Take back, newest first, what is billed and not agreed at the same terms; `billed` is lowered by it."""
    for run in billed[::-1]:
        if run.charge in billing.held:
            continue
        agreed = [span.days for span in spans if span.taken.terms == run.terms]
        for days in _without(Days(run.from_, run.to), agreed):
            part = next(
                each for each in billed if each.charge == run.charge and each.from_ <= days.from_ <= each.to
            )
            back = TakenBack(service, run.charge, days, _net_of(part, days, billed, billing.billing_day))
            billed[:] = cut(billed, back)
            yield back


def _net_of(run: Run, days: Days, billed: list[Run], billing_day: int) -> int:
    """Say how much of the net of a run goes with some of its days: what is left is priced as if billed so."""
    if days.length == run.days:
        return run.net
    interval = interval_of(run.from_, run.terms.interval, billing_day)
    if run.to > interval.to:  # billed when the customer had another billing day
        return round_half_away(run.net * days.length, run.days)
    count, net = _billed_in(billed, run.terms, interval)
    return min(run.net, max(0, net - price_of(run.terms, count - days.length, interval.length)))


def cut(runs: Iterable[Run], back: TakenBack) -> list[Run]:
    """Take days, and the net that goes with them, out of the run that holds them."""
    left = []
    for run in runs:
        if run.charge != back.charge or not run.from_ <= back.days.from_ <= run.to:
            left.append(run)
            continue
        rests = list(_without(Days(run.from_, run.to), [back.days]))
        if rests:
            nets = split(run.net - back.net, [rest.length for rest in rests])
            left += [
                Run(rest.from_, rest.to, run.terms, run.charge, net)
                for rest, net in zip(rests, nets, strict=True)
            ]
    return left
