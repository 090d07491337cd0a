"""The first pass: every leaf hash from the stored bytes, and the tree over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import TupleRow

from ledger.log import merkle
from ledger.sql import queries
from ledger.verify.findings import Finding, Part, part

SQL = queries(__package__ or "", "verify.sql")

Connection = psycopg.Connection[TupleRow]

RANGE_EVENTS = 1 << 16
"""Events of one range: a complete subtree of the tree, and two full levels of tiles."""
_TYPES = ("int8", "bytea", "bytea")


class Leaves(msgspec.Struct, frozen=True):
    """What one range shows: its own part of the check, and what the tree is made of.

    `frontier` are the complete subtrees of this range alone; `tiles` the hashes of each 256 leaves;
    `frontiers` those of this range up to sizes that were asked for.
    """

    after: int
    upto: int
    part: Part
    frontier: list[bytes]
    tiles: list[bytes]
    frontiers: dict[int, list[bytes]]


def check_leaves(connection: Connection, book: str, after: int, upto: int, sizes: Sequence[int]) -> Leaves:
    """Recompute the leaves of positions behind `after` up to `upto`; `after` is a multiple of the range."""
    findings: list[Finding] = []
    leaves: list[bytes] = []
    for position, state, leaf in stream(connection, "leaves", _TYPES, book=book, after=after, upto=upto):
        missing = after + len(leaves) + 1
        while missing < position:
            findings.append(Finding(f"position {missing} is missing", missing))
            leaves.append(merkle.EMPTY_ROOT)
            missing += 1
        computed = sha256(b"\x00" + state).digest()
        if computed != leaf:
            findings.append(
                Finding(
                    f"the bytes at position {position} hash to {computed.hex()}, their leaf is {leaf.hex()}",
                    position,
                )
            )
        leaves.append(computed)
    for missing in range(after + len(leaves) + 1, upto + 1):
        findings.append(Finding(f"position {missing} is missing", missing))
        leaves.append(merkle.EMPTY_ROOT)
    whole = len(leaves) // 256 * 256
    tiles = [merkle.root(merkle.extend([], 0, leaves[at : at + 256])) for at in range(0, whole, 256)]
    wanted = {size: _frontier(leaves, tiles, size - after) for size in sizes if after < size <= upto}
    return Leaves(
        after, upto, part(upto - after, findings), _frontier(leaves, tiles, len(leaves)), tiles, wanted
    )


def _frontier(leaves: Sequence[bytes], tiles: Sequence[bytes], size: int) -> list[bytes]:
    """Find the complete subtrees of the first leaves, from the hashes of each 256 of them."""
    upper = merkle.extend([], 0, tiles[: size // 256])
    return upper + merkle.extend([], 0, leaves[size // 256 * 256 : size])


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


def stream(connection: Connection, query: str, types: Sequence[str], **values: object) -> Iterator[TupleRow]:
    """Read rows as they come, in the database's binary form, without holding them."""
    statement: LiteralString = SQL[query]
    with connection.cursor() as cursor, cursor.copy(statement, values) as copy:
        copy.set_types(types)
        yield from copy.rows()
