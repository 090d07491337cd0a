"""Signed notes: a text, and signatures under it (https://c2sp.org/signed-note).

A key is public as one line, `<name>+<key id>+<base64 of type and key>`. The key id binds the name and
the type to the key; it says which key to try, and proves nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
"""Type of an Ed25519 signature of the note's text."""
COSIGNATURE = 0x04
"""Type of an Ed25519 cosignature with a time, as a witness makes it."""

_DASH = "— "
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_NAME = re.compile(r"[^\s+]+")
NOTE_BYTES_MAX = 1_000_000
"""A longer note is not read."""


class BadNote(Exception):  # noqa: N818 - it is the note that is bad
    """A note, a key or a signature that is not what it should be; says why."""


class Line(NamedTuple):
    """One signature line: the name of the key, its id, and what the key made."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


class Note(NamedTuple):
    """A text that ends with a newline, and the signature lines under it; none of them is checked yet."""

    text: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.lines))}"


class Verifier(NamedTuple):
    """A public key under a name."""

    name: str
    type: int
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that say which key signed: the hash of name, type and key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.key).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.type]) + self.key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def made(self, line: Line) -> bool:
        """Tell whether a line claims to be of this key."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Check an Ed25519 signature."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_verifier(line: str) -> Verifier:
    """Read a public key from its line. Raises `BadNote` when its parts do not fit together."""
    name, _, rest = line.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = _decode(encoded, "the key")
    if not _NAME.fullmatch(name) or len(raw) != 1 + _KEY_BYTES or raw[0] not in (ED25519, COSIGNATURE):
        raise BadNote("this is no line of an Ed25519 key")
    verifier = Verifier(name, raw[0], raw[1:])
    if verifier.key_id.hex() != key_id:
        raise BadNote(f"the id of the key is {verifier.key_id.hex()}, not {key_id}")
    return verifier


class Signer(NamedTuple):
    """A private key under a name."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, ED25519, self.key.public_key().public_bytes_raw())

    def sign(self, text: str) -> Note:
        """Sign a text. Raises `BadNote` when it cannot be one of a note."""
        _check_text(text)
        return Note(text, (Line(self.name, self.verifier.key_id, self.key.sign(text.encode())),))


def read_note(raw: bytes) -> Note:
    """Read a note. Raises `BadNote`; a note that is read is not verified."""
    if len(raw) > NOTE_BYTES_MAX:
        raise BadNote(f"a note has at most {NOTE_BYTES_MAX:,} bytes")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise BadNote("a note is UTF-8") from error
    body, blank, signatures = whole.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise BadNote("a note is a text, an empty line, and signature lines")
    text = body + "\n"
    _check_text(text)
    return Note(text, tuple(read_lines(signatures)))


def read_lines(signatures: str) -> Iterable[Line]:
    """Read signature lines, each ended by a newline. Raises `BadNote`."""
    lines = signatures.split("\n")
    if lines.pop() != "" or not lines:
        raise BadNote("signature lines end with a newline, and there is one at least")
    for line in lines:
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        raw = _decode(encoded, "a signature")
        if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name) or len(raw) < 5:
            raise BadNote("a signature line is a dash, a name, and the base64 of key id and signature")
        yield Line(name, raw[:4], raw[4:])


def verify_note(note: Note, verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
    """Say which of these keys signed the note.

    Raises `BadNote` when none did, or when a line under one of them does not hold. Lines of unknown keys are
    ignored.
    """
    signed = []
    for verifier in verifiers:
        for line in note.lines:
            if verifier.made(line):
                if verifier.type != ED25519 or not verifier.holds(note.text.encode(), line.signature):
                    raise BadNote(f"the signature of {verifier.name} does not hold")
                signed.append(verifier)
    if not signed:
        raise BadNote("none of the known keys signed this")
    return tuple(dict.fromkeys(signed))


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in text):
        raise BadNote("the text of a note is lines without control characters")


def _decode(encoded: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"{what} is not base64") from error
    if base64.b64encode(raw).decode() != encoded:
        raise BadNote(f"{what} is not base64 as it is written")
    return raw
