"""A Parquet export that was killed goes on behind its parts, and only behind those of this log."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from msgspec import structs
from tests.api.test_export_target import LINES, OLD, names, written
from tests.log.test_importing import BOOK, lines_of, told

from ledger.errors import ConfigurationError, IntegrityError
from ledger_api.files import parquet
from ledger_api.files.formats import Order, export_from_file
from ledger_api.files.tables import What
from ledger_api.files.target import Target

KILLED = """
import os, signal, sys
from pathlib import Path
from ledger_api.files import parquet
from ledger_api.files.formats import Order, export_from_file
from ledger_api.files.target import Target
book, what, log, file, at = sys.argv[1:]
parquet._PART_BYTES = 1
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def lines():
    for number, line in enumerate(Path(log).read_bytes().splitlines(keepends=True)):
        if str(number) == at:
            kill()
        yield line
if at == "making a part":
    parquet._hash = lambda _: kill()
if at == "putting together":
    parquet._PUT_TOGETHER = "COPY (SELECT 1 AS x) TO '{target}' (FORMAT parquet, USE_TMP_FILE false)"
    parts = parquet._parts
    def parts_then_kill(*given):
        yield from parts(*given)
        Path(file + ".partial").write_bytes(b"PAR1 half of it")
        kill()
    parquet._parts = parts_then_kill
if at == "before its name":
    os.fsync = lambda to, fsync=os.fsync: kill() if os.fstat(to).st_ino == whole() else fsync(to)
    def whole():
        return os.stat(file + ".partial").st_ino
order = Order(book, 0, 10**9, "parquet", what, "occurred")
export_from_file(lines(), order, Target(Path(file), resume=True), lambda _: None)
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each event a part."""
    monkeypatch.setattr(parquet, "_PART_BYTES", 1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("log") / "log.ndjson"
    file.write_bytes(b"".join(LINES))
    return file


def killed(log: Path, file: Path, what: What, at: str) -> None:
    """Resume an export in a process that is killed at some place."""
    ended = subprocess.run([sys.executable, "-c", KILLED, BOOK, what, log, file, at], check=False)
    assert ended.returncode == -9


def parts(file: Path) -> dict[str, tuple[int, int]]:
    """Find the parts beside a file, and when and as which file each was written."""
    folder = file.with_name(f"{file.name}.partial.rows")
    found = {each.name: each.stat() for each in folder.iterdir() if "." in each.name}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


def undisturbed(folder: Path, what: What, lines: list[bytes] = LINES) -> str:
    return written(folder / "undisturbed", "parquet", what, lines)


def rows(file: Path) -> list[tuple[object, ...]]:
    return duckdb.read_parquet(str(file)).fetchall()


@pytest.mark.parametrize("what", ["events", "postings"])
def test_a_killed_export_goes_on_behind_its_parts_wherever_it_was_killed(
    tmp_path: Path, log: Path, what: What
) -> None:
    file, sha256 = tmp_path / "file", undisturbed(tmp_path, what)
    file.write_bytes(OLD)
    before: dict[str, tuple[int, int]] = {}
    for number in range(1, len(LINES)):
        killed(log, file, what, str(number))
        after = parts(file)
        assert len(after) == number
        assert before.items() <= after.items()
        assert file.read_bytes() == OLD
        before = after
    for at in ("making a part", "putting together", "before its name"):
        killed(log, file, what, at)
        assert file.read_bytes() == OLD
    assert written(file, "parquet", what, resume=True) == sha256
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    assert names(tmp_path) == ["file", "undisturbed"]


@pytest.mark.parametrize("what", ["events", "postings"])
def test_a_part_that_was_changed_or_cut_or_is_of_another_place_is_made_anew(
    tmp_path: Path, log: Path, what: What
) -> None:
    file, sha256 = tmp_path / "file", undisturbed(tmp_path, what)
    killed(log, file, what, "6")
    folder = tmp_path / "file.partial.rows"
    first, second, third, fourth, *_ = [folder / name for name in sorted(parts(file))]
    raw = first.read_bytes()
    first.write_bytes(raw.replace(b"PAR1", b"PAR2", 1))
    second.write_bytes(second.read_bytes()[:-1])
    third.write_bytes(b"")
    fourth.write_bytes(raw)
    assert written(file, "parquet", what, resume=True) == sha256
    assert names(tmp_path) == ["file", "undisturbed"]


def other_log() -> list[bytes]:
    """Give a log of the same book and as many events, of which the fifth has another id."""
    events = told().events
    return lines_of([*events[:4], structs.replace(events[4], id="other"), *events[5:]])


@pytest.mark.parametrize("what", ["events", "postings"])
def test_parts_of_another_log_or_order_are_not_gone_on_with(tmp_path: Path, log: Path, what: What) -> None:
    file, lines = tmp_path / "file", other_log()
    sha256 = undisturbed(tmp_path, what, lines)
    killed(log, file, what, "6")
    assert written(file, "parquet", what, lines, resume=True) == sha256
    turned: What = "postings" if what == "events" else "events"
    killed(log, file, turned, "6")
    assert written(file, "parquet", what, lines, resume=True) == sha256
    assert names(tmp_path) == ["file", "undisturbed"]


def test_parts_of_another_version_are_not_gone_on_with(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    killed(log, file, "events", "6")
    before = parts(file)
    monkeypatch.setattr(parquet, "__version__", "another")
    killed_later = _interrupted(iter(LINES))
    with pytest.raises(KeyboardInterrupt):
        export_from_file(killed_later, _order(0, 7), Target(file, resume=True), lambda _: None)
    assert before.items() <= parts(file).items()
    assert len(parts(file)) == 12


def _interrupted(lines: Iterator[bytes]) -> Iterator[bytes]:
    for _ in range(6):
        yield next(lines)
    raise KeyboardInterrupt


def _order(after: int, upto: int, what: What = "events") -> Order:
    return Order(BOOK, after, upto, "parquet", what, "occurred")


@pytest.mark.parametrize("what", ["events", "postings"])
@pytest.mark.parametrize(("after", "upto"), [(0, 7), (2, 6), (7, 7)])
def test_the_rows_are_the_same_in_however_many_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: What, after: int, upto: int
) -> None:
    file = tmp_path / "file"

    def export() -> list[tuple[object, ...]]:
        export_from_file(iter(LINES), _order(after, upto, what), Target(file), lambda _: None)
        return rows(file)

    many = export()
    monkeypatch.setattr(parquet, "_PART_BYTES", 1 << 22)
    assert export() == many
    assert {row[0] for row in many} <= set(range(after + 1, upto + 1))
    if what == "events":
        assert [row[0] for row in many] == list(range(after + 1, upto + 1))


def test_what_a_full_disk_left_is_gone_on_with_and_what_a_refusal_left_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    with monkeypatch.context() as patched:
        patched.setattr(parquet, "_PUT_TOGETHER", "COPY (SELECT error('no room'), $parts) TO '{target}'")
        with pytest.raises(ConfigurationError, match=r"(?s)cannot write .*file: DuckDB says: .*no room"):
            written(file, "parquet", "events")
    assert len(parts(file)) == len(LINES) + 1
    with pytest.raises(IntegrityError, match="line 7 has no end"):
        written(file, "parquet", "events", [*LINES[:6], LINES[6][:-5]], resume=True)
    assert names(tmp_path) == []
