"""The messages that the benchmarks post: telephone customers, their charges and payments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import orjson

CUSTOMERS = 10_000
"""Those there are at a time."""
LIFE_MONTHS = 20
_numbers = itertools.count(1)


def message(type_: str, id_: str, subject: str | None, data: dict[str, object]) -> bytes:
    """Encode one CloudEvent."""
    head: dict[str, object] = {"specversion": "1.0", "id": id_, "source": "/bench/billing", "type": type_}
    if subject is not None:
        head["subject"] = subject
    return orjson.dumps({**head, "time": "2026-01-01T00:00:00Z", "data": data})


def opening() -> list[bytes]:
    """Open the book, then its customers."""
    rate: dict[str, object] = {"category": "standard", "rate": "0.20", "from": "2000-01-01"}
    book: dict[str, object] = {
        "name": "Bench",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "tax_rates": [rate],
    }
    first = message("book.opened", "book", None, book)
    return [
        first,
        *(_opened(f"C-{n}") for n in range(CUSTOMERS)),
    ]


def charges(count: int, lane: int = 0) -> list[bytes]:
    """Make charges never posted before, spread over the customers; each process needs a lane of its own."""
    return [_charge(n, lane) for n in itertools.islice(_numbers, count)]


def _charge(n: int, lane: int = 0) -> bytes:
    data = _charged(f"CH-{lane}-{n}", 2_000 + n % 977)
    return message("charge.posted", f"0190f3e2-{lane:04x}-7bbb-{n:016x}", f"C-{n % CUSTOMERS}", data)


def _charged(charge: str, net: int) -> dict[str, object]:
    return {
        "charge": charge, "service": "fibre", "description": "Monthly charge for the fibre line",
        "currency": "EUR", "net": net,
    }  # fmt: skip


def _opened(customer: str) -> bytes:
    return message("customer.opened", customer, customer, {"currency": "EUR"})


def mixed(count: int, months: Iterator[int]) -> list[bytes]:
    """Lay out a billing history of about `count` messages: monthly three charges, an invoice, its payment.

    A customer stays for `LIFE_MONTHS`, then another one comes: the log grows, nobody's history does for ever.
    Each book has `months` of its own, counted from 0.
    """
    return [raw for n in itertools.islice(months, count // 5) for raw in _month(n)]


def _month(n: int) -> list[bytes]:
    """Lay out the nth month of all customers' months; before the first of a life it opens the customer."""
    place, months = n % CUSTOMERS, n // CUSTOMERS + n % LIFE_MONTHS
    life = months // LIFE_MONTHS
    customer = f"C-{place}-{life}" if life else f"C-{place}"
    nets = [2_000 + (3 * n + k) % 977 for k in range(3)]
    gross = sum(nets) + (sum(nets) + 2) // 5
    opened = [_opened(customer)] if life and months % LIFE_MONTHS == 0 else []
    return [
        *opened,
        *(message("charge.posted", f"chg-{n}-{k}", customer, _charged(f"CH-{n}-{k}", net))
          for k, net in enumerate(nets)),
        message("invoice.issue", f"inv-{n}", customer, {}),
        message("payment.received", f"pay-{n}", customer,
                {"payment": f"P-{n}", "currency": "EUR", "amount": gross, "method": "card"}),
    ]  # fmt: skip
