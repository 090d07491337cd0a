"""A body of 200 MB leaves no trace in memory, whether it is taken or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.live import NDJSON, SINGLE, Caller, Live, open_book, problem, serving, write
from tests.ledger.asks import charge

MEGABYTE = 1_000_000
BODY_BYTES = 200 * MEGABYTE
GROWTH_BYTES_MAX = 40 * MEGABYTE


@pytest.fixture(scope="module")
def caller(live: Live) -> Iterator[Caller]:
    """Serve in a process whose memory no other test has used."""
    with serving(live.database) as service:
        caller = open_book(service, service.client(service.key()[1]))
        caller.tell(("customer.opened", {"currency": "EUR"}))
        caller.post(b"\n".join(write(charge(f"warm-{number}", 1)) for number in range(500)), NDJSON)
        yield caller


def memory_bytes_max(live: Live) -> int:
    """The most memory that the service ever had, in bytes."""
    status = Path(f"/proc/{live.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def lines(count: int) -> Iterator[bytes]:
    """As many messages as it takes, each made long by the white space that JSON allows."""
    padding = b" " * (BODY_BYTES // count - 200)
    for number in range(count):
        message = write(charge(f"c{number}", 1))
        yield b"%b%b}\n" % (message[:-1], padding)


def test_a_bulk_load_is_taken_and_never_held(caller: Caller) -> None:
    before = memory_bytes_max(caller.live)
    answer = caller.client.post(f"{caller.at}/events", content=lines(2_000), headers={"content-type": NDJSON})
    assert answer.content.count(b'"recorded"') == 2_000
    assert memory_bytes_max(caller.live) - before < GROWTH_BYTES_MAX


@pytest.mark.parametrize("announced", [True, False])
def test_a_message_that_is_far_too_long_is_refused_and_never_held(caller: Caller, *, announced: bool) -> None:
    head, before = caller.head, memory_bytes_max(caller.live)
    pieces = (b" " * MEGABYTE for _ in range(BODY_BYTES // MEGABYTE))
    length = {"content-length": str(BODY_BYTES)} if announced else {}
    answer = caller.client.post(
        f"{caller.at}/events", content=pieces, headers={"content-type": SINGLE, **length}
    )
    assert problem(answer) == (413, "body_too_large")
    assert memory_bytes_max(caller.live) - before < GROWTH_BYTES_MAX
    assert caller.head == head
