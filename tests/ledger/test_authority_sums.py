"""What is granted within an authority: no sum of it is ever more than the authority allows."""

from __future__ import annotations

from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.ledger import asks
from tests.ledger.asks import charge, discount_policy
from tests.ledger.table import untaxed
from tests.ledger.test_authority import AGENT, POLICY, ROLES, TEAM_LEAD, off, ten

from ledger.invoice import InvoiceIssued


@given_any(st.lists(st.tuples(st.sampled_from(["anna", "ben", "tom"]), st.integers(1, 800)), max_size=12))
def test_an_agent_s_grants_never_pass_the_customer_s_limit(wanted: list[tuple[str, int]]) -> None:
    world = untaxed()
    world.post(
        discount_policy(
            {**AGENT, "per_customer": {"days": 30, "amounts": [{"currency": "EUR", "amount": 1500}]}},
            TEAM_LEAD,
        )
    )
    granted = 0
    for number, (who, amount) in enumerate(wanted):
        world.acts(who, ROLES[who])
        (event,) = world.post(off(f"x{number}", amount))
        fits = who == "tom" or granted + amount <= 1500
        assert event.type == ("discount.granted" if fits else "discount.requested")
        granted += amount if fits else 0


GRANTS = st.tuples(
    st.sampled_from(["anna", "ben"]), st.sampled_from(["fixed", "percent"]), st.integers(1, 800)
)


@given_any(st.lists(st.tuples(GRANTS, st.integers(0, 9000)), max_size=12))
def test_what_agents_grant_never_takes_off_more_than_the_customer_s_limit(
    wanted: list[tuple[tuple[str, str, int], int]],
) -> None:
    """Whatever is billed: percentages too, since they are granted only with a bound."""
    world = untaxed()
    world.post(POLICY)
    for number, ((who, kind, amount), net) in enumerate(wanted):
        world.acts(who, ROLES[who])
        world.post(
            off(f"x{number}", amount) if kind == "fixed" else ten(f"x{number}", at_most=amount, invoices=3)
        )
        if net:
            world.post(charge(f"c{number}", net))
            world.post(asks.issue())
    taken = sum(each.data.discount for each in world.events if isinstance(each.data, InvoiceIssued))
    assert taken <= 1500
