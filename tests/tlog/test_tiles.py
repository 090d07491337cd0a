"""The addresses of tiles, and the tiles of a real log."""

from __future__ import annotations

import pytest
from tests.tlog.test_signing import BOOK, as_superuser, connection, fill
from tests.tlog.vectors import tessera_log

from ledger.errors import IntegrityError
from ledger.log import merkle
from ledger.tlog import tiles, tree
from ledger.tlog.tiles import Tile, TooLong, read_path, read_tile, write_path
from ledger.tlog.tree import Connection

__all__ = ["connection"]


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", Tile(0, 0, 256)),
        ("0/000.p/1", Tile(0, 0, 1)),
        ("1/273", Tile(1, 273, 256)),
        ("0/x001/x234/067", Tile(0, 1_234_067, 256)),
        ("entries/x001/234.p/255", Tile(None, 1_234, 255)),
        ("63/000", Tile(63, 0, 256)),
    ],
)
def test_addresses_are_read_and_written(path: str, tile: Tile) -> None:
    assert read_path(path) == tile
    assert write_path(tile) == path


@pytest.mark.parametrize(
    "path",
    ["", "0", "0/", "0/0", "0/0000", "0/x000", "0/x000/001", "0/001/002", "00/000", "64/000", "-1/000",
     "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "entries/", "data/000", "0/000 ", "0/000/",
     "0/\N{ARABIC-INDIC DIGIT ZERO}00", "0/X001/234", "0/" + "x999/" * 6 + "999"],
)  # fmt: skip
def test_what_is_no_address_is_not_read(path: str) -> None:
    assert read_path(path) is None


def test_the_addresses_of_a_real_log_are_read() -> None:
    """transparency-dev/tessera testdata/log: entries hash to the tile beside them."""
    log = tessera_log()
    paths = [path.removeprefix("tile/") for path in log.files if path.startswith("tile/")]
    for path in paths:
        tile = read_path(path)
        assert tile is not None
        assert write_path(tile) == path
        if tile.level is None:
            bundle, hashes = log.files[f"tile/{path}"], b""
            while bundle:
                size = int.from_bytes(bundle[:2], "big")
                hashes += merkle.leaf_hash(bundle[2 : 2 + size])
                bundle = bundle[2 + size :]
            assert hashes == log.files[f"tile/{write_path(tile._replace(level=0))}"]


def test_tiles_end_where_the_tree_does(database: str, connection: Connection) -> None:
    fill(database, 600)
    tree.keep_tiles(connection, BOOK, 600)
    states = tree.entries(connection, BOOK, 0, 600)
    leaves = [merkle.leaf_hash(state) for state in states]

    def read(path: str, size: int = 600) -> bytes | None:
        tile = read_path(path)
        assert tile is not None
        return read_tile(connection, BOOK, tile, size)

    assert read("0/000") == b"".join(leaves[:256])
    assert read("0/002.p/88") == b"".join(leaves[512:])
    assert read("0/002.p/89") is None
    assert read("0/002") is None
    assert read("0/000", 255) is None
    roots = [merkle.root(merkle.extend([], 0, leaves[at : at + 256])) for at in (0, 256)]
    assert read("1/000.p/2") == b"".join(roots)
    assert read("1/000.p/3") is None
    assert read("2/000.p/1") is None
    assert read("9/000.p/1") is None
    assert read("entries/002.p/88") == b"".join(len(s).to_bytes(2, "big") + s for s in states[512:])


@pytest.mark.parametrize("level", [0, None])
def test_a_tile_that_misses_its_end_is_not_given(
    database: str, connection: Connection, level: int | None
) -> None:
    fill(database, 5)
    as_superuser(database, "DELETE FROM ledger.event WHERE position = 5")
    assert read_tile(connection, BOOK, Tile(level, 0, 4), 5)
    with pytest.raises(IntegrityError, match="missing"):
        read_tile(connection, BOOK, Tile(level, 0, 5), 5)


def test_an_event_that_is_too_long_is_not_cut(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, 3)
    longest = max(map(len, tree.entries(connection, BOOK, 0, 3)))
    assert tiles.ENTRY_BYTES_MAX == 2**16 - 1
    monkeypatch.setattr(tiles, "ENTRY_BYTES_MAX", longest - 1)
    with pytest.raises(TooLong, match=f"position 1 has {longest} bytes"):
        read_tile(connection, BOOK, Tile(None, 0, 3), 3)
