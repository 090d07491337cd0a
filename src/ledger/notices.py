"""One LISTEN connection a process, fanned out to everybody who waits: threads and event loops.

A notice is a hint, never the truth: it may be lost with the connection that carried it. So whoever waits
gives a timeout and reads again what it waits for, and when the connection is made anew everybody is woken.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import ConfigurationError

log = structlog.get_logger()

LOG = "ledger_log"
"""Sent with each commit of events: the book, and the position that its log has come to."""
CURSOR = "ledger_cursor"
"""Sent by the projector: the book, and the position up to which all its read models are folded."""

HEARTBEAT_SECONDS = 20
"""After so much silence the server is asked something, so that a dead connection is noticed."""
RECONNECT_SECONDS_MIN, RECONNECT_SECONDS_MAX = 0.05, 2.0
"""Pause before the connection is made anew, doubled after every attempt that fails."""

_Key = tuple[str, str]


class _Waiter(NamedTuple):
    """Somebody waiting for a position. `wake` is told whether a notice said that it is reached.

    `loop` is the event loop it waits on, None for a thread.
    """

    position: int
    wake: Callable[[bool], None]
    loop: asyncio.AbstractEventLoop | None


class Watch:
    """A thread's watch over one channel, whatever the book. Close it, or use it as a context manager."""

    def __init__(self, notices: Notices, channel: str) -> None:
        self._notices = notices
        self._channel = channel
        self._news = threading.Event()
        notices._watches.append((channel, self._news))

    def wait(self, timeout: float) -> bool:
        """Wait for a notice that came since the last wait; False when `timeout` seconds passed without."""
        heard = self._news.wait(timeout)
        self._news.clear()
        return heard

    def wake(self) -> None:
        """Let the waiting thread go on, as if a notice had come."""
        self._news.set()

    def close(self) -> None:
        """End the watch."""
        self._notices._watches.remove((self._channel, self._news))

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Notices:
    """Hears the notices of a database and wakes those who wait for them.

    `conninfo` is the login's; the connection is opened by `start`, and again whenever it is lost.
    """

    def __init__(self, conninfo: str, channels: Iterable[str] = (LOG, CURSOR)) -> None:
        self._conninfo = conninfo
        self._channels = tuple(channels)
        self._latest: dict[_Key, int] = {}
        self._waiting: dict[_Key, list[_Waiter]] = {}
        self._watches: list[tuple[str, threading.Event]] = []
        self._awaited = {channel: threading.Event() for channel in self._channels}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._hearing = threading.Event()
        self._interrupt, self._interrupted = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="ledger-notices", daemon=True)

    def start(self) -> None:
        """Begin to listen, in a thread of its own; does not wait for the connection."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and let everybody go who still waits."""
        self._stopping.set()
        self._interrupt.send(b"!")
        if self._thread.is_alive():
            self._thread.join()
        self._wake_everybody()
        self._interrupt.close()
        self._interrupted.close()

    @property
    def alive(self) -> bool:
        """Whether the thread works; False is an alarm."""
        return self._thread.is_alive()

    @property
    def connected(self) -> bool:
        """Whether notices are being heard at this moment."""
        return self._hearing.is_set()

    def latest(self, channel: str, book: str) -> int:
        """Tell the highest position that a notice named, 0 when none came yet."""
        return self._latest.get((channel, book), 0)

    def watch(self, channel: str) -> Watch:
        """Watch over a channel, whatever the book."""
        return Watch(self, channel)

    def awaited(self, channel: str) -> threading.Event:
        """Give the event that is set when somebody begins to wait for a position; who heeds it clears it."""
        return self._awaited[channel]

    def wait(self, channel: str, book: str, position: int, timeout: float) -> bool:
        """Wait in a thread until a notice names `position` or a later one.

        False says nothing about the position: `timeout` seconds passed, or the connection was made anew.
        """
        gone = threading.Event()
        reached = False

        def wake(is_reached: bool) -> None:
            nonlocal reached
            reached = is_reached
            gone.set()

        waiter = _Waiter(position, wake, None)
        if self._enter(channel, book, waiter):
            return True
        try:
            gone.wait(timeout)
        finally:
            self._leave(channel, book, waiter)
        return reached

    async def await_position(self, channel: str, book: str, position: int, timeout: float) -> bool:
        """Do what `wait` does, on an event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        def wake(is_reached: bool) -> None:
            if not future.done():
                future.set_result(is_reached)

        waiter = _Waiter(position, wake, loop)
        if self._enter(channel, book, waiter):
            return True
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return False
        finally:
            self._leave(channel, book, waiter)

    def _enter(self, channel: str, book: str, waiter: _Waiter) -> bool:
        """Wait from now on; True when there is nothing to wait for."""
        with self._lock:
            if self.latest(channel, book) >= waiter.position:
                return True
            self._waiting.setdefault((channel, book), []).append(waiter)
        self._awaited[channel].set()
        return False

    def _leave(self, channel: str, book: str, waiter: _Waiter) -> None:
        with self._lock:
            waiting = self._waiting.get((channel, book), [])
            if waiter in waiting:
                waiting.remove(waiter)

    # The thread.

    def _run(self) -> None:
        pause = RECONNECT_SECONDS_MIN
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._hear()
            except (psycopg.OperationalError, psycopg.InterfaceError, ConfigurationError) as error:
                reason = str(error).strip().partition("\n")[0]
                log.warning("notices_reconnect", error=reason, pause_seconds=pause)
            finally:
                self._hearing.clear()
            if time.monotonic() - began > RECONNECT_SECONDS_MAX:
                pause = RECONNECT_SECONDS_MIN
            self._stopping.wait(pause)
            pause = min(2 * pause, RECONNECT_SECONDS_MAX)

    def _hear(self) -> None:
        """Listen until the connection is lost or this object is stopped."""
        with (
            connect(self._conninfo, application_name="billing-ledger notices") as connection,
            selectors.DefaultSelector() as selector,
        ):
            for channel in self._channels:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._hearing.set()
            self._wake_everybody()
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._interrupted, selectors.EVENT_READ)
            while not self._stopping.is_set():
                self._take(connection)
                if not selector.select(HEARTBEAT_SECONDS):
                    connection.execute("SELECT 1")

    def _take(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Take what has come, and wake whom it concerns."""
        woken: list[_Waiter] = []
        heard = set()
        with self._lock:
            for notice in connection.notifies(timeout=0):
                book, _, position = notice.payload.rpartition(" ")
                if not position.isdecimal():
                    log.warning("notice_unreadable", channel=notice.channel, payload=notice.payload)
                    continue
                heard.add(notice.channel)
                woken += self._reached((notice.channel, book), int(position))
        for channel, news in tuple(self._watches):
            if channel in heard:
                news.set()
        _wake(woken, reached=True)

    def _reached(self, key: _Key, position: int) -> list[_Waiter]:
        """Note how far a book has come, and take out those who waited for that. The caller holds the lock."""
        if position <= self._latest.get(key, 0):
            return []
        self._latest[key] = position
        waiting = self._waiting.get(key)
        if not waiting:
            return []
        self._waiting[key] = [waiter for waiter in waiting if waiter.position > position]
        return [waiter for waiter in waiting if waiter.position <= position]

    def _wake_everybody(self) -> None:
        with self._lock:
            woken = [waiter for waiting in self._waiting.values() for waiter in waiting]
            self._waiting.clear()
        for _, news in tuple(self._watches):
            news.set()
        _wake(woken, reached=False)


def _wake(waiters: Iterable[_Waiter], *, reached: bool) -> None:
    """Wake threads one by one, and each event loop once for all who wait on it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiter]] = {}
    for waiter in waiters:
        if waiter.loop is None:
            waiter.wake(reached)
        else:
            by_loop.setdefault(waiter.loop, []).append(waiter)
    for loop, together in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake_all, together, reached)
        except RuntimeError:
            log.info("notices_loop_closed", waiters=len(together))


def _wake_all(waiters: Iterable[_Waiter], reached: bool) -> None:
    for waiter in waiters:
        waiter.wake(reached)
