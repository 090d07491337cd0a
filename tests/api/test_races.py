"""Sixty-four clients want the same money at once: exactly what is allowed goes through."""

from __future__ import annotations

from tests.api.live import Caller
from tests.api.racing import CLIENTS, accepted, race
from tests.ledger.asks import allocate, charge, chargeback, hold, issue, pay, recover, refund, write_off


def balance(caller: Caller) -> tuple[int, int]:
    """Tell what is receivable and what is held as credit."""
    (found,) = caller.read("/customers/alice/balance", min_position=caller.head)["balances"]
    return found["receivable"], found["credit"]


def test_refunding_one_payment(alice: Caller) -> None:
    for ask in (charge("a", 1_000), issue(), pay("p", 1_000)):
        alice.tell(ask)
    answers = race(alice, [refund(f"r{number}", 30, "p") for number in range(CLIENTS)])
    assert accepted(answers, "refund_exceeds_payment") == 1_000 // 30
    assert balance(alice) == (1_000 // 30 * 30, 0)


def test_refunding_one_credit(alice: Caller) -> None:
    alice.tell(hold("p", 1_000))
    answers = race(alice, [refund(f"r{number}", 30) for number in range(CLIENTS)])
    assert accepted(answers, "refund_exceeds_credit") == 1_000 // 30
    assert balance(alice) == (0, 1_000 % 30)


def test_allocating_one_credit(alice: Caller) -> None:
    for ask in (charge("a", 5_000), issue(), hold("p", 1_000)):
        alice.tell(ask)
    answers = race(alice, [allocate("p", "INV-1", 30) for _ in range(CLIENTS)])
    assert accepted(answers, "allocation_exceeds_source") == 1_000 // 30
    assert balance(alice) == (5_000 - 1_000 // 30 * 30, 1_000 % 30)


def test_charging_back_one_payment(alice: Caller) -> None:
    for ask in (charge("a", 1_000), issue(), pay("p", 1_000)):
        alice.tell(ask)
    answers = race(alice, [chargeback(f"cb{number}", "p", 30, fee=1) for number in range(CLIENTS)])
    assert accepted(answers, "chargeback_exceeds_payment") == 1_000 // 30
    assert balance(alice) == (1_000 // 30 * 30, 0)


def test_recovering_one_debt(alice: Caller) -> None:
    for ask in (charge("a", 1_000), issue(), write_off("INV-1")):
        alice.tell(ask)
    answers = race(alice, [recover("INV-1", 30, f"r{number}") for number in range(CLIENTS)])
    assert accepted(answers, "recovery_exceeds_written_off") == 1_000 // 30
    assert balance(alice) == (0, 0)
    assert alice.read("/invoices/INV-1")["written_off"] == 1_000 % 30
