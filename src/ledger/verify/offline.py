"""An exported log, verified without any database: all that its bytes say of themselves.

The file is read once for its leaves and the tree over them, the form of each line, positions and numbers. On
the way the customers are shared out over temporary files, of which each is then folded and held to the
invariants by itself; so memory does not grow with the log.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import msgspec

from ledger.decider import UNREADABLE, read_event
from ledger.errors import ConfigurationError
from ledger.event import encode_canonical
from ledger.log import merkle
from ledger.tlog.checkpoint import Checkpoint
from ledger.verify.book import Report, check_outside
from ledger.verify.findings import Finding, Part, check, part
from ledger.verify.leaves import RANGE_EVENTS, Leaves, Tree, subtree
from ledger.verify.passes import pool
from ledger.verify.rules import NAMES, Held, check_series

SHARE_BYTES = 64 << 20
"""Bytes of customers' histories that are sorted at once."""
RANGES_AT_ONCE = 3
"""Ranges of lines that are held at a time."""
_NUMBERED = (b'"type":"invoice.issued"', b'"type":"credit_note.issued"')


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

    Raises `ConfigurationError` when the file cannot be read.
    """
    began = time.monotonic()
    sizes = sorted({each.size for each in outside})
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            shares: list[BinaryIO] = [
                stack.enter_context(tempfile.TemporaryFile())
                for _ in range(1 + path.stat().st_size // SHARE_BYTES)
            ]
            made = stack.enter_context(pool(processes))
            tree, parts = Tree(), []
            waiting: list[Future[Leaves]] = []
            for after, lines in _ranges(file):
                waiting.append(made.submit(check_lines, lines, after, sizes))
                _share_out(lines, shares)
                if len(waiting) == RANGES_AT_ONCE:
                    parts.append(_take(waiting.pop(0), tree, advance))
            parts += [_take(job, tree, advance) for job in waiting]
            read = time.monotonic() - began
            numbers = check_series(_numbered(path))
            held = [_hold(share) for share in shares]
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    spent = time.monotonic() - began - read
    return Report(
        _book(path), tree.size, merkle.root(tree.frontier), [
            check("lines", "each line with the canonical form of its event, and its position with its place",
                  "events", read, parts),
            check_outside(outside, tree),
            check("streams", "versions with their order in the log", "events", 0, [each for _, each in held]),
            check("numbers", "numbers of invoices and credit notes with their series", "numbers", 0,
                  [numbers]),
            check("invariants", f"every customer with {', '.join(NAMES)}", "events", spent,
                  [each for each, _ in held]),
        ],
    )  # fmt: skip


def check_lines(lines: Sequence[bytes], after: int, sizes: Sequence[int]) -> Leaves:
    """Recompute the leaves of lines that stand behind position `after`, and read each."""
    findings: list[Finding] = []
    book: str | None = None
    for position, line in enumerate(lines, start=after + 1):
        try:
            event = read_event(line)
        except UNREADABLE as error:
            findings.append(Finding(f"line {position} is no event: {error}", position))
            continue
        if event.position != position:
            findings.append(Finding(f"line {position} holds position {event.position}", position))
        if encode_canonical(event) != line:
            findings.append(Finding(f"line {position} is not as it would be recorded", position))
        if book not in (None, event.book):
            findings.append(Finding(f"line {position} is of book {event.book}, not {book}", position))
        book = event.book
    leaves = [sha256(b"\x00" + line).digest() for line in lines]
    return subtree(after, leaves, part(len(lines), findings), sizes)


def _ranges(file: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    lines = iter(file)
    after = 0
    while found := [line.rstrip(b"\n") for line in islice(lines, RANGE_EVENTS)]:
        yield after, found
        after += len(found)


def _take(job: Future[Leaves], tree: Tree, advance: Callable[[int], None]) -> Part:
    found = job.result()
    tree.add(found)
    advance(found.part.count)
    return found.part


def _subject(line: bytes) -> str | None:
    try:
        return _SUBJECT.decode(line).subject
    except UNREADABLE:
        return None  # what is no event is said where it is read


def _share_out(lines: Iterable[bytes], shares: Sequence[BinaryIO]) -> None:
    """Write each customer's events into one of the shares, in order."""
    for line in lines:
        subject = _subject(line)
        if subject is not None:
            shares[crc32(subject.encode()) % len(shares)].write(line + b"\n")


def _hold(share: BinaryIO) -> tuple[Part, Part]:
    """Fold the customers of a share one after the other: what the invariants say, and the versions."""
    share.seek(0)
    histories: dict[str, list[bytes]] = {}
    for line in share:
        histories.setdefault(_subject(line) or "", []).append(line.rstrip(b"\n"))
    held, broken = Held(), []
    for lines in histories.values():
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
            held.take(event)
    held.finish()
    return part(held.count, held.findings), part(held.count, broken)


def _numbered(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if any(mark in line for mark in _NUMBERED):
                yield line


def _book(path: Path) -> str:
    with path.open("rb") as file:
        try:
            return read_event(file.readline().rstrip(b"\n")).book
        except UNREADABLE:
            return path.name
