"""Deriving: how fast read models are built anew, and how soon a commit is projected at full ingest."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from bench import library
from bench.figures import Bar, Figure, against, median
from bench.load import drive, request
from bench.messages import mixed, opening
from bench.place import BOOK, Service, service
from bench.posting import PATH, open_book

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.log.outcome import Receipt
from ledger.log.writer import Writer
from ledger.message import read_message
from ledger.notices import CURSOR, LOG
from ledger.settings import Settings
from ledger_projections.readmodel import READ_MODELS, named
from ledger_projections.rebuilding import Rebuild

ROUNDS = 3
HISTORY = "history"
"""The book of the history."""
EVENTS_MIN = 500_000
"""Fewer say more about making schemas than about folding."""
_months = itertools.count()
_BLOCK_MESSAGES = 5_000
_PORT = 8_943
_INGEST_SECONDS = 15.0
_BODY_MESSAGES = 2_000
_LATENCY_GOAL_MS = 100

_OF_EVENTS = (
    "SELECT count(*) FROM (SELECT e.book, e.customer, e.currency, sum(e.amount) FROM ledger.event e"
    " GROUP BY e.book, e.customer, e.currency) s"
)
_OF_POSTINGS = (
    "SELECT count(*) FROM (SELECT p.book, p.customer, p.account, p.currency, sum(p.amount)"
    " FROM journal.posting p GROUP BY p.book, p.customer, p.account, p.currency) s"
)


def deriving(conninfo: str, events: int) -> list[Figure]:
    """Rebuild over a billing history of `events` events (500,000 at least), then follow a service's ingest.

    A rebuild is timed from its first statement to its last: folding, indexes, statistics, the swap and the
    dropping of the old schema. What it is held against is one SELECT, with as many workers as the server
    gives it and nothing written: the sums of the events' amounts by customer and currency; and, for balances,
    which are folded from the journal, the sums of the same events' postings by customer, account and
    currency. Rates are in events of the log, each counted once.
    """
    position = fill(conninfo, max(events, EVENTS_MIN))
    everything = median(ROUNDS, lambda: _rebuilding_seconds(conninfo, [model.name for model in READ_MODELS]))
    balances = median(ROUNDS, lambda: _rebuilding_seconds(conninfo, ["balances"]))
    journal = median(ROUNDS, lambda: _rebuilding_seconds(conninfo, ["journal"]))
    of_events = position / median(ROUNDS, lambda: _grouping_seconds(conninfo, _OF_EVENTS))
    of_postings = position / median(ROUNDS, lambda: _grouping_seconds(conninfo, _OF_POSTINGS))
    runner = library.folds_per_second(conninfo)
    library.drop(conninfo)
    one = f"the library's runner, one read model {runner:,.0f}/s"
    return [
        against("rebuild of balances, from the journal", position / balances, "events/s",
                Bar(f"bare GROUP BY of their postings {of_postings:,.0f}/s", of_postings, 0.5)),
        against("rebuild of journal and balances, from the log", position / journal, "events/s",
                Bar(f"bare GROUP BY of the events {of_events:,.0f}/s", of_events)),
        against(f"rebuild of all {len(READ_MODELS)} read models", position / everything, "events/s",
                Bar(one, runner, 100)),
        against("  the same, counting folds", position * len(READ_MODELS) / everything, "folds/s",
                Bar(one, runner)),
        *_latency(conninfo),
    ]  # fmt: skip


def fill(conninfo: str, events: int) -> int:
    """Write a history with the ledger's own writer; tells the last position."""
    writer = Writer(lambda: connect(conninfo, application_name="billing-ledger bench"), Settings())
    writer.start()
    try:
        position = _write(writer, opening())
        began = time.monotonic()
        while position < events:
            position = _write(writer, mixed(_BLOCK_MESSAGES, _months))
            rate = position / (time.monotonic() - began)
            print(f"\rfilling: {position:,} of {events:,} events, {rate:,.0f}/s   ",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
    finally:
        writer.stop()
    print(file=sys.stderr)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) ledger.event")  # as a log is that is not written all at once
    return position


def _write(writer: Writer, messages: list[bytes]) -> int:
    outcomes = writer.submit(HISTORY, [read_message(raw, DECODERS, "bench") for raw in messages]).result()
    last = outcomes[-1]
    assert isinstance(last, Receipt), last
    return last.events[-1].position


def _grouping_seconds(conninfo: str, question: str) -> float:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        began = time.perf_counter()
        connection.execute(question.encode())
        return time.perf_counter() - began


def _rebuilding_seconds(conninfo: str, names: list[str]) -> float:
    """From the first statement to the swap, indexes included."""
    began = time.perf_counter()
    with Rebuild(conninfo, named(names)) as rebuild:
        rebuild.run()
    return time.perf_counter() - began


# From commit to projected.


def _latency(conninfo: str) -> list[Figure]:
    """Load a service, whose projector follows, with all it takes; time from its notices of both."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # What the rebuilds left to do would be done meanwhile, by and by, on a service that runs.
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    with service(conninfo, _PORT) as running:
        open_book(running)
        with _listening(conninfo) as connection, _ingest(running):
            waits = _waits(connection, _INGEST_SECONDS)
    waits.sort()
    p50, p99 = (waits[int(share * (len(waits) - 1))] * 1000 for share in (0.5, 0.99))
    return [
        Figure(f"from commit to projected, full ingest, p50 of {len(waits):,} commits", p50, "ms"),
        Figure("from commit to projected, full ingest, p99", p99, "ms",
               f"at most {_LATENCY_GOAL_MS} ms", _LATENCY_GOAL_MS / p99, 1),
    ]  # fmt: skip


@contextmanager
def _listening(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"LISTEN {LOG}".encode())
        connection.execute(f"LISTEN {CURSOR}".encode())
        yield connection


@contextmanager
def _ingest(running: Service) -> Iterator[None]:
    load = multiprocessing.get_context("spawn").Process(target=_post, args=(running,))
    load.start()
    try:
        yield
    finally:
        load.terminate()
        load.join()


def _post(running: Service) -> None:
    headers = {**running.headers, "content-type": "application/x-ndjson"}
    while True:
        drive(running.port, [request("bench", PATH, b"\n".join(mixed(_BODY_MESSAGES, _months)), headers)], 1)


def _waits(connection: psycopg.Connection, seconds: float) -> list[float]:
    """Time each commit of the book from its notice to the notice that its position is projected.

    The seconds begin with the first commit: on a busy machine the load takes a while to start.
    """
    assert next(connection.notifies(timeout=60, stop_after=1), None) is not None, "nothing is committed"
    committed: dict[int, float] = {}
    waits: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for notice in connection.notifies(timeout=0.5):
            now = time.perf_counter()
            book, _, position = notice.payload.rpartition(" ")
            if book == BOOK and notice.channel == LOG:
                committed[int(position)] = now
            elif book == BOOK:
                done = [each for each in committed if each <= int(position)]
                waits += [now - committed.pop(each) for each in done]
            if time.monotonic() > until:
                break
    return waits
