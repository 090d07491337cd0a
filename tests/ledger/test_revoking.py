"""Who may revoke a discount: who granted it, and whoever could grant as much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.ledger import asks
from tests.ledger.asks import amount_off, approve, percent_off, revoke
from tests.ledger.table import judge, untaxed
from tests.ledger.test_authority import POLICY, Step, off, play, ten

from ledger.errors import Refusal

GRANTED = [("mia", ten("x1"))]


@pytest.mark.parametrize(
    ("steps", "when", "then"),
    [
        pytest.param([("anna", ten("x1"))], ("anna", revoke("x1")), ["discount.revoked discount=x1"], id="the own"),
        pytest.param([("tim", ten("x1")), ("mia", approve("x1"))], ("tim", revoke("x1")), ["! revocation_not_allowed /data/discount"], id="not what one only asked for"),
        pytest.param([("tim", ten("x1")), ("mia", approve("x1"))], ("mia", revoke("x1")), ["discount.revoked"], id="but what one approved"),
        pytest.param(GRANTED, ("anna", revoke("x1")), ["discount.revoked"], id="that of others within the own limits"),
        pytest.param([("mia", percent_off("x1", "10.01", invoices=1))], ("anna", revoke("x1")), ["! revocation_not_allowed /data/discount"], id="not beyond the percentage"),
        pytest.param([("mia", off("x1", 1000))], ("anna", revoke("x1")), ["discount.revoked"], id="within the amount"),
        pytest.param([("mia", off("x1", 1001))], ("anna", revoke("x1")), ["! revocation_not_allowed /data/discount"], id="not beyond it"),
        pytest.param(GRANTED, ("tim", revoke("x1")), ["! revocation_not_allowed /data/discount"], id="nor whoever may grant nothing"),
        pytest.param(GRANTED, ("shop", revoke("x1")), ["! authority_missing"], id="nor a system"),
        pytest.param([("mia", asks.offer_off("x1", "50", invoices=1)), ("shop", asks.accept("x1"))], ("shop", revoke("x1")), ["! authority_missing"], id="nor who only told that it was accepted"),
        pytest.param([("mia", asks.offer_off("x1", "50", invoices=1)), ("shop", asks.accept("x1"))], ("mia", revoke("x1")), ["discount.revoked"], id="but who offered it"),
    ],
)  # fmt: skip
def test_who_revokes(steps: Sequence[Step], when: Step, then: Sequence[str]) -> None:
    play(untaxed(), [("shop", POLICY), *steps], when, then)


def test_the_own_is_revoked_in_whatever_role_and_for_ever_counts_by_its_amount() -> None:
    world = untaxed()
    world.acts("anna", "agent")
    world.post(amount_off("x1", 1001))
    world.post(amount_off("x2", 1001))
    world.post(amount_off("x3", 1000))
    play(world, [("shop", POLICY)], ("ben", revoke("x1")), ["! revocation_not_allowed /data/discount"])
    play(world, [], ("ben", revoke("x3")), ["discount.revoked"])
    play(world, [], ("tom", revoke("x1")), ["discount.revoked"])
    world.acts("anna", "trainee")
    assert world.post(revoke("x2"))


@pytest.mark.parametrize(
    ("seconds", "then"),
    [
        pytest.param(-1, ["! dated_before /time"], id="not as of before it was granted"),
        pytest.param(0, ["discount.revoked discount=x1"], id="but as of that moment"),
    ],
)
def test_a_discount_is_not_revoked_before_it_was_granted(seconds: int, then: Sequence[str]) -> None:
    world = untaxed()
    granted_at = world.post(percent_off("x1", "10"))[0].time
    judge(world, [], revoke("x1"), then, at=granted_at + timedelta(seconds=seconds))


def test_of_an_offer_the_day_on_which_it_was_accepted_counts() -> None:
    world = untaxed()
    world.post(asks.offer_off("x1", "10"))
    offered_at, accepted_at = world.now, world.now + timedelta(hours=2)
    world.post(asks.accept("x1"), at=accepted_at)
    with pytest.raises(Refusal, match=r"discount\.revoke is dated .*, discount x1 ") as caught:
        world.post(revoke("x1"), at=offered_at + timedelta(hours=1))
    assert caught.value.code == "dated_before"
    assert world.post(revoke("x1"), at=accepted_at)
