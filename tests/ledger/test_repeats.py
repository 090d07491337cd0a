"""A key that comes again: the same content has no difference, other content names the first field that differs."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from tests.ledger import asks
from tests.ledger.test_books import SOME, busy
from tests.ledger.world import Ask, World

from ledger import decider
from ledger.event import Event
from ledger.message import Message

PERIOD = {"from": "2026-01-01", "to": "2026-01-31"}
CHARGE = asks.charge("c9", 5, description="d", tax_category="reduced", period=PERIOD)


def changed(message: Message, **data: object) -> Message:
    """The same message with other data."""
    whole = {**msgspec.to_builtins(message.data), **data}
    present = {name: value for name, value in whole.items() if value is not None}
    return message._replace(data=decider.DECODERS[message.type](msgspec.json.encode(present)))


def recorded(ask: Ask, type_: str = "") -> tuple[World, Event, Message]:
    world, customer = busy(type_)
    message = world.read(ask, customer=customer)
    return world, world.take(message)[0], message


@pytest.mark.parametrize("type_", sorted(SOME))
def test_every_message_again_is_the_same(type_: str) -> None:
    """Also after the state has moved on: only what was recorded is compared."""
    _, first, message = recorded(SOME[type_], type_)
    assert decider.first_difference(first, message) is None


@pytest.mark.parametrize("type_", sorted(SOME))
def test_every_message_at_another_time_is_another(type_: str) -> None:
    _, first, message = recorded(SOME[type_], type_)
    assert (
        decider.first_difference(first, message._replace(time=message.time + timedelta(microseconds=1)))
        == "/time"
    )


def test_the_book_s_own_first_message_is_compared_without_what_the_ledger_filled_in() -> None:
    world = World()
    ask: Ask = ("book.opened", {"name": "Book", "currency": "EUR", "time_zone": "Europe/Berlin"})
    same = world.read(ask, at=world.events[0].time)
    assert decider.first_difference(world.events[0], same) is None
    assert decider.first_difference(world.events[0], changed(same, rules=[])) == "/data/rules"
    assert decider.first_difference(world.events[0], changed(same, name="Other")) == "/data/name"


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"charge": "c8"}, "/data/charge"),
        ({"currency": "USD"}, "/data/currency"),
        ({"description": "e"}, "/data/description"),
        ({"description": None}, "/data/description"),
        ({"net": 6}, "/data/net"),
        ({"net": None, "quantity": 5, "unit_price": 1}, "/data/net"),
        ({"period": None}, "/data/period"),
        ({"period": {**PERIOD, "from": "2026-01-02"}}, "/data/period/from"),
        ({"period": {**PERIOD, "to": "2026-01-30"}}, "/data/period/to"),
        ({"service": "tv"}, "/data/service"),
        ({"tax_category": "standard"}, "/data/tax_category"),
        ({"charge": "c8", "net": 6, "service": "tv"}, "/data/charge"),
        ({"net": 6, "period": None, "service": "tv"}, "/data/net"),
    ],
)
def test_the_first_differing_field_is_named(data: dict[str, object], pointer: str) -> None:
    """TigerBeetle create_transfer tests, exists_with_different_*: each field changed in turn, then several."""
    world = World(
        tax_rates=[{"category": name, "rate": "9", "from": "2020-01-01"} for name in ("standard", "reduced")]
    )
    world.post(("customer.opened", {"currency": "EUR"}))
    message = world.read(CHARGE)
    first = world.take(message)[0]
    assert decider.first_difference(first, changed(message, **data)) == pointer


def test_type_comes_before_subject_before_time_before_data() -> None:
    _, first, message = recorded(SOME["refund.issue"])
    other = changed(message, amount=9)._replace(
        time=message.time + timedelta(1), subject="bob", type="refund.make"
    )
    for restored, pointer in (
        (other, "/type"),
        (other._replace(type=message.type), "/subject"),
        (other._replace(type=message.type, subject=message.subject), "/time"),
        (other._replace(type=message.type, subject=message.subject, time=message.time), "/data/amount"),
    ):
        assert decider.first_difference(first, restored) == pointer


@pytest.mark.parametrize(
    ("ask", "data", "pointer"),
    [
        (asks.hold("p9", 5), {"allocations": None}, "/data/allocations"),
        (asks.pay("p9", 5, ("INV-1", 2)), {"allocations": [{"invoice": "INV-1", "amount": 3}]}, "/data/allocations/0/amount"),
        (asks.pay("p9", 5, ("INV-1", 2)), {"allocations": []}, "/data/allocations/0"),
        (asks.credit("INV-1", (1, 5)), {"lines": [{"line": 1, "net": 5}, {"line": 2, "net": 5}]}, "/data/lines/1"),
        (asks.resolve("d1", "rejected"), {"outcome": "withdrawn"}, "/data/outcome"),
        (asks.issue(expected_total=47), {"expected_total": None}, "/data/expected_total"),
    ],
)  # fmt: skip
def test_commands_and_lists_are_compared_field_by_field(
    ask: Ask, data: dict[str, object], pointer: str
) -> None:
    """The first event of a command keeps it; a fact is what it was posted as."""
    world, _ = busy("")
    message = world.read(ask)
    first = world.take(message)[0]
    assert decider.first_difference(first, message) is None
    assert decider.first_difference(first, changed(message, **data)) == pointer


def test_a_field_that_says_its_default_is_the_field_left_out() -> None:
    _, first, message = recorded(asks.charge("c9", 5))
    assert decider.first_difference(first, changed(message, tax_category="standard")) is None


def test_instants_are_compared_not_their_spelling() -> None:
    """`through` of an invoice in another zone is the same moment."""
    world, _ = busy("")
    at = world.now
    message = world.read(asks.issue(through=at.isoformat().replace("+00:00", "Z")))
    first = world.take(message)[0]
    shifted = (at + timedelta(hours=5)).isoformat().replace("+00:00", "+05:00")
    assert decider.first_difference(first, changed(message, through=shifted)) is None
    later = (at + timedelta(hours=5, seconds=-1)).isoformat().replace("+00:00", "+05:00")
    assert decider.first_difference(first, changed(message, through=later)) == "/data/through"
