"""The ledger and a small model of its money, written from docs/domain.md alone, agree after every message.

A machine posts every message there is; after each the named invariants hold (`World` checks them), every
account, every invoice and every source is as the model says, and what is refused for a rule of money the
model refuses as well.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from tests.ledger import asks
from tests.ledger.random_discounts import AUTHORITY
from tests.ledger.test_random_histories import AMOUNTS, RATES, Histories
from tests.ledger.world import Ask
from tests.model.disputes import MOVES_NOTHING, RULES
from tests.model.parts import Denied
from tests.model.rules import Model, Told

from ledger import decider
from ledger.catalogue import MESSAGES
from ledger.errors import Refusal
from ledger.event import LEDGER
from ledger.parts import Invoice

OF_MONEY = frozenset({
    "allocation_exceeds_due", "allocation_exceeds_source", "charge_billed", "charge_disputed", "charge_exists",
    "charge_reversed", "charge_unknown", "chargeback_exceeds_payment", "credit_exceeds_dispute",
    "credit_exceeds_line", "credit_note_settles", "credit_note_unknown", "credit_note_used", "credit_note_void",
    "currency_mismatch", "dispute_exceeds_charge", "dispute_exceeds_invoice", "dispute_unknown",
    "fee_exceeds_charged", "invoice_allocated", "invoice_credited", "invoice_disputed", "invoice_unknown",
    "invoice_void", "invoice_written_off", "line_unknown", "nothing_receivable", "nothing_to_bill",
    "outcome_not_matching", "payment_exists", "payment_unknown", "recovery_exceeds_written_off",
    "refund_exceeds_credit", "refund_exceeds_payment", "undo_exceeds_allocation", "write_off_exceeds_receivable",
})  # fmt: skip
"""What the model refuses as well; of dates, people and names it knows nothing."""

NOT_POSTED = {"book.opened", "customer.opened"}
"""What every history begins with."""


class Agreement(Histories):
    """A random history that the model lives along."""

    asked: ClassVar[Counter[str]] = Counter()
    recorded: ClassVar[Counter[str]] = Counter()
    refusals: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(RATES)
        self.last_refusal: str | None = None

    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        """Post a message, and hold what came of it to the model."""
        self.world.now += timedelta(hours=1)
        at, first = self.world.now - back, len(self.world.events)
        self.world.acts(*((LEDGER, None) if ask[0] == "dispute.lapse" else asks.poster(ask)))
        refused = self.last_refusal = None
        try:
            self.world.post(ask, at=at)
        except Refusal as refusal:
            refused = self.last_refusal = refusal.code
            Agreement.refusals[refusal.code] += 1
        Agreement.asked[ask[0]] += 1
        Agreement.recorded[ask[0]] += refused is None
        told = [
            (event.type, msgspec.json.decode(msgspec.json.encode(event.data)))
            for event in self.world.events[first:]
        ]
        self._model(ask, at, told, refused)
        self._compare()

    def _model(self, ask: Ask, at: datetime, told: Told, refused: str | None) -> None:
        """Let the model take the message in, or refuse it; of other rules than those of money it knows none."""
        model_rule, denied = RULES.get(ask[0]), ""
        if model_rule is None or (refused is not None and refused not in OF_MONEY):
            return
        try:
            model_rule(self.model, ask[1], at, told)
        except Denied as raised:
            denied = str(raised)
        assert bool(denied) is (refused is not None), f"{ask}: the ledger {refused}, the model {denied}"

    def _compare(self) -> None:
        """Every account, what is due of every invoice, every source, all that is unbilled."""
        alice, model = self.world.alice, self.model
        assert _nonzero(self.world.balances["alice"]) == _nonzero(model.accounts)
        assert {
            each.number: (each.receivable, each.disputed, each.written_off, each.allocated, each.void)
            for each in alice.invoices()
        } == {
            each.number: (each.receivable, each.disputed, each.written_off, each.allocated, each.void)
            for each in model.invoices.values()
        }
        assert {each.key.removeprefix("credit_note/"): each.left for each in alice.sources()} == {
            each.key: each.left for each in model.sources.values()
        }
        assert {each.charge: each.net for each in alice.unbilled.values()} == {
            each.name: each.net for each in model.charges.values() if each.place == "unbilled"
        }

    @precondition(lambda self: self.world.alice.open_invoices)
    @rule(amount=AMOUNTS)
    def fail_to_pay(self, amount: int) -> None:
        self.ask(asks.fail(f"p{self.count}", amount))

    @rule(rate=st.sampled_from(["0", "5.5", "21"]), days=st.integers(-20, 20))
    def change_rate(self, rate: str, days: int) -> None:
        from_ = (self.world.now + timedelta(days=days)).date().isoformat()
        self.ask(("tax_rate.changed", {"category": "reduced", "rate": rate, "from": from_}))

    @rule(number=st.integers(1, 3))
    def add_account(self, number: int) -> None:
        self.ask(("account.added", {"account": f"other_{number}", "name": "Other", "kind": "expense"}))

    @precondition(lambda self: self.count > 30)
    @rule()
    def close_period(self) -> None:
        through = (self.world.now - timedelta(days=60)).date().isoformat()
        self.ask(("period.closed", {"through": through}))

    @precondition(lambda self: self.world.alice.disputes)
    @rule(data=st.data(), days=st.sampled_from([0, 2, 40]))
    def let_lapse(self, data: st.DataObject, days: int) -> None:
        self.world.now += timedelta(days=days)
        name = self.a_dispute(data)
        deadline = self.world.alice.disputes[name].deadline
        day = "2026-01-15" if deadline is None else deadline.respond_by.isoformat()
        self.ask(asks.lapse(name, day))

    @rule(
        nets=st.lists(st.integers(1, 60), min_size=2, max_size=3),
        back=st.integers(1, 150),
        how=st.integers(0, 2),
    )
    def pay_several_and_take_back(self, nets: list[int], back: int, how: int) -> None:
        for net in nets:
            self.bill([(net, "standard")])
        name = self.name("p")
        self.ask(
            asks.pay(
                name, sum(nets) + 20, *((f"INV-{n.sequence}", n.receivable) for n in self.newest(len(nets)))
            )
        )
        taken_back = (
            asks.refund(self.name("r"), back, name),
            asks.bounce(name, back),
            asks.chargeback(name, name, back),
        )
        self.ask(taken_back[how])
        if how == 2:
            self.ask(asks.resolve(name, "won"))

    def newest(self, count: int) -> list[Invoice]:
        """The last invoices, as many as are due something."""
        invoices = sorted(self.world.alice.open_invoices.values(), key=lambda each: each.sequence)
        return [each for each in invoices[-count:] if each.currency == "EUR" and each.receivable]

    @precondition(lambda self: self.newest(1))
    @rule(pieces=st.lists(st.integers(1, 9), min_size=2, max_size=4))
    def credit_in_pieces(self, pieces: list[int]) -> None:
        for net in pieces:
            for invoice in self.newest(1):
                self.ask(asks.credit(invoice.number, (1, net)))

    @precondition(lambda self: self.newest(1))
    @rule(first=st.integers(1, 300), second=st.none() | st.integers(1, 300))
    def complain_twice(self, first: int, second: int | None) -> None:
        for amount in (first, second):
            for invoice in self.newest(1):
                self.ask(asks.complain(self.name("d"), invoice.number, amount))

    @rule(number=st.integers(1, 3))
    def register(self, number: int) -> None:
        plan = asks.trial(f"t{number}", ("letter", "50"), hold_out="50", end="2999-12-31")
        self.ask(plan)


def _nonzero(accounts: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {key: amount for key, amount in accounts.items() if amount}


STORY: tuple[Ask, ...] = (
    AUTHORITY, asks.dunning_policy((1, "friendly", 0)), asks.verification_policy(),
    asks.trial("t", ("letter", "50"), hold_out="50", end="2999-12-31"), asks.take_part("t"),
    ("account.added", {"account": "other_1", "name": "Other", "kind": "expense"}),
    ("period.closed", {"through": "2025-12-31"}),
    ("tax_rate.changed", {"category": "reduced", "rate": "8", "from": "2026-02-01"}),
    ("customer.changed", {"tax_treatment": "standard"}),
    asks.arrive("k"), asks.answer("k"), asks.verify("passed", "k"), asks.send_code(), asks.note("n"),
    asks.end("k", "resolved"),
    asks.percent_off("x1", "10", invoices=3, at_most=9, currency="EUR"), asks.percent_off("x2", "50", invoices=1), asks.approve("x2"),
    asks.percent_off("x3", "60", invoices=1), asks.decline("x3"), asks.percent_off("x6", "60", invoices=1), asks.take_back("x6"), asks.offer_off("x4", "5", "2999-12-31", invoices=1, at_most=9, currency="EUR"),
    asks.accept("x4"), asks.offer_fixed("x5", 100, "2999-12-31"), asks.refuse("x5"), asks.revoke("x1"),
    asks.agree("2026-01-01", asks.service("mobile", 3100)), asks.bill("2026-01-31"),
    asks.charge("c1", 900), asks.charge("c2", 333, tax_category="reduced"), asks.charge("c3", 7), asks.reverse("c3"),
    asks.issue(), asks.void("INV-2"), asks.issue(), asks.credit("INV-3", (1, 300)), asks.void_note("CN-1"),
    asks.complain("d1", "INV-3", 500), asks.assign("d1", "ann"), asks.evidence("d1"), asks.escalate("d1"),
    asks.resolve("d1", "partly_upheld", (1, 100)),
    asks.fail("p0", 5), asks.pay("p1", 5_000), asks.refund("r1", 10, "p1"), asks.bounce("p1", 20, fee=3),
    asks.pay("p2", 30), asks.chargeback("d2", "p1", 40, respond_by="2026-02-03"), asks.withdraw("d2"),
    asks.lapse("d2", "2026-02-03"), asks.chargeback("d3", "p1", 60, fee=5), asks.resolve("d3", "won"),
    asks.hold("p3", 200), asks.undo("p1", "INV-1", 50), asks.allocate("p1", "INV-1", 30), asks.remind("INV-1"),
    asks.write_off("INV-1", 20), asks.recover("INV-1", 15, "p4"),
)  # fmt: skip
"""Something of everything, none of it refused; at its end the customer is settled up, leaves and is erased."""


def test_the_model_agrees_with_every_message_there_is() -> None:
    told = Agreement()
    for ask in STORY:
        told.world.now += timedelta(days=40 if ask[0] in ("dispute.lapse", "reminder.send") else 0)
        told.ask(ask)
        assert told.last_refusal is None, (ask, told.last_refusal)
    told.ask(asks.close())
    told.world.now += timedelta(days=40)
    told.ask(asks.bill(str(told.world.now.date())))
    told.ask(asks.pay("last", 1_000_000))
    told.ask(asks.refund("rest", told.world.alice.credit("EUR")))
    for name in sorted(told.world.alice.disputes):
        told.ask(asks.resolve(name, "lost"))
    told.ask(asks.erase())
    assert told.last_refusal is None
    assert {type_ for type_, count in Agreement.recorded.items() if count} | NOT_POSTED == MESSAGES.keys()


def agree(runs: int, steps: int) -> None:
    """Let so many histories of so many messages be held to the model."""
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
        ),
    )


def test_the_model_knows_every_message() -> None:
    assert RULES.keys() | MOVES_NOTHING == MESSAGES.keys() == decider.DECODERS.keys()
    assert not RULES.keys() & MOVES_NOTHING


def test_the_model_agrees_with_the_ledger_after_every_message() -> None:
    agree(runs=50, steps=50)


@pytest.mark.soak
def test_the_model_agrees_with_the_ledger_in_a_thousand_histories() -> None:
    for counter in (Agreement.asked, Agreement.recorded, Agreement.refusals):
        counter.clear()
    agree(runs=1_000, steps=50)
    assert Agreement.asked.keys() | NOT_POSTED == MESSAGES.keys()
    print(f"\n{sum(Agreement.asked.values()):,} messages, {sum(Agreement.recorded.values()):,} recorded")
    print(dict(Agreement.refusals.most_common()))
