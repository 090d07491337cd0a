"""Posting over HTTP: single events at several loads, and in bulk, each against its bar."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import psycopg
from bench.figures import Bar, Figure, against, median
from bench.load import drive, request
from bench.messages import charges, mixed, opening
from bench.place import BOOK, Service, application

from ledger.log.store import COPY_TYPES
from ledger.sql import queries

PATH = f"/v1/books/{BOOK}/events"
IN_FLIGHT = (1, 16, 64, 256)
ROUNDS = 3
_months = itertools.count()
_REQUESTS = {1: 2_000, 16: 8_000, 64: 16_000, 256: 20_000}
_BULK_MESSAGES = 60_000
_BULK_BODIES = 12
_BULK_LANES = 2


def open_book(service: Service) -> None:
    """Post what everything else stands on."""
    post_bulk(service, opening(), bodies=1)


def single_requests(service: Service, count: int) -> list[bytes]:
    """Encode fresh single posts."""
    headers = {**service.headers, "content-type": "application/cloudevents+json"}
    return [request("bench", PATH, body, headers) for body in charges(count)]


def post_bulk(service: Service, messages: Sequence[bytes], bodies: int = _BULK_BODIES) -> float:
    """Post messages as NDJSON; gives messages a second."""
    headers = {**service.headers, "content-type": "application/x-ndjson"}
    size = -(-len(messages) // bodies)
    posts = [
        request("bench", PATH, b"\n".join(messages[at : at + size]), headers)
        for at in range(0, len(messages), size)
    ]
    began = time.perf_counter()
    load = drive(service.port, posts, min(_BULK_LANES, bodies))
    assert load.statuses == {200: len(posts)}, load.statuses
    return len(messages) / (time.perf_counter() - began)


def singles(service: Service, spare_port: int) -> list[Figure]:
    """Single durable events against a handler that does nothing."""
    figures = []
    with application("app", spare_port) as port:
        empty = {n: _empty(port, n) for n in IN_FLIGHT}
    with application("raw", spare_port) as port:
        raw = _empty(port, 256)
    for n in IN_FLIGHT:
        loads = [drive(service.port, single_requests(service, _REQUESTS[n]), n) for _ in range(ROUNDS)]
        load = sorted(loads)[ROUNDS // 2]
        assert set(load.statuses) == {201}, load.statuses
        goal = 0.8 if n == 256 else None
        bar = Bar(f"empty FastAPI handler {empty[n]:,.0f}/s", empty[n], goal)
        figures.append(against(f"single events, {n} in flight", load.per_second, "events/s", bar))
        figures.append(Figure(f"  latency p50 at {n}", load.p50_ms, "ms"))
        figures.append(Figure(f"  latency p99 at {n}", load.p99_ms, "ms"))
        if n == 256:
            figures.append(
                against("  the same", load.per_second, "events/s", Bar(f"empty ASGI {raw:,.0f}/s", raw))
            )
    return figures


def _empty(port: int, in_flight: int) -> float:
    post = request("bench", "/empty", charges(1)[0], {"content-type": "application/cloudevents+json"})
    return median(ROUNDS, lambda: drive(port, [post] * _REQUESTS[in_flight], in_flight).per_second)


def bulk(service: Service, conninfo: str) -> list[Figure]:
    """Post NDJSON with validation, idempotency, rules, hashing, commit, against a bare COPY of its rows."""
    rates = sorted(post_bulk(service, charges(_BULK_MESSAGES)) for _ in range(ROUNDS))
    replays = median(1, lambda: _replayed(service))
    copied = bare_copy(conninfo)
    return [
        against(
            "bulk charges over HTTP",
            rates[ROUNDS // 2],
            "events/s",
            Bar(f"bare COPY {copied:,.0f}/s", copied, 0.4),
        ),
        Figure("bulk, all repeats of recorded messages", replays, "messages/s"),
        Figure(
            "bulk, billing history (charges, payments, invoices)",
            median(ROUNDS, lambda: post_bulk(service, mixed(_BULK_MESSAGES // 2, _months))),
            "messages/s",
        ),
    ]


def _replayed(service: Service) -> float:
    messages = charges(20_000)
    post_bulk(service, messages)
    return post_bulk(service, messages)


def bare_copy(conninfo: str, rows: int = _BULK_MESSAGES) -> float:
    """Copy the last rows of the log into a table like it, with the same indexes; gives rows a second."""
    columns = (
        "book, position, stream, version, type, source, event_id, customer, invoice, currency, amount,"
        " occurred_at, recorded_at, principal, causation, decision_size, state, leaf"
    )
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS ledger.bare (LIKE ledger.event INCLUDING ALL)")
        kept = conn.execute(
            f"SELECT {columns} FROM ledger.event"  # noqa: S608
            f" WHERE type = 'charge.posted' ORDER BY position DESC LIMIT {rows}".encode(),
            binary=True,
        ).fetchall()[::-1]
        statement = queries("ledger.log", "store.sql")["copy_events"].replace("ledger.event", "ledger.bare")

        def copy() -> float:
            conn.execute("TRUNCATE ledger.bare")
            began = time.perf_counter()
            with conn.transaction(), conn.cursor().copy(statement) as copying:
                copying.set_types(COPY_TYPES)
                for row in kept:
                    copying.write_row(row)
            return len(kept) / (time.perf_counter() - began)

        rate = median(ROUNDS, copy)
        conn.execute("DROP TABLE ledger.bare")
    return rate
