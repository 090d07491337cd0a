"""What may be done in either order, or undone and done again, ends the same, whatever the amounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.asks import allocate, charge, credit, hold, issue, pay, recover, refund, undo, write_off
from tests.ledger.table import RATES
from tests.ledger.test_debt import RELIEF
from tests.ledger.world import Ask, World, opened

LINES = st.lists(
    st.tuples(st.integers(1, 2_000), st.sampled_from(["standard", "reduced", "exempt"])), min_size=1, max_size=4
)  # fmt: skip


def billed(lines: Iterable[tuple[int, str]], given: Iterable[Ask] = ()) -> World:
    """Alice with one invoice of these lines."""
    world = opened(tax_rates=RATES)
    for ask in given:
        world.post(ask)
    for number, (net, category) in enumerate(lines):
        world.post(charge(f"c{number}", net, tax_category=category))
    world.post(issue())
    return world


def ends(world: World) -> tuple[dict[tuple[str, str], int], list[tuple[str, int, int]], int]:
    """Every account, what is due and in dispute of every invoice, and the credit."""
    accounts = Counter(world.balances["alice"])
    dues = sorted((each.number, each.receivable, each.disputed) for each in world.alice.invoices())
    return {key: amount for key, amount in accounts.items() if amount}, dues, world.alice.credit("EUR")


@given(lines=LINES, part=st.integers(1, 2_000), more=st.integers(0, 500))
def test_refund_and_cancel_end_the_same_in_either_order(
    lines: list[tuple[int, str]], part: int, more: int
) -> None:
    """Credit note, then refund of the credit; refund of the payment, then credit note [docs/domain.md, Refunds]."""
    net = min(part, lines[0][0])
    found = []
    for cancel_first in (True, False):
        world = billed(lines)
        total = world.due("INV-1")
        world.post(pay("p1", total + more, ("INV-1", total)))
        gross = billed(lines).post(credit("INV-1", (1, net)))[0].data.columns().amount or 0
        if cancel_first:
            world.post(credit("INV-1", (1, net)))
            world.post(refund("r1", gross + more))
        else:
            world.post(refund("r1", gross + more, "p1"))
            world.post(credit("INV-1", (1, net)))
        found.append(ends(world))
    assert found[0] == found[1]


@given(
    totals=st.lists(st.integers(1, 900), min_size=1, max_size=4), paid=st.integers(1, 3_000),
    place=st.integers(0, 3), amount=st.integers(1, 900),
)  # fmt: skip
def test_an_allocation_undone_and_made_again_leaves_what_was(
    totals: list[int], paid: int, place: int, amount: int
) -> None:
    """The newest one to the byte; an older one becomes the newest, and all amounts are the same."""
    world = opened()
    for number, total in enumerate(totals):
        world.post(charge(f"c{number}", total))
        world.post(issue())
    world.post(pay("p1", paid))
    source = world.alice.source("p1")
    assert source is not None
    made = list(source.allocations)
    invoice, allocated = made[min(place, len(made) - 1)]
    part = min(amount, allocated)
    before, ended = _state(world), ends(world)
    world.post(undo("p1", invoice, part))
    assert world.due(invoice) > 0
    world.post(allocate("p1", invoice, part))
    assert ends(world) == ended
    if invoice == made[-1][0]:
        assert _state(world) == before


def _state(world: World) -> object:
    """All that the rules remember of Alice, whatever was touched last."""
    return msgspec.to_builtins(world.alice, order="sorted")


@given(lines=LINES, part=st.integers(1, 3_000), relief=st.booleans(), held=st.booleans())
def test_debt_written_off_and_recovered_is_debt_paid(
    lines: list[tuple[int, str]], part: int, relief: bool, held: bool
) -> None:
    """Whatever part, with the tax in it or without, by new money or out of credit that is here."""
    given_first = [RELIEF] if relief else []
    world = billed(lines, given_first)
    amount = min(part, world.due("INV-1"))
    world.post(write_off("INV-1"))
    if held:
        world.post(hold("p1", amount))
        world.post(recover("INV-1", amount, source={"payment": "p1"}))
    else:
        world.post(recover("INV-1", amount, "p1"))
    other = billed(lines, given_first)
    other.post(pay("p1", amount, ("INV-1", amount)))
    if other.due("INV-1"):
        other.post(write_off("INV-1"))
    (accounts, *rest), (expected, *others) = ends(world), ends(other)
    assert rest == others
    lost = ("bad_debt", "EUR"), ("tax_payable", "EUR")
    assert sum(accounts.get(key, 0) for key in lost) == sum(expected.get(key, 0) for key in lost)
    assert {key: amount for key, amount in accounts.items() if key not in lost} == {
        key: amount for key, amount in expected.items() if key not in lost
    }
    if not relief:
        assert accounts == expected
