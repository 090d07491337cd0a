"""The memory of processes while something runs, as Linux tells it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.1
"""How often to look: what lives shorter is not seen."""

Status = dict[str, str]


class Peak:
    """The most that any one process took, in MB."""

    def __init__(self) -> None:
        self.megabytes = 0.0


@contextmanager
def watched(field: str, concerns: Callable[[Status], bool]) -> Iterator[Peak]:
    """Watch a field of /proc/<pid>/status of the processes that it concerns, while the block lasts."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            for found in map(status, Path("/proc").glob("[0-9]*")):
                if field in found and concerns(found):
                    peak.megabytes = max(peak.megabytes, int(found[field].split()[0]) / 1024)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def status(process: Path) -> Status:
    """Read what is told of a process; nothing of one that is gone."""
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
