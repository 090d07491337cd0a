"""When a customer's personal data may be erased, and what is still recorded afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.ledger import asks
from tests.ledger.asks import charge, close, erase, issue, pay
from tests.ledger.table import judge, rows, untaxed
from tests.ledger.world import START, Ask, World

from ledger.errors import Refusal

BILLED = [charge("c1", 500), issue()]
ERASED = [close(), erase()]


def kept(days: int, from_: str = "2026-01-01") -> Ask:
    """Keep the personal data of those who left for some days."""
    data = {"policy": "retention", "from": from_, "retention": {"days_after_closing": days}}
    return "policy.changed", data


@rows(
    ("a customer who left is erased", [close()], erase(), ["customer.erased reason=asked_for"]),
    ("not one who did not", [], erase(), ["! customer_not_closed /subject"]),
    ("once", ERASED, erase(), ["! customer_erased /subject"]),
    ("for a reason", [close()], ("customer.erase", {}), ["! field_missing /data/reason"]),
    ("all settled", [*BILLED, pay("p1", 500), close()], erase(), ["customer.erased"]),
    ("not while something is unbilled", [charge("c1", 500), close()], erase(), ["! business_open /subject"]),
    ("nor due", [*BILLED, close()], erase(), ["! business_open /subject"]),
    ("nor owed to them", [asks.hold("p1", 5), close()], erase(), ["! business_open /subject"]),
    ("nor taken back by the bank", [pay("p1", 5), asks.refund("r1", 5, "p1"), asks.chargeback("d1", "p1"), close()], erase(), ["! business_open /subject"]),
    ("nor in dispute", [*BILLED, asks.complain("d1", "INV-1"), close()], erase(), ["! business_open /subject"]),
    ("not within the retention of the book", [kept(10), close()], erase(), ["! retention_running /time"]),
    ("by the policy of the day", [kept(10, "2026-02-01"), close()], erase(), ["customer.erased"]),
    ("there is no new business", ERASED, charge("c9", 5), ["! customer_closed /subject"]),
    ("nor other terms", ERASED, ("customer.changed", {"payment_days": 1}), ["! customer_closed /subject"]),
    ("money that comes is still recorded", ERASED, pay("p9", 5), ["payment.received"]),
    ("and paid back", [*ERASED, pay("p9", 5)], asks.refund("r9", 5), ["refund.issued"]),
)  # fmt: skip
def test_erasure(given: Sequence[Ask], when: Ask, then: Sequence[str]) -> None:
    judge(untaxed(), given, when, then)


def test_after_the_retention_it_is_erased() -> None:
    world = World()
    for ask in (("customer.opened", {"currency": "EUR"}), kept(3650), close()):
        world.post(ask, at=START)
    world.now = START + timedelta(days=3649)
    refused = ""
    try:
        world.post(erase())
    except Refusal as refusal:
        refused = str(refusal.values["until"])
    assert refused.startswith("2035-12-")
    world.now = START + timedelta(days=3651)
    assert [event.type for event in world.post(erase())] == ["customer.erased"]


def test_what_is_open_is_listed() -> None:
    world = untaxed()
    for ask in (*BILLED, charge("c2", 1), asks.complain("d1", "INV-1", 5), close()):
        world.post(ask)
    try:
        world.post(erase())
    except Refusal as refusal:
        listed = {name: value for name, value in refusal.values.items() if name != "customer"}
    assert listed == {"charges": ["c2"], "invoices": ["INV-1"], "disputes": ["d1"]}
