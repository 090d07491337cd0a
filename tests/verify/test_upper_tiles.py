"""The hashes that are kept of whole tiles, of a book as long as a level above them takes."""

from __future__ import annotations

import psycopg
import pytest
from tests.tlog.test_signing import BOOK, as_superuser

from ledger.log import merkle
from ledger.tlog.tree import WIDTH
from ledger.verify import book
from ledger.verify.notes import Subject
from ledger.verify.passes import open_auditor


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SELECT", []),
        ("DELETE FROM ledger.tile_hash WHERE level = 2", ["tile hash 0 of level 2 missing: signed, so kept"]),
        ("UPDATE ledger.tile_hash SET hash = sha256('x') WHERE level = 2", ["tile hash 0 of level 2 is "]),
    ],
)
def test_upper_levels_of_tiles_are_held_to_those_below(
    database: str, change: str, expected: list[str]
) -> None:
    tiles = [merkle.leaf_hash(b"%d" % number) for number in range(WIDTH)]
    levels = [*((1, number, tile) for number, tile in enumerate(tiles)), (2, 0, merkle.complete(tiles))]
    with psycopg.connect(database) as boss:
        boss.execute("INSERT INTO ledger.head VALUES ('main', %s, '')", (WIDTH**2,))
        boss.cursor().executemany("INSERT INTO ledger.tile_hash VALUES ('main', %s, %s, %s)", levels)
    as_superuser(database, change)
    with open_auditor(database) as auditor:
        made = book._check_tiles(auditor, Subject(BOOK, WIDTH**2, []), tiles, WIDTH**2)
    said = [finding.said for finding in made.findings]
    assert [one[: len(start)] for one, start in zip(said, expected, strict=True)] == expected
