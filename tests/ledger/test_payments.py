"""Payments, allocations and refunds: explicit ones win, otherwise oldest first; a bank is never refused for a limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.ledger.asks import (
    allocate,
    bounce,
    charge,
    chargeback,
    complain,
    credit,
    fail,
    hold,
    issue,
    pay,
    refund,
    resolve,
    undo,
    void,
)  # fmt: skip
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import Ask

TWO = [charge("c1", 700), issue(), charge("c2", 500), issue()]
"""INV-1 of 700 and INV-2 of 500."""


@rows(
    ("oldest first, in part", TWO, pay("p1", 1000),
     ["payment.received payment=p1 amount=1000", "allocation.made source.payment=p1 invoice=INV-1 amount=700 automatic=True",
      "allocation.made invoice=INV-2 amount=300"]),
    ("more than is due stays credit", TWO, pay("p1", 1500),
     ["payment.received", "allocation.made invoice=INV-1 amount=700", "allocation.made invoice=INV-2 amount=500"]),
    ("the payer's word wins", TWO, pay("p1", 600, ("INV-2", 500), ("INV-1", 50)),
     ["payment.received", "allocation.made invoice=INV-2 amount=500 automatic=False", "allocation.made invoice=INV-1 amount=50"]),
    ("also the word to keep it", TWO, hold("p1", 600), ["payment.received allocations="]),
    ("as much as is due, the rest is credit", TWO, pay("p1", 600, ("INV-2", 600)), ["payment.received", "allocation.made amount=500"]),
    ("money for a void invoice is credit", [charge("c1", 5), issue(), void("INV-1")], pay("p1", 5, ("INV-1", 5)), ["payment.received"]),
    ("not for an invoice that is not there", TWO, pay("p1", 6, ("INV-9", 6)), ["! invoice_unknown /data/allocations/0/invoice"]),
    ("not more than was paid", TWO, pay("p1", 6, ("INV-1", 6), ("INV-2", 1)), ["! allocations_exceed_payment /data/allocations"]),
    ("not twice for one invoice", TWO, pay("p1", 6, ("INV-1", 3), ("INV-1", 3)), ["! invoice_repeated /data/allocations"]),
    ("not for another currency", TWO, pay("p1", 6, ("INV-1", 3), currency="USD"), ["! currency_mismatch /data/allocations/0/invoice"]),
    ("another currency is credit", TWO, pay("p1", 6, currency="USD"), ["payment.received"]),
    ("received once", [pay("p1", 6)], pay("p1", 6), ["! payment_exists /data/payment"]),
    ("what is in dispute is skipped", [*TWO, complain("d1", "INV-1", 600)], pay("p1", 700),
     ["payment.received", "allocation.made invoice=INV-1 amount=100", "allocation.made invoice=INV-2 amount=500"]),
    ("older credit goes first", [hold("p1", 50), *TWO[:2], undo("p1", "INV-1", 50)], pay("p2", 60),
     ["payment.received", "allocation.made source.payment=p1 amount=50", "allocation.made source.payment=p2 amount=60"]),
    ("an overdrawn customer's money fills that first", [pay("p1", 50), refund("r1", 50), chargeback("d1", "p1", 50), *TWO[:1], issue()], pay("p2", 60),
     ["payment.received", "allocation.made source.payment=p2 amount=10"]),
    ("a failure moves nothing", TWO, fail("p1", 5), ["payment.failed payment=p1 amount=5"]),
    ("a failure may be received later", [*TWO, fail("p1", 5)], pay("p1", 5), ["payment.received", "allocation.made amount=5"]),
    ("what was received did not fail", [pay("p1", 5)], fail("p1", 5), ["! payment_exists /data/payment"]),
)  # fmt: skip
def test_receiving(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


PAID = [*TWO, pay("p1", 1300)]
"""INV-1 and INV-2 paid, 100 left as credit."""


@rows(
    ("the rest first", PAID, bounce("p1", 100), ["payment.returned payment=p1 amount=100"]),
    ("then what was allocated last, as far as needed", PAID, bounce("p1", 300),
     ["payment.returned", "allocation.undone source.payment=p1 invoice=INV-2 amount=200 automatic=True"]),
    ("the whole", PAID, bounce("p1", 1300, fee=7),
     ["payment.returned fee=7", "allocation.undone invoice=INV-2 amount=500", "allocation.undone invoice=INV-1 amount=700"]),
    ("more than we hold: overdrawn", [*PAID, refund("r1", 1300, "p1")], bounce("p1", 1300), ["payment.returned amount=1300"]),
    ("more than was paid, even", PAID, bounce("p1", 2000), ["payment.returned", "allocation.undone", "allocation.undone"]),
    ("only what was received", [], bounce("p1", 5), ["! payment_unknown /data/payment"]),
    ("in its own currency", PAID, bounce("p1", 5, currency="USD"), ["! currency_mismatch /data/currency"]),
)  # fmt: skip
def test_returning(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


HELD = [*TWO, hold("p1", 600)]


@rows(
    ("credit is used", HELD, allocate("p1", "INV-2", 500), ["allocation.made source.payment=p1 invoice=INV-2 currency=EUR amount=500 automatic=False"]),
    ("never more than is left", HELD, allocate("p1", "INV-1", 601), ["! allocation_exceeds_source /data/amount"]),
    ("never more than is due", HELD, allocate("p1", "INV-2", 501), ["! allocation_exceeds_due /data/amount"]),
    ("not on what is in dispute", [*HELD, complain("d1", "INV-2", 400)], allocate("p1", "INV-2", 101), ["! allocation_exceeds_due /data/amount"]),
    ("not on a void invoice", [*HELD, void("INV-2")], allocate("p1", "INV-2", 1), ["! invoice_void /data/invoice"]),
    ("not of an unknown payment", TWO, allocate("p1", "INV-2", 1), ["! payment_unknown /data/source/payment"]),
    ("not to an unknown invoice", HELD, allocate("p1", "INV-9", 1), ["! invoice_unknown /data/invoice"]),
    ("not across currencies", [*TWO, pay("p1", 9, currency="USD")], allocate("p1", "INV-1", 1), ["! currency_mismatch /data/source"]),
    ("the credit of a credit note", [*TWO, pay("p1", 1200), credit("INV-1", (1, 50)), undo("p1", "INV-2", 500)],
     ("allocation.make", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 50}), ["allocation.made source.credit_note=CN-1 amount=50"]),
    ("not of an unknown credit note", TWO, ("allocation.make", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 50}),
     ["! credit_note_unknown /data/source/credit_note"]),
    ("not of a credit note that left no credit", [*TWO, credit("INV-1", (1, 50))],
     ("allocation.make", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 50}), ["! allocation_exceeds_source /data/amount"]),
    ("of one source", HELD, ("allocation.make", {"source": {"credit_note": "CN-1", "payment": "p1"}, "invoice": "INV-2", "amount": 50}),
     ["! source_not_one /data/source"]),
    ("undone", PAID, undo("p1", "INV-1", 200), ["allocation.undone source.payment=p1 invoice=INV-1 amount=200 automatic=False"]),
    ("never more than was allocated", PAID, undo("p1", "INV-2", 501), ["! undo_exceeds_allocation /data/amount"]),
    ("and made again", [*PAID, undo("p1", "INV-1", 200)], allocate("p1", "INV-1", 200), ["allocation.made amount=200"]),
)  # fmt: skip
def test_allocating(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


@rows(
    ("out of credit: re-opens nothing", PAID, refund("r1", 100), ["refund.issued refund=r1 amount=100 taken.0.source.payment=p1 taken.0.amount=100"]),
    ("the oldest credit first", [hold("p1", 30), hold("p2", 30)], refund("r1", 40), ["refund.issued taken.0.amount=30 taken.1.source.payment=p2 taken.1.amount=10"]),
    ("never more than there is", PAID, refund("r1", 101), ["! refund_exceeds_credit /data/amount"]),
    ("not out of what another source lacks", [pay("p1", 50), refund("r0", 50), bounce("p1", 20), pay("p2", 50)], refund("r1", 31), ["! refund_exceeds_credit /data/amount"]),
    ("out of a payment: the rest first", PAID, refund("r1", 100, "p1"), ["refund.issued payment=p1 amount=100"]),
    ("then its allocations, newest first", PAID, refund("r1", 700, "p1"),
     ["refund.issued", "allocation.undone invoice=INV-2 amount=500", "allocation.undone invoice=INV-1 amount=100"]),
    ("never more than was received", PAID, refund("r1", 1301, "p1"), ["! refund_exceeds_payment /data/amount"]),
    ("less what went back in any way", [*PAID, refund("r1", 100), bounce("p1", 200), chargeback("d1", "p1", 300)], refund("r2", 701, "p1"),
     ["! refund_exceeds_payment /data/amount"]),
    ("to the cent", [*PAID, refund("r1", 100), bounce("p1", 200), chargeback("d1", "p1", 300)], refund("r2", 700, "p1"),
     ["refund.issued", "allocation.undone invoice=INV-1 amount=700"]),
    ("issued once", [*PAID, refund("r1", 1)], refund("r1", 1), ["! refund_exists /data/refund"]),
    ("only of what was received", [], refund("r1", 1, "p1"), ["! payment_unknown /data/payment"]),
    ("in its own currency", PAID, refund("r1", 1, "p1", currency="USD"), ["! currency_mismatch /data/currency"]),
)  # fmt: skip
def test_refunding(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_what_goes_beyond_what_we_held_is_overdrawn() -> None:
    """What happened at a bank is never refused: recorded, and the customer's credit is negative."""
    world = untaxed()
    for ask in (pay("p1", 100), refund("r1", 100), bounce("p1", 100)):
        world.post(ask)
    assert world.alice.credit("EUR") == -100
    assert world.balance() == 100


def test_refund_and_credit_note_end_the_same_in_either_order() -> None:
    """Credit note then refund of the credit, refund of the payment then credit note [docs/domain.md, Refunds]."""
    ends = []
    for asks in (
        (credit("INV-1", (1, 300)), refund("r1", 300)),
        (refund("r1", 300, "p1"), credit("INV-1", (1, 300))),
    ):
        world = untaxed()
        for ask in (*TWO, pay("p1", 700, ("INV-1", 700)), *asks):
            world.post(ask)
        ends.append((world.due("INV-1"), world.due("INV-2"), world.alice.credit("EUR"), world.balance()))
    assert ends[0] == ends[1] == (0, 500, 0, 500)


def test_an_allocation_undone_and_made_again_changes_nothing() -> None:
    world = untaxed()
    for ask in PAID:
        world.post(ask)
    before = (world.due("INV-1"), world.balance(), world.alice.credit("EUR"))
    for ask in (undo("p1", "INV-1", 300), allocate("p1", "INV-1", 300)):
        world.post(ask)
    assert (world.due("INV-1"), world.balance(), world.alice.credit("EUR")) == before


def test_an_allocation_of_a_payment_dated_back_occurs_when_the_invoice_did() -> None:
    """The later of source and invoice [docs/domain.md, Allocation]."""
    world = untaxed()
    world.post(charge("c1", 700))
    issued = world.post(issue())[0]
    events = world.post(pay("p1", 700), at=datetime(2026, 1, 5, tzinfo=UTC))
    assert [event.time for event in events] == [datetime(2026, 1, 5, tzinfo=UTC), issued.time]


def test_the_oldest_invoice_is_the_one_due_first_then_issued_first_then_numbered_first() -> None:
    """A total order, so that nobody can argue [killbill PR 1819]; INV-10 comes after INV-9."""
    world = untaxed()
    at = world.now
    for number in range(1, 12):
        world.post(charge(f"c{number}", 1), at=at)
        world.post(issue(), at=at)
    world.post(("customer.changed", {"payment_days": 1}))
    world.post(charge("c12", 1), at=at + timedelta(hours=1))
    world.now += timedelta(hours=2)
    world.post(issue())
    events = world.post(pay("p1", 12))
    paid = [event.data.invoice for event in events[1:]]  # type: ignore[attr-defined]
    assert paid == ["INV-12", *(f"INV-{number}" for number in range(1, 12))]


def test_a_payment_touches_no_settled_invoice() -> None:
    """Settling walks over what is open: what is settled stays packed, object for object."""
    world = untaxed()
    for number in range(20):
        world.post(charge(f"c{number}", 5))
        world.post(issue())
        world.post(pay(f"p{number}", 5))
    packed = dict(world.alice.settled_invoices)
    world.post(pay("more", 5))
    assert all(world.alice.settled_invoices[number] is invoice for number, invoice in packed.items())
    assert len(packed) == 20
    assert not world.alice.open_invoices


def test_a_chargeback_lost_keeps_the_debt_and_the_fee() -> None:
    world = untaxed()
    for ask in (*TWO, pay("p1", 1200), chargeback("d1", "p1", fee=1500), resolve("d1", "lost")):
        world.post(ask)
    assert world.balance() == 1200
    assert world.balances["alice"]["dispute_fees", "EUR"] == 1500
