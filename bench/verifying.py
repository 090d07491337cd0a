"""Verifying: how fast a book is verified with its read models, and what memory that takes as it grows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
from bench.deriving import HISTORY, fill
from bench.figures import Figure
from bench.memory import status, watched

from ledger.verify.book import verify_book
from ledger_projections.rebuilding import Rebuild

SHORT_EVENTS = 100_000
LEAVES_GOAL = 300_000
"""Leaves a second, on two cores."""
EVENTS_GOAL = 60_000
"""Events a second of everything: leaves, columns, invariants, and all read models built anew."""
MEMORY_GOAL = 1.1
"""What the largest process may take more of a long book than of a short one."""
_COMMAND = "import sys; from ledger_api.cli import main; sys.exit(main())"


class _Told(msgspec.Struct):
    """What the command says."""

    position: int
    passed: bool
    seconds: float


class _Verified(NamedTuple):
    """One verification: what it said, and the most that a process of it, and of the server, took (MB)."""

    told: _Told
    megabytes: float
    server_megabytes: float


def verifying(conninfo: str, events: int) -> list[Figure]:
    """Verify a billing history with the command, once when it is short and once when it is `events` long."""
    short, long = _verified(conninfo, SHORT_EVENTS), _verified(conninfo, max(events, SHORT_EVENTS))
    told = long.told
    # By itself: beside the building of read models its seconds would count that it waits for a core.
    leaves = next(check for check in verify_book(conninfo, HISTORY).checks if check.name == "leaves")
    leaves_rate = leaves.count / leaves.seconds * (os.cpu_count() or 1)
    rate = told.position / told.seconds
    at = f"at {told.position:,} events"
    return [
        Figure("leaves recomputed", leaves_rate, "leaves/s", "goal", leaves_rate / LEAVES_GOAL, 1),
        Figure("all of a book and its read models", rate, "events/s", "goal", rate / EVENTS_GOAL, 1),
        Figure(f"the largest process {at}", long.megabytes, "MB", f"at {short.told.position:,} events "
               f"{short.megabytes:,.0f} MB", short.megabytes / long.megabytes, 1 / MEMORY_GOAL),
        Figure(f"the server's largest process {at}, without its shared memory", long.server_megabytes, "MB",
               f"at {short.told.position:,} events {short.server_megabytes:,.0f} MB"),
    ]  # fmt: skip


def _verified(conninfo: str, events: int) -> _Verified:
    fill(conninfo, events)
    with Rebuild(conninfo) as rebuild:
        rebuild.run()
    with psycopg.connect(conninfo) as connection:
        postmaster = status(Path(f"/proc/{connection.info.backend_pid}"))["PPid"]
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "verify", "--book", HISTORY, "--json"],
        env={**os.environ, "DATABASE_URL": conninfo}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    own = str(process.pid)
    with (
        watched("VmHWM", lambda found: own in (found["Pid"], found["PPid"])) as client,
        watched("RssAnon", lambda found: found["PPid"] == postmaster) as server,
    ):
        told = msgspec.json.decode(process.stdout.read(), type=_Told)
        process.wait()
    assert told.passed
    return _Verified(told, client.megabytes, server.megabytes)
