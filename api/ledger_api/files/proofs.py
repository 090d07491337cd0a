"""Proofs that somebody kept as files: that one event is in a log, checked without the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.errors import ConfigurationError, IntegrityError
from ledger.log.merkle import HASH_BYTES, leaf_hash
from ledger.tlog.checkpoint import Checkpoint, cosignatures, read_checkpoint
from ledger.tlog.note import BadNote, Verifier, read_note
from ledger.tlog.offline import read_offline_proof
from ledger_api.files.checkpoints import read_keys, read_witnesses

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


class Signed(NamedTuple):
    """How many signature lines of a checkpoint one key made, all verified; of a witness the last time."""

    key: Verifier
    lines: int
    seconds: int | None = None
    """Seconds since 1970-01-01T00:00:00Z; None for a key of the log."""

    @property
    def key_name(self) -> str:
        """The key's name and id, which is how its line begins."""
        return f"{self.key.name}+{self.key.key_id.hex()}"


class Proven(NamedTuple):
    """What a proof proves: the event's position, the checkpoint that it leads to, and who signed that."""

    position: int
    checkpoint: Checkpoint
    signed: list[Signed]
    """The keys of the log that signed, and all witnesses that were named."""
    unchecked: int
    """Signature lines that nobody checked, because none of the keys given made them."""


def check_proof_file(path: Path, leaf: bytes, keys: Sequence[str], witnesses: Sequence[str] = ()) -> Proven:
    """Check that a leaf is in the log whose keys these are, and that one of the witnesses named signed too.

    Raises `IntegrityError` when the proof or a line under one of the keys does not hold, and
    `ConfigurationError` when the file is none.
    """
    known = list(dict.fromkeys(read_keys(keys)))
    seeing = list(dict.fromkeys(read_witnesses(witnesses)))
    try:
        proof = read_offline_proof(_read(path))
        note = read_note(proof.checkpoint)
        read_checkpoint(note.text)
    except BadNote as error:
        raise ConfigurationError(f"{path} is no proof: {error}") from error
    try:
        checkpoint = proof.verify(leaf, *known)
    except BadNote as error:
        raise IntegrityError(f"{path} does not prove that this event is in the log: {error}") from error
    try:
        seen = cosignatures(note, seeing)
    except BadNote as error:
        raise IntegrityError(f"the checkpoint in {path} is not what a witness signed: {error}") from error
    if seeing and not seen:
        raise IntegrityError(f"none of the witnesses named signed the checkpoint in {path}")
    signed = [Signed(key, lines) for key in known if (lines := sum(map(key.made, note.lines)))]
    for witness in seeing:
        times = [each.seconds for each in seen if each.witness == witness]
        signed.append(Signed(witness, len(times), max(times, default=None)))
    return Proven(proof.entry + 1, checkpoint, signed, len(note.lines) - sum(each.lines for each in signed))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
