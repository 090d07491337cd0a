"""Where documents are set: off the event loop, a few at a time, and with a bound to those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ledger.errors import Unavailable
from ledger_api.metrics import Metrics

THREADS = 2
"""Documents set at once: Typst lets others run meanwhile, and is done in milliseconds."""


class Press:
    """Sets documents, as a context. At most `documents_max` are set or wait; one more is refused for now."""

    def __init__(self, documents_max: int, metrics: Metrics) -> None:
        self._documents_max = documents_max
        self._taken = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger-press")
        metrics.watch("ledger_documents", "Documents being set, or waiting.", lambda: self._taken)

    def __enter__(self) -> Press:
        return self

    def __exit__(self, *_: object) -> None:
        """Finish what was begun, and begin nothing more."""
        self._threads.shutdown(cancel_futures=True)

    async def run(self, work: Callable[[], bytes]) -> bytes:
        """Do the work on a thread of the press. Raises `Unavailable` when too much of it waits."""
        if self._taken >= self._documents_max:
            raise Unavailable(f"{self._taken} documents are waiting to be set")
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._taken -= 1
