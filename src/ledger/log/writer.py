"""The group-commit writer: one thread, one connection, many messages a commit.

While a commit is in flight, requests queue; the next transaction takes them all. A lone request does not
wait for company. Several processes may write one book: each locks the book's head first, and folds what the
others did.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog
from psycopg.pq import PipelineStatus

from ledger.defects import DEFECTS
from ledger.errors import ConfigurationError, Refusal, Unavailable
from ledger.log import snapshots, store
from ledger.log.judge import Judge, Key
from ledger.log.outcome import Outcome, Receipt
from ledger.log.request import Answer, Request, deliver
from ledger.log.snapshots import Snapshot
from ledger.log.states import States
from ledger.message import Message
from ledger.settings import Settings

log = structlog.get_logger()

_RECONNECT_PAUSE_SECONDS = 0.2


class Committed(NamedTuple):
    """Figures of one transaction, for whoever watches: messages judged, events recorded, seconds it took."""

    messages: int
    events: int
    replays: int
    seconds: float


class Writer:
    """Appends to the log on behalf of everyone in this process.

    `connect` opens a connection as the writer's role; `watch` is told the figures of each commit.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        settings: Settings,
        watch: Callable[[Committed], None] | None = None,
    ) -> None:
        self._connect = connect
        self._settings = settings
        self._watch = watch
        self._queue: deque[Request] = deque()
        self._queued_messages = 0
        self._wake = threading.Condition()
        self._closing = False
        self._states: dict[str, States] = {}
        self._forgotten: dict[str, list[Snapshot]] = {}
        self._conn: psycopg.Connection | None = None
        self._planned_position = 0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is queued, then end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def queued_messages(self) -> int:
        """How many messages wait for a transaction."""
        return self._queued_messages

    @property
    def alive(self) -> bool:
        """Whether the writer's thread works; False is an alarm."""
        return self._thread.is_alive()

    def submit(
        self, book: str, messages: Sequence[Message], *, atomic: bool = False
    ) -> Future[list[Outcome]]:
        """Queue messages from any thread. Raises `Unavailable` when the queue is full."""
        future = self._enqueue(Request(book, messages, atomic, None)).future
        assert isinstance(future, Future)  # noqa: S101 - narrows the union for the type checker
        return future

    def submit_soon(
        self,
        book: str,
        messages: Sequence[Message],
        loop: asyncio.AbstractEventLoop,
        *,
        atomic: bool = False,
        passing: bool = False,
    ) -> asyncio.Future[list[Outcome]]:
        """Queue messages from an event loop; one wake-up of the loop answers a whole transaction."""
        future = self._enqueue(Request(book, messages, atomic, loop, passing)).future
        assert isinstance(future, asyncio.Future)  # noqa: S101
        return future

    def _enqueue(self, request: Request) -> Request:
        with self._wake:
            if self._closing or not self._thread.is_alive():
                raise Unavailable("the ledger is shutting down")
            if self._queued_messages >= self._settings.queue_messages_max:
                raise Unavailable(f"{self._queued_messages} messages are waiting to be recorded")
            self._queue.append(request)
            self._queued_messages += len(request.messages)
            self._wake.notify()
        return request

    # The thread.

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if not group:
                break
            deliver(self._answer(group, set()))
            self._keep_snapshots()
        self._forgotten = {book: states.worth_keeping() for book, states in self._states.items()}
        self._keep_snapshots()
        if self._conn is not None:
            self._conn.close()

    def _next_group(self) -> list[Request]:
        """Take what one transaction takes: requests for one book; an atomic request goes by itself."""
        with self._wake:
            while not self._queue:
                if self._closing:
                    return []
                self._wake.wait()
            first = self._queue.popleft()
            group = [first]
            messages = len(first.messages)
            while (
                self._queue
                and not first.atomic
                and not self._queue[0].atomic
                and self._queue[0].book == first.book
                and messages + len(self._queue[0].messages) <= self._settings.group_messages_max
            ):
                group.append(self._queue.popleft())
                messages += len(group[-1].messages)
            self._queued_messages -= messages
        return group

    def _answer(self, group: list[Request], seen: set[datetime]) -> list[Answer]:
        """Judge and commit a group, through lost connections; never raises.

        `seen` collects the recorded times of attempts whose end is unknown.
        """
        give_up_at = time.monotonic() + self._settings.write_retry_seconds_max
        while True:
            try:
                outcomes = self._commit(group, seen)
            except (psycopg.OperationalError, ConfigurationError) as error:
                self._drop_caches()
                if self._lost_connection() and time.monotonic() < give_up_at:
                    log.warning("writer_reconnects", error=str(error))
                    time.sleep(_RECONNECT_PAUSE_SECONDS)
                    continue
                log.error("writer_unavailable", error=str(error))  # noqa: TRY400 - a trace would tell nothing more
                unavailable = Unavailable(f"the database cannot record now: {_first_line(error)}")
                return [Answer(request, unavailable) for request in group]
            except DEFECTS as error:  # a defect costs its request, never the writer or its neighbours
                self._drop_caches()
                self._lost_connection()
                if len(group) > 1:
                    return [answer for request in group for answer in self._answer([request], seen)]
                log.exception("writer_failed", book=group[0].book)
                # No future takes a StopIteration.
                fault = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
                return [Answer(group[0], fault)]
            return [Answer(r, o) for r, o in zip(group, outcomes, strict=True)]

    def _commit(self, group: list[Request], seen: set[datetime]) -> list[list[Outcome]]:
        """Judge a group in one transaction."""
        began = time.perf_counter()
        book = group[0].book
        states = self._states.setdefault(book, States(book, self._settings.cached_events_max))
        messages = [message for request in group for message in request.messages]
        keys: list[Key] = [(message.source, message.id) for message in messages]
        conn = self._connection()
        head, found = store.lock(conn, book, keys)
        self._keep_plans_fit(conn, head.position)
        decisions = store.decisions(conn, book, found.values()) if found else {}
        states.catch_up(conn, head.position)
        customers = dict.fromkeys(
            m.subject
            for m, key in zip(messages, keys, strict=True)
            if m.subject is not None and key not in found
        )
        read = states.load(conn, customers)
        taken = {key: decisions[first] for key, (first, _) in found.items()}
        append = store.Append(conn, book, head)
        judge = Judge(states, head, taken, frozenset(seen), append.write)
        outcomes = [[judge.judge(message) for message in request.messages] for request in group]
        if group[0].atomic and _first_refusal(outcomes[0]) is not None:
            append.abandon()
            states.undo(conn, customers)
            conn.rollback()
            return outcomes
        if len(append):
            seen.add(head.recorded_at)
        states.position = append.commit().position
        passing = {m.subject for request in group if request.passing for m in request.messages}
        self._forgotten[book] = states.trim(customer for customer in read if customer in passing)
        self._tell(outcomes, len(append), time.perf_counter() - began)
        return outcomes

    def _tell(self, outcomes: list[list[Outcome]], events: int, seconds: float) -> None:
        """Tell the figures of a commit; that they cannot be noted is no reason to hold back its answers."""
        if self._watch is None:
            return
        each = [outcome for together in outcomes for outcome in together]
        replays = sum(1 for outcome in each if isinstance(outcome, Receipt) and outcome.status == "replayed")
        try:
            self._watch(Committed(len(each), events, replays, seconds))
        except DEFECTS:
            log.exception("writer_figures_not_noted")

    def _keep_snapshots(self) -> None:
        """Keep what the last commit let go of, when everybody has their answer; losing it costs only time."""
        forgotten, self._forgotten = self._forgotten, {}
        for book, found in forgotten.items():
            if not found or self._conn is None:
                continue
            try:
                snapshots.keep(self._conn, book, found)
            except psycopg.Error as error:
                log.warning("snapshots_not_kept", book=book, error=_first_line(error))
                self._lost_connection()

    def _connection(self) -> psycopg.Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self._connect()
            self._conn.autocommit = False
            store.prepare(self._conn)
            self._planned_position = 0
        return self._conn

    def _keep_plans_fit(self, conn: psycopg.Connection, position: int) -> None:
        if position > 2 * self._planned_position:
            store.plan_anew(conn)
            self._planned_position = position

    def _lost_connection(self) -> bool:
        """Clean up after an error.

        True when the connection is gone and the end of its transaction unknown.
        """
        conn, self._conn = self._conn, None
        if conn is None:
            return True
        # Cut off within a pipeline it may seem well, but what was sent in it has no reply, a COMMIT neither.
        lost = conn.broken or conn.closed or conn.pgconn.pipeline_status != PipelineStatus.OFF
        conn.close()
        return lost

    def _drop_caches(self) -> None:
        for states in self._states.values():
            states.forget()


def _first_refusal(outcomes: list[Outcome]) -> int | None:
    return next((at for at, outcome in enumerate(outcomes) if isinstance(outcome, Refusal)), None)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
