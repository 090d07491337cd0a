"""A proof to keep: that one event is in the log, with all that is needed to check it later and elsewhere.

The format is that of https://c2sp.org/tlog-proof: index, inclusion proof, and the signed checkpoint.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger.tlog.note import BadNote, Verifier
from ledger.tlog.proof import BadProof, read_hashes, verify_inclusion, write_hashes

_FIRST = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class OfflineProof(NamedTuple):
    """The index of an entry, its inclusion proof, and the signed checkpoint that it leads to."""

    entry: int
    hashes: list[bytes]
    checkpoint: bytes

    def __bytes__(self) -> bytes:
        return f"{_FIRST}\nindex {self.entry}\n{write_hashes(self.hashes)}\n".encode() + self.checkpoint

    def verify(self, leaf: bytes, *verifiers: Verifier) -> Checkpoint:
        """Check that this leaf hash is that entry's in the log that these keys are of. Raises `BadNote`."""
        checkpoint, _ = open_checkpoint(self.checkpoint, *verifiers)
        verify_inclusion(leaf, self.entry, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def read_offline_proof(raw: bytes) -> OfflineProof:
    """Read a proof. Raises `BadNote`; one that is read is not verified."""
    try:
        head, blank, checkpoint = raw.decode().partition("\n\n")
    except UnicodeDecodeError as error:
        raise BadNote("a proof is UTF-8") from error
    first, *lines = head.split("\n")
    if first != _FIRST or not blank:
        raise BadProof(f"a proof begins with {_FIRST}")
    if lines and lines[0].startswith("extra "):
        lines = lines[1:]
    found = _INDEX.fullmatch(lines[0]) if lines else None
    if found is None:
        raise BadProof("a proof names the index of its entry")
    return OfflineProof(int(found[1]), list(read_hashes(lines[1:])), checkpoint.encode())
