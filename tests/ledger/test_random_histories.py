"""Random histories: after every message the named invariants hold, and a refused one changed nothing.

[Blnk's invariant fuzz]. `World` does the checking; here are only the messages.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.ledger import asks
from tests.ledger.random_care import CareRules
from tests.ledger.random_debt import DebtRules
from tests.ledger.random_discounts import BACK, DiscountRules
from tests.ledger.random_disputes import DisputeRules
from tests.ledger.world import ALICE, START, Ask, World

from ledger import decider, invariants
from ledger.allocation import SourceName
from ledger.errors import Refusal
from ledger.parts import Invoice
from ledger.state import Customer, Replayed

NETS = st.integers(0, 300) | st.sampled_from([1, 3, 7, 99, 100, 333, 10**12])
AMOUNTS = st.integers(1, 400)
FEW = st.integers(1, 4)
MAYBE = st.booleans()
CURRENCIES = st.sampled_from(["EUR", "EUR", "EUR", "JPY"])
CATEGORIES = st.sampled_from(["standard", "reduced", "exempt"])
PERIODS = st.none() | st.just({"from": "2026-01-01", "to": "2026-03-31"})
RATES = [
    {"category": "standard", "rate": "19", "from": "2020-01-01"},
    {"category": "reduced", "rate": "7.7", "from": "2020-01-01"},
]


OUTCOMES = {
    "complaint": ["upheld", "partly_upheld", "rejected", "withdrawn", "won"],
    "inquiry": ["won", "lost", "withdrawn"],
    "chargeback": ["won", "won", "lost"],
}
has_invoices = precondition(lambda self: self.world.alice.open_invoices or self.world.alice.settled_invoices)
has_payments = precondition(lambda self: self.world.alice.open_sources or self.world.alice.spent_sources)
has_charges = precondition(lambda self: self.world.alice.unbilled)
has_disputes = precondition(lambda self: self.world.alice.disputes)


class Histories(DisputeRules, DebtRules, DiscountRules, CareRules):
    """One customer, a few names for everything, so that messages meet each other."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(tax_rates=RATES)
        self.world.now = START + timedelta(days=30)
        self.world.post(("customer.opened", {"currency": "EUR"}), at=START)
        self.count = 0

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        self.world.now += timedelta(hours=1)
        recorded = len(self.world.events)
        refused = False
        self.world.acts(*asks.poster(ask))
        try:
            self.world.post(ask, at=self.world.now - back)
        except Refusal as refusal:
            refused = bool(refusal.detail)
        assert refused is (len(self.world.events) == recorded)

    def invoices(self) -> list[str]:
        return [invoice.number for invoice in self.world.alice.invoices()] or ["INV-1"]

    def payments(self) -> list[str]:
        return [source.key for source in self.world.alice.sources() if "/" not in source.key] or ["p0"]

    @initialize(nets=st.lists(st.tuples(NETS, CATEGORIES), max_size=5))
    def begin(self, nets: list[tuple[int, str]]) -> None:
        for net, category in nets:
            self.bill([(net, category)])

    @rule(lines=st.lists(st.tuples(NETS, CATEGORIES), min_size=1, max_size=4))
    def bill(self, lines: list[tuple[int, str]]) -> None:
        for net, category in lines:
            self.ask(asks.charge(self.name("c"), net, tax_category=category))
        self.ask(asks.issue())

    @rule(net=NETS, currency=CURRENCIES, category=CATEGORIES, back=BACK, period=PERIODS)
    def charge(
        self, net: int, currency: str, category: str, back: timedelta, period: dict[str, str] | None
    ) -> None:
        more = {} if period is None else {"period": period}
        self.ask(asks.charge(self.name("c"), net, currency=currency, tax_category=category, **more), back)

    @rule(quantity=st.sampled_from(["3", "0.5", "1.333"]), price=st.sampled_from(["0.0125", 10, "99.9"]))
    def usage(self, quantity: str, price: str | int) -> None:
        data = {"charge": self.name("c"), "service": "usage", "currency": "EUR"}
        self.ask(("charge.posted", {**data, "quantity": quantity, "unit_price": price}))

    @has_charges
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        self.ask(asks.reverse(data.draw(st.sampled_from(sorted(self.world.alice.unbilled)))))

    @rule(currency=CURRENCIES, back=BACK)
    def issue(self, currency: str, back: timedelta) -> None:
        self.ask(asks.issue(currency=currency), back)

    @has_invoices
    @rule(data=st.data(), reverse=MAYBE)
    def void(self, data: st.DataObject, reverse: bool) -> None:
        self.ask(asks.void(data.draw(st.sampled_from(self.invoices())), reverse_charges=reverse))

    @has_invoices
    @rule(data=st.data())
    def credit(self, data: st.DataObject) -> None:
        invoice = self.world.alice.invoice(data.draw(st.sampled_from(self.invoices())))
        assert invoice is not None
        self.ask(asks.credit(invoice.number, *self.lines_of(data, invoice)))

    def lines_of(self, data: st.DataObject, invoice: Invoice) -> list[tuple[int, int]]:
        """Lines of an invoice, or one that it does not have, each with a net up to one too much."""
        numbers = st.integers(1, max(1, len(invoice.lines)))
        chosen = data.draw(st.lists(numbers, min_size=1, max_size=3, unique=True))
        creditable = [line.creditable for line in invoice.lines] or [1]
        return [(number, data.draw(st.integers(1, creditable[number - 1] + 1))) for number in chosen]

    @rule(amount=AMOUNTS, currency=CURRENCIES, back=BACK)
    def pay(self, amount: int, currency: str, back: timedelta) -> None:
        self.ask(asks.pay(self.name("p"), amount, currency=currency), back)

    @rule(amount=AMOUNTS)
    def hold(self, amount: int) -> None:
        self.ask(asks.hold(self.name("p"), amount))

    @has_invoices
    @rule(data=st.data(), amount=AMOUNTS, part=AMOUNTS)
    def pay_for(self, data: st.DataObject, amount: int, part: int) -> None:
        invoice = data.draw(st.sampled_from(self.invoices()))
        self.ask(asks.pay(self.name("p"), amount, (invoice, min(amount, part))))

    @has_payments
    @rule(data=st.data(), amount=AMOUNTS, fee=st.integers(0, 5))
    def bounce(self, data: st.DataObject, amount: int, fee: int) -> None:
        self.ask(asks.bounce(data.draw(st.sampled_from(self.payments())), amount, fee=fee))

    @precondition(lambda self: self.world.alice.open_sources and self.world.alice.open_invoices)
    @rule(data=st.data())
    def allocate(self, data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(list(self.world.alice.open_sources.values())))
        invoice = data.draw(st.sampled_from(list(self.world.alice.open_invoices.values())))
        amount = data.draw(st.integers(1, max(1, min(source.left, invoice.receivable)) + 1))
        name = msgspec.to_builtins(SourceName.of(source.key))
        self.ask(("allocation.make", {"source": name, "invoice": invoice.number, "amount": amount}))

    @has_payments
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        made = [(source.key, *each) for source in self.world.alice.sources() for each in source.allocations]
        if not made:
            return
        key, invoice, amount = data.draw(st.sampled_from(made))
        amount = data.draw(st.integers(1, amount + 1))
        name = msgspec.to_builtins(SourceName.of(key))
        self.ask(("allocation.undo", {"source": name, "invoice": invoice, "amount": amount}))

    @has_payments
    @rule(data=st.data(), amount=AMOUNTS, out_of_payment=MAYBE)
    def refund(self, data: st.DataObject, amount: int, out_of_payment: bool) -> None:
        payment = data.draw(st.sampled_from(self.payments())) if out_of_payment else None
        self.ask(asks.refund(self.name("r"), amount, payment))

    @has_invoices
    @rule(
        data=st.data(), amount=st.none() | AMOUNTS, lines=st.none() | st.lists(FEW, min_size=1, unique=True)
    )
    def complain(self, data: st.DataObject, amount: int | None, lines: list[int] | None) -> None:
        more = {} if lines is None else {"lines": lines}
        self.ask(asks.complain(self.name("d"), data.draw(st.sampled_from(self.invoices())), amount, **more))

    @has_charges
    @rule(data=st.data())
    def complain_of_charge(self, data: st.DataObject) -> None:
        charges = sorted(self.world.alice.unbilled)
        self.ask(asks.complain_of_charge(self.name("d"), data.draw(st.sampled_from(charges))))

    @has_payments
    @rule(data=st.data(), amount=st.none() | AMOUNTS)
    def charge_back(self, data: st.DataObject, amount: int | None) -> None:
        payment = data.draw(st.sampled_from(self.payments()))
        self.ask(asks.chargeback(self.name("d"), payment, amount, fee=3))

    @has_disputes
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        dispute = self.world.alice.disputes[data.draw(st.sampled_from(sorted(self.world.alice.disputes)))]
        outcome = data.draw(st.sampled_from(OUTCOMES[dispute.kind]))
        lines: list[tuple[int, int]] = []
        more: dict[str, object] = {}
        if outcome.endswith("upheld") and dispute.invoice is not None and data.draw(MAYBE):
            invoice = self.world.alice.invoice(dispute.invoice)
            assert invoice is not None
            lines = self.lines_of(data, invoice)
        elif outcome.endswith("upheld") and dispute.charge is not None and data.draw(MAYBE):
            more["net"] = data.draw(st.integers(1, dispute.amount + 1))
        elif dispute.kind == "chargeback" and data.draw(MAYBE):
            more["fee_returned"] = data.draw(st.integers(1, 4))
        self.ask(asks.resolve(dispute.dispute, outcome, *lines, **more))

    @has_invoices
    @rule(data=st.data())
    def settle_all(self, data: st.DataObject) -> None:
        due = sum(
            invoice.due for invoice in self.world.alice.open_invoices.values() if invoice.currency == "EUR"
        )
        self.ask(asks.pay(self.name("p"), max(1, due + data.draw(st.integers(-3, 50)))))

    @rule(
        prices=st.lists(st.sampled_from([0, 1, 310, 999, "0.5"]), max_size=2),
        shift=st.integers(-40, 10),
        days=st.none() | st.integers(0, 40),
        more=st.sampled_from(
            [{}, {"billed": "advance"}, {"interval": "quarter"}, {"tax_category": "reduced"}]
        ),
    )
    def agree(self, prices: list[int | str], shift: int, days: int | None, more: dict[str, str]) -> None:
        begins = self.world.now.date() + timedelta(days=shift)
        ends = {} if days is None else {"to": str(begins + timedelta(days=days))}
        services = [asks.service(f"s{place}", price, **more, **ends) for place, price in enumerate(prices)]
        self.ask(asks.agree(str(begins), *services))

    @rule(days=st.integers(0, 40), currency=CURRENCIES)
    def bill_agreed(self, days: int, currency: str) -> None:
        self.world.now += timedelta(days=days)
        self.ask(asks.bill(str(self.world.now.date()), currency=currency))

    @rule(treatment=st.sampled_from(["standard", "exempt", "reverse_charge"]))
    def change(self, treatment: str) -> None:
        self.ask(("customer.changed", {"tax_treatment": treatment}))

    @rule(leave=MAYBE)
    def erase(self, leave: bool) -> None:
        settled = not (self.world.alice.unbilled or self.world.alice.open_invoices)
        if leave and settled and self.count > 8:
            self.ask(asks.close())
        self.ask(asks.erase())

    def teardown(self) -> None:
        assert not list(invariants.numbers_have_no_gaps(self.world.events))
        self.replay()

    def replay(self) -> None:
        """Fold the history as verifying does, which packs nothing: it comes to the same state."""
        replayed: Customer | None = None
        for event in self.world.events:
            if event.subject == ALICE:
                opened = replayed is None
                replayed = decider.evolve_customer(replayed, event)
                if opened and replayed is not None:
                    replayed = Replayed.of(replayed)
        assert replayed is not None
        assert spelled(replayed) == spelled(self.world.alice)
        assert not any(isinstance(each, bytes) for each in replayed.settled_invoices.values())


def spelled(customer: Customer) -> dict[str, object]:
    """Give all that a state says, whatever is packed of it."""
    settled = {each.number: each for each in customer.invoices() if each.number in customer.settled_invoices}
    spent = {each.key: each for each in customer.sources() if each.key in customer.spent_sources}
    return {
        **msgspec.structs.asdict(customer), "settled_invoices": settled, "spent_sources": spent,
    }  # fmt: skip


def test_the_invariants_hold_after_every_message_of_any_history() -> None:
    """Blnk invariant fuzz."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
