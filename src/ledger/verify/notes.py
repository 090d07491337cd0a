"""Notes of a verification under way: what each piece of work found, so that an interrupted one goes on.

A file of lines of JSON. The first says what is verified, and as of which head; it is verified to the end as
of that head, however long that takes and whatever is appended meanwhile. When that is done the file goes, for
who verifies again wants all of it to be looked at again.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from ledger.errors import ConfigurationError

R = TypeVar("R")


class Subject(msgspec.Struct, frozen=True):
    """What is verified: a book up to a position, where its head had this frontier; from `since` on."""

    book: str
    position: int
    frontier: list[bytes]
    since: int = 0

    @property
    def values(self) -> dict[str, object]:
        """What queries about it take."""
        return {"book": self.book, "position": self.position}


_BEGINS = b'{"book":"'
"""How notes begin: what begins otherwise is somebody's file."""


class _Line(msgspec.Struct, frozen=True):
    work: str
    found: msgspec.Raw


class Notes:
    """Keeps what is found; without a path it keeps nothing."""

    def __init__(self, path: Path | None, subject: Subject) -> None:
        self.subject = subject
        self._path = path
        self._found: dict[str, bytes] = {}
        self._file = None
        if path is None:
            return
        try:
            whole = self._read(path, subject) if path.exists() else 0
            self._file = path.open("r+b" if whole else "wb")
            self._file.truncate(whole)
            self._file.seek(whole)
            if not whole:
                self._write(msgspec.json.encode(subject))
        except OSError as error:
            raise ConfigurationError(f"cannot keep notes in {path}: {error.strerror}") from error

    def __enter__(self) -> Notes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None or self._path is None:
            return
        if kind is None:
            self._file.truncate(0)  # also where the folder keeps the file
        self._file.close()
        if kind is None:
            with suppress(OSError):
                self._path.unlink()

    def found(self, work: str, type_: type[R]) -> R | None:
        """Give what an earlier run found in a piece of work, None when it did not come to it.

        What another version of the program found may be less than this one looks for: it is found anew.
        """
        raw = self._found.get(work)
        try:
            return None if raw is None else msgspec.json.decode(raw, type=type_)
        except msgspec.ValidationError:
            return None

    def keep(self, work: str, found: object) -> None:
        """Keep what was found."""
        if self._file is not None:
            self._write(msgspec.json.encode(_Line(work, msgspec.Raw(msgspec.json.encode(found)))))

    def _write(self, line: bytes) -> None:
        if self._file is not None:
            self._file.write(line + b"\n")
            self._file.flush()

    def _read(self, path: Path, subject: Subject) -> int:
        """Read the notes of an earlier run; tells how many bytes are whole lines."""
        raw = path.read_bytes()
        whole = raw.rfind(b"\n") + 1
        if not whole and (raw.startswith(_BEGINS) or _BEGINS.startswith(raw)):
            return 0  # interrupted before its first line was whole
        first, *lines = raw[:whole].splitlines() or [raw]
        try:
            self.subject = msgspec.json.decode(first, type=Subject)
            for line in lines:
                noted = msgspec.json.decode(line, type=_Line)
                self._found[noted.work] = bytes(noted.found)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path} holds no notes of a verification: {error}") from error
        if (self.subject.book, self.subject.since) != (subject.book, subject.since):
            raise ConfigurationError(
                f"{path} holds notes of {self.subject.book} since {self.subject.since}, "
                f"not of {subject.book} since {subject.since}"
            )
        return whole
