"""Ending, from another thread, what connections of ours are doing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]


class Stopping:
    """Whether work that several threads share shall end; once it shall, their statements end too."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._working: set[Connection] = set()

    def is_set(self) -> bool:
        """Tell whether the work shall end."""
        return self._asked.is_set()

    def set(self) -> None:
        """End it: statements under way fail as cancelled, and whoever asks `is_set` begins no other."""
        self._asked.set()
        with self._lock:
            for connection in self._working:
                with suppress(psycopg.OperationalError):  # of a server that is gone, all ends by itself
                    connection.cancel_safe()

    @contextmanager
    def ends(self, connection: Connection) -> Iterator[None]:
        """Have the statements of a connection end with the work."""
        with self._lock:
            self._working.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._working.discard(connection)
