"""After any history a chargeback that is won restores all there was, and a deadline that passes moves nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.ledger import asks
from tests.ledger.test_random_histories import Histories

from ledger.errors import Refusal
from ledger.event import LEDGER
from ledger.parts import Dispute


class DisputeHistories(Histories):
    """A random history; when it ends, each payment is charged back and won, and then deadlines pass."""

    restored: ClassVar[int] = 0
    lapsed: ClassVar[int] = 0

    def teardown(self) -> None:
        super().teardown()
        for payment in self.payments():
            self.charge_back_and_win(payment, None)
            self.charge_back_and_win(payment, 7)
        self.world.now += timedelta(days=90)
        self.world.acts(LEDGER)
        for name, dispute in list(self.world.alice.disputes.items()):
            self.lapse(name, dispute)

    def charge_back_and_win(self, payment: str, amount: int | None) -> None:
        """If nothing else happens meanwhile, all is as it was [docs/domain.md, Disputes]."""
        before = self.money()
        name = self.name("d")
        try:
            self.world.post(asks.chargeback(name, payment, amount, fee=3))
        except Refusal:
            return
        assert self.money() != before
        self.world.post(asks.resolve(name, "won", fee_returned=3))
        assert self.money() == before
        DisputeHistories.restored += 1

    def money(self) -> tuple[dict[tuple[str, str], int], bytes]:
        """All balances; every invoice and source as the rules see them.

        Two uses on one invoice, one behind the other, are undone as one and come back as one.
        """
        alice = self.world.alice
        invoices = sorted(alice.invoices(), key=lambda invoice: invoice.number)
        sources = [
            msgspec.structs.replace(source, allocations=[
                (invoice, sum(amount for _, amount in uses))
                for invoice, uses in groupby(source.allocations, key=itemgetter(0))
            ])
            for source in sorted(alice.sources(), key=lambda source: source.key)
        ]  # fmt: skip
        balances = {key: amount for key, amount in self.world.balances["alice"].items() if amount}
        return balances, msgspec.msgpack.encode([invoices, sources])

    def lapse(self, name: str, dispute: Dispute) -> None:
        """A deadline acts once, and moves no money."""
        if dispute.deadline is None or dispute.kind == "inquiry":
            return
        ask = asks.lapse(name, str(dispute.deadline.respond_by))
        before = self.money()
        self.world.post(ask)
        with pytest.raises(Refusal):
            self.world.post(ask)
        assert self.money() == before
        DisputeHistories.lapsed += 1


def test_a_chargeback_won_restores_all_and_deadlines_move_nothing_after_any_history() -> None:
    run_state_machine_as_test(
        DisputeHistories,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    assert DisputeHistories.restored > 0
    assert DisputeHistories.lapsed > 0
