"""Rules for random histories: contacts, and reminders of what is overdue."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from tests.ledger import asks
from tests.ledger.world import Ask, World

CONTACTS = st.sampled_from(["k1", "k2", "k3"])
BACK = st.integers(0, 3).map(lambda days: timedelta(days=days))


class CareRules(RuleBasedStateMachine):
    """Contacts and dunning."""

    world: World

    @abstractmethod
    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        """Post a message, which may be refused."""

    @rule(contact=CONTACTS, step=st.sampled_from(["arrive", "arrive", "answer", "end", "abandon"]), back=BACK)
    def attend(self, contact: str, step: str, back: timedelta) -> None:
        steps = {
            "arrive": asks.arrive(contact),
            "answer": asks.answer(contact, agent="ann"),
            "end": asks.end(contact, "resolved"),
            "abandon": asks.end(contact, "abandoned"),
        }
        self.ask(steps[step], back)

    @rule(days=st.integers(1, 10), least=st.sampled_from([0, 50]))
    def agree_on_dunning(self, days: int, least: int) -> None:
        self.ask(asks.dunning_policy((days, "friendly", least), (days + 3, "firm", 0)))

    @rule(data=st.data(), days=st.sampled_from([0, 0, 3, 20]), step=st.none() | st.integers(1, 3))
    def remind(self, data: st.DataObject, days: int, step: int | None) -> None:
        self.world.now += timedelta(days=days)
        numbers = [invoice.number for invoice in self.world.alice.invoices()] or ["INV-1"]
        self.ask(asks.remind(data.draw(st.sampled_from(numbers)), step))

    @rule(number=st.integers(1, 4))
    def add_note(self, number: int) -> None:
        self.ask(asks.note(f"n{number}"))

    @rule(most=st.integers(1, 3), window=st.integers(30, 300))
    def agree_on_verification(self, most: int, window: int) -> None:
        self.ask(asks.verification_policy(attempts_max=most, within_minutes=window))

    @rule(result=st.sampled_from(["failed", "failed", "passed"]), contact=st.none() | CONTACTS)
    def try_to_verify(self, result: str, contact: str | None) -> None:
        self.ask(asks.verify(result, contact))

    @rule()
    def send_code(self) -> None:
        self.ask(asks.send_code())
