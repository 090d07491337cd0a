"""Checkpoints: the size and the root of a book's tree, signed (https://c2sp.org/tlog-checkpoint).

Witnesses sign a checkpoint too, with the time when they saw it (https://c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.log.merkle import EMPTY_ROOT, HASH_BYTES
from ledger.tlog.note import COSIGNATURE, BadNote, Line, Note, Signer, Verifier, read_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_BYTES = 8


class Checkpoint(NamedTuple):
    """What a log says of itself: its origin, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def sign(self, signer: Signer) -> Note:
        """Sign it."""
        return signer.sign(self.text)


def read_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint. Raises `BadNote`."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise BadNote("a checkpoint is an origin, a size and a root, each in a line")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("the root of a checkpoint is base64") from error
    if len(root) != HASH_BYTES:
        raise BadNote(f"the root of a checkpoint has {HASH_BYTES} bytes, not {len(root)}")
    size = int(lines[1])
    if size == 0 and root != EMPTY_ROOT:
        raise BadNote("the root of the empty tree is the hash of nothing")
    return Checkpoint(lines[0], size, root)


def open_checkpoint(raw: bytes, *verifiers: Verifier) -> tuple[Checkpoint, Note]:
    """Read and verify a signed checkpoint of the log that these keys are of: one of them signed it.

    Raises `BadNote`.
    """
    note = read_note(raw)
    signed = verify_note(note, verifiers)
    checkpoint = read_checkpoint(note.text)
    if checkpoint.origin not in {each.name for each in signed}:
        raise BadNote(f"this is a checkpoint of {checkpoint.origin}, not of {signed[0].name}")
    return checkpoint, note


CLOCK_SECONDS_MAX = 10
"""How far the clock of a witness may be from ours, when we hold the time that it signed to what we know."""


class Cosignature(NamedTuple):
    """A witness saw the checkpoint, and saw that it extends what it had seen before."""

    witness: Verifier
    seconds: int
    """When, as seconds since 1970-01-01T00:00:00Z."""
    line: Line

    def untimely(self, signed_first: float, now: float) -> Literal["early", "late"] | None:
        """Tell whether it is from before the checkpoint was first signed, or from a time still to come."""
        if self.seconds < signed_first - CLOCK_SECONDS_MAX:
            return "early"
        return "late" if self.seconds > now + CLOCK_SECONDS_MAX else None


def cosign(text: str, name: str, key: Ed25519PrivateKey, seconds: int) -> Line:
    """Make a witness's line for the text of a checkpoint."""
    verifier = Verifier(name, COSIGNATURE, key.public_key().public_bytes_raw())
    signature = seconds.to_bytes(_TIME_BYTES, "big") + key.sign(_cosigned(text, seconds))
    return Line(name, verifier.key_id, signature)


def cosignatures(note: Note, witnesses: Iterable[Verifier]) -> list[Cosignature]:
    """Find the lines of these witnesses, all verified. Raises `BadNote` for one that does not hold."""
    found = []
    for witness in witnesses:
        for line in note.lines:
            if not witness.made(line):
                continue
            seconds = int.from_bytes(line.signature[:_TIME_BYTES], "big")
            message = _cosigned(note.text, seconds)
            if witness.type != COSIGNATURE or not witness.holds(message, line.signature[_TIME_BYTES:]):
                raise BadNote(f"the cosignature of {witness.name} does not hold")
            found.append(Cosignature(witness, seconds, line))
    return found


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
