"""Ending, from another thread, what connections of ours are doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.errors import QueryCanceled
from psycopg.rows import TupleRow

from ledger.errors import Unavailable

Connection = psycopg.Connection[TupleRow]

_PAUSE_SECONDS = 0.1
"""How long a statement may run that began just when those under way were cancelled."""


class Stopping:
    """Whether work that several threads share shall end; once it shall, their statements end too."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._working: set[Connection] = set()

    def is_set(self) -> bool:
        """Tell whether the work shall end."""
        return self._asked.is_set()

    def go_on(self) -> None:
        """Raise `Unavailable` where the work shall end."""
        if self.is_set():
            raise Unavailable("the verification was stopped")

    def set(self) -> None:
        """End it: statements under way fail as cancelled, and whoever asks `is_set` begins no other."""
        self._asked.set()
        # By nobody who works here, since they may have to end first; and again, until nobody works any more.
        threading.Thread(target=self._cancel, name="ledger-stopping", daemon=True).start()

    def _cancel(self) -> None:
        while self._cancelled():
            time.sleep(_PAUSE_SECONDS)

    def _cancelled(self) -> int:
        """Cancel what is under way; tells how many are at work."""
        with self._lock:
            for connection in self._working:
                with suppress(psycopg.OperationalError):  # of a server that is gone, all ends by itself
                    connection.cancel_safe()
            return len(self._working)

    @contextmanager
    def ends(self, connection: Connection) -> Iterator[None]:
        """Have the statements of a connection end with the work; that raises `Unavailable`.

        What fails otherwise says itself why: it may be what all work ends for.
        """
        with self._lock:
            self._working.add(connection)
        try:
            yield
        except QueryCanceled:
            self.go_on()
            raise
        finally:
            with self._lock:
                self._working.discard(connection)
