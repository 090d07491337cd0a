"""An exported log, verified without any database: all that its bytes say of themselves.

The file is read once for its leaves and the tree over them, the form of each line, positions and numbers. On
the way the customers are shared out over temporary files, of which each is then folded and held to the
invariants by itself; so memory does not grow with the log.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from zlib import crc32

import msgspec

from ledger.decider import UNREADABLE, read_event
from ledger.errors import ConfigurationError
from ledger.event import Event, encode_canonical
from ledger.log import merkle
from ledger.log.states import NUMBERED
from ledger.scratch import scratch
from ledger.tlog.checkpoint import Checkpoint
from ledger.verify.book import Report
from ledger.verify.checkpoints import check_outside
from ledger.verify.findings import Finding, Part, check, part
from ledger.verify.leaves import RANGE_EVENTS, Leaves, Tree, subtree
from ledger.verify.numbers import Taken, Taking, put_together
from ledger.verify.passes import pool
from ledger.verify.rules import NAMES, Held
from ledger.verify.times import AHEAD_MAX, Order, ahead

SHARES = "billing-ledger-verify-"
"""How the names of temporary folders begin."""
SHARE_BYTES = 64 << 20
"""Bytes of customers' histories that are sorted at once."""
_NUMBERED = tuple(b'"type":"%b"' % type_.encode() for type_ in NUMBERED)


class _Subject(msgspec.Struct, frozen=True):
    subject: str | None = None


_SUBJECT = msgspec.json.Decoder(_Subject)


def verify_file(
    path: Path,
    outside: Sequence[Checkpoint] = (),
    *,
    processes: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Report:
    """Verify an export that begins with position 1; `outside` are checkpoints that were kept elsewhere.

    Raises `ConfigurationError` when the file cannot be read, or there is nothing in it.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    sizes = sorted({each.size for each in outside})
    try:
        if path.stat().st_size == 0:
            raise ConfigurationError(f"{path} is empty: of no event nothing can be verified")
        with ExitStack() as stack:
            folder = stack.enter_context(scratch(SHARES))
            made = stack.enter_context(pool(processes))
            shares = [folder / str(number) for number in range(1 + path.stat().st_size // SHARE_BYTES)]
            lines = _Lines(advance)
            for after, begins in _share_out(path, shares):
                lines.await_range(made.submit(check_lines, path, begins, after, sizes, now))
            holding = [made.submit(hold_share, share) for share in shares]
            lines.finish()
            read = time.monotonic() - began
            held = [job.result() for job in holding]
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    spent = time.monotonic() - began - read
    return Report(
        book_of(path) or path.name, lines.tree.size, merkle.root(lines.tree.frontier), [
            check("lines", "each line with the canonical form of its event, its position with its place, "
                  "its time with the one before it and the clock", "events", read,
                  [*lines.parts, part(0, lines.order.findings)]),
            check_outside(outside, lines.tree),
            check("streams", "versions with their order in the log", "events", 0, [each for _, each in held]),
            check("numbers", "numbers of invoices and credit notes with their series", "numbers", 0,
                  [put_together(lines.numbers)]),
            check("invariants", f"every customer with {', '.join(NAMES)}", "events", spent,
                  [each for each, _ in held]),
        ],
    )  # fmt: skip


class _Lines:
    """What the ranges of lines show, put together in their order."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._awaited = deque[Future[Leaves]]()
        self.tree = Tree()
        self.order = Order()
        self.parts: list[Part] = []
        self.numbers: list[Taken] = []

    def await_range(self, job: Future[Leaves]) -> None:
        """Take what is found of the next range when it is there."""
        self._awaited.append(job)
        while self._awaited and self._awaited[0].done():
            self._take(self._awaited.popleft().result())

    def finish(self) -> None:
        """Wait for all ranges."""
        while self._awaited:
            self._take(self._awaited.popleft().result())

    def _take(self, found: Leaves) -> None:
        self.tree.add(found)
        self.order.add(found.recorded)
        self.parts.append(found.part)
        self.numbers.append(found.numbers)
        self._advance(found.part.count)


def check_lines(path: Path, begins: int, after: int, sizes: Sequence[int], now: datetime) -> Leaves:
    """Recompute the leaves of a range of lines that stand behind position `after`, and read each."""
    findings: list[Finding] = []
    leaves: list[bytes] = []
    taking = Taking()
    order = Order()
    book: str | None = None
    with path.open("rb") as file:
        file.seek(begins)
        for position, whole in enumerate(islice(file, RANGE_EVENTS), start=after + 1):
            line = whole.rstrip(b"\n")
            leaves.append(sha256(b"\x00" + line).digest())
            try:
                event = read_event(line)
            except UNREADABLE as error:
                findings.append(Finding(f"line {position} is no event: {error}", position))
                if any(mark in line for mark in _NUMBERED):
                    taking.take(line)
                continue
            if event.position != position:
                findings.append(Finding(f"line {position} holds position {event.position}", position))
            if encode_canonical(event) != line:
                findings.append(Finding(f"line {position} is not as it would be recorded", position))
            if book not in (None, event.book):
                findings.append(Finding(f"line {position} is of book {event.book}, not {book}", position))
            book = event.book
            order.take(position, event.recordedtime)
            if event.recordedtime > now + AHEAD_MAX:
                findings.append(ahead(position, event.recordedtime, now))
            if event.type in NUMBERED:
                taking.take(line)
    found = part(len(leaves), [*findings, *order.findings])
    return subtree(after, leaves, found, taking.finish(), order.finish(), sizes)


def _share_out(path: Path, shares: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """Write each customer's events into one of the shares, in order.

    Gives on the way after how many lines each range of them begins, and at which byte.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(share.open("wb")) for share in shares]
        begins = 0
        for after, line in enumerate(stack.enter_context(path.open("rb"))):
            if after % RANGE_EVENTS == 0:
                yield after, begins
            begins += len(line)
            subject = _subject(line)
            if subject is not None:
                files[crc32(subject.encode()) % len(files)].write(line)


def _subject(line: bytes) -> str | None:
    try:
        return _SUBJECT.decode(line).subject
    except UNREADABLE:
        return None  # what is no event is said where it is read


def hold_share(path: Path) -> tuple[Part, Part]:
    """Fold the customers of a share one after the other: what the invariants say, and the versions."""
    histories: dict[str, list[bytes]] = {}
    with path.open("rb") as share:
        for line in share:
            histories.setdefault(_subject(line) or "", []).append(line.rstrip(b"\n"))
    held, broken = Held(), list[Finding]()
    for lines in histories.values():
        held.take(_in_order(lines, broken))
    return part(held.count, held.findings), part(held.count, broken)


def _in_order(lines: Iterable[bytes], broken: list[Finding]) -> Iterator[Event]:
    """Read the events of one customer, and hold their versions to their order."""
    version = 0
    for line in lines:
        try:
            event = read_event(line)
        except UNREADABLE:
            continue  # said where it is read first
        version += 1
        if event.version != version:
            said = f"stream {event.stream} has version {event.version} where {version} is due"
            broken.append(Finding(said, event.position))
            version = event.version
        yield event


def book_of(path: Path) -> str | None:
    """Read whose log an export is; None when its first line does not say."""
    with path.open("rb") as file:
        try:
            return read_event(file.readline().rstrip(b"\n")).book
        except UNREADABLE:
            return None
