"""Discounts: what may be granted, and how much comes off which line of which invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.ledger.asks import amount_off, charge, issue, percent_off, revoke, void
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask

LINES = [charge("c1", 1000), charge("c2", 500, service="tv")]
TWICE = [*LINES, issue(), charge("c3", 1000)]


@rows(
    ("percent", [], percent_off("x1", "10", campaign="spring"), ["discount.granted discount=x1 kind=percent percent=10 campaign=spring"]),
    ("fixed", [], amount_off("x1", 500, invoices=1), ["discount.granted kind=fixed amount=500 currency=EUR invoices=1"]),
    ("never above 100 percent", [], percent_off("x1", "100.01"), ["! percent_out_of_range /data/percent"]),
    ("exactly 100 is fine", [], percent_off("x1", "100"), ["discount.granted"]),
    ("never nothing", [], percent_off("x1", "0.0"), ["! percent_out_of_range /data/percent"]),
    ("never negative", [], percent_off("x1", "-50"), ["! text_not_allowed /data/percent"]),
    ("never two hundred", [], percent_off("x1", "200"), ["! text_not_allowed /data/percent"]),
    ("percent says how many", [], ("discount.grant", {"discount": "x1", "kind": "percent", "reason": "r"}), ["! field_missing /data/percent"]),
    ("percent has no amount", [], percent_off("x1", "5", amount=5), ["! field_not_allowed /data/amount"]),
    ("percent has no currency", [], percent_off("x1", "5", currency="EUR"), ["! field_not_allowed /data/currency"]),
    ("fixed has an amount", [], ("discount.grant", {"discount": "x1", "kind": "fixed", "currency": "EUR", "reason": "r"}), ["! field_missing /data/amount"]),
    ("fixed has a currency", [], ("discount.grant", {"discount": "x1", "kind": "fixed", "amount": 5, "reason": "r"}), ["! field_missing /data/currency"]),
    ("fixed has no percent", [], amount_off("x1", 5, percent="5"), ["! field_not_allowed /data/percent"]),
    ("fixed fits a currency of the customer", [], amount_off("x1", 5, currency="USD"), ["! currency_mismatch /data/currency"]),
    ("also one that they only have charges in", [charge("c1", 5, currency="USD")], amount_off("x1", 5, currency="USD"), ["discount.granted"]),
    ("fixed fits the charge's currency", [charge("c1", 5, currency="USD")], amount_off("x1", 5, scope={"charge": "c1"}), ["! currency_mismatch /data/currency"]),
    ("a bound has a currency", [], percent_off("x1", "5", at_most=5), ["! field_missing /data/currency"]),
    ("that the customer has", [], percent_off("x1", "5", at_most=5, currency="USD"), ["! currency_mismatch /data/currency"]),
    ("a fixed amount is its own bound", [], amount_off("x1", 5, at_most=5), ["! field_not_allowed /data/at_most"]),
    ("on a charge that there is", [], percent_off("x1", "5", scope={"charge": "c1"}), ["! charge_unknown /data/scope/charge"]),
    ("and that is not billed", [*LINES, issue()], percent_off("x1", "5", scope={"charge": "c1"}), ["! charge_billed /data/scope/charge"]),
    ("one scope", LINES, percent_off("x1", "5", scope={"charge": "c1", "service": "tv"}), ["! scope_not_one /data/scope"]),
    ("granted once", [percent_off("x1", "5")], percent_off("x1", "5"), ["! discount_exists /data/discount"]),
    ("revoked", [percent_off("x1", "5")], revoke("x1"), ["discount.revoked discount=x1"]),
    ("revoked once", [percent_off("x1", "5"), revoke("x1")], revoke("x1"), ["! discount_revoked /data/discount"]),
    ("only what was granted", [], revoke("x1"), ["! discount_unknown /data/discount"]),
    ("not to one who left", [("customer.closed", {"by": "book", "reason": "fraud"})], percent_off("x1", "5"), ["! customer_closed /subject"]),
)  # fmt: skip
def test_granting(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


@rows(
    ("percent of all", [percent_off("x1", "10"), *LINES], issue(), ["invoice.issued net=1500 discount=150 amount=1350 lines.0.discount=100 lines.1.discount=50"]),
    ("fixed, by share", [amount_off("x1", 100, invoices=1), *LINES], issue(), ["invoice.issued discount=100 lines.0.discount=67 lines.1.discount=33"]),
    ("one service", [percent_off("x1", "10", scope={"service": "tv"}), *LINES], issue(), ["invoice.issued discount=50 lines.0.discount=0 lines.1.discount=50"]),
    ("one charge", [*LINES, percent_off("x1", "10", scope={"charge": "c1"})], issue(), ["invoice.issued discount=100 lines.0.discount=100"]),
    ("of what is left after earlier ones", [percent_off("x1", "50"), percent_off("x2", "50"), *LINES], issue(), ["invoice.issued discount=1125"]),
    ("narrow before wide, whenever granted", [percent_off("x1", "10"), amount_off("x2", 500, scope={"service": "tv"}), *LINES], issue(),
     ["invoice.issued discount=600 discounts.0.discount=x2 discounts.0.amount=500 discounts.1.amount=100"]),
    ("never more than what is left", [amount_off("x1", 2000), *LINES], issue(), ["invoice.issued discount=1500 amount=0"]),
    ("a fixed once is used up over several invoices", [amount_off("x1", 2000, invoices=1), *TWICE], issue(), ["invoice.issued discount=500"]),
    ("and then no more", [amount_off("x1", 1600, invoices=1), *TWICE, issue(), charge("c4", 9)], issue(), ["invoice.issued discount=0"]),
    ("a fixed one comes off each invoice", [amount_off("x1", 400), *TWICE], issue(), ["invoice.issued discount=400"]),
    ("percent, at most an amount", [percent_off("x1", "10", at_most=70, currency="EUR"), *LINES], issue(), ["invoice.issued discount=70 discounts.0.amount=70"]),
    ("of all invoices together", [percent_off("x1", "10", at_most=70, currency="EUR"), *TWICE], issue(), ["invoice.issued discount=0"]),
    ("the rest of it", [percent_off("x1", "10", at_most=170, currency="EUR"), *TWICE], issue(), ["invoice.issued discount=20"]),
    ("given back when it was void", [percent_off("x1", "10", at_most=70, currency="EUR"), *LINES, issue(), void("INV-1")], issue(), ["invoice.issued discount=70"]),
    ("and never in another currency", [charge("c0", 5, currency="USD"), percent_off("x1", "10", at_most=70, currency="USD"), *LINES], issue(), ["invoice.issued discount=0"]),
    ("N invoices", [percent_off("x1", "10", invoices=2), *TWICE], issue(), ["invoice.issued discount=100"]),
    ("and then no more", [percent_off("x1", "10", invoices=1), *TWICE], issue(), ["invoice.issued discount=0"]),
    ("not used where it comes to nothing", [percent_off("x1", "10", invoices=1), charge("c0", 4), issue(), *LINES], issue(), ["invoice.issued discount=150"]),
    ("not on another currency", [amount_off("x1", 5), charge("c1", 50, currency="USD")], issue(currency="USD"), ["invoice.issued discount=0"]),
    ("not when revoked", [percent_off("x1", "10"), revoke("x1"), *LINES], issue(), ["invoice.issued discount=0"]),
    ("not after its last day", [percent_off("x1", "10", until="2026-01-30"), *LINES], issue(), ["invoice.issued issued_on=2026-01-31 discount=0"]),
    ("on its last day", [percent_off("x1", "10", until="2026-01-31"), *LINES], issue(), ["invoice.issued discount=150"]),
    ("a void gives it back", [amount_off("x1", 2000, invoices=1), *TWICE, void("INV-1")], issue(), ["invoice.issued net=2500 discount=2000"]),
    ("half a cent is rounded away from zero", [percent_off("x1", "50"), charge("c1", 1)], issue(), ["invoice.issued discount=1 amount=0"]),
)  # fmt: skip
def test_using(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_an_invoice_dated_before_the_grant_does_not_use_it() -> None:
    world = untaxed()
    world.post(charge("c1", 100))
    issued_at = world.now
    world.post(percent_off("x1", "10"), at=issued_at + timedelta(seconds=1))
    assert world.post(issue(), at=issued_at)[0].data.columns().amount == 100


@given_any(
    nets=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
    grants=st.lists(
        st.one_of(st.integers(1, 3000), st.sampled_from(["0.1", "12.5", "33.333", "100"])), max_size=5
    ),
)
def test_discounts_never_pass_what_is_left_and_shares_add_up(
    nets: list[int], grants: list[int | str]
) -> None:
    world = untaxed()
    for number, grant in enumerate(grants):
        name = f"x{number}"
        world.post(
            percent_off(name, grant) if isinstance(grant, str) else amount_off(name, grant, invoices=1)
        )
    for number, net in enumerate(nets):
        world.post(charge(f"c{number}", net))
    issued = world.post(issue())[0].data
    shares = [line.discount for line in issued.lines]  # type: ignore[attr-defined]
    assert all(0 <= share <= net for share, net in zip(shares, nets, strict=True))
    assert sum(shares) == sum(used.amount for used in issued.discounts) == issued.discount  # type: ignore[attr-defined]
    assert issued.amount == sum(nets) - sum(shares)  # type: ignore[attr-defined]
