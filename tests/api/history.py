"""A history of a dozen customers, and what it comes to: added up here, from the events alone.

The sums follow the table of entries in docs/domain.md and share nothing with the code that they are held
against.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.api.live import Caller, Json
from tests.ledger.asks import (
    amount_off,
    answer,
    arrive,
    bounce,
    charge,
    chargeback,
    complain,
    complain_of_charge,
    credit,
    end,
    hold,
    issue,
    pay,
    percent_off,
    refund,
    resolve,
    reverse,
    revoke,
)
from tests.ledger.world import Ask

CUSTOMERS = [f"c-{number:02}" for number in range(1, 13)]
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
BOOK = {"tax_rates": [{"category": "standard", "rate": "19", "from": "2020-01-01"}]}
OWED = ("receivable", "disputed", "customer_credit")


def tell(caller: Caller) -> None:
    """Post the history, customer by customer; an invoice takes the next number of its book."""
    numbers = iter(f"INV-{number}" for number in range(1, 1_000))
    for number, customer in enumerate(CUSTOMERS, start=1):
        at = START + timedelta(days=number, hours=number * 5)
        for ask in life(number, numbers):
            at += timedelta(hours=31)
            caller.tell(ask, customer=customer, at=at)


def life(number: int, numbers: Iterator[str]) -> Iterator[Ask]:
    """What happens to one customer; the customers differ by what their number divides by."""
    yield "customer.opened", {"currency": "EUR", "segment": ("gold", "silver")[number % 2]}
    yield from _contact(number)
    yield percent_off(f"loyal-{number}", "10", invoices=1)
    if number % 4 == 0:
        yield amount_off(f"sorry-{number}", 300, campaign="spring")
        yield revoke(f"loyal-{number}")
    yield charge(f"a-{number}", 10_000 + number)
    yield charge(f"b-{number}", 5_005, period={"from": "2026-01-01", "to": "2026-03-31"})
    first = next(numbers)
    yield issue()
    yield pay(f"p-{number}", 3_000)
    if number % 2:
        yield complain(f"d-{number}", first, 2_000)
    if number % 3 == 0:
        yield credit(first, (1, 500))
    if number % 6 == 1:
        yield resolve(f"d-{number}", "rejected")
    yield pay(f"q-{number}", 20_000)
    if number % 5 == 0:
        yield chargeback(f"cb-{number}", f"q-{number}", 4_000, fee=150)
    if number % 10 == 0:
        yield resolve(f"cb-{number}", "won", fee_returned=150)
    if number % 4 == 1:
        yield bounce(f"p-{number}", 1_000, fee=75)
    if number % 4 == 2:
        yield refund(f"r-{number}", 700, f"p-{number}")
    yield charge(f"c-{number}", 777)
    if number % 3 == 1:
        yield complain_of_charge(f"e-{number}", f"c-{number}")
    if number % 3 == 2:
        next(numbers)
        yield issue()
    yield charge(f"d-{number}", 55)
    if number % 2 == 0:
        yield reverse(f"d-{number}")
    yield charge(f"usd-{number}", 1_234, currency="USD")
    yield hold(f"h-{number}", 99)
    if number == len(CUSTOMERS):
        yield "customer.closed", {"by": "customer", "reason": "moved"}


def _contact(number: int) -> Iterator[Ask]:
    yield arrive(f"k-{number}", queue=("billing", "sales")[number % 2], topic="bill")
    if number % 3:
        yield answer(f"k-{number}", agent="ann")
    if number % 4:
        yield end(f"k-{number}", "resolved" if number % 3 else "abandoned")


Keep = Callable[[Json], bool]


def by_position(position: int) -> Keep:
    """Keep what the log had at a position."""
    return lambda event: event["position"] <= position


def by_recorded(instant: datetime) -> Keep:
    """Keep what was recorded by an instant."""
    return lambda event: datetime.fromisoformat(event["recordedtime"]) <= instant


def by_occurred(moment: date | datetime) -> Keep:
    """Keep what occurred by an instant, or by the end of a day of the book."""
    if isinstance(moment, datetime):
        return lambda event: datetime.fromisoformat(event["time"]) <= moment
    return lambda event: datetime.fromisoformat(event["time"]).astimezone(ZONE).date() <= moment


def both(first: Keep, second: Keep) -> Keep:
    """Keep what both keep."""
    return lambda event: first(event) and second(event)


def moves(events: Iterable[Json]) -> Iterator[tuple[Json, str, str, int]]:
    """What each event moves on the customers' accounts: event, account, currency, amount (debit positive)."""
    nets: dict[str, int] = {}
    for event in events:
        data, type_ = event["data"], event["type"]
        amount = data.get("amount", 0)
        if type_ == "charge.posted":
            nets[data["charge"]] = amount = data["net"]
        found: dict[str, list[tuple[str, int]]] = {
            "charge.posted": [("unbilled", amount)],
            "charge.reversed": [("unbilled", -nets.get(data.get("charge", ""), 0))],
            "invoice.issued": [("receivable", amount), ("unbilled", -data.get("net", 0))],
            "payment.received": [("customer_credit", -amount)],
            "payment.returned": [("customer_credit", amount)],
            "allocation.made": [("customer_credit", amount), ("receivable", -amount)],
            "allocation.undone": [("customer_credit", -amount), ("receivable", amount)],
            "credit_note.issued": [
                ("receivable", -data.get("to_receivable", 0)),
                ("disputed", -data.get("to_disputed", 0)),
                ("customer_credit", -data.get("to_credit", 0)),
            ],
            "refund.issued": [("customer_credit", amount)],
            "dispute.opened": [
                ("disputed", data.get("held", 0)),
                ("receivable", -data.get("held", 0)),
                ("customer_credit", data.get("charged_back", 0)),
            ],
            "dispute.resolved": [
                ("receivable", data.get("released", 0)),
                ("disputed", -data.get("released", 0)),
                ("customer_credit", -data.get("restored", 0)),
            ],
        }
        for account, moved in found.get(type_, []):
            if moved:
                yield event, account, data["currency"], moved


def balances(events: Iterable[Json], customer: str, keep: Keep = lambda _: True) -> list[Json]:
    """What a customer owes in each currency, as the ledger lays it out."""
    sums: dict[str, Counter[str]] = {}
    for event, account, currency, amount in moves(events):
        if event["subject"] == customer and keep(event):
            sums.setdefault(currency, Counter())[account] += amount
    return [
        {
            "currency": currency,
            "balance": sum(accounts[name] for name in OWED),
            "receivable": accounts["receivable"],
            "disputed": accounts["disputed"],
            "credit": -accounts["customer_credit"],
            "overdrawn": max(accounts["customer_credit"], 0),
            "unbilled": accounts["unbilled"],
        }
        for currency, accounts in sorted(sums.items())
    ]


def totals(events: Iterable[Json], keep: Keep = lambda _: True) -> dict[tuple[str, str], tuple[int, int]]:
    """Debits and credits of the customers' accounts, by account and currency."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for event, account, currency, amount in moves(events):
        if keep(event):
            debit, credit_ = sums.get((account, currency), (0, 0))
            sums[account, currency] = debit + max(amount, 0), credit_ + max(-amount, 0)
    return sums
