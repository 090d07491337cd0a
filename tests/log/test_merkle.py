"""The tree over the log: the public vectors, the definition, and a frontier however it was grown."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tlog.vectors import tessera_log

from ledger.log import merkle

SIZE_MAX = 300

INPUTS = [
    bytes.fromhex(entry)
    for entry in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
"""The entries of the test tree of Certificate Transparency (google/certificate-transparency, Apache-2.0)."""

ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Root hashes of its trees of 0 to 8 entries."""


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """The definition, RFC 6962 section 2.1, word for word: k is the largest power of two smaller than n."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


LEAVES = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(SIZE_MAX)]


@pytest.mark.parametrize("size", range(9))
def test_the_trees_of_certificate_transparency_have_their_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS[:size]]
    assert merkle.root(merkle.extend([], 0, leaves)).hex() == ROOTS[size]


@pytest.mark.parametrize("size", range(1, 16))
def test_the_trees_of_a_real_log_have_the_roots_that_it_signed(size: int) -> None:
    """transparency-dev/tessera, testdata/log: the root stands in the third line of each checkpoint."""
    files = tessera_log().files
    tile = files[f"tile/0/000.p/{size}"]
    leaves = [tile[at : at + merkle.HASH_BYTES] for at in range(0, len(tile), merkle.HASH_BYTES)]
    signed = files[f"checkpoint.{size}"].decode().splitlines()
    assert signed[1] == str(size)
    assert merkle.root(merkle.extend([], 0, leaves)) == b64decode(signed[2])


def test_a_frontier_grown_leaf_by_leaf_gives_the_root_of_the_definition_at_every_size() -> None:
    frontier: list[bytes] = []
    for size in range(SIZE_MAX):
        assert merkle.root(frontier) == tree_hash(LEAVES[:size])
        assert len(frontier) == size.bit_count()
        frontier = merkle.extend(frontier, size, [LEAVES[size]])
    assert merkle.root(frontier) == tree_hash(LEAVES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 299])
def test_a_frontier_is_the_complete_subtrees_the_largest_first(size: int) -> None:
    frontier = merkle.extend([], 0, LEAVES[:size])
    sizes = [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
    ends = [sum(sizes[:count]) for count in range(len(sizes) + 1)]
    assert frontier == [tree_hash(LEAVES[start:end]) for start, end in pairwise(ends)]


@given(st.lists(st.integers(0, SIZE_MAX), max_size=12))
def test_however_a_log_is_split_into_batches_its_frontier_is_the_same(cuts: list[int]) -> None:
    frontier: list[bytes] = []
    for start, end in pairwise([0, *sorted(cuts), SIZE_MAX]):
        packed = merkle.pack(merkle.extend(frontier, start, LEAVES[start:end]))
        assert len(packed) == end.bit_count() * merkle.HASH_BYTES
        frontier = merkle.unpack(packed)
    assert frontier == merkle.extend([], 0, LEAVES)


def test_growing_a_frontier_leaves_the_old_one_as_it_was() -> None:
    """The writer keeps the head's frontier until its commit is known."""
    old = merkle.extend([], 0, LEAVES[:7])
    before = list(old)
    merkle.extend(old, 7, LEAVES[7:20])
    assert old == before


@pytest.mark.parametrize(("subtrees", "size"), [(0, 1), (1, 0), (1, 3), (2, 4), (3, 300)])
def test_a_frontier_of_another_size_is_refused(subtrees: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size.bit_count()} complete subtrees, not {subtrees}"):
        merkle.extend(LEAVES[:subtrees], size, LEAVES[:1])


@given(st.binary(max_size=80), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_leaf_is_never_taken_for_a_node(entry: bytes, left: bytes, right: bytes) -> None:
    """RFC 6962, 2.1: without the two prefixes an interior node could be shown as an entry."""
    assert merkle.leaf_hash(entry) == sha256(b"\x00" + entry).digest()
    assert merkle.node_hash(left, right) == sha256(b"\x01" + left + right).digest()
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
