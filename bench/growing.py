"""What an event costs as the log grows: the same blocks written into a short log and into a long one."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from bench import memory
from bench.figures import Figure
from bench.messages import mixed, opening

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.log.outcome import Receipt
from ledger.log.writer import Writer
from ledger.message import Message, read_message
from ledger.settings import Settings
from ledger_api.server import tune_garbage_collection

SHORT_EVENTS = 100_000
GOAL = 1.2
_BLOCK_MESSAGES = 2_000
_BLOCKS = 60
_COLD_BLOCKS = 20
"""Few enough that none comes to a customer whom one before has read."""
_BOOK = "growing"


def growth(conninfo: str, long_events: int) -> list[Figure]:
    """Grow one book to `long_events`, and measure a stretch of blocks at both lengths.

    The cost is the writer's: judging, idempotency, hashing, COPY and commit of blocks of a billing history;
    of customers whose states are in its memory, and of customers whose states it has to read.
    """
    tune_garbage_collection()  # as the service's process does
    running = _started(conninfo)
    try:
        _write(running, [read_message(raw, DECODERS, "bench") for raw in opening()])
        costs: list[tuple[float, float, float]] = []
        for length in (SHORT_EVENTS, long_events):
            _grow(running, length)
            warm, megabytes = _cost(running, _BLOCKS), _resident_megabytes()
            running.stop()
            running = _started(conninfo)
            costs.append((warm, _cost(running, _COLD_BLOCKS), megabytes))
    finally:
        running.stop()
    (warm, cold, small), (long_warm, long_cold, large) = costs
    short, long = f"at {SHORT_EVENTS:,} events", f"at {long_events:,} events"
    return [
        Figure(f"an event {short}", warm, "µs"),
        Figure(f"  {long}", long_warm, "µs", f"{short} {warm:,.1f} µs", warm / long_warm, 1 / GOAL),
        Figure(f"an event of customers not in memory {short}", cold, "µs"),
        Figure(f"  {long}", long_cold, "µs", f"{short} {cold:,.1f} µs", cold / long_cold),
        Figure(f"memory of the writer's process {short}", small, "MB"),
        Figure(f"  {long}", large, "MB"),
    ]


def _started(conninfo: str) -> Writer:
    writer = Writer(lambda: connect(conninfo, application_name="billing-ledger bench"), Settings())
    writer.start()
    return writer


def _grow(writer: Writer, upto: int) -> None:
    first = position = _write(writer, _block())
    began, told = time.monotonic(), 0.0
    while position < upto:
        position = _write(writer, _block())
        if time.monotonic() - told > 2:
            told = time.monotonic()
            rate = (position - first) / (told - began)
            left = max(0, upto - position) / rate
            print(f"\rgrowing: {position:,} of {upto:,} events, {rate:,.0f}/s, {left:,.0f} s left   ",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
    print(file=sys.stderr)


def _cost(writer: Writer, blocks: int) -> float:
    """Median over blocks of the microseconds that one event costs."""
    costs = []
    before = _write(writer, _block())
    for _ in range(blocks):
        block = _block()
        began = time.perf_counter()
        after = _write(writer, block)
        costs.append((time.perf_counter() - began) / (after - before) * 1e6)
        before = after
    return statistics.median(costs)


def _resident_megabytes() -> float:
    return int(memory.status(Path("/proc/self"))["VmRSS"].split()[0]) / 1024


def _block() -> list[Message]:
    return [read_message(raw, DECODERS, "bench") for raw in mixed(_BLOCK_MESSAGES)]


def _write(writer: Writer, messages: list[Message]) -> int:
    outcomes = writer.submit(_BOOK, messages).result()
    wrong = next((outcome for outcome in outcomes if not isinstance(outcome, Receipt)), None)
    assert wrong is None, wrong
    last = outcomes[-1]
    assert isinstance(last, Receipt)
    return last.position
