"""Bulk posting: messages in, bodies of newline-delimited JSON out over several connections, answers counted.

A *lane* is one connection with a thread of its own. All messages of one customer travel in one lane, so they
are judged in the order in which they were sent; messages of the book itself wait for everything before them
and hold up everything after them (`settle`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Queue
from zlib import crc32

import msgspec

from ledger_api.client.connection import NDJSON, PAUSE_SECONDS_MAX, STATUSES_TO_RETRY, Client, ClientError

BODY_BYTES_MAX = 2_000_000
"""Bytes of one body: large enough that a request costs nothing beside its messages, small enough to show
progress.
"""
BODY_MESSAGES_MAX = 5_000
"""Messages in one body."""
BODIES_WAITING_MAX = 2
"""Full bodies a lane holds while one is in flight: whoever sends faster than the ledger takes waits here."""
LANES_DEFAULT = 2
"""Connections of one sender: with two, one body is being written while the next is being read."""


@dataclass(slots=True)
class Refused:
    """Refusals of one code: how many, and the first of them; `line` is 0 where there are no lines."""

    code: str
    count: int
    line: int
    detail: str


@dataclass(slots=True)
class Tally:
    """What became of the messages sent. Positions are those of their events, 0 where there are none."""

    recorded: int = 0
    replayed: int = 0
    events: int = 0
    position_first: int = 0
    position_last: int = 0
    refusals: dict[str, Refused] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """Messages refused, whatever the code."""
        return sum(refused.count for refused in self.refusals.values())

    @property
    def messages(self) -> int:
        """Messages answered."""
        return self.recorded + self.replayed + self.refused

    def count(self, result: _Result, line: int) -> None:
        """Take one result in."""
        if result.status == "refused":
            self.refuse(result.code, result.detail, line)
            return
        if result.status == "recorded":
            self.recorded += 1
            self.events += len(result.events)
        else:
            self.replayed += 1
        first, last = result.events[0].position, result.events[-1].position
        self.position_first = min(self.position_first or first, first)
        self.position_last = max(self.position_last, last)

    def add(self, other: Tally) -> None:
        """Count what another sender's messages became, too; its refusals keep their own first lines."""
        self.recorded += other.recorded
        self.replayed += other.replayed
        self.events += other.events
        self.position_last = max(self.position_last, other.position_last)
        for refused in other.refusals.values():
            self.refuse(refused.code, refused.detail, refused.line)
            self.refusals[refused.code].count += refused.count - 1

    def refuse(self, code: str, detail: str, line: int) -> None:
        """Count one refusal; the one with the lowest line stands for all of its code."""
        refused = self.refusals.setdefault(code, Refused(code, 0, line, detail))
        refused.count += 1
        if line < refused.line:
            refused.line, refused.detail = line, detail


class _Place(msgspec.Struct):
    position: int


class _Result(msgspec.Struct):
    """What became of one message; with a number as `status`, why the ledger read no further in this body."""

    status: str | int
    events: list[_Place] = []
    code: str = ""
    detail: str = ""


_read_results = msgspec.json.Decoder(_Result).decode_lines


class _Body:
    """Messages on their way: the lines of one body, and where each stood in its file."""

    __slots__ = ("bytes", "lines", "numbers")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.numbers: list[int] = []
        self.bytes = 0


class Lanes:
    """Posts messages in bulk. Use as a context manager; leaving it settles what is still on its way.

    `answered` is called with the number of messages after each answer, from the lane's own thread, never
    from two at once. An error of any lane is raised by the next `send` or `settle`.
    """

    def __init__(
        self,
        client: Client,
        book: str,
        lanes: int = LANES_DEFAULT,
        answered: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.tally = Tally()
        self._path = f"/v1/books/{book}/events"
        self._answered = answered
        self._lock = threading.Lock()
        self._error: ClientError | msgspec.DecodeError | None = None
        self._bodies = [_Body() for _ in range(lanes)]
        self._queues: list[Queue[_Body | None]] = [Queue(BODIES_WAITING_MAX) for _ in range(lanes)]
        self._threads = [
            threading.Thread(
                target=self._work, args=(client.twin(), queue), name=f"lane-{number}", daemon=True
            )
            for number, queue in enumerate(self._queues)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            for queue in self._queues:
                queue.put(None)
            if kind is None:
                for thread in self._threads:
                    thread.join()

    def send(self, line: bytes, customer: str | None, number: int = 0) -> None:
        """Send one message, one line of JSON; `customer` is its subject, None for the book's."""
        if customer is None:
            self.settle()
            self._add(0, line, number)
            self.settle()
        else:
            self._add(crc32(customer.encode()) % len(self._bodies), line, number)

    def refuse(self, code: str, detail: str, number: int) -> None:
        """Count what could not even be sent."""
        with self._lock:
            self.tally.refuse(code, detail, number)
            self._answered(1)

    def settle(self) -> None:
        """Wait until everything sent so far is answered."""
        for lane in range(len(self._bodies)):
            self._flush(lane)
        for queue in self._queues:
            queue.join()
        self._raise_error()

    def _add(self, lane: int, line: bytes, number: int) -> None:
        body = self._bodies[lane]
        body.lines.append(line)
        body.numbers.append(number)
        body.bytes += len(line) + 1
        if body.bytes >= BODY_BYTES_MAX or len(body.lines) >= BODY_MESSAGES_MAX:
            self._flush(lane)

    def _flush(self, lane: int) -> None:
        self._raise_error()
        if self._bodies[lane].lines:
            self._queues[lane].put(self._bodies[lane])
            self._bodies[lane] = _Body()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self, client: Client, queue: Queue[_Body | None]) -> None:
        while (body := queue.get()) is not None:
            try:
                if self._error is None:
                    self._post(client, body)
            except (ClientError, msgspec.DecodeError) as error:
                self._error = error
            finally:
                queue.task_done()
        client.close()

    def _post(self, client: Client, body: _Body) -> None:
        """Post one body; where the ledger stopped reading in the middle, post the rest again."""
        done, pause = 0, 0.1
        while done < len(body.lines):
            answer = client.post(self._path, b"\n".join(body.lines[done:]), NDJSON)
            results = _read_results(answer.body)
            stopped = results.pop() if results and isinstance(results[-1].status, int) else None
            if stopped is None and len(results) != len(body.lines) - done:
                raise ClientError(
                    answer.status, "", f"{len(body.lines) - done} messages led to {len(results)} results"
                )
            with self._lock:
                for result, number in zip(results, body.numbers[done:], strict=False):
                    self.tally.count(result, number)
                self._answered(len(results))
            done += len(results)
            if stopped is not None:
                if stopped.status not in STATUSES_TO_RETRY or pause > PAUSE_SECONDS_MAX:
                    where = f" (line {body.numbers[done]})" if body.numbers[done] else ""
                    raise ClientError(int(stopped.status), stopped.code, stopped.detail + where)
                time.sleep(pause)
                pause *= 2
