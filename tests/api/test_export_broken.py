"""An export that breaks off in mid-stream ends, says why, and with the exit code that stands for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.command import START, run
from tests.conftest import Fresh
from tests.tlog.test_signing import BOOK, as_superuser, fill

from ledger_api.files.formats import JOURNALS
from ledger_projections.rebuilding import Rebuild

EVENTS = 10_000
"""So many that most are still to come, and fit into no buffer on the way, when something breaks off."""
FORMS = ("csv", *sorted(JOURNALS))


@pytest.fixture(scope="module")
def folded(fresh_database: Fresh) -> Iterator[str]:
    """Give a database with a folded book in which one currency was changed since: the bytes alone say so."""
    with fresh_database() as database:
        fill(database, EVENTS)
        with Rebuild(database) as rebuild:
            rebuild.run()
        yield database


@pytest.fixture(scope="module")
def damaged(folded: str) -> str:
    as_superuser(
        folded,
        "UPDATE ledger.event SET state = overlay(state placing '\"CUR\"'::bytea"
        " from position('\"EUR\"'::bytea in state)) WHERE position = 1000",
    )
    return folded


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", ["ndjson", *FORMS])
def test_an_export_ends_when_nobody_reads_it_any_more(folded: str, form: str, unbuffered: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, "export", "--book", BOOK, "--format", form],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": folded, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    try:
        said = process.communicate(timeout=60)[1].decode()
    finally:
        process.kill()
    assert process.returncode == 4, said
    assert said.endswith("billing-ledger: cannot write standard output: Broken pipe\n")


@pytest.mark.parametrize("form", ["ndjson", *FORMS])
def test_an_export_ends_when_there_is_no_room(folded: str, form: str) -> None:
    ran = run(folded, "export", "--book", BOOK, "--format", form, "/dev/full")
    assert ran.code == 4, ran.err
    assert ran.err.endswith("billing-ledger: cannot write /dev/full: No space left on device\n")


@pytest.mark.parametrize("form", FORMS)
def test_an_export_of_a_changed_event_ends_and_names_it(damaged: str, tmp_path: Path, form: str) -> None:
    for target in ((), (tmp_path / "file",)):
        ran = run(damaged, "export", "--book", BOOK, "--format", form, *target)
        assert ran.code == 5, ran.err
        assert "position 1000" in ran.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
