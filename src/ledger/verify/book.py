"""A whole book, verified: all passes, in as many processes as there are cores, and what they found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.errors import ConfigurationError
from ledger.log import merkle
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.tree import HEIGHT, LEVELS, WIDTH
from ledger.verify import leaves, looks, rules
from ledger.verify.checkpoints import check_cosigned, check_outside, check_signed, last_size, read_signed
from ledger.verify.findings import Check, Finding, Part, Verdict, check, part
from ledger.verify.guards import check_guards
from ledger.verify.kept import of_nothing
from ledger.verify.leaves import RANGE_EVENTS, SQL, Connection, Leaves, Tree
from ledger.verify.notes import Notes, Subject
from ledger.verify.numbers import Taken, put_together
from ledger.verify.passes import Advance, Passes, open_auditor, pool
from ledger.verify.shares import Ends, share_out
from ledger.verify.times import AHEAD_MAX, Order, ahead


class Report(msgspec.Struct, frozen=True):
    """What was verified of a book, up to which position, and each check."""

    book: str
    position: int
    root: bytes
    checks: list[Check]

    @property
    def verdict(self) -> Verdict:
        """What all checks come to: only where each was made and found nothing, nothing is wrong."""
        if any(each.found for each in self.checks):
            return "wrong"
        return "not compared" if self.not_compared else "passed"

    @property
    def not_compared(self) -> list[str]:
        """Name the checks that could not be made."""
        return [each.name for each in self.checks if each.result == "not compared"]

    @property
    def passed(self) -> bool:
        """Whether nothing at all is wrong, and nothing was left out but what was not given."""
        return self.verdict == "passed"

    @property
    def first_position(self) -> int | None:
        """The first position at which something is wrong."""
        found = (each.first_position for each in self.checks)
        return min((position for position in found if position is not None), default=None)


def verify_book(  # noqa: PLR0913 - each of them is a wish of whoever verifies
    conninfo: str,
    book: str,
    outside: Sequence[Checkpoint] = (),
    *,
    since: Checkpoint | None = None,
    notes: Path | None = None,
    processes: int | None = None,
    advance: Advance = lambda _: None,
) -> Report:
    """Verify a book up to where its log ends now; `outside` are checkpoints that were kept elsewhere.

    `since` is one up to which the book was verified before: of what is before it only the leaves are read,
    and the bytes of those events alone that take a number. Notes of an interrupted verification let this one
    go on where, and as of when, that one was. Raises `ConfigurationError` when there is no such book, or a
    checkpoint is newer than the notes, and `Unavailable` when a process is killed.
    """
    kept = [*outside, *([since] if since is not None else [])]
    with open_auditor(conninfo) as connection:
        now = _subject(connection, book, 0 if since is None else since.size)
        with Notes(notes, now) as noted:
            subject = noted.subject
            _refuse_newer(kept, subject.position, now.position)
            signed = read_signed(connection, subject)
            sizes = sorted({each.size for each in signed} | {each.size for each in kept})
            with pool(processes) as made:
                passes = Passes(made, conninfo, noted, advance)
                leaves_, of_book, shares = _started(passes, subject, sizes)
                tree, parts, tiles, numbered = _leaves(leaves_)
                (own,), shared = list(of_book), list(shares)
            held = f"every customer with {', '.join(rules.NAMES)}"
            checks = [
                check("leaves", "leaf hashes with the stored bytes", "events",
                      passes.seconds(leaves.check_leaves), parts),
                _check_head(connection, subject, tree),
                _check_tiles(connection, subject, tiles, last_size(signed, subject)),
                check_signed(signed, tree),
                check_cosigned(connection, subject),
                check_outside(kept, tree),
                check("columns", "each row with the one its bytes would be stored as", "events", 0,
                      [each.columns for each in shared]),
                check("streams", "versions with their order in the log", "events", 0,
                      [each.streams for each in shared]),
                check("numbers", "numbers of invoices and credit notes with their series", "numbers",
                      passes.seconds(rules.check_book), [put_together(numbered), part(0, own.findings)]),
                check("invariants", held, "events", passes.seconds(rules.check_share),
                      [each.held for each in shared]),
                check("snapshots", "what the writer goes on from with the state that the events come to",
                      "snapshots", 0,
                      [*(each.kept for each in shared), part(0, of_nothing(connection, book))]),
                looks.check_looks(connection, book),
                check_guards(connection),
            ]  # fmt: skip
    return Report(book, subject.position, merkle.root(tree.frontier), checks)


def _refuse_newer(kept: Sequence[Checkpoint], begun: int, now: int) -> None:
    """Refuse a checkpoint of what was recorded after the notes were begun: the log is not read that far."""
    newer = [each.size for each in kept if begun < each.size <= now]
    if newer:
        raise ConfigurationError(
            f"the notes were begun at position {begun}, a checkpoint is of {max(newer)}: "
            "give one of before, or verify without these notes"
        )


def _subject(connection: Connection, book: str, since: int) -> Subject:
    row = connection.execute(SQL["head"], {"book": book}).fetchone()
    if row is None:
        raise ConfigurationError(f"there is no book {book}")
    return Subject(book, row[0], merkle.unpack(row[1]), since)


class _Started(NamedTuple):
    """All that goes through events, under way in the processes of the pool."""

    leaves: Iterator[Leaves]
    of_book: Iterator[rules.OfBook]
    shares: Iterator[rules.Share]


def _started(passes: Passes, subject: Subject, sizes: Sequence[int]) -> _Started:
    """Have everything done at once, so that no process waits for another one's pass."""
    book, position, since = subject.book, subject.position, subject.since
    ends = passes.each(share_out, Ends, [(book, position)])
    ranges = [
        (book, after, min(position, after + RANGE_EVENTS), since, sizes)
        for after in range(0, position, RANGE_EVENTS)
    ]
    found = passes.each(leaves.check_leaves, Leaves, ranges)
    of_book = passes.each(rules.check_book, rules.OfBook, [(book, position)])
    shares = [(book, position, since, *bounds) for each in ends for bounds in each.bounds]
    return _Started(found, of_book, passes.each(rules.check_share, rules.Share, shares))


def _leaves(found: Iterator[Leaves]) -> tuple[Tree, list[Part], list[bytes], list[Taken]]:
    """Put the tree together out of its ranges."""
    tree, parts, tiles, numbers = Tree(), [], [], []
    order = Order()
    for each in found:
        tree.add(each)
        order.add(each.recorded)
        parts.append(each.part)
        tiles += each.tiles
        numbers.append(each.numbers)
    return tree, [*parts, part(0, order.findings)], tiles, numbers


def _check_head(connection: Connection, head: Subject, tree: Tree) -> Check:
    findings = []
    if tree.frontier != head.frontier:
        findings.append(
            Finding(
                f"the head at {head.position} has the root {merkle.root(head.frontier).hex()}, "
                f"the stored bytes come to {merkle.root(tree.frontier).hex()}"
            )
        )
    beyond = connection.execute(SQL["beyond"], head.values)
    findings += [Finding(f"position {at} is behind the head at {at_head}", at) for at, at_head in beyond]
    for at, moved_at, recorded_at in connection.execute(SQL["head_apart"], head.values):
        said = f"the head at {at} was moved {moved_at}, the event there was recorded {recorded_at}"
        findings.append(Finding(said, at))
    late = connection.execute(SQL["ahead"], {**head.values, "ahead": AHEAD_MAX})
    findings += [ahead(*each) for each in late]
    compared = "position, frontier and time of the head with the stored bytes, and with the clock"
    return check("head", compared, "heads", 0, [part(1, findings)])


def _check_tiles(connection: Connection, subject: Subject, tiles: Sequence[bytes], signed: int) -> Check:
    """Compare the upper hashes with those of the recomputed leaves: each level from the one below it.

    Up to the size that was `signed` last, all of them were kept.
    """
    began = time.monotonic()
    findings = []
    expected: dict[int, list[bytes]] = {1: list(tiles)}
    count, next_ = 0, Counter[int]()
    for level, number, stored in connection.execute(SQL["tiles"], subject.values, binary=True):
        if level not in expected:
            below = expected.get(level - 1, [])
            expected[level] = [
                merkle.complete(below[at : at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)
            ]
        count += 1
        findings += _gap(level, next_[level], number)
        next_[level] = number + 1
        computed = expected[level][number] if number < len(expected[level]) else None
        if stored != computed:
            said = "no such subtree" if computed is None else computed.hex()
            findings.append(
                Finding(f"tile hash {number} of level {level} is {stored.hex()}, the events come to {said}")
            )
    for level in range(1, LEVELS):
        findings += _gap(level, next_[level], signed >> (HEIGHT * level))
    compared = "the tiles' hashes with those of the stored bytes"
    return check("tiles", compared, "hashes", time.monotonic() - began, [part(count, findings)])


def _gap(level: int, next_: int, number: int) -> list[Finding]:
    """Name the tile hashes that are missing from the next one on before another one."""
    if next_ >= number:
        return []
    missing = f"hash {next_}" if number == next_ + 1 else f"hashes {next_} to {number - 1}"
    return [Finding(f"tile {missing} of level {level} missing: signed, so kept")]
