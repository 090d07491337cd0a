"""Proofs over the tree: that an entry is in it, and that a longer tree extends a shorter one (RFC 6962, 2.1).

A proof is first laid out as the complete subtrees that its hashes are made of, so that whoever holds the
hashes can be asked for all of them at once; then it is made.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger.log.merkle import HASH_BYTES, node_hash
from ledger.tlog.note import BadNote


class Node(NamedTuple):
    """A complete subtree: over the 2**level entries from number * 2**level on."""

    level: int
    number: int


Span = tuple[Node, ...]
"""Subtrees next to each other, larger ones first: the hash over their entries is folded from the right."""


class BadProof(BadNote):
    """A proof that does not hold; says why."""


def span(begin: int, end: int) -> Span:
    """Cover the entries from `begin` to before `end` with complete subtrees.

    `begin` is a multiple of a power of two that is at least the length, as in every proof.
    """
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return tuple(nodes)


def inclusion(index: int, size: int) -> list[Span]:
    """Lay out the proof that the entry at `index` is in the tree of `size` entries: PATH(m, D[n])."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has none at {index}")
    spans = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append(span(middle, end))
            end = middle
        else:
            spans.append(span(begin, middle))
            begin = middle
    return spans[::-1]


def consistency(old: int, size: int) -> list[Span]:
    """Lay out the proof that the tree of `size` entries extends that of `old`: PROOF(m, D[n])."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} entries does not extend one of {old}")
    if old in (0, size):
        return []
    spans = []
    begin, end = 0, size
    whole = True  # what is left of the old tree is a complete subtree that the verifier knows
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            spans.append(span(middle, end))
            end = middle
        else:
            spans.append(span(begin, middle))
            begin = middle
            whole = False
    if not whole:
        spans.append(span(begin, end))
    return spans[::-1]


def make(spans: Iterable[Span], hashes: Mapping[Node, bytes]) -> list[bytes]:
    """Make the proof from the hashes of its subtrees."""
    return [fold([hashes[node] for node in nodes]) for nodes in spans]


def fold(hashes: Sequence[bytes]) -> bytes:
    """Hash subtrees next to each other, larger ones first, into one."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the entry with this leaf hash stands at `index` of the tree. Raises `BadProof`."""
    if not 0 <= index < size:
        raise BadProof(f"a tree of {size} entries has none at {index}")
    _check(leaf, root, *proof)
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    _check_length(proof, inner + border)
    result = leaf
    for level, sibling in enumerate(proof[:inner]):
        result = node_hash(sibling, result) if index >> level & 1 else node_hash(result, sibling)
    for sibling in proof[inner:]:
        result = node_hash(sibling, result)
    if result != root:
        raise BadProof("the entry is not in the tree: the proof leads to another root")


def verify_consistency(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:  # fmt: skip
    """Check that the tree of `size` entries extends that of `old`. Raises `BadProof`."""
    if not 0 < old <= size:
        raise BadProof(f"nothing shows that a tree of {size} entries extends one of {old}")
    _check(*proof)
    if old == size:
        _check_length(proof, 0)
        if old_root != root:
            raise BadProof(f"two trees of {size} entries have two roots")
        return
    # The proof starts from the old tree's smallest complete subtree; it is the whole old tree, whose root the
    # verifier has, when its size is a power of two.
    shift = (old & -old).bit_length() - 1
    inner = ((old - 1) ^ (size - 1)).bit_length() - shift
    mask = (old - 1) >> shift
    known = old == 1 << shift
    _check_length(proof, inner + (mask >> inner).bit_count() + (not known))
    before = after = old_root if known else proof[0]
    rest = proof if known else proof[1:]
    for level, sibling in enumerate(rest[:inner]):
        if mask >> level & 1:
            before = node_hash(sibling, before)
            after = node_hash(sibling, after)
        else:
            after = node_hash(after, sibling)
    for sibling in rest[inner:]:
        before = node_hash(sibling, before)
        after = node_hash(sibling, after)
    if before != old_root:
        raise BadProof("the proof leads to another root of the shorter tree")
    if after != root:
        raise BadProof("the longer tree does not extend the shorter: the proof leads to another root")


def write_hashes(hashes: Iterable[bytes]) -> str:
    """Write hashes as lines of base64."""
    return "".join(f"{base64.b64encode(each).decode()}\n" for each in hashes)


def read_hashes(lines: Iterable[str]) -> Iterator[bytes]:
    """Read hashes from lines of base64. Raises `BadProof`."""
    for line in lines:
        try:
            raw = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadProof("a line of the proof is not base64") from error
        _check(raw)
        if base64.b64encode(raw).decode() != line:
            raise BadProof("a line of the proof is not base64 as it is written")
        yield raw


def _split(length: int) -> int:
    """Give the largest power of two below a length of at least two."""
    return 1 << ((length - 1).bit_length() - 1)


def _check(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise BadProof(f"a hash has {HASH_BYTES} bytes")


def _check_length(proof: Sequence[bytes], length: int) -> None:
    if len(proof) != length:
        raise BadProof(f"the proof has {len(proof)} hashes, not {length}")
