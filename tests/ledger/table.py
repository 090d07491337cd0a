"""The table language: given messages, when one more, then these events or this refusal. One row, one fact.

An expected event is its type and the fields that the row is about: `"allocation.made source.payment=p1
amount=700"`. An expected refusal is its code and the pointer of the field at fault: `"! invoice_unknown
/data/invoice"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest
from tests.ledger.world import START, Ask, World

from ledger.errors import Refusal
from ledger.event import Event

RATES = [
    {"category": "standard", "rate": "20", "from": "2020-01-01"},
    {"category": "reduced", "rate": "10", "from": "2020-01-01"},
    {"category": "new", "rate": "5", "from": "2026-06-01"},
]

Row = tuple[str, Sequence[Ask], Ask, Sequence[str]]
"""What the row shows; the messages given; the message judged; the events or the one refusal."""


def rows(*table: Row) -> pytest.MarkDecorator:
    """Make a test of each row, named after what it shows."""
    return pytest.mark.parametrize(
        ("given", "when", "then"), [pytest.param(*row[1:], id=row[0]) for row in table]
    )


def untaxed() -> World:
    """Alice on the last of January, in a book that charges no tax."""
    return _at_work(World())


def taxed() -> World:
    """Alice on the last of January, in a book of RATES."""
    return _at_work(World(tax_rates=RATES))


def _at_work(world: World) -> World:
    world.post(("customer.opened", {"currency": "EUR"}), at=START)
    world.now = START + timedelta(days=30)
    return world


def judge(
    world: World, given: Iterable[Ask], when: Ask, then: Sequence[str], at: datetime | None = None
) -> None:
    """Play one row; `at` is when its last message is dated."""
    for ask in given:
        world.post(ask)
    recorded = len(world.events)
    if then[0].startswith("! "):
        with pytest.raises(Refusal) as caught:
            world.post(when, at=at)
        assert f"! {caught.value.code} {caught.value.pointer}".strip() == then[0]
        assert len(world.events) == recorded
        return
    events = world.post(when, at=at)
    assert [event.type for event in events] == [each.split()[0] for each in then]
    for event, expected in zip(events, then, strict=True):
        assert said(event, expected) == expected


def said(event: Event, expected: str) -> str:
    """Say of an event what the expectation says of it."""
    type_, *fields = expected.split()
    names = [field.partition("=")[0] for field in fields]
    return " ".join([type_, *(f"{name}={_value(event, name)}" for name in names)])


def _value(event: Event, path: str) -> str:
    found: object = event.data
    for step in path.split("."):
        found = (
            found[int(step)]
            if isinstance(found, list | tuple)
            else getattr(found, {"from": "from_"}.get(step, step))
        )
    return "|".join(map(str, found)) if isinstance(found, list | tuple) else str(found)
