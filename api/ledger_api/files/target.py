"""The file that an export writes: what it held stays whole until all that it is to hold is there.

A file is written beside the one that was named, and takes its name at the end. So whoever finds the named
file has a whole one, and an export that was refused or killed has taken nothing from anybody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ledger.errors import ConfigurationError, LedgerError


class Target(NamedTuple):
    """Where an export goes: a file, or standard output without one; with `resume` behind what is there."""

    file: Path | None
    resume: bool = False


def beside(file: Path) -> Path:
    """Name the file that is written until it is whole."""
    return file.with_name(f"{file.name}.partial")


def is_plain(file: Path) -> bool:
    """Tell whether it is a file that another one can replace: a pipe or a device is not, nor is a folder."""
    return file.is_file() or not file.exists()


def refuse_reading(target: Target, log: Path) -> None:
    """Refuse to write over the file that is read. Raises `ConfigurationError`."""
    for file in () if target.file is None else (target.file, beside(target.file)):
        if file.exists() and file.samefile(log):
            raise ConfigurationError(f"{log} is read, and would be written over: name another file")


@contextmanager
def opened(target: Target) -> Iterator[BinaryIO]:
    """Open what an export writes to, at its beginning; it is empty unless it is resumed.

    An export is resumed in the named file, or where that is not there in what was left beside it. When
    something is refused on the way, what was appended is cut off again. Raises `ConfigurationError` when the
    file cannot be written, or not to its end, or another export writes it.
    """
    try:
        with _opened(target) as out:
            yield out
    except OSError as error:
        named = "standard output" if target.file is None else target.file
        raise ConfigurationError(f"cannot write {named}: {error.strerror}") from error


@contextmanager
def _opened(target: Target) -> Iterator[BinaryIO]:
    if target.file is None:
        # Not sys.stdout's own buffer: that is none under PYTHONUNBUFFERED, and then what the reader of a pipe
        # left behind is no error; and what it still holds after an error fails again when Python ends.
        with os.fdopen(sys.stdout.fileno(), "wb", closefd=False) as out:
            yield out
    elif is_plain(target.file):
        with _replacing(Path(os.path.realpath(target.file)), target) as out:
            yield out
    elif target.resume:
        raise ConfigurationError(f"{target.file} is no file that an export could go on in")
    else:
        with target.file.open("wb") as out:
            yield out


@contextmanager
def _replacing(file: Path, target: Target) -> Iterator[BinaryIO]:
    if file.exists() and not os.access(file, os.W_OK):
        raise ConfigurationError(f"cannot write {target.file}: Permission denied")
    path = file if target.resume and file.exists() else beside(file)
    with path.open("a+b") as out:
        _lock(out, path)
        if path != file and file.exists():
            shutil.copymode(file, path)
        if not target.resume:
            out.truncate(0)
        before = out.seek(0, os.SEEK_END)
        out.seek(0)
        try:
            yield out
        except BaseException as error:
            _give_up(out, before if isinstance(error, LedgerError) else None, path, file)
            raise
        out.flush()
        os.fsync(out.fileno())
        if path != file:
            path.replace(file)


def _lock(out: BinaryIO, path: Path) -> None:
    """Hold the file as long as it is open; whoever held it before may have given it its name meanwhile."""
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(out.fileno()), path.stat()):
            return
    raise ConfigurationError(f"another export is writing {path}")


def _give_up(out: BinaryIO, before: int | None, path: Path, file: Path) -> None:
    """Leave what can be resumed; after a refusal that is what was there before, and nothing is no file."""
    with suppress(OSError):  # there may be no room for what waits to be written: it counts as not written
        out.flush()
        size = out.seek(0, os.SEEK_END)
        if before is not None:
            out.truncate(min(before, size))
    if not path.stat().st_size and path != file:
        path.unlink()


def behind(pieces: Iterable[bytes], out: BinaryIO) -> Iterator[bytes]:
    """Give of what an export consists of all that goes behind what the file has, which is how it begins.

    Raises `ConfigurationError`, naming the line, when it does not.
    """
    lines = 1
    for piece in pieces:
        found = out.read(len(piece))
        if not piece.startswith(found):
            together = zip(piece, found, strict=False)
            differs = next(at for at, (ours, theirs) in enumerate(together) if ours != theirs)
            lines += found.count(b"\n", 0, differs)
            raise ConfigurationError(
                f"{out.name} is not how this export begins: line {lines} differs; nothing was changed in it"
            )
        lines += found.count(b"\n")
        yield piece[len(found) :]
    if out.read(1):
        raise ConfigurationError(
            f"{out.name} goes on where this export ends, in line {lines}; nothing was changed in it"
        )
