"""The messages that the benchmarks post: telephone customers, their charges and payments."""

from __future__ import annotations

import itertools

import orjson

CUSTOMERS = 10_000
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
        *(message("customer.opened", f"C-{n}", f"C-{n}", {"currency": "EUR"}) for n in range(CUSTOMERS)),
    ]


def charges(count: int, lane: int = 0) -> list[bytes]:
    """Make charges never posted before, spread over the customers; each process needs a lane of its own."""
    return [_charge(n, lane) for n in itertools.islice(_numbers, count)]


def _charge(n: int, lane: int = 0) -> bytes:
    data = {
        "charge": f"CH-{lane}-{n}", "service": "fibre", "description": "Monthly charge for the fibre line",
        "currency": "EUR", "net": 2_000 + n % 977,
    }  # fmt: skip
    return message("charge.posted", f"0190f3e2-{lane:04x}-7bbb-{n:016x}", f"C-{n % CUSTOMERS}", data)


def mixed(count: int) -> list[bytes]:
    """Lay out a billing history: of five messages three charges, a payment and an invoice."""
    return [_mixed(n) for n in itertools.islice(_numbers, count)]


def _mixed(n: int) -> bytes:
    customer = f"C-{n // 5 % CUSTOMERS}"
    match n % 5:
        case 3:
            data: dict[str, object] = {
                "payment": f"P-{n}",
                "currency": "EUR",
                "amount": 6_000,
                "method": "card",
            }
            return message("payment.received", f"pay-{n}", customer, data)
        case 4:
            return message("invoice.issue", f"inv-{n}", customer, {})
        case _:
            charge = _charge(n)
            return charge.replace(f'"C-{n % CUSTOMERS}"'.encode(), f'"{customer}"'.encode(), 1)
