"""Explaining an invoice of 1,000 lines over HTTP: beside showing it, and as of an earlier position."""

from __future__ import annotations

import http.client
import time

import orjson
from bench.figures import Bar, Figure, against, median
from bench.load import drive, request
from bench.messages import message
from bench.place import BOOK, Service
from bench.posting import PATH

LINES = 1_000
INVOICES = 6
_ROUNDS = 15
_CUSTOMER = "C-0"


def explaining(service: Service) -> list[Figure]:
    """Bill a customer some months of many charges under two discounts; then ask for the last invoice."""
    position = _bill(service)
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    at = f"/v1/books/{BOOK}/invoices"
    shown = median(_ROUNDS, lambda: _milliseconds(connection, service, f"{at}/INV-{INVOICES}"))
    address = f"{at}/INV-{INVOICES}/explain"
    told = median(_ROUNDS, lambda: _milliseconds(connection, service, address))
    then = median(5, lambda: _milliseconds(connection, service, f"{address}?as_of_position={position}"))
    owed = f"/v1/books/{BOOK}/customers/{_CUSTOMER}/balance/explain"
    balance = median(_ROUNDS, lambda: _milliseconds(connection, service, owed))
    connection.close()
    name = f"explain an invoice of {LINES:,} lines"
    return [
        against(name, told, "ms", Bar("show it", shown)),
        Figure(f"{name}, as of an earlier position", then, "ms"),
        Figure(f"explain a balance of {INVOICES} open invoices", balance, "ms"),
    ]


def _bill(service: Service) -> int:
    """Post what is billed; gives the position of the last invoice, once it can be read."""
    headers = {**service.headers, "content-type": "application/x-ndjson"}
    half: dict[str, object] = {"kind": "percent", "percent": "10", "reason": "loyalty"}
    lines = [
        message("discount.grant", f"grant {name}", _CUSTOMER, {"discount": name, **half})
        for name in ("loyal", "spring")
    ]
    for month in range(INVOICES):
        lines += [_charge(month, line) for line in range(LINES)]
        lines.append(message("invoice.issue", f"issue {month}", _CUSTOMER, {}))
    drive(service.port, [request("bench", PATH, b"\n".join(lines), headers)], 1)
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.request("GET", f"/v1/books/{BOOK}/customers/{_CUSTOMER}/timeline?order=newest&limit=1",
                       headers=service.headers)  # fmt: skip
    position: int = orjson.loads(connection.getresponse().read())["items"][0]["position"]
    address = f"/v1/books/{BOOK}/invoices/INV-{INVOICES}?min_position={position}"
    _milliseconds(connection, service, address)
    connection.close()
    return position


def _charge(month: int, line: int) -> bytes:
    data: dict[str, object] = {
        "charge": f"c-{month}-{line}", "service": f"item-{line % 50}", "description": f"Call {line}",
        "currency": "EUR", "quantity": str(line % 90 + 1), "unit_price": "1.25",
    }  # fmt: skip
    return message("charge.posted", f"charge {month} {line}", _CUSTOMER, data)


def _milliseconds(connection: http.client.HTTPConnection, service: Service, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=service.headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return (time.perf_counter() - began) * 1000
