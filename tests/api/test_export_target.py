"""A file has all of an export or what it had before; what an interruption left is gone on with."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.log.test_importing import BOOK, lines_of, told

from ledger.errors import ConfigurationError, IntegrityError, LedgerError
from ledger_api.files.formats import Format, Order, export_from_file
from ledger_api.files.tables import What
from ledger_api.files.target import Target, beside, opened

OLD, NEW = b"what was there\n", b"line 1\nline 2\n"
LINES = lines_of(told().events)
TEXTS: list[tuple[Format, What]] = [
    ("csv", "events"), ("csv", "postings"), ("hledger", "postings"), ("ledger", "postings"),
    ("beancount", "postings"),
]  # fmt: skip

KILLED = """
import os, signal, sys
from pathlib import Path
from ledger_api.files.target import Target, opened
with opened(Target(Path(sys.argv[1]), resume=sys.argv[2] == "resume")) as out:
    out.seek(0, 2)
    out.write(sys.argv[3].encode())
    out.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


FULL = """
import resource, signal, sys
from pathlib import Path
from ledger.errors import ConfigurationError
from ledger_api.files.target import Target, opened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with opened(Target(Path(sys.argv[1]))) as out:
        for _ in range(9):
            out.write(b"x" * 30_000)
except ConfigurationError as error:
    print(error)
"""


def killed(file: Path, how: str, writing: bytes) -> None:
    """Write to a file in a process that is killed before it has written all."""
    ended = subprocess.run([sys.executable, "-c", KILLED, file, how, writing.decode()], check=False)
    assert ended.returncode == -9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def written(file: Path, form: Format, what: What, lines: list[bytes] = LINES, *, resume: bool = False) -> str:
    order = Order(BOOK, 0, len(lines), form, what, "occurred")
    return export_from_file(lines, order, Target(file, resume), lambda _: None)


def test_a_killed_process_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(OLD)
    killed(file, "anew", b"line 1\nli")
    assert file.read_bytes() == OLD
    assert beside(file).read_bytes() == b"line 1\nli"
    with opened(Target(file)) as out:
        out.write(NEW)
        assert file.read_bytes() == OLD
    assert file.read_bytes() == NEW
    assert names(tmp_path) == ["file"]


def test_what_a_killed_process_left_is_resumed_where_there_was_no_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    killed(file, "anew", b"line 1\n")
    killed(file, "resume", b"li")
    assert names(tmp_path) == ["file.partial"]
    with opened(Target(file, resume=True)) as out:
        assert out.read() == b"line 1\nli"
        out.write(b"ne 2\n")
    assert file.read_bytes() == NEW
    assert names(tmp_path) == ["file"]


def test_a_file_that_is_resumed_loses_nothing_when_the_process_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(OLD)
    killed(file, "resume", b"mo")
    assert file.read_bytes() == OLD + b"mo"


def refused_on_the_way(target: Target) -> None:
    with opened(target) as out:
        out.seek(0, os.SEEK_END)
        out.write(NEW * 100_000)
        raise LedgerError("no")


def test_where_there_is_no_room_the_file_is_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(OLD)
    ended = subprocess.run([sys.executable, "-c", FULL, file], check=True, capture_output=True, text=True)
    assert ended.stdout == f"cannot write {file}: File too large\n"
    assert file.read_bytes() == OLD
    with opened(Target(file)) as out:
        out.write(NEW)
    assert file.read_bytes() == NEW
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("old", [OLD, None])
def test_a_refusal_on_the_way_changes_nothing(tmp_path: Path, *, resume: bool, old: bytes | None) -> None:
    file = tmp_path / "file"
    if old is not None:
        file.write_bytes(old)
    before = names(tmp_path)
    with pytest.raises(LedgerError, match="no"):
        refused_on_the_way(Target(file, resume))
    assert names(tmp_path) == before
    assert old is None or file.read_bytes() == old


def test_two_exports_do_not_write_one_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with opened(Target(file)) as out:
        out.write(NEW)
        for resume in (False, True):
            with pytest.raises(ConfigurationError, match="another export is writing"):
                opened(Target(file, resume)).__enter__()
    assert file.read_bytes() == NEW


def test_a_link_stays_one_and_a_file_keeps_who_may_read_it(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(OLD)
    file.chmod(0o600)
    link.symlink_to(file)
    with opened(Target(link)) as out:
        assert stat.S_IMODE(beside(file).stat().st_mode) == 0o600
        out.write(NEW)
    assert link.is_symlink()
    assert file.read_bytes() == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    sha256 = written(pipe, "csv", "events")
    reader.join(60)
    assert hashlib.sha256(read[0]).hexdigest() == sha256
    assert names(tmp_path) == ["pipe"]
    with pytest.raises(ConfigurationError, match="no file that an export could go on in"):
        written(pipe, "csv", "events", resume=True)


def test_a_folder_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        written(tmp_path, "csv", "events")


@pytest.mark.parametrize(("form", "what"), TEXTS)
def test_a_text_is_resumed_wherever_it_was_cut(tmp_path: Path, form: Format, what: What) -> None:
    file = tmp_path / "file"
    sha256 = written(file, form, what)
    whole = file.read_bytes()
    assert hashlib.sha256(whole).hexdigest() == sha256
    for cut in (0, 1, *range(7, len(whole), 61), len(whole) - 1, len(whole)):
        file.write_bytes(whole[:cut])
        assert written(file, form, what, resume=True) == sha256
        assert file.read_bytes() == whole
        file.unlink()
        beside(file).write_bytes(whole[:cut])
        assert written(file, form, what, resume=True) == sha256
        assert file.read_bytes() == whole
        assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(("form", "what"), TEXTS)
def test_what_is_not_how_it_begins_is_not_gone_on_with(tmp_path: Path, form: Format, what: What) -> None:
    file = tmp_path / "file"
    written(file, form, what)
    whole = file.read_bytes()
    for cut, line in ((0, 1), (3, 1), (whole.index(b"\n") + 1, 2), (len(whole) - 1, whole.count(b"\n"))):
        other = whole[:cut] + bytes([whole[cut] ^ 1])
        for content in (other, other + whole[cut + 1 :]):
            file.write_bytes(content)
            with pytest.raises(ConfigurationError, match=f"not how this export begins: line {line} differs"):
                written(file, form, what, resume=True)
            assert file.read_bytes() == content
    file.write_bytes(whole + b"more")
    with pytest.raises(ConfigurationError, match="goes on where this export ends, in line"):
        written(file, form, what, resume=True)
    assert file.read_bytes() == whole + b"more"
    assert names(tmp_path) == ["file"]


def test_a_log_that_breaks_off_leaves_what_was_to_be_resumed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    written(file, "csv", "events", LINES[:3])
    before = file.read_bytes()
    with pytest.raises(IntegrityError, match="line 7 has no end"):
        written(file, "csv", "events", [*LINES[:6], LINES[6][:-5]], resume=True)
    assert file.read_bytes() == before


def test_a_table_grows_with_its_log(tmp_path: Path) -> None:
    file, again = tmp_path / "file", tmp_path / "again"
    written(file, "csv", "events", LINES[:3])
    assert written(file, "csv", "events", resume=True) == written(again, "csv", "events")
    assert file.read_bytes() == again.read_bytes()


def test_parquet_is_the_same_bytes_each_time_and_is_made_anew_without_resume(tmp_path: Path) -> None:
    file = tmp_path / "file.parquet"
    first = written(file, "parquet", "events")
    file.write_bytes(OLD * 1000)
    leftover = tmp_path / "file.parquet.partial.rows"
    leftover.mkdir()
    (leftover / "rows.csv").write_bytes(OLD)
    assert written(file, "parquet", "events") == first
    assert hashlib.sha256(file.read_bytes()).hexdigest() == first
    assert names(tmp_path) == ["file.parquet"]
