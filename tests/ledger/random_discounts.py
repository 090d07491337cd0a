"""Discounts and trials in random histories: what one more message may ask for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.ledger import asks
from tests.ledger.world import Ask, World

AMOUNTS = st.integers(1, 400)
FEW = st.integers(1, 4)
AUTHORITY = asks.discount_policy(
    {"role": "agent", "percent": "33.3", "amounts": [{"currency": "EUR", "amount": 200}],
     "per_customer": {"days": 3660, "amounts": [{"currency": "EUR", "amount": 500}]}},
    {"role": "lead", "percent": "75", "amounts": [{"currency": "EUR", "amount": 800}], "approves": True},
    from_="2020-01-01",
)  # fmt: skip
"""The days are more than a history lasts: the log that it is told to has a clock of its own."""

has_pending = precondition(lambda self: self.world.alice.pending_discounts)
has_discounts = precondition(lambda self: self.world.alice.discounts)


class DiscountRules(RuleBasedStateMachine):
    """Rules about discounts, within an authority or without a policy, and about taking part in a trial."""

    world: World

    @abstractmethod
    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        """Post a message, which may be refused."""

    @abstractmethod
    def name(self, prefix: str) -> str:
        """Make up a name that nothing has yet."""

    @initialize(policy=st.booleans())
    def decide_on_authority(self, policy: bool) -> None:
        if policy:
            self.ask(AUTHORITY)
        self.ask(asks.trial("t1", ("letter", "49.9"), ("ten", "30"), hold_out="20.1", end="2999-12-31"))

    @rule(
        percent=st.sampled_from(["10", "33.3", "100"]), invoices=st.none() | FEW, at_most=st.none() | AMOUNTS
    )
    def percent_off(self, percent: str, invoices: int | None, at_most: int | None) -> None:
        more: dict[str, object] = {} if invoices is None else {"invoices": invoices}
        more |= {} if at_most is None else {"at_most": at_most, "currency": "EUR"}
        self.ask(asks.percent_off(self.name("x"), percent, **more))

    @rule(amount=AMOUNTS, invoices=st.none() | FEW, service=st.none() | st.sampled_from(["mobile", "usage"]))
    def amount_off(self, amount: int, invoices: int | None, service: str | None) -> None:
        more: dict[str, object] = {} if invoices is None else {"invoices": invoices}
        if service is not None:
            more["scope"] = {"service": service}
        self.ask(asks.amount_off(self.name("x"), amount, **more))

    @rule(percent=st.sampled_from(["10", "50", "90"]), amount=st.none() | AMOUNTS, invoices=FEW)
    def offer(self, percent: str, amount: int | None, invoices: int) -> None:
        name = self.name("x")
        if amount is None:
            self.ask(asks.offer_off(name, percent, "2999-12-31", invoices=invoices))
        else:
            self.ask(asks.offer_fixed(name, amount, "2999-12-31"))

    @has_pending
    @rule(
        data=st.data(),
        answer=st.sampled_from([asks.accept, asks.refuse, asks.approve, asks.decline, asks.take_back]),
    )
    def answer_discount(self, data: st.DataObject, answer: Callable[[str], Ask]) -> None:
        self.ask(answer(data.draw(st.sampled_from(sorted(self.world.alice.pending_discounts)))))

    @rule(trial=st.sampled_from(["t1", "t1", "t2"]))
    def take_part(self, trial: str) -> None:
        self.ask(asks.take_part(trial))

    @has_discounts
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        self.ask(asks.revoke(data.draw(st.sampled_from(sorted(self.world.alice.discounts)))))
