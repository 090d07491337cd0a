"""NDJSON: lines judged slice by slice while they arrive, their results kept until the body has ended.

Answering earlier could lock up with a client that sends all before it reads. Results are told in the order
of the lines and without a hole: where the ledger could not go on, they end, and a last line, a problem with
its number as `status`, says why. What stands above it is recorded; what is below it may be sent again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from types import TracebackType
from typing import IO

import orjson

from ledger.errors import Refusal, Unavailable
from ledger.log.outcome import Outcome
from ledger_api.ingest.calls import NDJSON, Call, Send
from ledger_api.ingest.intake import Intake, encode, highest, position_header
from ledger_api.problems import problem_members

_SLICES_AHEAD = 2
"""Slices that may wait for the writer while the next one is read."""
_SPOOL_BYTES = 1 << 20
"""Results of a long body that stay in memory; the rest waits in a temporary file until the body has ended."""


class Results:
    """The results of one body as they become known. A context manager: it lets go of what still waits."""

    def __init__(self, intake: Intake, call: Call) -> None:
        self._intake = intake
        self._call = call
        self._waiting: deque[asyncio.Task[list[Outcome]]] = deque()
        self._position = 0
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - `__exit__` closes it

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._waiting:
            # What is with the writer is recorded; but nobody asks for these outcomes any more.
            task.add_done_callback(_forget)
        self._spool.close()

    async def add(self, lines: list[bytes]) -> None:
        """Have a slice judged. Waits while enough slices wait already, and raises why one was not judged."""
        await self._settle(_SLICES_AHEAD - 1)
        self._waiting.append(asyncio.create_task(self._intake.judge(self._call, lines)))
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Wait until all slices are judged; raises why one was not."""
        await self._settle(0)

    async def stop(self, error: Refusal | Unavailable) -> None:
        """End with the reason why no more is told, behind the results up to the first slice that has none.

        Raises that reason instead when there is no result at all.
        """
        try:
            await self._settle(0)
        except (Refusal, Unavailable) as earlier:
            error = earlier
        if self._spool.tell() == 0:
            raise error
        self._intake.count(error)
        self._spool.write(orjson.dumps({"status": "refused", **problem_members(error)}) + b"\n")

    async def send(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        """Answer with all results."""
        length = str(self._spool.tell()).encode()
        head = [
            (b"content-type", NDJSON), (b"content-length", length),
            *position_header(self._position), *headers,
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": head})
        self._spool.seek(0)
        while chunk := self._spool.read(_SPOOL_BYTES):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _settle(self, most: int) -> None:
        while len(self._waiting) > most:
            outcomes = await self._waiting[0]
            self._waiting.popleft()
            self._position = max(self._position, highest(outcomes))
            results = (encode(self._intake.result(outcome)) + b"\n" for outcome in outcomes)
            self._spool.write(b"".join(results))


def _forget(task: asyncio.Task[list[Outcome]]) -> None:
    if not task.cancelled():
        task.exception()
