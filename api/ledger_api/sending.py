"""What is written within one turn of the event loop is sent together at its end: one system call an answer.

Uvicorn writes the head and the body of an answer one after the other, and a commit answers a hundred requests
at once. Sent as they are written, that is two system calls each, with other work between them, and a client
on the same machine is woken by every one. Sent at the end of the turn, they go out in one run.
"""

from __future__ import annotations

import asyncio

GATHERED_BYTES_MAX = 1 << 16
"""Bytes of one connection that wait for the end of the turn: a long answer is sent as it is made."""


class Turn:
    """The connections of one event loop that have something to send when this turn of it ends."""

    def __init__(self) -> None:
        self._waiting: list[Gathered] = []

    def add(self, transport: Gathered) -> None:
        """Send what this connection gathers at the end of the turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(transport)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()


class Gathered(asyncio.Transport):
    """A connection whose writes are gathered; all else is done by the transport that it stands before."""

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        super().__init__()
        self._transport = transport
        self._turn = turn
        self._pieces: list[bytes] = []
        self._bytes = 0
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send these bytes, at the end of the turn at the latest."""
        if not self._pieces:
            self._turn.add(self)
        self._pieces.append(bytes(data))
        self._bytes += len(data)
        if self._bytes > GATHERED_BYTES_MAX:
            self.flush()

    def flush(self) -> None:
        """Send what is gathered now; nothing where the other side is gone."""
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Send what is gathered, then close."""
        self.flush()
        self._transport.close()
