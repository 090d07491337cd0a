"""The first pass: every leaf hash from the stored bytes, and the tree over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import compress
from typing import LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg.rows import TupleRow

from ledger.errors import IntegrityError
from ledger.log import merkle
from ledger.sql import queries
from ledger.tlog.tree import WIDTH
from ledger.verify.findings import Finding, Part, part
from ledger.verify.numbers import Taken, Taking
from ledger.verify.times import Recorded, turned_back

SQL = queries(__package__ or "", "verify.sql")

Connection = psycopg.Connection[TupleRow]

RANGE_EVENTS = 1 << 16
"""Events of one range: a complete subtree of the tree, and two full levels of tiles."""


class _Tile(NamedTuple):
    """The events of the positions behind `behind`, up to a full tile: the columns, a list each.

    Together they cost less than a row each.

    A state is None where a checkpoint vouches for the leaf; `numbered` are those that take a number.
    """

    behind: int
    positions: list[int]
    recorded: list[datetime]
    states: list[bytes | None]
    leaves: list[bytes]
    numbered: list[bool]


class Leaves(msgspec.Struct, frozen=True):
    """What one range shows: its own part of the check, numbers and times, and what the tree is made of.

    `frontier` are the complete subtrees of this range alone; `tiles` the hashes of each 256 leaves;
    `frontiers` those of this range up to sizes that were asked for.
    """

    after: int
    upto: int
    part: Part
    numbers: Taken
    recorded: Recorded | None
    frontier: list[bytes]
    tiles: list[bytes]
    frontiers: dict[int, list[bytes]]

    @property
    def looked_at(self) -> int:
        """How many events."""
        return self.part.count


def check_leaves(
    connection: Connection, book: str, after: int, upto: int, since: int, sizes: Sequence[int]
) -> Leaves:
    """Recompute the leaves of positions behind `after` up to `upto`; `after` is a multiple of the range.

    Up to `since` the leaves count as they are stored, because a checkpoint vouches for them; but for those of
    events that take a number: all numbers are taken on the way, as they follow from each other.
    """
    findings: list[Finding] = []
    leaves: list[bytes] = []
    taking = Taking()
    recorded: Recorded | None = None
    before = datetime.min.replace(tzinfo=UTC)
    values = {"book": book, "after": after, "upto": upto, "since": since, "tile": WIDTH}
    for tile in map(_Tile._make, stream(connection, "leaves", 1, **values)):
        places = list(range(tile.behind + 1, min(tile.behind + WIDTH, upto) + 1))
        computed = [
            leaf if state is None else sha256(b"\x00" + state).digest()
            for state, leaf in zip(tile.states, tile.leaves, strict=True)
        ]
        times = [before, *tile.recorded]
        if tile.positions != places or computed != tile.leaves or times != sorted(times):
            findings += _wrong(tile, computed, before, places)
            found = dict(zip(tile.positions, computed, strict=True))
            computed = [found.get(place, merkle.EMPTY_ROOT) for place in places]
        leaves += computed
        before = times[-1]
        if tile.recorded:
            begun = recorded or Recorded(tile.positions[0], tile.recorded[0], before)
            recorded = msgspec.structs.replace(begun, last=before)
        for state in compress(tile.states, tile.numbered):
            taking.take(state or b"")
    return subtree(after, leaves, part(upto - after, findings), taking.finish(), recorded, sizes)


def _wrong(
    tile: _Tile, computed: Sequence[bytes], before: datetime, places: Iterable[int]
) -> Iterator[Finding]:
    """Say what is wrong with a tile, position by position."""
    for missing in sorted({*places} - {*tile.positions}):
        yield Finding(f"position {missing} is missing", missing)
    for position, times in Counter(tile.positions).items():
        if times > 1:
            yield Finding(f"position {position} is there {times} times", position)
    for position, recorded_at, hash_, leaf in zip(
        tile.positions, tile.recorded, computed, tile.leaves, strict=True
    ):
        if recorded_at < before:
            yield turned_back(position, recorded_at)
        before = recorded_at
        if hash_ != leaf:
            said = f"the bytes at position {position} hash to {hash_.hex()}, their leaf is {leaf.hex()}"
            yield Finding(said, position)


def subtree(
    after: int,
    leaves: Sequence[bytes],
    found: Part,
    numbers: Taken,
    recorded: Recorded | None,
    sizes: Sequence[int],
) -> Leaves:
    """Put the leaves behind `after` together."""
    upto = after + len(leaves)
    whole = len(leaves) // WIDTH * WIDTH
    tiles = [merkle.complete(leaves[at : at + WIDTH]) for at in range(0, whole, WIDTH)]
    wanted = {size: _frontier(leaves, tiles, size - after) for size in sizes if after < size <= upto}
    return Leaves(after, upto, found, numbers, recorded, _frontier(leaves, tiles, len(leaves)), tiles, wanted)


def _frontier(leaves: Sequence[bytes], tiles: Sequence[bytes], size: int) -> list[bytes]:
    """Find the complete subtrees of the first leaves, from the hashes of each 256 of them."""
    upper = merkle.extend([], 0, tiles[: size // WIDTH])
    return upper + merkle.extend([], 0, leaves[size // WIDTH * WIDTH : size])


class Tree:
    """The tree over all ranges, put together in order."""

    def __init__(self) -> None:
        self._whole: list[bytes] = []
        self._ranges = 0
        self.size = 0
        self.frontier: list[bytes] = []
        self.roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}

    def add(self, found: Leaves) -> None:
        """Add the next range."""
        for size, frontier in found.frontiers.items():
            self.roots[size] = merkle.root(self._whole + frontier)
        self.size = found.upto
        self.frontier = self._whole + found.frontier
        if found.upto - found.after == RANGE_EVENTS:
            self._whole = merkle.extend(self._whole, self._ranges, found.frontier)
            self._ranges += 1
            self.frontier = self._whole


def stream(connection: Connection, query: str, held: int, **values: object) -> Iterator[TupleRow]:
    """Read rows as they come, in the database's binary form, without holding more than so many.

    The server sends on while these are looked at. A cursor would be asked for each few of them, and would
    write down and read again what it gives. Meanwhile the connection can be used for nothing else.

    Raises `IntegrityError` for a row with a time that no event has: not even its columns can be read.
    """
    statement: LiteralString = SQL[query]
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(SQL["by_index"])
            yield from cursor.stream(statement, values, binary=True, size=held)
    except psycopg.DataError as error:
        for position, occurred_at, recorded_at in connection.execute(SQL["out_of_time"], values):
            raise IntegrityError(
                f"position {position} occurred at {occurred_at} and was recorded at {recorded_at}: "
                "no event has such times"
            ) from error
        raise
