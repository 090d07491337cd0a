"""What a caller is verified by: one-time codes, passwords and document numbers, compared and never shown.

Comparing takes as long where there is nothing to compare with, and tells nothing but yes or no.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from datetime import datetime
from functools import cache

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg.errors import ForeignKeyViolation

from ledger.person import record_name
from ledger.sql import queries
from ledger.vault.vault import Erased, Vault

_SQL = queries(__package__ or "", "secrets.sql")

CODE_DIGITS = 6
"""Digits of a one-time code: short enough to be read out; guessing is bounded by the attempts allowed."""
PASSWORD = record_name("password")
"""The record that holds the hash of a customer's password."""

HASHED_AT_ONCE_MAX = 2
"""Hashes computed at a time: each takes 64 MiB, and whoever guesses should not take the machine with them."""
_HASHING = threading.BoundedSemaphore(HASHED_AT_ONCE_MAX)

_hasher = PasswordHasher()
"""Argon2id with the costs that RFC 9106 recommends where memory is scarce."""


def put_password(vault: Vault, book: str, customer: str, password: str) -> None:
    """Keep a password's hash, in the place of the one before. Raises what `Vault.put` raises."""
    vault.put(book, customer, {PASSWORD: _hash(password).encode()})


def password_is(vault: Vault, book: str, customer: str, given: str) -> bool:
    """Say whether this is the customer's password."""
    found = vault.get(book, customer, [PASSWORD]).get(PASSWORD)
    return _matches(None if found is None else found.decode(), given)


def document_number_is(vault: Vault, book: str, customer: str, given: str) -> bool:
    """Say whether this is the number of the customer's document, white space and case aside."""
    name = record_name("document_number")
    found = vault.get(book, customer, [name]).get(name)
    kept = "" if found is None else msgspec.json.decode(found, type=str)
    return hmac.compare_digest(_plain(kept), _plain(given)) and found is not None


def _plain(number: str) -> bytes:
    return "".join(number.split()).upper().encode()


def make_code(vault: Vault, book: str, customer: str, expires_at: datetime) -> str:
    """Make a one-time code, keep its hash, and give it out for the only time."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    values = {"book": book, "customer": customer, "hash": _hash(code), "expires_at": expires_at}
    with vault.connection() as connection:
        try:
            connection.execute(_SQL["keep_code"], values)
        except ForeignKeyViolation:
            raise Erased(f"nothing is kept of {customer} any more") from None
    return code


def use_code(vault: Vault, book: str, customer: str, given: str) -> bool:
    """Say whether this is the code that the customer was sent; a code that was right works no more."""
    of = {"book": book, "customer": customer}
    with vault.connection() as connection:
        row = connection.execute(_SQL["find_code"], of).fetchone()
    found = None if row is None else str(row[0])
    if not _matches(found, given):
        return False
    with vault.connection() as connection:
        return connection.execute(_SQL["use_code"], {**of, "hash": found}).fetchone() is not None


def _hash(secret: str) -> str:
    with _HASHING:
        return _hasher.hash(secret)


def _matches(kept: str | None, given: str) -> bool:
    try:
        with _HASHING:
            return _hasher.verify(kept or _no_hash(), given) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _no_hash() -> str:
    """Give what is compared with where there is nothing: nobody knows what it is a hash of."""
    return _hasher.hash(secrets.token_hex())
