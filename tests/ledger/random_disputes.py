"""What may happen to the open disputes of a random history."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.ledger import asks
from tests.ledger.world import Ask, World

DAYS = st.sampled_from(["2026-01-15", "2026-02-01"])
has_payments = precondition(lambda self: self.world.alice.open_sources or self.world.alice.spent_sources)
has_disputes = precondition(lambda self: self.world.alice.disputes)


class DisputeRules(RuleBasedStateMachine):
    """Rules for a history, which has the world and tells how messages are asked."""

    world: World

    @abstractmethod
    def name(self, prefix: str) -> str:
        """Make up a name."""

    @abstractmethod
    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        """Post a message, which may be refused."""

    @abstractmethod
    def payments(self) -> list[str]:
        """Name payments."""

    def a_dispute(self, data: st.DataObject) -> str:
        """Choose an open dispute."""
        return data.draw(st.sampled_from(sorted(self.world.alice.disputes)))

    @has_payments
    @rule(data=st.data(), respond_by=DAYS)
    def charge_back_with_deadline(self, data: st.DataObject, respond_by: str) -> None:
        payment = data.draw(st.sampled_from(self.payments()))
        self.ask(asks.chargeback(self.name("d"), payment, 9, respond_by=respond_by))

    @has_payments
    @rule(data=st.data())
    def inquire(self, data: st.DataObject) -> None:
        self.ask(asks.inquire(self.name("d"), payment=data.draw(st.sampled_from(self.payments()))))

    @has_disputes
    @rule(data=st.data(), amount=st.integers(1, 400))
    def charge_back_after_inquiry(self, data: st.DataObject, amount: int) -> None:
        inquiry = self.a_dispute(data)
        payment = self.world.alice.disputes[inquiry].payment or data.draw(st.sampled_from(self.payments()))
        self.ask(asks.chargeback(self.name("d"), payment, amount, inquiry=inquiry))

    @has_disputes
    @rule(data=st.data(), assignee=st.sampled_from([None, "ann", "bob"]))
    def assign(self, data: st.DataObject, assignee: str | None) -> None:
        self.ask(asks.assign(self.a_dispute(data), assignee))

    @has_disputes
    @rule(data=st.data(), file=st.integers(1, 3))
    def submit_evidence(self, data: st.DataObject, file: int) -> None:
        self.ask(asks.evidence(self.a_dispute(data), file))

    @has_disputes
    @rule(data=st.data(), respond_by=st.none() | DAYS)
    def escalate(self, data: st.DataObject, respond_by: str | None) -> None:
        more = {} if respond_by is None else {"respond_by": respond_by}
        self.ask(asks.escalate(self.a_dispute(data), **more))

    @has_disputes
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        self.ask(asks.withdraw(self.a_dispute(data)))
