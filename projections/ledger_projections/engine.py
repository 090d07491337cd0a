"""The projector: one thread that folds what is new into every read model, as soon as a notice tells of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import psycopg
import structlog

from ledger.database import connect
from ledger.errors import ConfigurationError
from ledger.notices import CURSOR, LOG, Notices, Watch
from ledger_projections.cursors import Cursors
from ledger_projections.folding import SESSION
from ledger_projections.following import RETRY_SECONDS, Cycle, Follower
from ledger_projections.installing import install_missing
from ledger_projections.readmodel import READ_MODELS, ReadModel

__all__ = ["Cycle", "Projector"]

log = structlog.get_logger()

TURN_SECONDS = 0.05
"""A short cycle is followed by a rest for as long as both fit into this, unless somebody in this process
waits for what is not folded yet: cycles become fewer and larger, which leaves the machine to the writer."""
POLL_SECONDS = 1.0
"""How often to look for news when no notice came: one may be lost."""
STATEMENT_SECONDS_MAX = 300
"""How long one statement of a fold may run before it is taken for stuck."""
RECONNECT_SECONDS_MIN, RECONNECT_SECONDS_MAX = 0.1, 5.0
"""Pause before the connection is made anew, doubled after every attempt that fails."""


class Projector:
    """Follows the log of every book, in a thread of its own.

    `conninfo` is the login's. Without `notices` it looks for news every `poll_seconds`. `watch` is told the
    figures of each cycle. A fold that failed is tried again after `retry_seconds`.
    """

    def __init__(
        self,
        conninfo: str,
        notices: Notices | None = None,
        *,
        models: Sequence[ReadModel] = READ_MODELS,
        poll_seconds: float = POLL_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        watch: Callable[[Cycle], None] | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._notices = notices
        self._models = models
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._watch = watch
        self._cursors = Cursors(conninfo)
        self._follower: Follower | None = None
        self._stopping = threading.Event()
        self._awaited = threading.Event() if notices is None else notices.awaited(CURSOR)
        self._news: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-projector", daemon=True)

    def start(self) -> None:
        """Begin to follow. Read models that are missing are made first, in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the cycle under way and end."""
        self._stopping.set()
        self._awaited.set()
        if (news := self._news) is not None:
            news.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._cursors.close()

    @property
    def alive(self) -> bool:
        """Whether the thread works; False is an alarm."""
        return self._thread.is_alive()

    @property
    def held(self) -> frozenset[str]:
        """The read models that this projector folds; another process may hold the rest."""
        follower = self._follower
        return frozenset() if follower is None else follower.held

    # The thread.

    def _run(self) -> None:
        pause = RECONNECT_SECONDS_MIN
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._follow()
            except (psycopg.Error, ConfigurationError) as error:
                reason = str(error).strip().partition("\n")[0]
                log.warning("projector_reconnects", error=reason, pause_seconds=pause)
            finally:
                self._follower = None
            if time.monotonic() - began > RECONNECT_SECONDS_MAX:
                pause = RECONNECT_SECONDS_MIN
            self._stopping.wait(pause)
            pause = min(2 * pause, RECONNECT_SECONDS_MAX)

    def _follow(self) -> None:
        """Follow the log until the connection is lost or this object is stopped."""
        with connect(
            self._conninfo,
            application_name="billing-ledger projector",
            statement_seconds_max=STATEMENT_SECONDS_MAX,
        ) as connection:
            install_missing(connection, self._models)
            connection.execute(SESSION)
            connection.autocommit = False
            follower = self._follower = Follower(connection, self._cursors, self._models, self._retry_seconds)
            if self._notices is None:
                self._cycles(follower, self._stopping.wait)
                return
            with self._notices.watch(LOG) as self._news:
                self._cycles(follower, self._news.wait)

    def _cycles(self, follower: Follower, wait_for_news: Callable[[float], bool]) -> None:
        while not self._stopping.is_set():
            follower.take_over()
            self._awaited.clear()
            cycle = follower.cycle()
            if cycle is None:
                if wait_for_news(self._poll_seconds):
                    follower.look_again()
                continue
            if self._watch is not None:
                self._watch(cycle)
            if not cycle.backlog:
                self._awaited.wait(max(0.0, TURN_SECONDS - cycle.seconds))
