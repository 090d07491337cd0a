"""A clean book of a million events is verified without a false alarm, in the memory of a short one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from bench.memory import watched
from tests.api.command import START
from tests.log.posting import writer
from tests.projections.histories import post_lives

from ledger_projections.readmodel import READ_MODELS
from ledger_projections.rebuilding import Rebuild

BOOK = "main"
SHORT_EVENTS, LONG_EVENTS = 100_000, 1_000_000
LIVES_AT_ONCE = 500
MEMORY_MORE_MAX = 1.15
"""How much more the largest process may take of the long book: ten times as many events, and no more."""


@pytest.mark.soak
def test_a_clean_book_of_a_million_events_raises_no_alarm(database: str) -> None:
    customers, megabytes = 0, []
    for events in (SHORT_EVENTS, LONG_EVENTS):
        position = 0
        with writer(database) as works:
            while position < events:
                position = post_lives(works, BOOK, LIVES_AT_ONCE, customers + 1)
                customers += LIVES_AT_ONCE
        with Rebuild(database) as rebuild:
            rebuild.run()
        told, peak = verified(database)
        assert (told["passed"], told["position"]) == (True, position)
        compared = {check["name"]: check["compared"] for check in told["checks"]}
        wholly = f"each row with those that the events up to {position} come to"
        assert [compared[model.name] for model in READ_MODELS] == [wholly] * len(READ_MODELS)
        megabytes.append(peak)
        print(f"{position:,} events of {customers:,} customers in {told['seconds']:.1f} s, {peak:.0f} MB")
    assert megabytes[1] < MEMORY_MORE_MAX * megabytes[0]


def verified(database: str) -> tuple[dict[str, Any], float]:
    """Verify with the command; gives what it said, and the most that one of its processes took, in MB."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, "verify", "--book", BOOK, "--json"],
        env={**os.environ, "DATABASE_URL": database}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    own = str(process.pid)
    with watched("VmHWM", lambda found: own in (found["Pid"], found["PPid"])) as peak:
        told = json.loads(process.stdout.read())
        process.wait()
    return told, peak.megabytes
