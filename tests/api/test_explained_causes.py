"""What changed since the invoice before: each part names the event by which it began, changed or ended."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.api.explained import BOTH, DSL, TV, billed_twice, hold_sums, parts
from tests.api.live import Caller, Live
from tests.ledger.asks import (
    agree,
    amount_off,
    charge,
    close,
    percent_off,
    revoke,
    service,
)
from tests.ledger.world import Ask

CALLS = ("charge.posted", {
    "charge": "u1", "service": "calls", "currency": "EUR", "quantity": "12.5", "unit_price": "4",
})  # fmt: skip


class Row(NamedTuple):
    """What is agreed in January and what happens in February; which part of the second bill says what."""

    first: tuple[Ask, ...]
    then: tuple[Ask, ...]
    part: tuple[str, str]
    kind: str
    type: str
    day: str
    which: int = -1
    """Which event of that type: the first, or the last."""


ROWS = {
    "from a day on with less": Row(
        (BOTH,), (agree("2026-02-01", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-01",
    ),
    "in the middle of the interval": Row(
        (BOTH,), (agree("2026-02-15", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-15",
    ),
    "for the same day again without it": Row(
        (BOTH,), (agree("2026-01-01", DSL),),
        ("service", "tv"), "dropped", "agreement.changed", "2026-01-01",
    ),
    "left out, and left out again": Row(
        (BOTH,), (agree("2026-02-01", DSL), agree("2026-02-10", service("dsl", 4000))),
        ("service", "tv"), "dropped", "agreement.changed", "2026-02-01", 1,
    ),
    "nothing agreed any more": Row(
        (BOTH, charge("c1", 100)), (agree("2026-02-01"), charge("c2", 100)),
        ("service", "tv"), "agreement_ended", "agreement.changed", "2026-02-01",
    ),
    "the last day of its own": Row(
        (agree("2026-01-01", DSL, service("tv", 310, to="2026-01-31")),), (),
        ("service", "tv"), "fixed_end", "agreement.changed", "2026-01-31",
    ),
    "the customer left": Row(
        (BOTH,), (close(), charge("c2", 100)),
        ("service", "tv"), "closed", "customer.closed", "2026-02-01",
    ),
    "another price": Row(
        (BOTH,), (agree("2026-02-01", service("dsl", 4000), TV),),
        ("service", "dsl"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "another quantity": Row(
        (BOTH,), (agree("2026-02-01", service("dsl", 3100, quantity="2"), TV),),
        ("service", "dsl"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "one of two prices that were billed before": Row(
        (agree("2025-12-01", service("dsl", 4000)), agree("2026-01-01", DSL)), (),
        ("service", "dsl"), "agreed", "agreement.changed", "2026-01-01",
    ),
    "another category of tax": Row(
        (BOTH,), (agree("2026-02-01", DSL, service("tv", 310, tax_category="reduced")),),
        ("service", "tv"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "new": Row(
        (agree("2026-01-01", DSL),), (agree("2026-02-01", DSL, TV),),
        ("service", "tv"), "agreed", "agreement.changed", "2026-02-01",
    ),
    "a month that began in the middle was followed by a whole one": Row(
        (agree("2026-01-01", DSL), agree("2026-01-15", DSL, TV)), (),
        ("service", "tv"), "agreed", "agreement.changed", "2026-01-15",
    ),
    "a charge that was billed": Row(
        (BOTH, charge("c1", 100)), (),
        ("charge", "mobile"), "billed", "charge.posted", "2026-01-02", 0,
    ),
    "usage that was billed": Row(
        (BOTH, CALLS), (charge("c1", 100),),
        ("charge", "calls"), "billed", "charge.posted", "2026-01-02", 0,
    ),
    "a charge that is new": Row(
        (BOTH,), (charge("c1", 100),),
        ("charge", "mobile"), "posted", "charge.posted", "2026-02-01", 2,
    ),
    "usage that is new": Row(
        (BOTH, charge("c1", 100)), (CALLS,),
        ("charge", "calls"), "posted", "charge.posted", "2026-02-01", 3,
    ),
    "a new discount": Row(
        (BOTH,), (percent_off("ten", "10"),),
        ("discount", "ten"), "granted", "discount.granted", "2026-02-01",
    ),
    "revoked": Row(
        (BOTH, percent_off("ten", "10")), (revoke("ten"),),
        ("discount", "ten"), "revoked", "discount.revoked", "2026-02-01",
    ),
    "expired": Row(
        (BOTH, percent_off("ten", "10", until="2026-02-15")), (),
        ("discount", "ten"), "expired", "discount.granted", "2026-02-15",
    ),
    "used up by number": Row(
        (BOTH, percent_off("ten", "10", invoices=1)), (),
        ("discount", "ten"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "used up by amount": Row(
        (BOTH, amount_off("sorry", 100, invoices=1)), (),
        ("discount", "sorry"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "a percentage that came to its bound": Row(
        (BOTH, percent_off("ten", "10", at_most=341, currency="EUR")), (),
        ("discount", "ten"), "used_up", "invoice.issued", "2026-02-01", 0,
    ),
    "the rest of it": Row(
        (agree("2026-01-01", TV), amount_off("sorry", 400, invoices=1)), (),
        ("discount", "sorry"), "used_up", "invoice.issued", "2026-03-01",
    ),
    "its service was dropped": Row(
        (BOTH, percent_off("tele", "50", scope={"service": "tv"})), (agree("2026-02-01", DSL),),
        ("discount", "tele"), "out_of_scope", "agreement.changed", "2026-02-01",
    ),
    "what it is for was charged only once": Row(
        (BOTH, charge("c1", 100), percent_off("once", "50", scope={"service": "mobile"})), (),
        ("discount", "once"), "out_of_scope", "discount.granted", "2026-01-02",
    ),
    "its charge was billed": Row(
        (BOTH, charge("c1", 100), percent_off("once", "50", scope={"charge": "c1"})), (),
        ("discount", "once"), "out_of_scope", "discount.granted", "2026-01-02",
    ),
    "an earlier discount takes all": Row(
        (BOTH, percent_off("ten", "10")), (percent_off("all", "100", scope={"service": "dsl"}),
                                           percent_off("tv", "100", scope={"service": "tv"})),
        ("discount", "ten"), "nothing_left", "discount.granted", "2026-01-02", 0,
    ),
    "nothing is charged that it could lower": Row(
        (BOTH, percent_off("ten", "10")), (agree("2026-02-01"), charge("c1", 0)),
        ("discount", "ten"), "nothing_left", "discount.granted", "2026-01-02",
    ),
    "its percentage comes to nothing": Row(
        (BOTH, percent_off("one", "1")), (agree("2026-02-01"), charge("c1", 49)),
        ("discount", "one"), "rounded_away", "discount.granted", "2026-01-02",
    ),
    "of what earlier ones left": Row(
        (BOTH, percent_off("most", "99", scope={"service": "dsl"}), percent_off("one", "1")),
        (agree("2026-02-01", DSL),),
        ("discount", "one"), "rounded_away", "discount.granted", "2026-01-02",
    ),
    "and a later one takes the rest": Row(
        (agree("2026-01-01", DSL), percent_off("one", "1", scope={"service": "dsl"})),
        (agree("2026-02-01", service("dsl", 49)), percent_off("all", "100")),
        ("discount", "one"), "rounded_away", "discount.granted", "2026-01-02", 0,
    ),
    "another rate": Row(
        (BOTH,), (("tax_rate.changed", {"category": "standard", "rate": "25", "from": "2026-02-01"}),),
        ("tax", "standard"), "rate", "tax_rate.changed", "2026-02-01",
    ),
    "taxed in another way": Row(
        (BOTH,), (("customer.changed", {"tax_treatment": "exempt"}),),
        ("tax", "standard"), "treatment", "customer.changed", "2026-02-01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_each_part_names_the_event_behind_it(live: Live, book: Caller, row: Row) -> None:
    caller = billed_twice(live, book, row.first, row.then)
    told = caller.read("/invoices/INV-2/explain", min_position=caller.head)
    hold_sums(told)
    (cause,) = parts(told)[row.part]["causes"]
    assert (cause["kind"], cause["type"], cause["day"]) == (row.kind, row.type, row.day)
    event = [each for each in caller.walk_feed() if each["type"] == row.type][row.which]
    named = (cause["position"], cause["id"], cause["principal"], cause["occurred_at"])
    assert named == (event["position"], event["id"], event["principal"], event["time"])
    named_too = {"used_up": event["data"].get("invoice"), "billed": "INV-1"}
    assert cause["invoice"] == named_too.get(row.kind)
