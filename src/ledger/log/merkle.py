"""RFC 6962 Merkle tree hashes, grown leaf by leaf.

A tree of n leaves is described by its *frontier*: the hashes of its complete subtrees, largest first, one
for each set bit of n. Adding a leaf merges from the right, so it costs one interior hash on average, and
the frontier of a billion leaves is 30 hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962, 2.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry: SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an interior node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def complete(leaves: Sequence[bytes]) -> bytes:
    """Hash a complete subtree, of as many leaves as a power of two: level by level, which is the quickest."""
    level = leaves
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]


def extend(frontier: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> list[bytes]:
    """Return the frontier of a tree of `size` leaves after appending `leaves` (leaf hashes).

    Raises ValueError when the frontier is not one of a tree of that size.
    """
    if len(frontier) != size.bit_count():
        raise ValueError(
            f"a tree of {size} leaves has {size.bit_count()} complete subtrees, not {len(frontier)}"
        )
    stack = list(frontier)
    for leaf in leaves:
        node = leaf
        merged = size
        while merged & 1:
            node = sha256(b"\x01" + stack.pop() + node).digest()
            merged >>= 1
        stack.append(node)
        size += 1
    return stack


class Growing:
    """A tree that leaves are added to one by one; its frontier is worked out for many at once."""

    _TOGETHER = 1024

    def __init__(self) -> None:
        self._size = 0
        self._frontier: list[bytes] = []
        self._fresh: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self._fresh.append(leaf)
        if len(self._fresh) >= self._TOGETHER:
            self._settle()

    def _settle(self) -> None:
        self._frontier = extend(self._frontier, self._size, self._fresh)
        self._size += len(self._fresh)
        self._fresh = []

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size + len(self._fresh)

    @property
    def frontier(self) -> list[bytes]:
        """The complete subtrees of all that was added."""
        self._settle()
        return self._frontier

    @property
    def root(self) -> bytes:
        """The root over all that was added."""
        return root(self.frontier)


def root(frontier: Sequence[bytes]) -> bytes:
    """Return the root hash of the tree that a frontier describes."""
    if not frontier:
        return EMPTY_ROOT
    node = frontier[-1]
    for left in reversed(frontier[:-1]):
        node = node_hash(left, node)
    return node


def pack(frontier: Sequence[bytes]) -> bytes:
    """Join a frontier into the bytes that the head row keeps."""
    return b"".join(frontier)


def unpack(packed: bytes) -> list[bytes]:
    """Split the head row's bytes into a frontier."""
    return [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)]
