"""Proofs that somebody kept as files: that one event is in a log, checked without the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ledger.errors import ConfigurationError, IntegrityError
from ledger.log.merkle import HASH_BYTES, leaf_hash
from ledger.tlog.checkpoint import Checkpoint, read_checkpoint
from ledger.tlog.note import BadNote, read_note
from ledger.tlog.offline import read_offline_proof
from ledger_api.files.checkpoints import read_keys

_LEAF = re.compile(rf"[0-9a-fA-F]{{{2 * HASH_BYTES}}}")


def read_leaf(given: Path | str) -> bytes:
    """Give an event's leaf hash: that of a file of its bytes, or one given in hexadecimal.

    An event has no line break, so one at the end of the file is not of it. Raises `ConfigurationError`.
    """
    if isinstance(given, Path):
        return leaf_hash(_read(given).removesuffix(b"\n"))
    if not _LEAF.fullmatch(given):
        raise ConfigurationError(f"{given} is no leaf hash: {2 * HASH_BYTES} hexadecimal digits")
    return bytes.fromhex(given)


def check_proof_file(path: Path, leaf: bytes, keys: Sequence[str]) -> tuple[int, Checkpoint]:
    """Check that a leaf is in the log whose keys these are: its position, and the checkpoint it leads to.

    Raises `IntegrityError` when the proof does not hold, and `ConfigurationError` when the file is none.
    """
    known = read_keys(keys)
    try:
        proof = read_offline_proof(_read(path))
        read_checkpoint(read_note(proof.checkpoint).text)
    except BadNote as error:
        raise ConfigurationError(f"{path} is no proof: {error}") from error
    try:
        return proof.entry + 1, proof.verify(leaf, *known)
    except BadNote as error:
        raise IntegrityError(f"{path} does not prove that this event is in the log: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
