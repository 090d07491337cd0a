"""Signing checkpoints: the size and the root of a book's tree, under a key that is not in the database.

A signer never signs a tree that does not extend the one signed before: whoever rewrites history cannot have
the new one signed without being noticed here, unless they hold the key.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import ConfigurationError, IntegrityError
from ledger.key_files import clear_successor, successor, take_over, write_key
from ledger.log import merkle
from ledger.sql import queries
from ledger.tlog import proof, tree
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.note import ED25519, Signer, Verifier, read_note
from ledger.tlog.tree import Connection

_SQL = queries(__package__ or "", "signing.sql")

SIGNING = 0x6C65_0005
"""Class of the transaction locks: one signer a book."""


class Signed(NamedTuple):
    """A checkpoint that was signed, and the note as it was handed out."""

    checkpoint: Checkpoint
    note: str


def origin_of(name: str, book: str) -> str:
    """Give the origin of a book's log: the name of this ledger, and the book."""
    return f"{name}/v1/books/{book}/log"


def is_of_book(origin: str, book: str) -> bool:
    """Tell whether an origin is that of the log of a book of this name, in whatever ledger."""
    return origin.endswith(origin_of("", book))


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make a private key in a new file that only its owner may read. Raises `ConfigurationError`."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_key(path, pem)
    return key


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """Read a private key; None when there is no such file. Raises `ConfigurationError` when it is none."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read the key file {path}: {error.strerror}") from error
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} is no PEM file of a private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"the key in {path} is no Ed25519 key")
    return key


def key_in_force(connection: Connection, path: Path) -> Ed25519PrivateKey | None:
    """Read the key that signs; the first time, make it. None: it is elsewhere, so nothing is signed here.

    Raises `ConfigurationError` when the file holds another key than the one in force.
    """
    newest = _newest_key(connection)
    key = read_key(path)
    if key is not None and public(key) == newest:
        return key
    with connection.transaction():
        connection.execute(_SQL["lock_keys"], {"kind": SIGNING})
        return _settle(connection, path)


def _settle(connection: Connection, path: Path) -> Ed25519PrivateKey | None:
    """Do what `key_in_force` does, under the lock: finish what a rotation that was cut off has left."""
    newest, key = _newest_key(connection), read_key(path)
    if newest is None:
        key = key or make_key(path)
        connection.execute(_SQL["add_key"], {"public_key": public(key)})
    elif key is None or public(key) != newest:
        waiting = read_key(successor(path))
        if waiting is not None and public(waiting) == newest:
            take_over(path, len(public_keys(connection)) - 1)
            return waiting
        if key is not None:
            raise ConfigurationError(
                f"the key in {path} is not the one in force (billing-ledger log keys lists that first)"
            )
    return key


def _newest_key(connection: Connection) -> bytes | None:
    row = connection.execute(_SQL["newest_key"]).fetchone()
    return None if row is None else bytes(row[0])


def rotate_key(connection: Connection, path: Path) -> Ed25519PrivateKey:
    """Make a new key in the file, in force from now on; the old one is kept beside it.

    The old one may be lost, or be elsewhere; but a file with a key that is not in force is refused.
    """
    with connection.transaction():
        connection.execute(_SQL["lock_keys"], {"kind": SIGNING})
        _settle(connection, path)
        key = make_key(clear_successor(path))
        connection.execute(_SQL["add_key"], {"public_key": public(key)})
    return key_in_force(connection, path) or key


def public(key: Ed25519PrivateKey) -> bytes:
    """Give the public half."""
    return key.public_key().public_bytes_raw()


def public_keys(connection: Connection) -> list[bytes]:
    """List the keys that ever signed, the one in force first."""
    return [bytes(key) for key, _ in connection.execute(_SQL["keys"])]


def verifiers(connection: Connection, origin: str) -> list[Verifier]:
    """List the keys that ever signed as keys of one book's log, the one in force first."""
    return [Verifier(origin, ED25519, key) for key in public_keys(connection)]


def is_there(connection: Connection, book: str) -> bool:
    """Tell whether there is such a book: one that was never opened has no events."""
    row = connection.execute(_SQL["head"], {"book": book}).fetchone()
    return row is not None and int(row[0]) > 0


def sign_head(connection: Connection, book: str, origin: str, key: Ed25519PrivateKey) -> Signed:
    """Sign where the book's log ends now; what is signed already is given again.

    Raises `LookupError` when there is no such book, and `IntegrityError` when the log does not extend what
    was signed before: then nothing is signed.
    """
    tree.keep_tiles(connection, book, _head(connection, book)[0])
    with connection.transaction():
        connection.execute(_SQL["lock_signing"], {"kind": SIGNING, "book": book})
        size, frontier = _head(connection, book)
        before = latest(connection, book)
        if before is not None and before.checkpoint.size == size and _by(before, public(key)):
            return before
        tree.keep_tiles(connection, book, size)
        checkpoint = Checkpoint(origin, size, merkle.root(frontier))
        if before is not None:
            _refuse_other_history(connection, book, before.checkpoint, checkpoint)
        note = str(checkpoint.sign(Signer(origin, key)))
        connection.execute(
            _SQL["keep_checkpoint"],
            {"book": book, "size": size, "root": checkpoint.root, "public_key": public(key), "note": note},
        )
    return Signed(checkpoint, note)


def sign(connection: Connection, book: str, origin: str, path: Path) -> Signed | None:
    """Sign where the book's log ends now; where the key is elsewhere, give what was signed last, if anything.

    Raises what `key_in_force` and `sign_head` raise.
    """
    key = key_in_force(connection, path)
    return latest(connection, book) if key is None else sign_head(connection, book, origin, key)


def latest(connection: Connection, book: str) -> Signed | None:
    """Give what was signed last; None when nothing was."""
    return _signed(connection.execute(_SQL["latest_checkpoint"], {"book": book}).fetchone())


def signed_at(connection: Connection, book: str, size: int) -> Signed | None:
    """Give what was signed at a size; None when nothing was."""
    return _signed(connection.execute(_SQL["checkpoint_at"], {"book": book, "size": size}).fetchone())


def with_cosignatures(connection: Connection, book: str, signed: Signed) -> str:
    """Give a checkpoint with what witnesses signed of it."""
    lines = connection.execute(_SQL["cosignatures"], {"book": book, "size": signed.checkpoint.size})
    return signed.note + "".join(str(line) for (line,) in lines)


def _signed(row: tuple[object, ...] | None) -> Signed | None:
    if row is None:
        return None
    size, root, _, note = row
    text = read_note(str(note).encode()).text
    if not isinstance(root, bytes):
        raise IntegrityError(f"the checkpoint at {size} has no root")
    return Signed(Checkpoint(text.partition("\n")[0], int(str(size)), root), str(note))


def _by(signed: Signed, key: bytes) -> bool:
    verifier = Verifier(signed.checkpoint.origin, ED25519, key)
    return any(verifier.made(line) for line in read_note(signed.note.encode()).lines)


def _head(connection: Connection, book: str) -> tuple[int, list[bytes]]:
    row = connection.execute(_SQL["head"], {"book": book}).fetchone()
    if row is None:
        raise LookupError(f"there is no book {book}")
    return int(row[0]), merkle.unpack(row[1])


def _refuse_other_history(connection: Connection, book: str, before: Checkpoint, now: Checkpoint) -> None:
    if now.size < before.size:
        raise IntegrityError(f"book {book} ends at {now.size}, but {before.size} events were signed")
    if before.size == 0:
        return
    path = tree.proof(connection, book, proof.consistency(before.size, now.size))
    try:
        proof.verify_consistency(before.size, now.size, path, before.root, now.root)
    except proof.BadProof as error:
        raise IntegrityError(
            f"book {book}: the log of {now.size} events does not extend the {before.size} signed: {error}"
        ) from error
