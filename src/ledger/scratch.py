"""Folders that are needed for a while: what a killed process left is removed by whoever makes the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Make a folder whose name begins so, for as long as the block lasts.

    It is made in `parent`, or else where temporary files are. Nobody else may name folders like that: those
    of the same user that no living process holds are removed. Raises `OSError` when none can be made.
    """
    within = Path(tempfile.gettempdir()) if parent is None else parent
    remove_left(prefix, within)
    folder, held = _held_folder(prefix, within)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def remove_left(prefix: str, parent: Path) -> None:
    """Remove the folders that begin so and were left by processes that are no more."""
    for left in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # it is somebody else's, is held, or was removed meanwhile
            _remove_if_left(left)


def _remove_if_left(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid == os.geteuid():
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _held_folder(prefix: str, parent: Path) -> tuple[Path, int]:
    """Make a folder and hold it; one that was taken for left before it was held is made again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # where nothing can be held, nothing is taken for left either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
