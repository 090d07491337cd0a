"""What an invoice says of how it came about: the agreement, the rate's event, and each discount on each line."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.asks import agree, amount_off, bill, charge, issue, percent_off, service
from tests.ledger.table import untaxed
from tests.ledger.world import START, World

from ledger.agreements.billing import CustomerBilled
from ledger.invoice import InvoiceIssued

DSL = service("dsl", 3100)


def issued(world: World) -> InvoiceIssued:
    """Give the last invoice."""
    data = next(event.data for event in reversed(world.events) if event.type == "invoice.issued")
    assert isinstance(data, InvoiceIssued)
    return data


def billed(world: World) -> CustomerBilled:
    """Give the last bill of what was agreed."""
    data = next(event.data for event in reversed(world.events) if event.type == "customer.billed")
    assert isinstance(data, CustomerBilled)
    return data


def test_a_line_names_the_event_that_says_its_rate() -> None:
    world = untaxed()
    opened = world.events[0].position
    (changed,) = world.post(
        ("tax_rate.changed", {"category": "standard", "rate": "20", "from": "2026-01-15"})
    )
    world.post(charge("early", 100), at=START + timedelta(days=2))
    world.post(charge("late", 100), at=START + timedelta(days=20))
    world.post(charge("free", 100, tax_category="exempt"))
    world.post(issue())
    lines = [(line.charge, line.rate, line.rate_position) for line in issued(world).lines]
    assert lines == [("early", "0", opened), ("late", "20", changed.position), ("free", "0", None)]


def test_where_the_customers_treatment_decides_it_is_their_terms() -> None:
    world = untaxed()
    world.post(("customer.changed", {"payment_days": 10}))
    (treated,) = world.post(("customer.changed", {"tax_treatment": "reverse_charge"}))
    world.post(("customer.changed", {"payment_days": 30}))
    world.post(charge("c1", 100))
    world.post(issue())
    (line,) = issued(world).lines
    assert (line.tax_category, line.rate_position) == ("reverse_charge", treated.position)


def test_days_of_a_service_name_the_agreement_that_began_their_price() -> None:
    world = untaxed()
    (first,) = world.post(agree("2026-01-01", DSL, service("tv", 310)))
    world.post(agree("2026-01-05", DSL))
    (third,) = world.post(agree("2026-01-11", service("dsl", 6200)))
    world.post(bill("2026-01-31"))
    found = [(each.service, each.days, each.agreement_position) for each in billed(world).services]
    assert found == [("dsl", 10, first.position), ("dsl", 21, third.position), ("tv", 4, first.position)]


def test_the_last_word_on_a_day_is_the_one_that_is_named() -> None:
    world = untaxed()
    world.post(agree("2026-01-01", DSL))
    (second,) = world.post(agree("2026-01-01", service("dsl", 1)))
    world.post(bill("2026-01-31"))
    assert [each.agreement_position for each in billed(world).services] == [second.position]


def test_several_discounts_say_what_each_took_off_which_line() -> None:
    world = untaxed()
    world.post(charge("c1", 1000))
    world.post(charge("c2", 500, service="tv"))
    world.post(percent_off("all", "10"))
    world.post(amount_off("tv", 200, scope={"service": "tv"}))
    world.post(issue())
    assert [(each.discount, each.lines) for each in issued(world).discounts] == [
        ("tv", ((2, 200),)), ("all", ((1, 100), (2, 30))),
    ]  # fmt: skip


def test_of_a_single_discount_the_lines_say_it_all() -> None:
    world = untaxed()
    world.post(charge("c1", 1000))
    world.post(percent_off("all", "10"))
    world.post(issue())
    assert [(each.discount, each.lines) for each in issued(world).discounts] == [("all", ())]
    assert [line.discount for line in issued(world).lines] == [100]


@given(
    nets=st.lists(st.integers(0, 2_000), min_size=1, max_size=5),
    percents=st.lists(st.integers(1, 100), min_size=2, max_size=3),
    fixed=st.integers(1, 3_000),
)
def test_shares_of_a_line_come_to_its_discount_and_shares_of_a_discount_to_its_amount(
    nets: list[int], percents: list[int], fixed: int
) -> None:
    world = untaxed()
    for number, net in enumerate(nets):
        world.post(charge(f"c{number}", net, service=f"s{number % 2}"))
    for number, percent in enumerate(percents):
        scope = {} if number else {"scope": {"service": "s0"}}
        world.post(percent_off(f"x{number}", str(percent), **scope))
    world.post(amount_off("fixed", fixed))
    world.post(issue())
    invoice = issued(world)
    if len(invoice.discounts) < 2:
        return
    for each in invoice.discounts:
        assert sum(share for _, share in each.lines) == each.amount
    for line in invoice.lines:
        shares = [share for each in invoice.discounts for number, share in each.lines if number == line.line]
        assert sum(shares) == line.discount
