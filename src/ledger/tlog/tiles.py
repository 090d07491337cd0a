"""Tiles and entry bundles by their addresses (https://c2sp.org/tlog-tiles)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger.errors import LedgerError
from ledger.tlog import tree
from ledger.tlog.tree import LEVELS, WIDTH, Connection

ENTRY_BYTES_MAX = 0xFFFF
"""A longer entry does not fit a bundle, whose entries say their length in two bytes."""

_PATH = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TooLong(LedgerError):  # noqa: N818 - it is the entry that is too long
    """An entry that does not fit a bundle: read it from the event feed."""


class Tile(NamedTuple):
    """Which tile: `level` None means the entries themselves; `width` of its hashes are asked for."""

    level: int | None
    number: int
    width: int

    @property
    def begin(self) -> int:
        """The first hash, counted within its level."""
        return self.number * WIDTH

    @property
    def entries(self) -> int:
        """How many entries the log needs for the tile to be there."""
        return (self.begin + self.width) << (8 * (self.level or 0))


def read_path(path: str) -> Tile | None:
    """Read `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`; None when it is no such address."""
    found = _PATH.fullmatch(path)
    if found is None or (width := int(found[3] or WIDTH)) > WIDTH or found[3] == str(WIDTH):
        return None
    parts = found[2].replace("x", "").split("/")
    if len(parts) > 1 and parts[0] == "000":
        return None  # one address only for each number
    level = None if found[1] == "entries" else int(found[1])
    number = int("".join(parts))
    return Tile(level, number, width) if number < 2**48 else None


def write_path(tile: Tile) -> str:
    """Write the address of a tile."""
    digits = str(tile.number).zfill(-(-len(str(tile.number)) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    level = "entries" if tile.level is None else str(tile.level)
    return f"{level}/{number}" + ("" if tile.width == WIDTH else f".p/{tile.width}")


def read_tile(connection: Connection, book: str, tile: Tile, size: int) -> bytes | None:
    """Read a tile of the tree of `size` entries; None when it is not there yet.

    Raises `TooLong`, and `IntegrityError` when what should be there is not.
    """
    if (tile.level or 0) >= LEVELS or tile.entries > size:
        return None
    end = tile.begin + tile.width
    if tile.level is not None:
        return b"".join(tree.hashes_of(connection, book, tile.level, [(tile.begin, end)]))
    return _bundle(tree.entries(connection, book, tile.begin, end), tile.begin + 1)


def _bundle(entries: list[bytes], first: int) -> bytes:
    for position, entry in enumerate(entries, start=first):
        if len(entry) > ENTRY_BYTES_MAX:
            raise TooLong(f"the event at position {position} has {len(entry)} bytes: read it from the feed")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
