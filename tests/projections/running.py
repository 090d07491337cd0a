"""A projector for a while, and how far it has come."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from tests.projections.rows import NAMES

from ledger.notices import Notices
from ledger_projections.engine import Projector

_SECONDS_MAX = 30

_PROJECTOR = """
import sys, time
from ledger.notices import Notices
from ledger_projections.engine import Projector
notices = Notices(sys.argv[1])
notices.start()
projector = Projector(sys.argv[1], notices)
projector.start()
while not projector.held:
    time.sleep(0.01)
print("holds", flush=True)
time.sleep(600)
"""


def until(true: Callable[[], object], seconds_max: float = _SECONDS_MAX) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds_max
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


@contextmanager
def projecting(conninfo: str, **options: float) -> Iterator[tuple[Projector, Notices]]:
    """Give a projector that works while the block lasts."""
    notices = Notices(conninfo)
    notices.start()
    projector = Projector(conninfo, notices, **options)  # type: ignore[arg-type]  # each of its own type
    projector.start()
    try:
        yield projector, notices
    finally:
        projector.stop()
        notices.stop()


@contextmanager
def projector_process(conninfo: str) -> Iterator[subprocess.Popen[str]]:
    """Give a projector in a process of its own, which holds every read model; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROJECTOR, conninfo], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while process.stdout.readline() != "holds\n":
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def cursors(conninfo: str, book: str) -> dict[str, int]:
    """Tell how far each read model has folded a book."""
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT application_name, notification_id FROM ledger.cursor").fetchall()
    found = {name.partition("/")[0]: position for name, position in rows if name.endswith(f"/{book}")}
    return {name: found.get(name, 0) for name in NAMES}


def folded(conninfo: str, book: str, position: int) -> bool:
    """Tell whether all read models have folded a book up to a position."""
    return min(cursors(conninfo, book).values()) >= position
