"""Erasing: the log says whose personal data has to go, and here it goes.

The event comes first: from the moment it is committed nobody reads the customer's data. Deleting it follows,
by whichever service comes to it, and by the next one when that is killed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from ledger.errors import Unavailable
from ledger.notices import LOG, Notices
from ledger.sql import queries
from ledger.vault.master import Connection

log = structlog.get_logger("ledger.vault")

_SQL = queries(__package__ or "", "erasing.sql")

CUSTOMER_LOCK = 0x6C65_0011
"""Class of the transaction locks between putting and erasing, one a customer."""
ERASER_LOCK = 0x6C65_0012
"""Class of the session lock that lets one service erase at a time, so that it happens in the log's order."""
PAUSE_SECONDS = 0.5
"""How often at most it looks for erasures while the log grows."""


def erase_pending(connection: Connection) -> int:
    """Delete key and records of every customer whose erasure is asked for; tells of how many."""
    taken = connection.execute(_SQL["try_eraser"], {"kind": ERASER_LOCK}).fetchone()
    if taken != (True,):
        return 0
    try:
        pending = connection.execute(_SQL["pending"]).fetchall()
        for book, customer, position in pending:
            values = {"book": book, "customer": customer, "position": position, "kind": CUSTOMER_LOCK}
            with connection.transaction():
                connection.execute(_SQL["lock_customer"], values)
                connection.execute(_SQL["erase"], values)
        return len(pending)
    finally:
        if not connection.closed:
            connection.execute(_SQL["release_eraser"], {"kind": ERASER_LOCK})


class Eraser:
    """A thread that erases what the log asks for: at once when it starts, and whenever the log grows."""

    def __init__(self, erase: Callable[[], int], notices: Notices, look_seconds: float) -> None:
        self._erase = erase
        self._watch = notices.watch(LOG)
        self._look_seconds = look_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-eraser", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread works."""
        return self._thread.is_alive()

    def __enter__(self) -> Eraser:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._watch.wake()
        self._thread.join()
        self._watch.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                erased = self._erase()
            except Unavailable as error:
                log.warning("erasing_waits", error=str(error))
            else:
                if erased:
                    log.info("erased", customers=erased)
            self._watch.wait(self._look_seconds)
            self._stopping.wait(PAUSE_SECONDS)
