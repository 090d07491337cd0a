"""Reads while the ledger takes in all it can: how long they take, and how soon a write can be read back."""

from __future__ import annotations

import http.client
import multiprocessing
import time

import orjson
from bench.figures import Figure
from bench.load import drive, request
from bench.messages import CUSTOMERS, charges
from bench.place import BOOK, Service
from bench.posting import PATH

_SECONDS = 8
_BODY_MESSAGES = 2_000


def reads(service: Service) -> list[Figure]:
    """Read balances at rest and under full bulk ingest; then post, and read back as of that position."""
    idle = _balances(service, 3)
    load = multiprocessing.get_context("spawn").Process(target=_ingest, args=(service, _SECONDS * 2 + 2))
    load.start()
    time.sleep(1)
    busy = _balances(service, _SECONDS)
    back = _read_back(service, _SECONDS)
    load.join()
    figures = []
    for name, seconds in (
        ("read a balance, at rest", idle),
        ("read a balance, full ingest", busy),
        ("from answered post to read at its position, full ingest", back),
    ):
        figures.append(Figure(f"{name}, p50", _at(seconds, 0.5), "ms"))
        figures.append(Figure(f"{name}, p99", _at(seconds, 0.99), "ms"))
    return figures


def _at(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def _ingest(service: Service, seconds: float) -> None:
    headers = {**service.headers, "content-type": "application/x-ndjson"}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        lines = charges(_BODY_MESSAGES, lane=1)
        drive(service.port, [request("bench", PATH, b"\n".join(lines), headers)], 1)


def _balances(service: Service, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    took = []
    until = time.monotonic() + seconds
    n = 0
    while time.monotonic() < until:
        n += 1
        began = time.perf_counter()
        _get(connection, service, f"/v1/books/{BOOK}/customers/C-{n % CUSTOMERS}/balance")
        took.append(time.perf_counter() - began)
    connection.close()
    return took


def _read_back(service: Service, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    took = []
    until = time.monotonic() + seconds
    headers = {**service.headers, "content-type": "application/cloudevents+json"}
    while time.monotonic() < until:
        connection.request("POST", PATH, charges(1, lane=2)[0], headers)
        answer = connection.getresponse()
        position = orjson.loads(answer.read())["events"][-1]["position"]
        began = time.perf_counter()
        _get(connection, service, f"/v1/books/{BOOK}/customers/C-1/balance?min_position={position}")
        took.append(time.perf_counter() - began)
        time.sleep(0.01)
    connection.close()
    return took


def _get(connection: http.client.HTTPConnection, service: Service, path: str) -> None:
    connection.request("GET", path, headers=service.headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
