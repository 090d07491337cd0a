"""Debt and voided credit notes in random histories: what one more message may ask for."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.ledger import asks
from tests.ledger.world import Ask, World

from ledger.allocation import SourceName


class DebtRules(RuleBasedStateMachine):
    """Rules about debt that is given up, and about credit notes that are taken back."""

    world: World

    @abstractmethod
    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        """Post a message, which may be refused."""

    @abstractmethod
    def name(self, prefix: str) -> str:
        """Make up a name that nothing has yet."""

    @precondition(lambda self: any("/" in source.key for source in self.world.alice.sources()))
    @rule(data=st.data())
    def void_note(self, data: st.DataObject) -> None:
        notes = [source.key.partition("/")[2] for source in self.world.alice.sources() if "/" in source.key]
        self.ask(asks.void_note(data.draw(st.sampled_from(notes))))

    @precondition(lambda self: self.world.alice.open_invoices)
    @rule(data=st.data(), amount=st.none() | st.integers(1, 400))
    def write_off(self, data: st.DataObject, amount: int | None) -> None:
        open_ = data.draw(st.sampled_from(sorted(self.world.alice.open_invoices)))
        self.ask(asks.write_off(open_, amount))

    @precondition(lambda self: any(invoice.written_off for invoice in self.world.alice.invoices()))
    @rule(data=st.data(), held=st.booleans())
    def recover(self, data: st.DataObject, held: bool) -> None:
        given_up = [invoice for invoice in self.world.alice.invoices() if invoice.written_off]
        invoice = data.draw(st.sampled_from(given_up))
        amount = data.draw(st.integers(1, invoice.written_off + 1))
        more: dict[str, object] = {"currency": invoice.currency}
        sources = list(self.world.alice.open_sources.values())
        if held and sources:
            source = data.draw(st.sampled_from(sources))
            more["source"] = msgspec.to_builtins(SourceName.of(source.key))
        self.ask(asks.recover(invoice.number, amount, self.name("p"), **more))

    @rule(relief=st.booleans())
    def change_policy(self, relief: bool) -> None:
        day = self.world.now.date().isoformat()
        policy = {"policy": "write_off", "from": day, "write_off": {"tax_relief": relief}}
        self.ask(("policy.changed", policy))
