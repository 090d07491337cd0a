"""A small, quick load generator: raw HTTP/1.1 over keep-alive connections, one request at a time on each.

It shares the machine with what it measures, so it does as little as it can: requests are encoded
beforehand, and of an answer it reads the status and the length.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, cast

import uvloop


class Load(NamedTuple):
    """What a run measured: requests a second, latency percentiles in milliseconds, answers by status."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    statuses: dict[int, int]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None], run: _Run) -> None:
        self._requests = requests
        self._done = done
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return
        at = buffer.find(b"content-length: ")
        length = int(buffer[at + 16 : buffer.find(b"\r", at)])
        if len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        self._run.seconds.append(time.perf_counter() - self._sent_at)
        status = int(buffer[9:12])
        self._run.statuses[status] = self._run.statuses.get(status, 0) + 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(f"the server closed the connection: {exc}"))


class _Run:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.statuses: dict[int, int] = {}


def request(host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Encode one POST."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(port: int, requests: list[bytes], in_flight: int) -> Load:
    """Send all requests with so many in flight, and measure."""
    return uvloop.run(_drive(port, requests, in_flight))


async def _drive(port: int, requests: list[bytes], in_flight: int) -> Load:
    loop = asyncio.get_running_loop()
    run = _Run()
    pending = iter(requests)
    dones = []
    began = time.perf_counter()
    for _ in range(in_flight):
        done: asyncio.Future[None] = loop.create_future()
        dones.append(done)
        await loop.create_connection(partial(_Connection, pending, done, run), "127.0.0.1", port)
    await asyncio.gather(*dones)
    took = time.perf_counter() - began
    ordered = sorted(run.seconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    return Load(len(ordered) / took, at(0.5), at(0.99), ordered[-1] * 1000, run.statuses)
