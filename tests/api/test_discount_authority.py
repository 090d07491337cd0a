"""Who may grant discounts, over HTTP: roles come from keys, a second person decides, no race is won."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from tests.api.live import Caller, Json, Live, problem, write
from tests.api.racing import CLIENTS, race
from tests.ledger import asks
from tests.ledger.asks import amount_off, approve, discount_policy, percent_off
from tests.ledger.world import Ask

AGENT = {
    "role": "agent", "percent": "10", "amounts": [{"currency": "EUR", "amount": 500}],
    "per_customer": {"days": 30, "amounts": [{"currency": "EUR", "amount": 2_000}], "grants": 40},
}  # fmt: skip
LEAD = {"role": "lead", "percent": "50", "amounts": [{"currency": "EUR", "amount": 10_000}], "approves": True}
POLICY = discount_policy(
    AGENT, LEAD, from_="2026-01-01", criteria=[{"criterion": "stay"}, {"criterion": "sorry"}]
)

Person = Callable[[str, str | None], Caller]


@pytest.fixture
def person(live: Live, alice: Caller) -> Person:
    """Give people keys: for a principal, in a role."""
    alice.tell((POLICY[0], {**POLICY[1], "from": "2020-01-01"}))

    def hire(principal: str, role: str | None) -> Caller:
        key = live.key(book=alice.book, principal=principal, role=role)[1]
        return Caller(live, live.client(key), alice.book)

    return hire


def types(receipt: Json) -> list[str]:
    return [event["type"] for event in receipt["events"]]


def grant(name: str, percent: str = "10") -> Ask:
    return percent_off(name, percent, invoices=1, criterion="stay", at_most=50, currency="EUR")


def off(name: str, amount: int) -> Ask:
    return amount_off(name, amount, invoices=1, criterion="sorry", campaign="spring")


def test_a_role_comes_from_the_key_and_a_second_person_decides(alice: Caller, person: Person) -> None:
    anna, tom = person("anna", "agent"), person("tom", "lead")
    assert types(anna.tell(grant("x1"))) == ["discount.granted"]
    assert types(anna.tell(grant("x2", "20"))) == ["discount.requested"]
    assert problem(anna.post(write(approve("x2")))) == (403, "self_approval")
    assert problem(person("anna", "lead").post(write(approve("x2")))) == (403, "self_approval")
    assert problem(person("shop", None).post(write(grant("x3")))) == (403, "authority_missing")
    assert problem(person("ben", "agent").post(write(approve("x2")))) == (403, "approval_not_allowed")
    asked = anna.tell(grant("x4", "60"))["events"][0]
    assert problem(tom.post(write(approve("x4")))) == (422, "authority_exceeded")
    waiting = alice.read("/discounts", state="requested", min_position=asked["position"])["items"]
    assert [(each["discount"], each["requested_by"], each["exceeds"]) for each in waiting] == [
        ("x2", "anna", "percent"), ("x4", "anna", "percent"),
    ]  # fmt: skip
    decided = tom.tell(approve("x2"))
    assert types(decided) == ["discount.approved", "discount.granted"]
    (found,) = alice.read(
        "/customers/alice/discounts",
        asked_by="anna",
        state="granted",
        min_position=decided["events"][1]["position"],
    )["items"]
    assert (found["requested_by"], found["decided_by"], found["decision"], found["role"]) == (
        "anna", "tom", "approved", "lead",
    )  # fmt: skip
    assert (found["criterion"], found["policy_from"]) == ("stay", "2020-01-01")


def test_a_body_cannot_bring_a_role(person: Person) -> None:
    body = write(grant("x1", "20")).replace(b'"source"', b'"role":"lead","source"')
    assert problem(person("anna", "agent").post(body)) == (400, "attribute_unknown")


def test_sixty_four_agents_at_the_edge_of_one_authority_grant_exactly_what_it_allows(
    alice: Caller, person: Person
) -> None:
    """2,000 in all, 300 each: six fit, and everything else is asked of a second person.

    A third takes off an amount, a third a percentage up to 300, the rest one without bound, which never fits.
    """
    agents = [person(f"agent-{number}", "agent") for number in range(CLIENTS)]
    asked = (
        lambda name: off(name, 300),
        lambda name: percent_off(name, "10", criterion="stay", at_most=300, currency="EUR"),
        lambda name: percent_off(name, "1", invoices=1, criterion="stay"),
    )
    answers = race(agents, [asked[number % 3](f"x{number}") for number in range(CLIENTS)])
    assert {answer.status_code for answer in answers} == {201}
    came = Counter(types(answer.json())[0] for answer in answers)
    assert came == {"discount.granted": 6, "discount.requested": CLIENTS - 6}
    position = max(answer.json()["events"][0]["position"] for answer in answers)
    report = alice.read("/reports/discount-authority", customer="alice", min_position=position)
    (left,) = report["left"]
    assert (left["role"], left["amount_used"], left["amount_left"], left["grants_left"]) == (
        "agent",
        1800,
        200,
        34,
    )
    assert sum(use["granted"] for use in report["use"]) == 6
    assert sum(use["amount"] for use in report["use"]) == 1800
    assert sum(use["requested"] for use in report["use"]) == CLIENTS - 6


def test_sixty_four_leads_approve_one_request_once(person: Person) -> None:
    person("anna", "agent").tell(grant("x1", "20"))
    leads = [person(f"lead-{number}", "lead") for number in range(CLIENTS)]
    answers = race(leads, [approve("x1")] * CLIENTS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: CLIENTS - 1}
    assert {problem(answer)[1] for answer in answers if answer.status_code == 422} == {"discount_not_waiting"}


def test_an_offer_that_is_accepted_sixty_four_times_is_granted_once(person: Person) -> None:
    anna = person("anna", "agent")
    anna.tell(asks.offer_off("x1", "10", "2999-12-31", criterion="stay", at_most=50, currency="EUR"))
    answers = race(anna, [asks.accept("x1")] * CLIENTS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: CLIENTS - 1}


def test_the_report_tells_the_policy_and_who_did_what_when(alice: Caller, person: Person) -> None:
    anna, tom = person("anna", "agent"), person("tom", "lead")
    anna.tell(off("x1", 400))
    anna.tell(grant("x2"))
    anna.tell(off("x3", 600))
    anna.tell(off("x4", 700))
    tom.tell(approve("x3"))
    position = tom.tell(asks.decline("x4"))["events"][0]["position"]
    report = alice.read("/reports/discount-authority", min_position=position)
    assert [(role["role"], role["percent"], role["approves"]) for role in report["roles"]] == [
        ("agent", "10", False), ("lead", "50", True),
    ]  # fmt: skip
    assert report["left"] == []
    said = Counter[tuple[str, str, str | None, str]]()
    for use in report["use"]:
        for what in ("granted", "amount", "requested", "approved", "declined"):
            said[use["principal"], use["role"], use["currency"], what] += use[what]
    assert +said == {
        ("anna", "agent", "EUR", "granted"): 2, ("anna", "agent", "EUR", "amount"): 450,
        ("anna", "agent", "EUR", "requested"): 2,
        ("tom", "lead", "EUR", "granted"): 1, ("tom", "lead", "EUR", "amount"): 600,
        ("tom", "lead", "EUR", "approved"): 1, ("tom", "lead", "EUR", "declined"): 1,
    }  # fmt: skip
    assert {
        use["principal"] for use in alice.read("/reports/discount-authority", principal="tom")["use"]
    } == {"tom"}
    assert alice.read("/reports/discount-authority", month="1999-01")["use"] == []
