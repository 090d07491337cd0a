"""The timeline of a customer: every event of theirs once, in order, from either end."""

from __future__ import annotations

import pytest
from tests.api.history import CUSTOMERS
from tests.api.live import Caller, Json, problem
from tests.ledger.asks import charge


def summary(event: Json) -> Json:
    return {
        "version": event["version"], "position": event["position"], "type": event["type"],
        "principal": event["principal"], "source": event["source"], "id": event["id"],
        "causation": event["causation"],
    }  # fmt: skip


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("limit", [1, 4, 1_000])
def test_it_holds_every_event_of_a_customer_once(
    told: Caller, events: list[Json], order: str, limit: int
) -> None:
    for customer in CUSTOMERS[:4]:
        own = [summary(event) for event in events if event.get("subject") == customer]
        found = told.walk(f"/customers/{customer}/timeline", limit=limit, order=order)
        kept = [{name: item[name] for name in own[0]} for item in found]
        assert kept == (own if order == "oldest" else own[::-1])


def test_it_says_what_an_event_is_about(told: Caller, events: list[Json]) -> None:
    for item in told.walk("/customers/c-10/timeline"):
        data = events[item["position"] - 1]["data"]
        assert item["amount"] == data.get("amount", item["amount"])
        assert item["invoice"] == data.get("invoice")
        for name in ("payment", "dispute", "contact", "outcome", "reason", "source", "charge"):
            assert item["refers_to"].get(name) == data.get(name)
    kinds = {item["type"]: item for item in told.walk("/customers/c-10/timeline")}
    assert kinds["dispute.resolved"]["refers_to"]["outcome"] == "won"
    assert kinds["payment.received"]["refers_to"]["payment"].startswith(("p-", "q-", "h-"))


def test_it_answers_as_the_log_stood(told: Caller, events: list[Json]) -> None:
    own = [event["position"] for event in events if event.get("subject") == "c-03"]
    for order in ("oldest", "newest"):
        found = told.walk("/customers/c-03/timeline", limit=2, order=order, as_of_position=own[4])
        assert sorted(item["position"] for item in found) == own[:5]
    assert problem(told.get("/customers/c-03/timeline", as_of_position=10**9)) == (422, "as_of_in_future")
    assert problem(told.get("/customers/c-12/timeline", as_of_position=2)) == (404, "customer_unknown")
    assert problem(told.get("/customers/nobody/timeline")) == (404, "customer_unknown")


def test_pages_of_newest_first_are_not_disturbed_by_what_comes_meanwhile(alice: Caller) -> None:
    for number in range(4):
        alice.tell(charge(f"c{number}", 5))
    first = alice.get("/customers/alice/timeline", limit=3, order="newest")
    alice.tell(charge("late", 5))
    second = alice.client.get(first.links["next"]["url"])
    assert [item["version"] for item in first.json()["items"] + second.json()["items"]] == [5, 4, 3, 2, 1]
