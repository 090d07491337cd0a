"""Discounts and trials in random histories: what one more message may ask for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.ledger import asks
from tests.ledger.world import Ask, World

Scope = dict[str, str]

AMOUNTS = st.integers(1, 400)
FEW = st.integers(1, 4)
SCOPES: st.SearchStrategy[Scope] = st.sampled_from([
    {}, {}, {"charge": "any"}, *({"service": each} for each in ("mobile", "usage", "s0", "s1")),
])  # fmt: skip
DAYS = st.none() | st.integers(0, 40)
BACK = st.integers(0, 3).map(lambda days: timedelta(days=days))
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
        percent=st.sampled_from(["0.4", "10", "33.3", "100"]), at_most=st.none() | AMOUNTS,
        invoices=st.none() | FEW, scope=SCOPES, days=DAYS,
    )  # fmt: skip
    def percent_off(
        self, percent: str, at_most: int | None, invoices: int | None, scope: Scope, days: int | None
    ) -> None:
        more = {} if at_most is None else {"at_most": at_most, "currency": "EUR"}
        self.ask(asks.percent_off(self.name("x"), percent, **more, **self.bounds(invoices, scope, days)))

    @rule(amount=AMOUNTS, invoices=st.none() | FEW, scope=SCOPES, days=DAYS)
    def amount_off(self, amount: int, invoices: int | None, scope: Scope, days: int | None) -> None:
        self.ask(asks.amount_off(self.name("x"), amount, **self.bounds(invoices, scope, days)))

    def bounds(self, invoices: int | None, scope: Scope, days: int | None) -> dict[str, object]:
        """Say on how many invoices, on what and until when, as far as it is said at all."""
        found: dict[str, object] = {} if invoices is None else {"invoices": invoices}
        if scope == {"charge": "any"} and self.world.alice.unbilled:
            found["scope"] = {"charge": next(iter(self.world.alice.unbilled))}
        elif "service" in scope:
            found["scope"] = scope
        if days is not None:
            found["until"] = str(self.world.now.date() + timedelta(days=days))
        return found

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
    @rule(data=st.data(), back=BACK)
    def revoke(self, data: st.DataObject, back: timedelta) -> None:
        self.ask(asks.revoke(data.draw(st.sampled_from(sorted(self.world.alice.discounts)))), back)
