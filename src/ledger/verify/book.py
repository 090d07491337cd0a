"""A whole book, verified: all passes, in as many processes as there are cores, and what they found."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import msgspec

from ledger.database import connect
from ledger.errors import ConfigurationError
from ledger.log import merkle
from ledger.tlog.checkpoint import Checkpoint, read_checkpoint
from ledger.tlog.note import ED25519, BadNote, Verifier, read_note, verify_note
from ledger.verify import leaves, looks, rows, rules
from ledger.verify.findings import Check, Finding, Part, check, part
from ledger.verify.leaves import RANGE_EVENTS, SQL, Connection, Leaves, Tree

ROLE = "ledger_auditor"
"""The role that verifies: it reads the log and can change nothing."""

R = TypeVar("R")

Advance = Callable[[int], None]
"""Told how many more events a pass has behind it."""


class Report(msgspec.Struct, frozen=True):
    """What was verified of a book, up to which position, and each check."""

    book: str
    position: int
    root: bytes
    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether nothing at all is wrong."""
        return all(each.passed for each in self.checks)

    @property
    def first_position(self) -> int | None:
        """The first position at which something is wrong."""
        found = (each.first_position for each in self.checks)
        return min((position for position in found if position is not None), default=None)


class Head(NamedTuple):
    """What the log says of its own end."""

    position: int
    frontier: list[bytes]


class _Timed(NamedTuple):
    parts: list[Part]
    seconds: float


def verify_book(
    conninfo: str,
    book: str,
    outside: Sequence[Checkpoint] = (),
    *,
    processes: int | None = None,
    advance: Advance = lambda _: None,
) -> Report:
    """Verify a book up to where its log ends now; `outside` are checkpoints that were kept elsewhere.

    Raises `ConfigurationError` when there is no such book.
    """
    with _open(conninfo) as connection:
        head = _head(connection, book)
        signed = _signed(connection, book)
        sizes = sorted({size for size, _, _ in signed} | {each.size for each in outside})
        with _pool(processes) as pool:
            began = time.monotonic()
            tree, parts, tiles = _leaves(pool, conninfo, book, head.position, sizes, advance)
            done = _Timed(parts, time.monotonic() - began)
            stored = _rows(pool, conninfo, book, head.position, advance)
            held = _rules(pool, conninfo, book, head.position, advance)
        found = [
            check("leaves", "leaf hashes with the stored bytes", "events", done.seconds, done.parts),
            _check_head(connection, book, head, tree),
            _check_tiles(connection, book, tiles),
            _check_signed(signed, tree),
            _check_outside(outside, tree),
            check("columns", "each row with the one its bytes would be stored as", "events", *stored[::-1]),
            _timed("streams", "versions with their order in the log", "events",
                   lambda: rows.check_streams(connection, book, head.position)),
            _timed("numbers", "numbers of invoices and credit notes with their series", "numbers",
                   lambda: rules.check_numbers(connection, book, head.position)),
            check("invariants", f"every customer with {', '.join(rules.NAMES)}", "events", *held[::-1]),
            looks.check_looks(connection, book),
        ]  # fmt: skip
    return Report(book, head.position, merkle.root(tree.frontier), found)


@contextmanager
def _open(conninfo: str) -> Iterator[Connection]:
    with connect(
        conninfo, role=ROLE, application_name="billing-ledger verify", statement_seconds_max=0
    ) as connection:
        yield connection


@contextmanager
def _pool(processes: int | None) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, mp_context=context) as pool:
        yield pool


def _head(connection: Connection, book: str) -> Head:
    row = connection.execute(SQL["head"], {"book": book}).fetchone()
    if row is None:
        raise ConfigurationError(f"there is no book {book}")
    return Head(row[0], merkle.unpack(row[1]))


def _ranges(position: int) -> list[tuple[int, int]]:
    return [(after, min(position, after + RANGE_EVENTS)) for after in range(0, position, RANGE_EVENTS)]


def _leaves(
    pool: ProcessPoolExecutor, conninfo: str, book: str, position: int, sizes: Sequence[int], advance: Advance
) -> tuple[Tree, list[Part], list[bytes]]:
    """Recompute all leaves; the tree is put together as its ranges come, which is in any order."""
    tree, parts, tiles = Tree(), [], []
    jobs = [
        pool.submit(_in_process, conninfo, leaves.check_leaves, book, after, upto, sizes)
        for after, upto in _ranges(position)
    ]
    for found in _in_order(jobs):
        tree.add(found)
        parts.append(found.part)
        tiles += found.tiles
        advance(found.part.count)
    return tree, parts, tiles


def _in_order(jobs: Sequence[Future[Leaves]]) -> Iterator[Leaves]:
    for job in jobs:
        yield job.result()


def _rows(
    pool: ProcessPoolExecutor, conninfo: str, book: str, position: int, advance: Advance
) -> tuple[list[Part], float]:
    jobs = [
        pool.submit(_in_process, conninfo, rows.check_rows, book, after, upto)
        for after, upto in _ranges(position)
    ]
    return _gather(jobs, advance)


def _rules(
    pool: ProcessPoolExecutor, conninfo: str, book: str, position: int, advance: Advance
) -> tuple[list[Part], float]:
    """Share the customers out: each share is sorted by itself, so it is kept small."""
    shares = max(1, -(-position // RANGE_EVENTS))
    jobs = [
        pool.submit(_in_process, conninfo, rules.check_share, book, position, share, shares)
        for share in range(shares)
    ]
    return _gather(jobs, advance)


def _gather(jobs: Iterable[Future[Part]], advance: Advance) -> tuple[list[Part], float]:
    began = time.monotonic()
    parts = []
    for job in as_completed(jobs):
        parts.append(job.result())
        advance(parts[-1].count)
    return parts, time.monotonic() - began


def _in_process(
    conninfo: str, work: Callable[..., R], *arguments: object
) -> R:  # fmt: skip
    with _open(conninfo) as connection:
        return work(connection, *arguments)


def _timed(name: str, compared: str, unit: str, work: Callable[[], Part]) -> Check:
    began = time.monotonic()
    found = work()
    return check(name, compared, unit, time.monotonic() - began, [found])


def _check_head(connection: Connection, book: str, head: Head, tree: Tree) -> Check:
    findings = []
    if tree.frontier != head.frontier:
        findings.append(
            Finding(
                f"the head at {head.position} has the root {merkle.root(head.frontier).hex()}, "
                f"the stored bytes come to {merkle.root(tree.frontier).hex()}"
            )
        )
    beyond = connection.execute(SQL["beyond"], {"book": book, "position": head.position})
    findings += [Finding(f"position {at} is behind the head at {head.position}", at) for (at,) in beyond]
    compared = "position and frontier of the head with the stored bytes"
    return check("head", compared, "heads", 0, [part(1, findings)])


def _check_tiles(connection: Connection, book: str, tiles: Sequence[bytes]) -> Check:
    """Compare the upper hashes with those of the recomputed leaves: each level from the one below it."""
    began = time.monotonic()
    findings = []
    expected: dict[int, list[bytes]] = {1: list(tiles)}
    count = 0
    for level, number, stored in connection.execute(SQL["tiles"], {"book": book}, binary=True):
        if level not in expected:
            below = expected.get(level - 1, [])
            expected[level] = [
                merkle.root(merkle.extend([], 0, below[at : at + 256]))
                for at in range(0, len(below) // 256 * 256, 256)
            ]
        count += 1
        computed = expected[level][number] if number < len(expected[level]) else None
        if stored != computed:
            said = "no such subtree" if computed is None else computed.hex()
            findings.append(
                Finding(f"tile hash {number} of level {level} is {stored.hex()}, the events come to {said}")
            )
    compared = "the tiles' hashes with those of the stored bytes"
    return check("tiles", compared, "hashes", time.monotonic() - began, [part(count, findings)])


def _signed(connection: Connection, book: str) -> list[tuple[int, bytes, str]]:
    """Read what was signed: size, public key and note."""
    rows_ = connection.execute(SQL["checkpoints"], {"book": book}, binary=True)
    return [(size, bytes(key), str(note)) for size, _, key, note in rows_]


def _check_signed(signed: Sequence[tuple[int, bytes, str]], tree: Tree) -> Check:
    findings = []
    for size, key, raw in signed:
        try:
            note = read_note(raw.encode())
            checkpoint = read_checkpoint(note.text)
            verify_note(note, [Verifier(checkpoint.origin, ED25519, key)])
        except BadNote as error:
            findings.append(Finding(f"the checkpoint at {size} does not hold: {error}"))
            continue
        if checkpoint.size != size:
            findings.append(Finding(f"the checkpoint at {size} is signed for {checkpoint.size}"))
        findings += _against(checkpoint, tree, "the checkpoint signed")
    compared = "signature and root of each checkpoint with the stored bytes"
    return check("checkpoints", compared, "checkpoints", 0, [part(len(signed), findings)])


def _check_outside(outside: Sequence[Checkpoint], tree: Tree) -> Check:
    findings = [said for each in outside for said in _against(each, tree, "the checkpoint kept outside")]
    compared = "the root of each checkpoint kept outside with the stored bytes"
    return check("outside", compared, "checkpoints", 0, [part(len(outside), findings)])


def _against(checkpoint: Checkpoint, tree: Tree, what: str) -> Iterator[Finding]:
    root = tree.roots.get(checkpoint.size)
    if checkpoint.size > tree.size:
        yield Finding(
            f"{what} at {checkpoint.size} is behind the end of the log at {tree.size}", tree.size + 1
        )
    elif root != checkpoint.root:
        computed = "" if root is None else root.hex()
        signed = checkpoint.root.hex()
        yield Finding(
            f"{what} at {checkpoint.size} has the root {signed}, the stored bytes come to {computed}"
        )
