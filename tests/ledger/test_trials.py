"""Retention trials: planned before their data, drawn so that anybody can draw again, each customer once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from tests.ledger import asks
from tests.ledger.asks import take_part, trial
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import START, Ask

from ledger.discounts.policy import Conditions
from ledger.errors import Refusal
from ledger.trial_plan import Plan, draw

T1 = trial("t1", ("ten", "40"), ("letter", "40.00"))
LEFT: Ask = ("customer.closed", {"by": "customer", "reason": "moved"})


@rows(
    ("registered", [], T1, ["trial.registered trial=t1 hold_out_share=20 seed=4711"]),
    ("once", [T1], trial("t1", ("a", "80")), ["! trial_exists /data/trial"]),
    ("shares are whole", [], trial("t1", ("a", "79.999")), ["! shares_not_whole /data/arms"]),
    ("exactly", [], trial("t1", ("a", "33.3"), ("b", "33.3"), hold_out="33.4"), ["trial.registered"]),
    ("none is nothing", [], trial("t1", ("a", "80"), ("b", "0")), ["! shares_not_whole /data/arms"]),
    ("somebody is left alone", [], trial("t1", ("a", "100"), hold_out="0"), ["! shares_not_whole /data/arms"]),
    ("there is an arm", [], trial("t1", hold_out="100"), ["! list_length /data/arms"]),
    ("each once", [], trial("t1", ("a", "40"), ("a", "40")), ["! arm_repeated /data/arms/0/arm"]),
    ("the hold-out is one", [], trial("t1", ("hold_out", "80")), ["! arm_repeated /data/arms/0/arm"]),
    ("not when it is over", [], trial("t1", ("a", "80"), end="2026-01-30"), ["! trial_over /data/trial"]),
    ("until today is fine", [], trial("t1", ("a", "80"), end="2026-01-31"), ["trial.registered"]),
    ("assigned", [T1], take_part("t1"), ["trial.assigned trial=t1 arm=letter"]),
    ("once", [T1, take_part("t1")], take_part("t1"), ["! trial_assigned /data/trial"]),
    ("to each trial", [T1, trial("t2", ("a", "80")), take_part("t1")], take_part("t2"), ["trial.assigned trial=t2"]),
    ("not before it is registered", [], take_part("t1"), ["! trial_unknown /data/trial"]),
    ("not who has left", [T1, LEFT], take_part("t1"), ["! customer_closed /subject"]),
    ("a customer for so long", [trial("t1", ("a", "80"), criteria={"tenure_days": 31})], take_part("t1"), ["! tenure_too_short /subject"]),
    ("or just so long", [trial("t1", ("a", "80"), criteria={"tenure_days": 30})], take_part("t1"), ["trial.assigned"]),
    ("who complains", [trial("t1", ("a", "80"), criteria={"open_complaint": True})], take_part("t1"), ["! complaint_not_open /subject"]),
)  # fmt: skip
def test_trials(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_nobody_is_assigned_before_the_plan_nor_after_the_end_on_either_clock() -> None:
    world = untaxed()
    world.post(trial("t1", ("a", "80"), end="2026-02-10"))
    with pytest.raises(Refusal, match="dated_before"):
        world.post(take_part("t1"), at=START + timedelta(hours=1))
    before = world.now
    world.now = before.replace(month=2, day=10, hour=22, minute=50)
    world.post(("customer.opened", {"currency": "EUR"}), customer="bob", at=START)
    assert world.post(take_part("t1"), customer="bob", at=world.now)
    world.now += timedelta(minutes=9)
    for at in (world.now, before + timedelta(hours=1)):
        with pytest.raises(Refusal, match="trial_over"):
            world.post(take_part("t1"), at=at)


def test_who_left_is_not_assigned_with_an_earlier_date_either() -> None:
    world = untaxed()
    world.post(T1)
    at = world.now
    world.post(LEFT)
    with pytest.raises(Refusal, match="customer_closed"):
        world.post(take_part("t1"), at=at)


AGAIN = """
import hashlib, sys
from fractions import Fraction
trial, seed, customer = sys.argv[1:4]
drawn = Fraction(int(hashlib.sha256("\\n".join([trial, seed, customer]).encode()).hexdigest(), 16), 2**256)
for arm, share in (each.split("=") for each in sys.argv[4:]):
    drawn -= Fraction(share) / 100
    if drawn < 0:
        print(arm)
        break
"""
"""The draw in another way, as docs/domain.md describes it."""


def test_anybody_can_draw_again() -> None:
    """By a program that shares nothing with ours, from the plan in the event alone."""
    world = untaxed()
    world.post(T1)
    found = set()
    for number in range(8):
        customer = f"c-{number}"
        world.post(("customer.opened", {"currency": "EUR"}), customer=customer)
        arm = world.post(take_part("t1"), customer=customer)[0].data.arm  # type: ignore[attr-defined]
        said = [sys.executable, "-c", AGAIN, "t1", "4711", customer, "ten=40", "letter=40.00", "hold_out=20"]
        assert subprocess.run(said, capture_output=True, text=True, check=True).stdout.strip() == arm
        found.add(arm)
    assert len(found) > 1


SHARES = st.lists(st.integers(1, 1000), min_size=2, max_size=5)


def plan(parts: list[int], seed: str) -> Plan:
    """Lay out shares, the last of them the hold-out, in hundredths of a percent that are 100 together."""
    hundredths = [part * 10_000 // sum(parts) for part in parts[:-1]]
    shares: list[tuple[str, str | int]] = [
        (f"a{place}", f"{share // 100}.{share % 100:02}") for place, share in enumerate(hundredths)
    ]
    return Plan("t", seed, shares, Conditions(), START, START.date())


@settings(max_examples=20, deadline=None)
@given_any(SHARES, st.text("abc0123", min_size=1, max_size=8))
def test_the_arms_get_their_shares(parts: list[int], seed: str) -> None:
    """Of 4,000 customers each arm gets its share, within five standard deviations and a rounding."""
    many = 4_000
    drawn = Counter(draw(plan(parts, seed), f"c-{number}") for number in range(many))
    expected = {f"a{place}": part / sum(parts) for place, part in enumerate(parts[:-1])}
    expected["hold_out"] = parts[-1] / sum(parts)
    for arm, share in expected.items():
        spread = (many * share * (1 - share)) ** 0.5
        assert abs(drawn[arm] - many * share) <= 5 * spread + 3, (arm, drawn)


@given_any(st.text("abcdefgh", min_size=1, max_size=12), st.text("0123456789", min_size=1, max_size=6))
def test_the_draw_depends_on_the_plan_and_the_customer_alone(customer: str, seed: str) -> None:
    first = plan([1, 1, 1, 1], seed)
    assert draw(first, customer) == draw(plan([1, 1, 1, 1], seed), customer)
    others = {draw(plan([1, 1, 1, 1], f"{seed}{more}"), customer) for more in range(200)}
    assert others == {"a0", "a1", "a2", "hold_out"}


def test_a_trial_is_of_its_book_alone() -> None:
    world = untaxed()
    with pytest.raises(Refusal, match="subject_not_allowed"):
        world.take(world.read(T1)._replace(subject="alice"))
    assert asks.take_part("t1")[0] == "trial.assign"
