"""A book's tree in the database: the leaves stand with the events, every 256th level above them in tiles.

What is between is hashed when it is asked for: any proof takes a few ranges of at most 256 hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow

from ledger.errors import IntegrityError
from ledger.log import merkle
from ledger.sql import queries
from ledger.tlog.proof import Node, Span, make

_SQL = queries(__package__ or "", "tree.sql")

Connection = psycopg.Connection[TupleRow]

HEIGHT = 8
"""Levels of the tree in one tile (https://c2sp.org/tlog-tiles)."""
WIDTH = 1 << HEIGHT
"""Hashes in a full tile."""
LEVELS = 8
"""Levels of tiles: 256**8 entries are more than a position can count."""
_CHUNK_HASHES = 256 * WIDTH
"""Hashes that are read, hashed up and kept at a time."""


def keep_tiles(connection: Connection, book: str, size: int) -> None:
    """Keep the upper hashes of the tree of `size` entries; those that are there already are left alone.

    Each chunk is committed by itself when the connection commits by itself. Raises `IntegrityError` when an
    event is missing.
    """
    for level in range(1, LEVELS):
        complete = size >> (HEIGHT * level)
        if complete == 0:
            break
        done = _count(connection, book, level)
        while done < complete:
            upto = min(complete, done + _CHUNK_HASHES // WIDTH)
            below = hashes_of(connection, book, level - 1, [(done * WIDTH, upto * WIDTH)])
            roots = [
                merkle.root(merkle.extend([], 0, below[at : at + WIDTH]))
                for at in range(0, len(below), WIDTH)
            ]
            connection.execute(
                _SQL["keep_tile_hashes"], {"book": book, "level": level, "first": done, "hashes": roots}
            )
            done = upto


def proof(connection: Connection, book: str, spans: Iterable[Span]) -> list[bytes]:
    """Make a proof that was laid out. Raises `IntegrityError` when the tiles do not cover it."""
    spans = list(spans)
    return make(spans, subtrees(connection, book, {node for nodes in spans for node in nodes}))


def subtrees(connection: Connection, book: str, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Hash complete subtrees from the tiles that hold what is below them: a query for each level of tiles."""
    found: dict[Node, bytes] = {}
    by_level: dict[int, list[Node]] = {}
    for node in nodes:
        by_level.setdefault(node.level // HEIGHT, []).append(node)
    for level, wanted in by_level.items():
        wanted.sort(key=lambda node: _range(node, level))
        hashes = hashes_of(connection, book, level, [_range(node, level) for node in wanted])
        at = 0
        for node in wanted:
            width = 1 << (node.level - HEIGHT * level)
            found[node] = merkle.root(merkle.extend([], 0, hashes[at : at + width]))
            at += width
    return found


def hashes_of(
    connection: Connection, book: str, level: int, ranges: Sequence[tuple[int, int]]
) -> list[bytes]:
    """Read hashes of one level of tiles: of several ranges that do not overlap, in order.

    Raises `IntegrityError` when one is missing.
    """
    query: LiteralString = _SQL["leaves" if level == 0 else "tile_hashes"]
    values = {
        "book": book,
        "level": level,
        "begins": [begin for begin, _ in ranges],
        "ends": [end for _, end in ranges],
    }
    rows = connection.execute(query, values, binary=True).fetchall()
    expected = (number for begin, end in ranges for number in range(begin, end))
    for (number, _), wanted in zip(rows, expected, strict=False):
        if number != wanted:
            raise IntegrityError(f"book {book}: hash {wanted} of level {level} is missing")
    if len(rows) != sum(end - begin for begin, end in ranges):
        raise IntegrityError(f"book {book}: hashes of level {level} are missing at the end of {ranges}")
    return [hash_ for _, hash_ in rows]


def entries(connection: Connection, book: str, begin: int, end: int) -> list[bytes]:
    """Read the stored bytes of entries. Raises `IntegrityError` when one is missing."""
    rows = connection.execute(
        _SQL["entries"], {"book": book, "begin": begin, "end": end}, binary=True
    ).fetchall()
    if len(rows) != end - begin:
        raise IntegrityError(
            f"book {book}: {end - begin - len(rows)} events of {begin + 1} to {end} are missing"
        )
    return [state for (state,) in rows]


def _range(node: Node, level: int) -> tuple[int, int]:
    shift = node.level - HEIGHT * level
    return node.number << shift, (node.number + 1) << shift


def _count(connection: Connection, book: str, level: int) -> int:
    row = connection.execute(_SQL["count_tile_hashes"], {"book": book, "level": level}).fetchone()
    return 0 if row is None else int(row[0])
