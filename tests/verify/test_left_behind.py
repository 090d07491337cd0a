"""What a verification or an audit that was killed left on the disk is removed by the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.api.command import run
from tests.log.posting import writer
from tests.log.test_importing import lines_of, told
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until

KILLED_VERIFYING = """
import os, signal, sys
from pathlib import Path
from ledger.verify import offline
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    offline._Lines.finish = killed
    offline.verify_file(Path(sys.argv[1]), processes=1)
"""

KILLED_AUDITING = """
import os, signal, sys
from pathlib import Path
from ledger_api.audit import folder
folder._write_report = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder.write_audit(sys.argv[1], folder.Wanted("main", None, ()), Path(sys.argv[2]))
"""


def killed(script: Path, program: str, *arguments: str | Path) -> None:
    script.write_text(program)
    ended = subprocess.run([sys.executable, script, *arguments], check=False, timeout=120)
    assert ended.returncode == -9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_shares_of_a_killed_verification_are_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, temporary = tmp_path / "log.ndjson", tmp_path / "temporary"
    log.write_bytes(b"".join(lines_of(told().events)))
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    killed(tmp_path / "script.py", KILLED_VERIFYING, log)
    (left,) = temporary.iterdir()
    assert names(left) == ["0"]
    ran = run("postgresql://nowhere.invalid/x", "verify", "--offline", log)
    assert ran.code == 0, ran.err
    assert names(temporary) == []


@pytest.mark.parametrize("there", [False, True])
def test_the_hidden_folder_of_a_killed_audit_is_removed_by_the_next(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    monkeypatch.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "key.pem"))
    with writer(database) as works, projecting(database):
        position = post_lives(works, "main", 2)
        until(lambda: folded(database, "main", position))
    place = tmp_path / "place"
    out = place / "audit"
    (out if there else place).mkdir(parents=True)
    killed(tmp_path / "script.py", KILLED_AUDITING, database, out)
    (left,) = (out if there else place).iterdir()
    assert names(left / "audit" / "reports") == []
    assert (left / "audit" / "log.ndjson").stat().st_size
    ran = run(database, "audit", "--book", "main", "--out", out)
    assert ran.code == 0, ran.err
    assert names(place) == ["audit"]
    assert "log.ndjson" in names(out)
    assert left.name not in names(out)
