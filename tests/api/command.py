"""The command as a person runs it: a process of its own, on a database of the test's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

START = "import sys; from ledger_api.cli import main; sys.exit(main())"


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: bytes
    err: str


def run(database: str, *arguments: str | Path, given: bytes = b"", program: Path | None = None) -> Ran:
    """Run one command (or another Python program) to its end."""
    command = [sys.executable, "-c", START] if program is None else [sys.executable, str(program)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    ended = subprocess.run(
        [*command, *map(str, arguments)],
        input=given,
        capture_output=True,
        env={**kept, "DATABASE_URL": database},
        check=False,
        timeout=300,
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr.decode())
