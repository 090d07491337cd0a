"""Money that no posting rule of its day would bring into the journal: refused, and mended by a fuller set."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from tests.ledger import asks
from tests.ledger.asks import charge, issue
from tests.ledger.table import RATES, judge, rows, taxed
from tests.ledger.test_books import CLEARING, RULES, policy
from tests.ledger.world import Ask, World

from ledger.errors import Refusal
from ledger.posting_rules import DEFAULT_RULES

EVERY_RULE = [msgspec.to_builtins(rule) for rule in DEFAULT_RULES]
WITHOUT_FEES = [rule for rule in EVERY_RULE if rule["measure"] != "fee"]
REFUNDS = [CLEARING, asks.hold("p1", 900), policy(RULES, "2026-01-31")]
"""A set that posts refunds and nothing else, from the day before the messages that follow."""


@rows(
    ("what a set leaves out is refused", REFUNDS, charge("c1", 5), ["! posting_rules_missing /type"]),
    ("at a bank too: the journal has it or the log has not", REFUNDS, asks.pay("p2", 5), ["! posting_rules_missing /type"]),
    ("what it names is posted", REFUNDS, asks.refund("r1", 5), ["refund.issued"]),
    ("what moves no money needs no rule", REFUNDS, asks.inquire("i", payment="p1"), ["dispute.opened"]),
    ("a chargeback does", REFUNDS, asks.chargeback("cb", "p1", 5), ["! posting_rules_missing /type"]),
    ("before it begins the older set counts", [*REFUNDS[:2], policy(RULES, "2026-03-01")], charge("c1", 5), ["charge.posted"]),
    ("a fuller set mends it", [*REFUNDS, policy(EVERY_RULE, "2026-01-31")], charge("c1", 5), ["charge.posted"]),
    ("a measure that is left out", [policy(WITHOUT_FEES, "2026-01-31"), asks.hold("p1", 9)], asks.bounce("p1", 5, fee=1),
     ["! posting_rules_missing /type"]),
    ("is missed only where there is any", [policy(WITHOUT_FEES, "2026-01-31"), asks.hold("p1", 9)], asks.bounce("p1", 5),
     ["payment.returned"]),
)  # fmt: skip
def test_every_movement_of_money_has_a_rule_of_its_day(
    given: Sequence[Ask], when: Ask, then: Sequence[str]
) -> None:
    judge(taxed(), given, when, then)


def test_a_book_of_a_program_that_knew_fewer_events_is_told_which_rules_it_lacks() -> None:
    older = [rule for rule in EVERY_RULE if not rule["event"].startswith("debt.")]
    world = World(rules=older, tax_rates=RATES)
    world.post(("customer.opened", {"currency": "EUR"}))
    world.post(charge("c1", 100))
    world.post(issue())
    with pytest.raises(Refusal) as caught:
        world.post(asks.write_off("INV-1"))
    assert (caught.value.code, caught.value.values["event"]) == ("posting_rules_missing", "debt.written_off")
    world.post(policy(EVERY_RULE, world.now.date().isoformat()))
    assert [event.type for event in world.post(asks.write_off("INV-1"))] == ["debt.written_off"]
