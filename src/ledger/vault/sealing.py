"""Sealing: AES-256-GCM with a random nonce, bound to what the sealed text is of."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import IntegrityError

KEY_BYTES = 32
_NONCE_BYTES = 12
"""Random: two under one key meet by chance only after billions of texts, and a key is one customer's."""
SEALED_BYTES_MORE = _NONCE_BYTES + 16
"""How much longer a text is when it is sealed: the nonce, and the tag that proves it."""


def make_key() -> bytes:
    """Make a key of 256 random bits."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, text: bytes, *of: str) -> bytes:
    """Seal a text that belongs to `of`; the nonce stands before it."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, _bound(of))


def unseal(key: bytes, sealed: bytes, *of: str) -> bytes:
    """Open what was sealed for the same `of`.

    Raises `IntegrityError` when it was changed, moved to another place, or sealed under another key.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(of))
    except (InvalidTag, ValueError) as error:
        raise IntegrityError(f"{' '.join(of)} in the vault is not what was sealed") from error


def _bound(of: tuple[str, ...]) -> bytes:
    """Join the parts so that no two lists give the same bytes: no part of ours has a NUL in it."""
    return "\0".join(of).encode()
