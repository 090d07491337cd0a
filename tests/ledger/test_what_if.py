"""What if: the last invoices with another agreement, by the same rules."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.asks import (
    agree,
    bill,
    charge,
    complain_of_charge,
    hold,
    issue,
    pay,
    percent_off,
    service,
    void,
)
from tests.ledger.table import RATES
from tests.ledger.world import Ask, World

from ledger.agreements.agreement import Service, taken_of
from ledger.agreements.what_if import what_if
from ledger.errors import Refusal
from ledger.parts import Taken


def taken(*services: dict[str, object]) -> list[Taken]:
    return [taken_of(msgspec.convert(each, Service)) for each in services]


def on(world: World, day: str, *asked: Ask) -> None:
    world.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    for ask in asked:
        world.post(ask)


def a_year(*services: dict[str, object]) -> World:
    """Alice from the middle of January on, with use, a discount, a payment and a void invoice."""
    world = World(tax_rates=RATES)
    on(world, "2026-01-10", ("customer.opened", {"currency": "EUR"}), agree("2026-01-12", *services))
    on(world, "2026-01-20", percent_off("x", "10", invoices=2, scope={"service": "dsl"}))
    on(world, "2026-01-31", charge("u1", 77), bill("2026-01-31"))
    on(world, "2026-02-03", hold("p0", 50), pay("p1", 2_000))
    on(world, "2026-02-28", charge("u2", 88), bill("2026-02-28"))
    on(world, "2026-03-02", void("INV-2"), issue())
    on(world, "2026-03-30", charge("u3", 99), complain_of_charge("d", "u3"))
    on(world, "2026-03-31", bill("2026-03-31"))
    return world


DSL = service("dsl", 3100)
AHEAD = service("tv", 999, billed="advance")
YEAR = service("host", 36_500, interval="year", billed="advance")


def test_with_the_services_that_there_were_it_gives_the_invoices_that_there_were() -> None:
    world = a_year(DSL, AHEAD, YEAR)
    for last in range(1, 5):
        compared = what_if(world.events, taken(DSL, AHEAD, YEAR), last)
        assert [each.was.invoice for each in compared] == ["INV-1", "INV-3", "INV-4"][-last:]
        for each in compared:
            assert each.would_be is not None
            assert each.was.lines == each.would_be.lines
            assert each.was.amount == each.would_be.amount


def test_another_price_changes_what_depends_on_it() -> None:
    world = a_year(DSL)
    (march,) = what_if(world.events, taken(service("dsl", 1000)), 1)
    assert march.would_be is not None
    assert (march.was.net, march.would_be.net) == (3100, 1000)
    january, february, _ = what_if(world.events, taken(service("dsl", 1000)), 3)
    assert january.would_be is not None
    assert february.would_be is not None
    assert [line.net for line in january.would_be.lines] == [645, 77]
    assert january.would_be.discount == 65
    assert [line.net for line in february.would_be.lines] == [88, 1000]


def test_without_any_service_there_is_what_was_used_or_no_invoice() -> None:
    world = a_year(DSL)
    january, february, march = what_if(world.events, [], 3)
    assert january.would_be is not None
    assert january.would_be.net == 77
    assert february.would_be is not None
    assert march.would_be is None


def test_nothing_to_compare() -> None:
    world = World()
    world.post(("customer.opened", {"currency": "EUR"}))
    assert what_if(world.events, taken(DSL), 3) == []


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 40), st.integers(-40, 40), st.sampled_from(["agree", "bill", "bill", "use", "leave"]),
            st.lists(st.sampled_from([DSL, AHEAD, YEAR]), max_size=2, unique_by=lambda each: str(each["service"])),
        ),
        max_size=12,
    ),
    last=st.integers(1, 6),
)  # fmt: skip
def test_with_every_change_as_it_was_it_gives_the_invoices_that_there_were(
    steps: list[tuple[int, int, str, list[dict[str, object]]]], last: int
) -> None:
    world = World()
    day = date(2026, 1, 1)
    on(world, str(day), ("customer.opened", {"currency": "EUR"}))
    for number, (later, shift, what, services) in enumerate(steps):
        day += timedelta(days=later)
        ask: Ask = {
            "agree": agree(str(day + timedelta(days=shift)), *services),
            "bill": bill(str(day)),
            "use": charge(f"u{number}", number),
            "leave": ("customer.closed", {"by": "customer", "reason": "moved"}),
        }[what]
        _try(world, str(day), ask)
    for each in what_if(world.events, None, last):
        assert each.would_be == msgspec.structs.replace(each.was, command=None)


def _try(world: World, day: str, ask: Ask) -> None:
    with suppress(Refusal):
        on(world, day, ask)
