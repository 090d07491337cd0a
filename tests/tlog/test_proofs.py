"""Proofs: made and checked for every small tree, on the public vectors, and against forgeries."""

from __future__ import annotations

import random
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from tests.tlog.vectors import PROOFS

from ledger.log import merkle
from ledger.tlog import proof
from ledger.tlog.proof import BadProof, Node

SIZE_MAX = 66
FORGERIES = 100_000


def tree_hash(leaves: list[bytes]) -> bytes:
    """The definition, RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(tree_hash(leaves[:split]), tree_hash(leaves[split:]))


LEAVES = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(SIZE_MAX)]
ROOTS = [tree_hash(LEAVES[:size]) for size in range(SIZE_MAX + 1)]


def hashes(spans: list[proof.Span]) -> dict[Node, bytes]:
    """Hash the subtrees that a proof asks for."""
    return {
        node: tree_hash(LEAVES[node.number << node.level : (node.number + 1) << node.level])
        for span in spans
        for node in span
    }


def made(spans: list[proof.Span]) -> list[bytes]:
    return proof.make(spans, hashes(spans))


@pytest.mark.parametrize("size", range(1, SIZE_MAX + 1))
def test_every_entry_of_every_small_tree_is_proven(size: int) -> None:
    for index in range(size):
        path = made(proof.inclusion(index, size))
        proof.verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])
        for other in range(size):
            if other != index:
                with pytest.raises(BadProof):
                    proof.verify_inclusion(LEAVES[index], other, size, path, ROOTS[size])


@pytest.mark.parametrize("size", range(SIZE_MAX + 1))
def test_every_small_tree_is_proven_to_extend_every_smaller_one(size: int) -> None:
    for old in range(1, size + 1):
        path = made(proof.consistency(old, size))
        proof.verify_consistency(old, size, path, ROOTS[old], ROOTS[size])
        if old < size:
            with pytest.raises(BadProof):
                proof.verify_consistency(old, size, path, ROOTS[old - 1], ROOTS[size])
            with pytest.raises(BadProof):
                proof.verify_consistency(old, size, path, ROOTS[old], ROOTS[size - 1])


def _bytes(text: str | None) -> bytes:
    return b64decode(text) if text else b""


def _path(case: dict[str, Any]) -> list[bytes]:
    return [_bytes(each) for each in case["proof"] or []]


@pytest.mark.parametrize("case", PROOFS["inclusion"], ids=lambda case: case["name"])
def test_inclusion_as_transparency_dev_merkle(case: dict[str, Any]) -> None:
    arguments = (
        _bytes(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        _path(case),
        _bytes(case["root"]),
    )
    if case["wantErr"]:
        with pytest.raises(BadProof):
            proof.verify_inclusion(*arguments)
    else:
        proof.verify_inclusion(*arguments)


@pytest.mark.parametrize("case", PROOFS["consistency"], ids=lambda case: case["name"])
def test_consistency_as_transparency_dev_merkle(case: dict[str, Any]) -> None:
    roots = _bytes(case["root1"]), _bytes(case["root2"])
    arguments = (case["size1"], case["size2"], _path(case), *roots)
    if case["wantErr"]:
        with pytest.raises(BadProof):
            proof.verify_consistency(*arguments)
    else:
        proof.verify_consistency(*arguments)


def _forged(rng: random.Random, path: list[bytes], foreign: list[bytes]) -> list[bytes]:
    """Change a proof in one way: cut, lengthen, reorder, splice another's, repeat, or flip a bit."""
    path = list(path)
    at = rng.randrange(len(path)) if path else 0
    match rng.randrange(6):
        case 0 if path:
            del path[at]
        case 1:
            path.insert(at, rng.choice(LEAVES))
        case 2 if len(path) > 1:
            other = rng.randrange(len(path))
            path[at], path[other] = path[other], path[at]
        case 3 if foreign:
            path[at:] = foreign[rng.randrange(len(foreign)) :]
        case 4 if path:
            path.insert(at, path[at])
        case _ if path:
            byte = rng.randrange(32)
            flipped = path[at][byte] ^ (1 << rng.randrange(8))
            path[at] = path[at][:byte] + bytes([flipped]) + path[at][byte + 1 :]
        case _:
            path.append(rng.choice(LEAVES))
    return path


def _verify(in_tree: bool, first: int, size: int, path: list[bytes]) -> None:
    if in_tree:
        proof.verify_inclusion(LEAVES[first], first, size, path, ROOTS[size])
    else:
        proof.verify_consistency(first, size, path, ROOTS[first], ROOTS[size])


def test_of_a_hundred_thousand_forged_proofs_none_is_accepted() -> None:
    rng = random.Random(6962)  # noqa: S311 - the same forgeries in every run
    inclusions = {(i, size): made(proof.inclusion(i, size)) for size in range(1, 40) for i in range(size)}
    extensions = {
        (old, size): made(proof.consistency(old, size)) for size in range(2, 40) for old in range(1, size)
    }
    tried = 0
    while tried < FORGERIES:
        in_tree = rng.random() < 0.5
        proofs = inclusions if in_tree else extensions
        (first, size), (other, _) = rng.choices(list(proofs), k=2)
        path = proofs[first, size]
        forged = _forged(rng, path, proofs.get((other, size), []))
        if forged == path:
            continue
        tried += 1
        with pytest.raises(BadProof):
            _verify(in_tree, first, size, forged)


def test_what_is_in_no_tree_cannot_be_laid_out() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="has none at"):
            proof.inclusion(index, size)
    with pytest.raises(ValueError, match="does not extend"):
        proof.consistency(4, 3)


def test_hashes_are_written_and_read_back() -> None:
    lines = proof.write_hashes(LEAVES[:3])
    assert list(proof.read_hashes(lines.splitlines())) == LEAVES[:3]
    for bad in ("", "AAAA", "not base64", lines.splitlines()[0] + "\n"):
        with pytest.raises(BadProof):
            list(proof.read_hashes([bad]))
