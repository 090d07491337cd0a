"""The authority to grant discounts: within it granted, beyond it asked of a second person, never of oneself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest
from tests.ledger import asks
from tests.ledger.asks import amount_off, approve, charge, decline, discount_policy, percent_off, revoke
from tests.ledger.table import said, untaxed
from tests.ledger.world import START, Ask, World

from ledger.errors import Refusal
from ledger.event import encode_canonical

ROLES = {
    "anna": "agent",
    "ben": "agent",
    "tom": "team_lead",
    "mia": "manager",
    "tim": "trainee",
    "shop": None,
}
AGENT = {
    "role": "agent", "percent": "10", "amounts": [{"currency": "EUR", "amount": 1000}], "invoices": 3,
    "per_customer": {"days": 30, "amounts": [{"currency": "EUR", "amount": 1500}], "grants": 3},
}  # fmt: skip
TEAM_LEAD = {
    "role": "team_lead",
    "percent": "25",
    "amounts": [{"currency": "EUR", "amount": 5000}],
    "approves": True,
}
MANAGER = {
    "role": "manager",
    "percent": "100",
    "amounts": [{"currency": "EUR", "amount": 10**15}],
    "approves": True,
}
POLICY = discount_policy(AGENT, TEAM_LEAD, MANAGER, {"role": "trainee"})
CRITERIA = [
    {"criterion": "loyalty", "tenure_days": 365},
    {"criterion": "young", "tenure_days": 30},
    {"criterion": "sorry", "open_complaint": True},
    {"criterion": "good", "nothing_overdue": True},
    {"criterion": "stay", "alternative_offered": True},
]
GROUNDS = discount_policy(
    {**AGENT, "criteria": ["young", "sorry", "good", "stay", "loyalty"]}, TEAM_LEAD, criteria=CRITERIA
)
NARROW = discount_policy({**AGENT, "criteria": ["stay"]}, TEAM_LEAD, criteria=CRITERIA)

Step = tuple[str, Ask]
"""Who posts what."""


def ten(name: str, **more: object) -> Ask:
    return percent_off(name, "10", **{"invoices": 1, "at_most": 100, "currency": "EUR", **more})


def off(name: str, amount: int, **more: object) -> Ask:
    return amount_off(name, amount, **{"invoices": 1, **more})


def play(world: World, steps: Sequence[Step], when: Step, then: Sequence[str]) -> None:
    """Let everybody post in turn; then hold what comes of the last message to what is expected."""
    for who, ask in steps:
        world.acts(who, ROLES[who])
        world.post(ask)
    world.acts(when[0], ROLES[when[0]])
    if then[0].startswith("! "):
        with pytest.raises(Refusal) as caught:
            world.post(when[1])
        assert f"! {caught.value.code} {caught.value.pointer}".strip() == then[0]
        return
    events = world.post(when[1])
    assert [said(event, expected) for event, expected in zip(events, then, strict=True)] == list(then)


WITHIN = "discount.granted authority.role=agent authority.policy_from=2026-01-01"
TWO = [("anna", off("x1", 1000)), ("ben", off("x2", 400))]
USED = [
    ("tom", percent_off("x1", "20", invoices=5)),
    ("shop", charge("c1", 1000)),
    ("shop", asks.issue()),
    ("anna", off("x2", 1000)),
]


@pytest.mark.parametrize(
    ("steps", "when", "then"),
    [
        pytest.param([], ("anna", ten("x1")), [WITHIN], id="within the percentage"),
        pytest.param([], ("anna", percent_off("x1", "10.000", invoices=3, at_most=100, currency="EUR")), [WITHIN], id="exactly it, however written"),
        pytest.param([], ("anna", percent_off("x1", "10.0001", invoices=1)), ["discount.requested authority.role=agent exceeds.limit=percent exceeds.allowed=10 exceeds.asked=10.0001"], id="beyond the percentage"),
        pytest.param([], ("anna", off("x1", 1000)), [WITHIN], id="exactly the amount"),
        pytest.param([], ("anna", off("x1", 1001)), ["discount.requested exceeds.limit=amount exceeds.allowed=1000 exceeds.asked=1001"], id="beyond the amount"),
        pytest.param([], ("anna", off("x1", 400, invoices=3)), ["discount.requested exceeds.limit=amount exceeds.asked=1200"], id="an amount counts on all of its invoices"),
        pytest.param([], ("anna", percent_off("x1", "5", invoices=4)), ["discount.requested exceeds.limit=invoices exceeds.allowed=3 exceeds.asked=4"], id="on too many invoices"),
        pytest.param([], ("anna", percent_off("x1", "5")), ["discount.requested exceeds.limit=invoices exceeds.asked=None"], id="for ever is on too many"),
        pytest.param([], ("mia", amount_off("x1", 5)), ["! discount_unbounded /data/invoices"], id="an amount for ever is within no authority"),
        pytest.param([("mia", charge("c", 5, currency="USD"))], ("anna", off("x1", 1, currency="USD")), ["discount.requested exceeds.limit=amount exceeds.allowed=0"], id="nothing in a currency that is not named"),
        pytest.param([], ("tim", ten("x1")), ["discount.requested authority.role=trainee exceeds.limit=percent exceeds.allowed=0"], id="a role without limits only asks"),
        pytest.param([], ("shop", ten("x1")), ["! authority_missing"], id="no role, no authority"),
        pytest.param(TWO, ("anna", ten("x3")), [WITHIN], id="a third one in the period"),
        pytest.param([*TWO, ("anna", ten("x3"))], ("ben", percent_off("x4", "1", invoices=1)), ["discount.requested exceeds.limit=customer_grants exceeds.allowed=3 exceeds.asked=4"], id="but no fourth, whoever granted them"),
        pytest.param([("anna", off("x1", 1000))], ("ben", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount exceeds.allowed=1500 exceeds.asked=1501"], id="beyond the amount in the period"),
        pytest.param([], ("anna", percent_off("x1", "10", invoices=1)), ["discount.requested exceeds.limit=customer_amount exceeds.allowed=1500 exceeds.asked=None"], id="a percentage without bound is beyond any amount"),
        pytest.param([("anna", percent_off("x1", "10", invoices=1))], ("tom", approve("x1")), ["discount.approved", "discount.granted authority.role=team_lead"], id="whoever has no such limit approves it"),
        pytest.param([], ("anna", ten("x1", at_most=1500)), [WITHIN], id="a bounded one counts with its bound"),
        pytest.param([("anna", off("x1", 1000))], ("ben", ten("x2", at_most=501)), ["discount.requested exceeds.limit=customer_amount exceeds.allowed=1500 exceeds.asked=1501"], id="and both together"),
        pytest.param([("anna", ten("x1", at_most=1500)), ("shop", charge("c1", 100)), ("shop", asks.issue())], ("ben", off("x2", 1)), ["discount.requested exceeds.limit=customer_amount exceeds.asked=1501"], id="whatever it took off so far"),
        pytest.param([("anna", asks.offer_off("x1", "10", invoices=1, at_most=1000, currency="EUR"))], ("ben", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount exceeds.asked=1501"], id="and while it is offered"),
        pytest.param(USED, ("anna", off("x3", 300)), [WITHIN], id="without bound, granted by others, it counts with what it took off"),
        pytest.param(USED, ("anna", off("x3", 301)), ["discount.requested exceeds.limit=customer_amount exceeds.asked=1501"], id="to the cent"),
        pytest.param([*USED, ("shop", asks.void("INV-1"))], ("anna", off("x3", 500)), [WITHIN], id="unless that is void"),
        pytest.param([("shop", discount_policy({**TEAM_LEAD, "per_customer": {"days": 9, "amounts": [{"currency": "EUR", "amount": 9}]}}, AGENT)), ("anna", percent_off("x1", "20", invoices=1))], ("tom", approve("x1")), ["! authority_exceeded /data/discount"], id="nor does anybody approve what is beyond their own"),
        pytest.param([("anna", off("x1", 1000))], ("tom", off("x2", 5000)), ["discount.granted authority.role=team_lead"], id="each role has its own limits"),
        pytest.param([("tom", off("x1", 1500))], ("anna", off("x2", 1)), ["discount.requested exceeds.limit=customer_amount"], id="what others granted counts too"),
        pytest.param([("anna", off("x1", 1000)), ("anna", revoke("x1"))], ("ben", off("x2", 1000)), [WITHIN], id="revoked before it was used does not count"),
        pytest.param([("anna", off("x1", 1000)), ("shop", charge("c1", 10)), ("shop", asks.issue()), ("anna", revoke("x1"))], ("ben", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount"], id="revoked after it was used counts"),
        pytest.param([("anna", off("x1", 1001))], ("anna", off("x2", 1000)), [WITHIN], id="a request does not count"),
    ],
)  # fmt: skip
def test_limits(steps: Sequence[Step], when: Step, then: Sequence[str]) -> None:
    play(untaxed(), [("shop", POLICY), *steps], when, then)


def test_who_it_was_when_and_under_which_authority_stand_in_the_event() -> None:
    world = untaxed()
    world.post(POLICY)
    world.acts("anna", "agent")
    (event,) = world.post(ten("x1"), at=START + timedelta(days=2))
    stored = msgspec.json.decode(encode_canonical(event))
    assert (stored["principal"], stored["time"]) == ("anna", "2026-01-03T00:00:00Z")
    assert START + timedelta(days=30) < event.recordedtime <= world.now
    assert stored["data"]["authority"] == {"role": "agent", "policy_from": "2026-01-01"}


ASKED = [("anna", percent_off("x1", "20", invoices=1, reason="leaving", campaign="spring"))]


@pytest.mark.parametrize(
    ("steps", "when", "then"),
    [
        pytest.param(ASKED, ("tom", approve("x1")), ["discount.approved discount=x1 authority.role=team_lead", "discount.granted discount=x1 percent=20 reason=leaving campaign=spring authority.role=team_lead"], id="a second person approves"),
        pytest.param(ASKED, ("tom", decline("x1")), ["discount.declined discount=x1 reason=too_much authority.role=team_lead"], id="or declines"),
        pytest.param(ASKED, ("anna", approve("x1")), ["! self_approval /data/discount"], id="never who asked"),
        pytest.param(ASKED, ("anna", decline("x1")), ["! self_approval /data/discount"], id="not even to decline"),
        pytest.param(ASKED, ("ben", approve("x1")), ["! approval_not_allowed"], id="nor one whose role does not approve"),
        pytest.param(ASKED, ("shop", approve("x1")), ["! authority_missing"], id="nor a system"),
        pytest.param([("anna", percent_off("x1", "26", invoices=1))], ("tom", approve("x1")), ["! authority_exceeded /data/discount"], id="nor beyond the own authority"),
        pytest.param([("tom", percent_off("x1", "26", invoices=1))], ("tom", approve("x1")), ["! self_approval /data/discount"], id="nor a team lead their own"),
        pytest.param([("tom", percent_off("x1", "26", invoices=1))], ("mia", approve("x1")), ["discount.approved", "discount.granted authority.role=manager"], id="but a manager"),
        pytest.param(ASKED, ("anna", asks.take_back("x1")), ["discount.withdrawn discount=x1 reason=asked_again"], id="who asked withdraws"),
        pytest.param(ASKED, ("tom", asks.take_back("x1")), ["! withdrawal_not_allowed /data/discount"], id="and nobody else"),
        pytest.param([*ASKED, ("anna", asks.take_back("x1"))], ("tom", approve("x1")), ["! discount_not_waiting /data/discount"], id="what is withdrawn is not decided"),
        pytest.param([*ASKED, ("anna", asks.take_back("x1"))], ("anna", ten("x1")), ["! discount_exists /data/discount"], id="and its name stays taken"),
        pytest.param([*ASKED, ("tom", approve("x1"))], ("anna", asks.take_back("x1")), ["! discount_not_waiting /data/discount"], id="nor withdrawn after it was decided"),
        pytest.param([("anna", asks.offer_off("x1", "10", invoices=1, at_most=1, currency="EUR"))], ("anna", asks.take_back("x1")), ["! discount_not_waiting /data/discount"], id="an offer stands"),
        pytest.param([*ASKED, ("tom", approve("x1"))], ("mia", approve("x1")), ["! discount_not_waiting /data/discount"], id="once"),
        pytest.param([*ASKED, ("tom", decline("x1"))], ("mia", approve("x1")), ["! discount_not_waiting /data/discount"], id="and not after it was declined"),
        pytest.param([*ASKED, ("tom", decline("x1"))], ("anna", ten("x1")), ["! discount_exists /data/discount"], id="whose name stays taken"),
        pytest.param(ASKED, ("anna", ten("x1")), ["! discount_exists /data/discount"], id="as that of one who waits"),
        pytest.param([], ("tom", approve("x9")), ["! discount_unknown /data/discount"], id="only what was asked for"),
        pytest.param([("anna", ten("x1"))], ("tom", approve("x1")), ["! discount_not_waiting /data/discount"], id="not what was granted"),
        pytest.param(ASKED, ("tom", revoke("x1")), ["! discount_unknown /data/discount"], id="what waits is not revoked"),
        pytest.param([("shop", charge("c1", 5)), ("anna", percent_off("x1", "20", scope={"charge": "c1"})), ("shop", asks.reverse("c1"))], ("tom", approve("x1")), ["! charge_reversed /data/scope/charge"], id="its charge must be there still"),
        pytest.param([*ASKED, ("shop", ("customer.closed", {"by": "customer", "reason": "moved"}))], ("tom", approve("x1")), ["! customer_closed /subject"], id="and the customer"),
        pytest.param([*ASKED, ("shop", discount_policy({"role": "team_lead", "approves": True}, from_="2026-01-02"))], ("tom", approve("x1")), ["! authority_exceeded /data/discount"], id="by the policy of the day of the decision"),
    ],
)  # fmt: skip
def test_a_second_person_decides(steps: Sequence[Step], when: Step, then: Sequence[str]) -> None:
    play(untaxed(), [("shop", POLICY), *steps], when, then)


SMALL = ("anna", asks.offer_fixed("s", 10, criterion="young"))
COMPLAINED = [("shop", charge("c1", 10)), ("shop", asks.issue()), ("shop", asks.complain("d1", "INV-1"))]


@pytest.mark.parametrize(
    ("steps", "when", "then"),
    [
        pytest.param([], ("anna", ten("x1")), ["! criterion_unknown /data/criterion"], id="one has to be named"),
        pytest.param([], ("anna", ten("x1", criterion="mood")), ["! criterion_unknown /data/criterion"], id="of the policy"),
        pytest.param([], ("anna", ten("x1", criterion="loyalty")), ["! tenure_too_short /subject"], id="not a customer for a year"),
        pytest.param([], ("anna", ten("x1", criterion="young")), ["discount.granted criterion=young"], id="but for a month"),
        pytest.param([], ("anna", ten("x1", criterion="sorry")), ["! complaint_not_open /subject"], id="no complaint"),
        pytest.param(COMPLAINED, ("anna", ten("x1", criterion="sorry")), ["discount.granted criterion=sorry"], id="a complaint"),
        pytest.param([("shop", charge("c1", 10)), ("shop", asks.issue())], ("anna", ten("x1", criterion="good")), ["discount.granted"], id="due is not overdue"),
        pytest.param([], ("anna", ten("x1", criterion="stay")), ["! alternative_not_offered /data/alternative"], id="no alternative"),
        pytest.param([], ("anna", ten("x1", criterion="stay", alternative="plan_s")), ["! alternative_not_offered /data/alternative"], id="nor one that nobody recorded"),
        pytest.param([("shop", asks.note("plan_s"))], ("anna", ten("x1", criterion="stay", alternative="plan_s")), ["discount.granted criterion=stay alternative=plan_s"], id="an alternative in a note"),
        pytest.param([SMALL, ("anna", asks.refuse("s"))], ("anna", ten("x1", criterion="stay", alternative="s")), ["discount.granted alternative=s"], id="an offer that they refused"),
        pytest.param([SMALL], ("anna", ten("x1", criterion="stay", alternative="s")), ["! alternative_not_offered /data/alternative"], id="not one that is open"),
        pytest.param([SMALL, ("anna", asks.accept("s"))], ("anna", ten("x1", criterion="stay", alternative="s")), ["! alternative_not_offered /data/alternative"], id="nor one that they took"),
        pytest.param([("anna", percent_off("s", "20", criterion="young")), ("tom", decline("s"))], ("anna", ten("x1", criterion="stay", alternative="s")), ["! alternative_not_offered /data/alternative"], id="nor a request that was declined"),
        pytest.param([], ("anna", percent_off("x1", "20", criterion="sorry")), ["! complaint_not_open /subject"], id="nor is it requested when it does not hold"),
        pytest.param([], ("anna", asks.offer_off("x1", "10", criterion="sorry")), ["! complaint_not_open /subject"], id="nor offered"),
        pytest.param([], ("tom", ten("x1", criterion="sorry")), ["! complaint_not_open /subject"], id="whoever asks"),
        pytest.param([("shop", NARROW)], ("anna", ten("x1", criterion="young")), ["discount.requested exceeds.limit=criterion exceeds.asked=young"], id="a criterion that the role may not name"),
    ],
)  # fmt: skip
def test_criteria(steps: Sequence[Step], when: Step, then: Sequence[str]) -> None:
    play(untaxed(), [("shop", GROUNDS), *steps], when, then)


def test_something_overdue_is_no_ground() -> None:
    world = untaxed()
    play(
        world,
        [("shop", GROUNDS), ("shop", charge("c1", 10))],
        ("shop", asks.issue()),
        ["invoice.issued due_on=2026-02-14"],
    )
    world.now += timedelta(days=14)
    play(world, [], ("anna", ten("x1", criterion="good")), ["discount.granted"])
    world.now += timedelta(days=1)
    play(world, [], ("anna", ten("x2", criterion="good")), ["! invoice_overdue /subject"])
    play(
        world,
        [("shop", asks.complain("d1", "INV-1"))],
        ("anna", ten("x2", criterion="good")),
        ["discount.granted"],
    )


def test_an_offer_that_expired_was_offered() -> None:
    world = untaxed()
    stay = ("anna", ten("x1", criterion="stay", alternative="s"))
    play(world, [("shop", GROUNDS), SMALL], stay, ["! alternative_not_offered /data/alternative"])
    world.now = world.now.replace(month=2, day=15)
    play(world, [], stay, ["discount.granted alternative=s"])


def test_what_was_granted_counts_until_its_days_are_over() -> None:
    world = untaxed()
    play(world, [("shop", POLICY)], ("anna", off("x1", 1000)), [WITHIN])
    world.now += timedelta(days=30) - timedelta(minutes=2)
    play(world, [], ("anna", off("x2", 501)), ["discount.requested exceeds.limit=customer_amount"])
    world.now += timedelta(minutes=2)
    play(world, [], ("anna", off("x3", 501)), [WITHIN])


def test_a_back_dated_grant_escapes_neither_the_policy_nor_the_period() -> None:
    world = untaxed()
    play(world, [("shop", POLICY)], ("anna", off("x1", 1000)), [WITHIN])
    for days in (0, 29, 60):
        world.acts("anna", "agent")
        (event,) = world.post(off(f"y{days}", 1000), at=world.now - timedelta(days=days))
        assert event.type == "discount.requested"
    world.acts("shop")
    with pytest.raises(Refusal, match="authority_missing"):
        world.post(ten("z"), at=world.now - timedelta(days=300))


def test_before_a_policy_is_in_force_everybody_grants() -> None:
    later = discount_policy(AGENT, from_="2026-02-02")
    world = untaxed()
    play(world, [("shop", later)], ("shop", percent_off("x1", "100")), ["discount.granted authority=None"])
    world.now += timedelta(days=2)
    play(world, [], ("shop", ten("x2")), ["! authority_missing"])


def test_a_policy_may_give_a_role_to_keys_without_one() -> None:
    world = untaxed()
    play(world, [("shop", discount_policy(AGENT, without_role="agent"))], ("shop", ten("x1")), [WITHIN])


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (discount_policy(AGENT, AGENT), "policy_repeated"),
        (discount_policy(AGENT, criteria=[CRITERIA[0], CRITERIA[0]]), "policy_repeated"),
        (discount_policy({"role": "a", "amounts": AGENT["amounts"] * 2}), "policy_repeated"),  # type: ignore[operator]
        (discount_policy({"role": "a", "criteria": ["mood"]}), "policy_incomplete"),
        (discount_policy(AGENT, without_role="nobody"), "policy_incomplete"),
        (discount_policy({"role": "a", "amounts": [{"currency": "ZZZ", "amount": 1}]}), "currency_unknown"),
        (discount_policy({"role": "a", "percent": "101"}), "text_not_allowed"),
        (discount_policy({"role": "a", "per_customer": {"days": 0}}), "number_out_of_range"),
        (("policy.changed", {"policy": "discount_authority", "from": "2026-01-01"}), "field_missing"),
    ],
)  # fmt: skip
def test_a_policy_that_is_not_clear_is_refused(policy: Ask, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        untaxed().post(policy)
    assert caught.value.code == code


@pytest.mark.parametrize("who", ["anna", "tom", "mia"])
def test_nobody_changes_the_policy_that_limits_them(who: str) -> None:
    play(
        untaxed(),
        [("shop", POLICY)],
        (who, discount_policy({**AGENT, "percent": "90"})),
        ["! policy_not_allowed"],
    )
