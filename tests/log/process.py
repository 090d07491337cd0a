"""A writer in a process of its own, to be killed: posts charges in some order and says what it is told.

`python -m tests.log.process CONNINFO SEED LAST` posts the charges 1 to LAST, some of them twice, and prints a
line for each answer: key, status, position.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from tests.log.posting import BOOK, chance_of, charge, message, writer

from ledger.log.outcome import Outcome, Receipt

CUSTOMERS = ("alice", "bob", "carol")
_AHEAD = 20
"""Requests under way at a time."""


class Told(NamedTuple):
    """One answer."""

    key: str
    status: str
    position: int


def start(conninfo: str, seed: int, last: int) -> subprocess.Popen[bytes]:
    """Start it."""
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name if __spec__ else "", conninfo, str(seed), str(last)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def told(output: bytes) -> list[Told]:
    """Read what it said; a line that a kill cut off says nothing."""
    lines = [line.split() for line in output.decode().splitlines(keepends=True) if line.endswith("\n")]
    return [Told(key, status, int(position)) for key, status, position in lines]


def main(conninfo: str, seed: int, last: int) -> None:
    """Post, three messages a request, and say each answer as soon as it is there."""
    chance = chance_of(seed)
    numbers = [*range(1, last + 1), *chance.sample(range(1, last + 1), last // 3)]
    chance.shuffle(numbers)
    waiting: deque[tuple[list[int], Future[list[Outcome]]]] = deque()
    with writer(conninfo) as works:
        while numbers or waiting:
            if numbers and len(waiting) < _AHEAD:
                some, numbers = numbers[:3], numbers[3:]
                posted = [message(charge(f"c{n}"), f"k{n}", CUSTOMERS[n % 3]) for n in some]
                waiting.append((some, works.submit(BOOK, posted)))
                continue
            asked, answer = waiting.popleft()
            for number, outcome in zip(asked, answer.result(60), strict=True):
                assert isinstance(outcome, Receipt), outcome
                print(f"k{number} {outcome.status} {outcome.position}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
