"""Following the log as the library's subscriptions do, but through lost connections."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING

import psycopg
import structlog
from eventsourcing.persistence import ListenNotifySubscription

if TYPE_CHECKING:
    from ledger.log.recorder import LedgerRecorder

log = structlog.get_logger()

LISTEN_SECONDS = 1.0
"""A notice may be lost with its connection: the log is looked at this often whatever was heard."""
_RECONNECT_SECONDS = 0.2


class LogSubscription(ListenNotifySubscription["LedgerRecorder"]):
    """Gives every event behind a position, in order, and waits for the next ones."""

    def __init__(self, recorder: LedgerRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        self._ended = threading.Event()
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._listen_thread = Thread(target=self._listen, name="ledger-subscription", daemon=True)
        self._listen_thread.start()

    def stop(self) -> None:
        """End the iteration."""
        super().stop()
        self._ended.set()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                self._hear()
            except psycopg.OperationalError as error:
                log.warning("subscription_reconnects", book=self._recorder.book, error=str(error).strip())
                self._ended.wait(_RECONNECT_SECONDS)

    def _hear(self) -> None:
        with psycopg.connect(self._recorder.datastore.conninfo, autocommit=True) as conn:
            conn.execute("LISTEN ledger_log")
            while not self._ended.is_set():
                self._has_been_notified.set()
                for _ in conn.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                    pass
