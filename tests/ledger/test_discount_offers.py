"""Offers: what the customer may accept until a day, and the authority is that of the day of the offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.ledger import asks
from tests.ledger.asks import accept, approve, charge, decline, offer_off, percent_off, refuse, revoke
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.test_authority import AGENT, POLICY, Step, off, play, ten
from tests.ledger.world import Ask

from ledger.errors import Refusal

OFFER = offer_off("x1", "10", "2026-02-14", invoices=1, reason="leaving", campaign="spring", criterion="stay")
GRANTED = "discount.granted discount=x1 percent=10 invoices=1 reason=leaving campaign=spring criterion=stay"


@rows(
    ("offered", [], OFFER, ["discount.offered discount=x1 percent=10 offered_until=2026-02-14 authority=None campaign=spring"]),
    ("accepted", [OFFER], accept("x1"), ["discount.accepted discount=x1", GRANTED]),
    ("refused", [OFFER], refuse("x1"), ["discount.refused discount=x1 reason=too_little"]),
    ("accepted once", [OFFER, accept("x1")], accept("x1"), ["! discount_not_waiting /data/discount"]),
    ("not after it was refused", [OFFER, refuse("x1")], accept("x1"), ["! discount_not_waiting /data/discount"]),
    ("nor refused after it was accepted", [OFFER, accept("x1")], refuse("x1"), ["! discount_not_waiting /data/discount"]),
    ("only what was offered", [], accept("x1"), ["! discount_unknown /data/discount"]),
    ("not what was granted", [percent_off("x1", "5")], accept("x1"), ["! discount_not_waiting /data/discount"]),
    ("under a name of its own", [percent_off("x1", "5")], OFFER, ["! discount_exists /data/discount"]),
    ("which stays taken", [OFFER, refuse("x1")], OFFER, ["! discount_exists /data/discount"]),
    ("an offer takes nothing off", [OFFER, charge("c1", 100)], asks.issue(), ["invoice.issued discount=0"]),
    ("what is accepted does", [OFFER, accept("x1"), charge("c1", 100)], asks.issue(), ["invoice.issued discount=10"]),
    ("what is accepted can be revoked", [OFFER, accept("x1")], revoke("x1"), ["discount.revoked"]),
    ("what is offered cannot", [OFFER], revoke("x1"), ["! discount_unknown /data/discount"]),
    ("not until a day that is over", [], offer_off("x1", "5", "2026-01-30"), ["! offer_expired /data/discount"]),
    ("until today is fine", [], offer_off("x1", "5", "2026-01-31"), ["discount.offered"]),
    ("its charge must wait still", [charge("c1", 5), offer_off("x1", "5", scope={"charge": "c1"}), asks.issue()], accept("x1"), ["! charge_billed /data/scope/charge"]),
    ("not by one who left", [OFFER, ("customer.closed", {"by": "customer", "reason": "moved"})], accept("x1"), ["! customer_closed /subject"]),
    ("not to one who left", [("customer.closed", {"by": "customer", "reason": "moved"})], OFFER, ["! customer_closed /subject"]),
    ("an offer has a last day", [], ("discount.offer", percent_off("x1", "5")[1]), ["! field_missing /data/offered_until"]),
    ("of the shape of a discount", [], offer_off("x1", "5", amount=5), ["! field_not_allowed /data/amount"]),
    ("approving is for requests", [OFFER], approve("x1"), ["! discount_not_waiting /data/discount"]),
    ("and declining", [OFFER], decline("x1"), ["! discount_not_waiting /data/discount"]),
)  # fmt: skip
def test_offers(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


BEYOND = offer_off("x1", "20", "2026-02-14", invoices=1)
ONE = ("anna", offer_off("x1", "10", invoices=1, at_most=100, currency="EUR"))


@pytest.mark.parametrize(
    ("steps", "when", "then"),
    [
        pytest.param([], ONE, ["discount.offered authority.role=agent"], id="within the authority"),
        pytest.param([ONE], ("shop", accept("x1")), ["discount.accepted", "discount.granted authority.role=agent"], id="anybody tells that it was accepted"),
        pytest.param([], ("anna", BEYOND), ["discount.requested exceeds.limit=percent offered_until=2026-02-14"], id="beyond it"),
        pytest.param([("anna", BEYOND)], ("tom", approve("x1")), ["discount.approved", "discount.offered offered_until=2026-02-14 authority.role=team_lead"], id="approved, it is offered"),
        pytest.param([("anna", BEYOND), ("tom", approve("x1"))], ("anna", accept("x1")), ["discount.accepted", "discount.granted percent=20 authority.role=team_lead"], id="then accepted"),
        pytest.param([("anna", BEYOND), ("tom", decline("x1"))], ("anna", accept("x1")), ["! discount_not_waiting /data/discount"], id="declined, it is not"),
        pytest.param([("anna", BEYOND)], ("anna", accept("x1")), ["! discount_not_waiting /data/discount"], id="nor before it is approved"),
        pytest.param([ONE, ("anna", ten("x2"))], ("anna", ten("x3")), ["discount.granted"], id="an open offer counts as one of three"),
        pytest.param([ONE, ("anna", ten("x2")), ("anna", ten("x3"))], ("anna", ten("x4")), ["discount.requested exceeds.limit=customer_grants"], id="so there is no fourth"),
        pytest.param([("anna", asks.offer_fixed("x1", 1000))], ("anna", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount"], id="and its amount counts"),
        pytest.param([("anna", asks.offer_fixed("x1", 1000)), ("anna", refuse("x1"))], ("anna", off("x2", 501)), ["discount.granted"], id="until it is refused"),
        pytest.param([("anna", asks.offer_fixed("x1", 1000)), ("anna", accept("x1"))], ("anna", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount"], id="accepted, it counts once"),
        pytest.param([ONE, ("shop", asks.discount_policy({**AGENT, "percent": "5"}, from_="2026-01-15"))], ("anna", accept("x1")), ["discount.accepted", "discount.granted authority.policy_from=2026-01-01"], id="what was offered holds, whatever the policy is now"),
    ],
)  # fmt: skip
def test_the_authority_is_judged_when_it_is_offered(
    steps: Sequence[Step], when: Step, then: Sequence[str]
) -> None:
    play(untaxed(), [("shop", POLICY), *steps], when, then)


@pytest.mark.parametrize("answer", [accept("x1"), refuse("x1")])
def test_an_offer_expires_with_its_last_day_in_the_book_s_time_zone(answer: Ask) -> None:
    world = untaxed()
    world.post(OFFER)
    last = world.now.replace(month=2, day=14, hour=22, minute=59)
    world.now = last + timedelta(hours=5)
    with pytest.raises(Refusal, match="offer_expired"):
        world.post(answer, at=last + timedelta(minutes=1))
    assert world.post(answer, at=last), "who recorded it later does not matter"


def test_an_expired_offer_does_not_count_any_more() -> None:
    world = untaxed()
    play(world, [("shop", POLICY)], ("anna", asks.offer_fixed("x1", 1000)), ["discount.offered"])
    world.now = world.now.replace(month=2, day=14)
    play(world, [], ("anna", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount"])
    world.now += timedelta(days=1)
    play(world, [], ("anna", off("x3", 501)), ["discount.granted"])
