"""Histories in a real log: lives of customers, which touch every table of every read model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from tests.ledger import asks
from tests.ledger.test_random_histories import RATES
from tests.ledger.world import START, Ask, envelope

from ledger import decider
from ledger.errors import Refusal
from ledger.log.outcome import Outcome
from ledger.log.writer import Writer
from ledger.message import Message, read_message
from ledger.posting_rules import DEFAULT_RULES

OPEN_BOOK: Ask = (
    "book.opened", {"name": "Book", "currency": "EUR", "time_zone": "Europe/Berlin", "tax_rates": RATES},
)  # fmt: skip
OPENING: tuple[Ask, ...] = (
    OPEN_BOOK,
    asks.discount_policy(
        {"role": "agent", "percent": "10", "amounts": [{"currency": "EUR", "amount": 300}],
         "per_customer": {"days": 30, "grants": 4, "amounts": [{"currency": "EUR", "amount": 900}]}},
        {"role": "lead", "percent": "50", "approves": True,
         "amounts": [{"currency": "EUR", "amount": 9_000}]},
        from_="2020-01-01",
    ),
    asks.dunning_policy((1, "friendly", 100), (5, "firm", 0)),
    asks.verification_policy(),
    asks.seller_policy(),
    asks.trial("stay", ("ten_percent", "40"), ("letter", "40.0"), hold_out="20", end="2999-12-31"),
)  # fmt: skip
_HOURS = 5_000
"""Lives begin at different hours, but not so late that they would have to be lived in the future."""
TOGETHER = 200
"""Messages that are handed to the writer at once."""


def message(
    ask: Ask, key: str, at: datetime, customer: str = "alice", principal: str | None = None
) -> Message:
    """Read a message as it would come over the wire: from an agent, or a second person where it takes one."""
    subject = None if ask[0] in decider.OF_BOOK else customer
    poster, role = asks.poster(ask)
    raw = envelope(ask, key=key, at=at, customer=subject)
    return read_message(raw, decider.DECODERS, principal or poster, role)


def post(works: Writer, book: str, messages: Iterable[Message]) -> list[Outcome]:
    """Post messages in order; tells what became of them."""
    listed = list(messages)
    futures = [works.submit(book, listed[at : at + TOGETHER]) for at in range(0, len(listed), TOGETHER)]
    return [outcome for future in futures for outcome in future.result(60)]


def post_lives(works: Writer, book: str, customers: int, first: int = 1) -> int:
    """Open a book if it is new, and let customers live in it; tells the last position."""
    asked = OPENING if first == 1 else ()
    opening = [message(ask, f"opening {place}", START) for place, ask in enumerate(asked)]
    changes = [message(ask, f"{ask[0]} {first}", START + timedelta(days=200)) for ask in _changes(first)]
    outcomes = post(works, book, [*opening, *_lives(customers, first), *changes[: 2 * (customers > 1)]])
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert not refused, refused
    last = outcomes[-1]
    assert not isinstance(last, Exception)
    return last.events[-1].position


def _lives(customers: int, first: int) -> Iterator[Message]:
    numbers = iter(range(4 * first - 3, 4 * (first + customers)))
    for number in range(first, first + customers):
        at = START + timedelta(days=20, hours=number % _HOURS)
        for place, ask in enumerate(_life(number, numbers)):
            yield message(ask, f"{number}-{place}", at + timedelta(hours=place), f"customer-{number}")
        if number % 3 == 0:  # the third invoice is open
            overdue = asks.remind(f"INV-{4 * number - 1}")
            yield message(overdue, f"{number}-r", at + timedelta(days=80), f"customer-{number}")
        for place, ask in enumerate(_visit() if number % 3 == 0 else ()):
            yield message(ask, f"{number}-gone-{place}", at + timedelta(hours=place), f"gone-{number}")


def _visit() -> Iterator[Ask]:
    """Somebody who comes, takes nothing, leaves, and is forgotten."""
    yield "customer.opened", {"currency": "EUR"}
    yield asks.close()
    yield asks.erase()


def _changes(n: int) -> Iterator[Ask]:
    """What the book itself changes meanwhile: from now on charges are posted by rules of their own."""
    yield "account.added", {"account": f"sales-{n}", "name": "Sales", "kind": "income"}
    rules = [msgspec.to_builtins(rule) for rule in DEFAULT_RULES]
    sold = [{**rule, "account": f"sales-{n}"} if rule["account"] == "revenue" else rule for rule in rules]
    yield "policy.changed", {"policy": "posting_rules", "rules": sold, "from": "2026-01-21"}


def _life(n: int, numbers: Iterator[int]) -> Iterator[Ask]:
    """What happens to one customer: something else to each, by what their number divides by."""
    invoice, second, third, _ = (f"INV-{next(numbers)}" for _ in range(4))
    services = [
        {"service": f"line {line}", "unit_price": 900, "interval": "month", "quantity": "1"}
        for line in range(1 + n % 3)
    ]
    yield "customer.opened", {"currency": "EUR", "segment": ("gold", "silver")[n % 2]}
    yield "agreement.changed", {"from": "2026-01-01", "services": services}
    yield from _discounts(n)
    yield asks.charge("a", 10_000 + n)
    yield asks.charge("b", 5_005, period={"from": "2026-01-01", "to": "2026-03-31"})
    yield asks.charge("c", 333, tax_category="reduced")
    yield asks.issue()
    yield asks.pay("p", 3_000)
    if n % 5 == 1:
        yield asks.undo("p", invoice, 100)
    if n % 2:
        yield asks.complain("d", invoice, 2_000)
    if n % 3 == 0:
        yield asks.credit(invoice, (1, 500))
    if n % 2:
        yield asks.assign("d", "ann")
        yield asks.escalate("d", respond_by="2026-02-20")
        yield asks.evidence("d")
    if n % 6 == 1:
        yield asks.resolve("d", "rejected")
    if n % 6 == 3:
        yield asks.inquire("i", payment="p")
        yield asks.chargeback("ci", "p", 500, inquiry="i", respond_by="2026-02-15")
        yield asks.withdraw("ci")
    yield asks.pay("q", 20_000)
    if n % 5 == 0:
        yield asks.chargeback("cb", "q", 4_000, fee=150)
    if n % 10 == 0:
        yield asks.resolve("cb", "won", fee_returned=150)
    if n % 4 == 1:
        yield asks.bounce("p", 1_000, fee=75)
    if n % 4 == 2:
        yield asks.refund("r", 700, "p")
    yield asks.fail("f", 100)
    yield asks.charge("e", 777)
    yield asks.issue()
    if n % 7 == 0:
        yield "agreement.changed", {"from": "2026-01-01", "services": services[:1]}
        yield asks.revoke("amount")
    if n % 8 == 0:
        yield asks.credit(second, (1, 100))
    yield "customer.changed", {"payment_days": 30, "locale": "de"}
    yield asks.charge("v", 4_000, currency="JPY")
    yield asks.issue(currency="JPY")
    yield from _end(n, third)
    yield from _contacts(n)
    yield "customer.changed", {"billing_day": 10}
    yield asks.bill("2026-01-20")
    yield asks.charge("z", 99)
    yield from _leaving(n)


def _contacts(n: int) -> Iterator[Ask]:
    yield asks.note(f"n-{n}")
    yield asks.verify("failed" if n % 4 else "passed")
    yield asks.arrive("first", topic="bill")
    if n % 3:
        yield asks.answer("first")
    yield asks.arrive("second", channel="chat")
    if n % 4 == 0:
        yield asks.answer("second", agent="ann")
    yield asks.end("first", "resolved" if n % 3 else "abandoned")


def _end(n: int, invoice: str) -> Iterator[Ask]:
    """What becomes of a customer's last invoice, of 4,000 JPY."""
    if n % 3 == 1:
        yield asks.void(invoice)
    if n % 3 == 2:
        yield asks.write_off(invoice)
    if n % 6 == 2:
        yield asks.recover(invoice, 1_500, "late", currency="JPY")


def _leaving(n: int) -> Iterator[Ask]:
    if n % 6 == 5:
        yield "customer.closed", {"by": "customer", "reason": "moved"}


def _discounts(n: int) -> Iterator[Ask]:
    """What a customer is granted, offered and asked for, and what becomes of it."""
    yield asks.take_part("stay")
    yield asks.percent_off("percent", "10", invoices=2, at_most=200, currency="EUR")
    yield asks.amount_off("amount", 300, invoices=1, campaign="spring")
    bound = {"at_most": 100, "currency": "EUR"}
    yield asks.offer_off("offer", "5", "2999-12-31", campaign="spring", invoices=3, **bound)
    yield asks.percent_off("request", "20", criterion="loyal")
    yield asks.offer_fixed("ask", 400, "2999-12-31")
    yield asks.percent_off("again", "20", invoices=1)
    if n % 2:
        yield asks.take_back("again")
    if n % 3:
        yield (asks.accept, asks.refuse)[n % 2]("offer")
        yield (asks.decline, asks.approve)[n % 2]("request")
    if n % 4:
        yield asks.approve("ask")
    if n % 4 == 3:
        yield asks.accept("ask")
