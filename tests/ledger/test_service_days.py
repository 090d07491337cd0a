"""Whatever is agreed, changed and billed in whatever order: each day of a service is billed exactly once.

Held against a model that knows no intervals of days: it looks up each single day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.asks import agree, bill, service
from tests.ledger.world import World

from ledger.agreements.billing import CustomerBilled
from ledger.errors import Refusal

BEGIN = date(2026, 1, 1)
ONE = timedelta(days=1)
Terms = tuple[str, int, str]
"""Service, price and interval."""

_SERVICES = st.lists(
    st.builds(
        lambda name, price, interval, billed, days: (name, price, interval, billed, days),
        st.sampled_from(["dsl", "voip"]),
        st.sampled_from([0, 1, 999, 1000, 3100]),
        st.sampled_from(["month", "month", "quarter", "year"]),
        st.sampled_from(["arrears", "advance"]),
        st.none() | st.integers(0, 90),
    ),
    max_size=2,
    unique_by=lambda each: each[0],
)
_STEPS = st.lists(
    st.tuples(st.integers(0, 45), st.integers(-70, 50), st.none() | _SERVICES), min_size=1, max_size=12
)
"""So many days later: services agreed from a day before or after that, or (None) a bill."""


@settings(max_examples=150, deadline=None)
@given(steps=_STEPS, billing_day=st.sampled_from([1, 1, 15, 28]), stays=st.integers(0, 60))
def test_each_day_is_billed_once_at_the_terms_agreed_last(
    steps: list[tuple[int, int, list[tuple[str, int, str, str, int | None]] | None]],
    billing_day: int,
    stays: int,
) -> None:
    world = World()
    world.checking = False  # the invariants are looked at once, at the end
    world.post(("customer.opened", {"currency": "EUR", "billing_day": billing_day}), at=_noon(BEGIN))
    agreed: dict[date, list[tuple[str, int, str, date]]] = {}
    today = BEGIN
    for later, shift, services in steps:
        today += timedelta(days=later)
        world.now = _noon(today)
        if services is None:
            _bill(world, today)
            continue
        from_ = max(BEGIN, today + timedelta(days=shift))
        ends = [None if days is None else from_ + timedelta(days=days) for *_, days in services]
        agreed[from_] = [
            (name, price, interval, end or date.max)
            for (name, price, interval, _, _), end in zip(services, ends, strict=True)
        ]
        said = [
            service(
                name, price, interval=interval, billed=billed, **({} if end is None else {"to": str(end)})
            )
            for (name, price, interval, billed, _), end in zip(services, ends, strict=True)
        ]
        world.post(agree(str(from_), *said))
    last = today + timedelta(days=stays)
    world.now = _noon(last)
    world.post(("customer.closed", {"by": "customer", "reason": "moved"}))
    world.checking = True
    for months in (2, 14):
        world.now = _noon(last + timedelta(days=31 * months))
        _bill(world, world.now.date())
    wanted = Counter(_days(agreed, last))
    assert _billed(world) == wanted
    assert world.balance() == sum(_prices(wanted, billing_day))


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _bill(world: World, through: date) -> None:
    code = ""
    try:
        world.post(bill(str(through)))
    except Refusal as refusal:
        code = refusal.code
    assert code in {"", "nothing_to_bill", "period_billed"}


def _days(agreed: dict[date, list[tuple[str, int, str, date]]], last: date) -> Iterator[tuple[date, Terms]]:
    """Look up, day by day, what is taken."""
    day = BEGIN
    while day <= last:
        for name, price, interval, to in agreed.get(
            max((f for f in agreed if f <= day), default=date.max), ()
        ):
            if day <= to:
                yield day, (name, price, interval)
        day += ONE


def _billed(world: World) -> Counter[tuple[date, Terms]]:
    """Count how often each day is billed, by the events alone."""
    billed = Counter[tuple[date, Terms]]()
    terms: dict[str, Terms] = {}
    for event in world.events:
        if isinstance(event.data, CustomerBilled):
            for sign, parts in ((-1, event.data.taken_back), (1, event.data.services)):
                for part in parts:
                    if sign == 1:
                        terms[part.charge] = (part.service, int(part.unit_price), part.interval)  # type: ignore[union-attr]
                    day = part.period.from_
                    while day <= part.period.to:
                        billed[day, terms[part.charge]] += sign
                        day += ONE
    return +billed


def _prices(days: Counter[tuple[date, Terms]], billing_day: int) -> Iterator[int]:
    """Price the days of each interval at the same terms, rounded half away from zero."""
    intervals = Counter((_first(day, terms[2], billing_day), terms) for day, terms in days)
    for ((_first_day, length), (_, price, _)), count in intervals.items():
        yield int(Fraction(price * count, length) + Fraction(1, 2))


def _first(day: date, interval: str, billing_day: int) -> tuple[date, int]:
    """Walk from a day to both ends of its interval; tells its first day and its length."""
    months = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "year": (1,)}[interval]

    def begins(each: date) -> bool:
        return each.day == billing_day and each.month in months

    first, after = day, day + ONE
    while not begins(first):
        first -= ONE
    while not begins(after):
        after += ONE
    return first, (after - first).days
