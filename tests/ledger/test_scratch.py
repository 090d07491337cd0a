"""A temporary folder goes with its process, or when the next one is made after it was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.scratch import scratch

HOLDING = """
import sys
from pathlib import Path
from ledger.scratch import scratch
with scratch("shares-", Path(sys.argv[1])) as folder:
    (folder / "1").write_text("something")
    print(folder, flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(folder: Path) -> None:
    with scratch("shares-", folder) as made:
        assert names(made) == []


def interrupted(parent: Path) -> None:
    with scratch("shares-", parent) as folder:
        (folder / "1").write_text("something")
        assert names(parent) == [folder.name]
        raise KeyboardInterrupt


def test_a_folder_goes_with_its_block(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path)
    assert names(tmp_path) == []


def test_a_folder_is_left_alone_while_its_process_lives_and_removed_when_it_was_killed(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        make(tmp_path)
        assert (held / "1").read_text() == "something"
        process.kill()
    assert names(tmp_path) == [held.name]
    make(tmp_path)
    assert names(tmp_path) == []


def test_what_is_called_otherwise_or_is_no_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "shares").mkdir()
    (tmp_path / "shares-file").write_text("somebody's")
    (tmp_path / "shares-link").symlink_to(tmp_path / "shares")
    before = names(tmp_path)
    make(tmp_path)
    assert names(tmp_path) == before
