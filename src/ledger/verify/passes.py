"""Pieces of work, shared out to as many processes as there are cores; what is noted is not done again."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from typing import Protocol, TypeVar

from ledger.database import connect
from ledger.errors import Unavailable
from ledger.verify.leaves import Connection
from ledger.verify.notes import Notes

ROLE = "ledger_verifier"
"""The role that verifies: it reads all of the log and can change nothing."""

Advance = Callable[[int], None]
"""Told how many more events a pass has behind it."""


class Counted(Protocol):
    """What a piece of work gives: it knows how many events it looked at."""

    @property
    def looked_at(self) -> int:
        """How many events."""


R = TypeVar("R", bound=Counted)


class Passes:
    """Runs pieces of work on a database, each on a connection of its own."""

    def __init__(self, pool: ProcessPoolExecutor, conninfo: str, notes: Notes, advance: Advance) -> None:
        self._pool = pool
        self._conninfo = conninfo
        self._notes = notes
        self._advance = advance
        self._seconds = defaultdict[str, float](float)

    def seconds(self, work: Callable[..., R]) -> float:
        """Tell how long the processes were busy with a kind of work, all of them together."""
        return self._seconds[work.__name__]

    def each(
        self, work: Callable[..., R], type_: type[R], arguments: Iterable[tuple[object, ...]]
    ) -> Iterator[R]:
        """Have the work done for each of the arguments, from now on; gives what was found in their order."""
        jobs: list[tuple[str, R | Future[tuple[R, float]]]] = []
        for each in arguments:
            name = f"{work.__name__} {each}"
            noted = self._notes.found(name, type_)
            jobs.append((name, noted or self._pool.submit(_in_process, self._conninfo, work, *each)))
        jobs.reverse()
        return self._found(work.__name__, jobs)

    def _found(self, work: str, jobs: list[tuple[str, R | Future[tuple[R, float]]]]) -> Iterator[R]:
        while jobs:  # each is let go as soon as it is given: what it found may be large
            name, job = jobs.pop()
            if isinstance(job, Future):
                found, seconds = job.result()
                self._seconds[work] += seconds
                self._notes.keep(name, found)
            else:
                found = job
            self._advance(found.looked_at)
            yield found


def open_auditor(conninfo: str) -> Connection:
    """Open a connection that reads the log."""
    return connect(conninfo, role=ROLE, application_name="billing-ledger verify", statement_seconds_max=0)


@contextmanager
def pool(processes: int | None) -> Iterator[ProcessPoolExecutor]:
    """Give processes; one for each core when no number is named. Raises `Unavailable` when one is killed."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes or os.cpu_count() or 1, mp_context=context, initializer=_begin
    ) as made:
        try:
            yield made
        except BrokenProcessPool as error:
            raise Unavailable(
                "a process of the verification was killed (for want of memory?): verify again"
            ) from error
        except BaseException:
            made.shutdown(cancel_futures=True)
            raise


def _begin() -> None:
    """Set a process up: it ends with the one that it works for, who may be killed and then ends nobody."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which that one is told too
    # What a pass makes goes by counting references; looking for cycles would take a fifth of its time.
    gc.disable()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_process(conninfo: str, work: Callable[..., R], *arguments: object) -> tuple[R, float]:
    began = time.monotonic()
    return work(_own_auditor(conninfo), *arguments), time.monotonic() - began


@cache
def _own_auditor(conninfo: str) -> Connection:
    """Open the connection of a process, which all of its pieces of work use and which ends with it."""
    return open_auditor(conninfo)
