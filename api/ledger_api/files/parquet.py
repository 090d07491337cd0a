"""A table as Parquet, which has its contents listed at its end: made in parts, then put together.

Half a Parquet file is of no use, so an export that was interrupted cannot go on in one. It goes on behind the
parts that it left: each has the rows of some megabytes of the log, and is named by the hash of the bytes that
it was made from and by its own. One that this log, this order or this version would not make again is not
found under its name and is made anew, so resumed or not, the same parts are put together.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import EIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ledger import __version__
from ledger.entries import Journal
from ledger.errors import ConfigurationError, LedgerError
from ledger_api.files.tables import COLUMNS, Stored, What, rows_of, table_of

if TYPE_CHECKING:
    import duckdb

_PART_BYTES = 1 << 22
"""Stored bytes of which the rows are one part."""
_MEMORY = "512MB"
"""What DuckDB may take of memory; with one thread it needs a quarter of it, whatever the number of rows."""
_LINE_BYTES_MAX = 1 << 24
"""The longest line that DuckDB reads: an invoice of many lines is one."""
_AS_PARQUET = "TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536, USE_TMP_FILE false)"
_MAKE = f"""
COPY (FROM read_csv($file, columns = $columns, header = true, auto_detect = false, delim = ',', quote = '"',
    escape = '"', max_line_size = $line, buffer_size = $buffer)) {_AS_PARQUET}
"""
_PUT_TOGETHER = f"COPY (FROM read_parquet($parts)) {_AS_PARQUET}"


class Table(NamedTuple):
    """Rows of what, of the events behind a position."""

    what: What
    after: int


def write_parquet(path: Path, table: Table, events: Iterable[Stored], *, resume: bool) -> None:
    """Write a table as Parquet, in memory that does not grow with it.

    The parts lie in a folder beside it until they are put together; what an earlier run left there is gone on
    with to resume, and removed otherwise. Raises `ConfigurationError` when the extra `export` is not
    installed, and `OSError` when something cannot be written.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet needs the extra: pip install 'billing-ledger[export]'") from error
    with _folder(path.with_name(f"{path.name}.rows"), resume=resume) as folder:
        limits: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": str(folder), "memory_limit": _MEMORY, "threads": 1
        }  # fmt: skip
        with duckdb.connect(config=limits) as database:
            origin = f"billing-ledger {__version__}, duckdb {duckdb.__version__}"
            try:
                parts = [str(part) for part in _parts(database, folder, origin, table, events)]
                database.execute(_PUT_TOGETHER.format(target=_quoted(path)), {"parts": parts})
            except duckdb.Error as error:
                raise OSError(EIO, f"DuckDB says: {error}") from error


@contextmanager
def _folder(path: Path, *, resume: bool) -> Iterator[Path]:
    """Keep a folder for whoever resumes, unless all is done, or was refused and would be again."""
    if not resume:
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(exist_ok=True)
    try:
        yield path
    except LedgerError:
        shutil.rmtree(path, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)


def _parts(
    database: duckdb.DuckDBPyConnection, folder: Path, origin: str, table: Table, events: Iterable[Stored]
) -> Iterator[Path]:
    """Give the parts in their order, each made if it is not there."""
    left = {part.stem: part for part in folder.glob("*.*")}
    passing = _Passing(f"{origin}, {table.what} behind {table.after}", events)
    journal = Journal()
    while not passing.ended:
        few: Iterable[Stored] = passing.few()
        part = None
        if left:  # only then they wait in memory until all have passed, and what they make has a name
            few = list(few)
            part = left.pop(passing.name, None)
        if part is not None and part.name == f"{passing.name}.{_hash(part)}":
            for event, _ in few:
                journal.learn(event)
        else:
            with (folder / "rows").open("w", encoding="utf-8", newline="") as out:
                out.writelines(table_of(table.what, rows_of(table.what, few, table.after, journal)))
            part = _made(database, folder, passing.name, table.what)
        yield part


class _Passing:
    """Events as they pass, so many at a time as become a part, and the hash of all that passed."""

    def __init__(self, origin: str, events: Iterable[Stored]) -> None:
        self._events = iter(events)
        self._hash = hashlib.sha256(origin.encode())
        self.ended = False
        """Whether all have passed; the last time there may be none to pass."""

    @property
    def name(self) -> str:
        """The hash (hex) of where they are from, and of the bytes that passed and how they were parted."""
        return self._hash.hexdigest()

    def few(self) -> Iterator[Stored]:
        """Let the next ones pass."""
        size = 0
        self._hash.update(b"\n")
        for each in self._events:
            self._hash.update(each.state + b"\n")
            size += len(each.state)
            yield each
            if size >= _PART_BYTES:
                return
        self.ended = True


def _made(database: duckdb.DuckDBPyConnection, folder: Path, name: str, what: What) -> Path:
    """Make a part out of its rows; it has its name when all of it is on the disk."""
    unnamed = folder / "part"
    values = {
        "file": str(folder / "rows"), "columns": COLUMNS[what],
        "line": _LINE_BYTES_MAX, "buffer": 2 * _LINE_BYTES_MAX,
    }  # fmt: skip
    database.execute(_MAKE.format(target=_quoted(unnamed)), values)
    with unnamed.open("rb") as written:
        os.fsync(written.fileno())
    return unnamed.rename(folder / f"{name}.{_hash(unnamed)}")


def _hash(part: Path) -> str:
    with part.open("rb") as bytes_:
        return hashlib.file_digest(bytes_, "sha256").hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
