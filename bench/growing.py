"""What an event costs as the log grows: the same blocks written into a short log and into a long one."""

from __future__ import annotations

import statistics
import sys
import time

from bench.figures import Figure
from bench.messages import mixed, opening

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.log.outcome import Receipt
from ledger.log.writer import Writer
from ledger.message import Message, read_message
from ledger.settings import Settings

SHORT_EVENTS = 100_000
GOAL = 1.2
_BLOCK_MESSAGES = 2_000
_BLOCKS = 25
_BOOK = "growing"


def growth(conninfo: str, long_events: int) -> list[Figure]:
    """Grow one book to `long_events`, and measure a stretch of blocks at both lengths.

    The cost is the writer's: judging, idempotency, hashing, COPY and commit of blocks of a billing history.
    """
    writer = Writer(lambda: connect(conninfo, application_name="billing-ledger bench"), Settings())
    writer.start()
    try:
        position = _write(writer, [read_message(raw, DECODERS, "bench") for raw in opening()])
        position = _grow(writer, position, SHORT_EVENTS)
        short = _cost(writer)
        _grow(writer, position, long_events)
        long = _cost(writer)
    finally:
        writer.stop()
    return [
        Figure(f"an event at {SHORT_EVENTS:,} events", short, "µs"),
        Figure(
            f"an event at {long_events:,} events", long, "µs",
            f"at {SHORT_EVENTS:,} events {short:,.1f} µs", short / long, 1 / GOAL,
        ),
    ]  # fmt: skip


def _grow(writer: Writer, position: int, upto: int) -> int:
    began, first, told = time.monotonic(), position, 0.0
    while position < upto:
        position = _write(writer, _block())
        if time.monotonic() - told > 2:
            told = time.monotonic()
            rate = (position - first) / (told - began)
            left = max(0, upto - position) / rate
            print(f"\rgrowing: {position:,} of {upto:,} events, {rate:,.0f}/s, {left:,.0f} s left   ",
                  end="", file=sys.stderr, flush=True)  # fmt: skip
    print(file=sys.stderr)
    return position


def _cost(writer: Writer) -> float:
    """Median over blocks of the microseconds that one event costs."""
    costs = []
    for _ in range(_BLOCKS):
        block = _block()
        before = _write(writer, _block())
        began = time.perf_counter()
        after = _write(writer, block)
        costs.append((time.perf_counter() - began) / (after - before) * 1e6)
    return statistics.median(costs)


def _block() -> list[Message]:
    return [read_message(raw, DECODERS, "bench") for raw in mixed(_BLOCK_MESSAGES)]


def _write(writer: Writer, messages: list[Message]) -> int:
    outcomes = writer.submit(_BOOK, messages).result()
    wrong = next((outcome for outcome in outcomes if not isinstance(outcome, Receipt)), None)
    assert wrong is None, wrong
    last = outcomes[-1]
    assert isinstance(last, Receipt)
    return last.position
