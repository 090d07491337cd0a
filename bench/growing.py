"""What an event costs as the log grows: the same blocks written into a short log and into a long one."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

from bench import memory, place
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


class Log:
    """A log with its writer, which is fed months of a billing history."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._months = itertools.count()
        self.events = 0
        self._start()

    def open(self) -> None:
        """Write what comes before all months."""
        self.events = self._write([read_message(raw, DECODERS, "bench") for raw in opening()])

    def _start(self) -> None:
        self._writer = Writer(lambda: connect(self._conninfo, application_name="bench"), Settings())
        self._writer.start()

    def close(self) -> None:
        """Stop the writer."""
        self._writer.stop()

    def forget(self) -> None:
        """Let another writer go on, who has nothing in memory."""
        self.close()
        self._start()

    def grow(self, upto: int) -> None:
        """Write until there are so many events."""
        began, first, told = time.monotonic(), self.events, 0.0
        while self.events < upto:
            self.block()
            if time.monotonic() - told > 2:
                told = time.monotonic()
                rate = (self.events - first) / (told - began)
                left = max(0, upto - self.events) / rate
                print(f"\rgrowing: {self.events:,} of {upto:,} events, {rate:,.0f}/s, {left:,.0f} s left   ",
                      end="", file=sys.stderr, flush=True)  # fmt: skip
        print(file=sys.stderr)

    def block(self) -> float:
        """Write a block; tells how many microseconds an event of it took."""
        messages = [read_message(raw, DECODERS, "bench") for raw in mixed(_BLOCK_MESSAGES, self._months)]
        before, began = self.events, time.perf_counter()
        self.events = self._write(messages)
        return (time.perf_counter() - began) / (self.events - before) * 1e6

    def _write(self, messages: list[Message]) -> int:
        outcomes = self._writer.submit(_BOOK, messages).result()
        wrong = next((outcome for outcome in outcomes if not isinstance(outcome, Receipt)), None)
        assert wrong is None, wrong
        last = outcomes[-1]
        assert isinstance(last, Receipt)
        return last.position


def growth(conninfo: str, long_events: int) -> list[Figure]:
    """Grow a log to `long_events` and another one to a hundred thousand, and write blocks to both in turn.

    In turn, because a server that has written for minutes is slower than one that has just been started. The
    cost is the writer's: judging, idempotency, hashing, COPY and commit of blocks of a billing history; of
    customers whose states are in its memory, and of customers whose states it has to read.
    """
    tune_garbage_collection()  # as the service's process does
    with (
        place.database(conninfo, "bench_growing_short") as beside,
        closing(Log(conninfo)) as long,
        closing(Log(beside)) as short,
    ):
        long.open()
        short.open()
        long.grow(Settings().cached_events_max)
        full = _resident_megabytes()
        long.grow(long_events)
        large = _resident_megabytes()
        short.grow(SHORT_EVENTS)
        warm = _in_turn(short, long, _BLOCKS)
        short.forget()
        long.forget()
        cold = _in_turn(short, long, _COLD_BLOCKS)
    at = f"at {SHORT_EVENTS:,} events"
    figures = []
    for whose, (bar, cost) in (("an event", warm), ("an event of customers not in memory", cold)):
        figures += [
            Figure(f"{whose} {at}", bar, "µs"),
            Figure(f"  at {long_events:,} events", cost, "µs", f"{at} {bar:,.1f} µs", bar / cost, 1 / GOAL),
        ]
    return [
        *figures,
        Figure("memory of the writer's process with as many states as it remembers", full, "MB"),
        Figure(f"  at {long_events:,} events", large, "MB", f"{full:,.1f} MB", full / large, 1 / GOAL),
    ]


def _in_turn(short: Log, long: Log, blocks: int) -> tuple[float, float]:
    """Tell the medians of what an event costs in each."""
    costs = [(short.block(), long.block()) for _ in range(blocks)]
    return statistics.median(cost for cost, _ in costs), statistics.median(cost for _, cost in costs)


def _resident_megabytes() -> float:
    return int(memory.status(Path("/proc/self"))["VmRSS"].split()[0]) / 1024
