"""The master key, which wraps the customers' keys: in a file, so that the database alone opens nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from ledger.embedded import HOME_VARIABLE
from ledger.errors import ConfigurationError
from ledger.key_files import clear_successor, successor, take_over, write_key
from ledger.sql import queries
from ledger.vault.sealing import KEY_BYTES, make_key, seal, unseal

_SQL = queries(__package__ or "", "master.sql")

KEY_VARIABLE = "BILLING_LEDGER_VAULT_KEY"
FILE_NAME = "vault-key"
"""Its name in the data folder, where the environment names no file."""
_HEADING = "billing-ledger vault key 1"

LOCK = 0x6C65_0010
"""Class of the transaction lock under which the master key is made or replaced."""

PAGE_KEYS = 10_000
"""Customers' keys that are wrapped anew together."""

Connection = psycopg.Connection[TupleRow]


class MasterKey:
    """A master key. `id` recognises it and may be shown; the secret is never printed."""

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = hashlib.sha256(b"billing-ledger vault key\0" + secret).digest()[:16]

    def wrap(self, key: bytes, book: str, customer: str) -> bytes:
        """Wrap a customer's key."""
        return seal(self._secret, key, "key", book, customer)

    def unwrap(self, wrapped: bytes, book: str, customer: str) -> bytes:
        """Give a customer's key back. Raises `IntegrityError` when it is not what was wrapped."""
        return unseal(self._secret, wrapped, "key", book, customer)


def key_path() -> Path:
    """Tell where the master key is: a file of its own, or one in the data folder."""
    home = Path(os.environ.get(HOME_VARIABLE) or ".billing-ledger")
    return Path(os.environ.get(KEY_VARIABLE) or home / FILE_NAME).absolute()


def read_master(path: Path) -> MasterKey | None:
    """Read a master key; None when there is no such file. Raises `ConfigurationError` when it is none."""
    try:
        heading, _, text = path.read_text(encoding="ascii").partition("\n")
        secret = base64.b64decode(text.strip(), validate=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read the vault's key file {path}: {error.strerror}") from error
    except (UnicodeDecodeError, binascii.Error) as error:
        raise ConfigurationError(f"{path} is no key file of the vault") from error
    if heading != _HEADING or len(secret) != KEY_BYTES:
        raise ConfigurationError(f"{path} is no key file of the vault")
    return MasterKey(secret)


def make_master(path: Path) -> MasterKey:
    """Make a master key in a new file that only its owner may read. Raises `ConfigurationError`."""
    secret = make_key()
    write_key(path, f"{_HEADING}\n{base64.b64encode(secret).decode()}\n".encode("ascii"))
    return MasterKey(secret)


def newest_master(connection: Connection) -> bytes | None:
    """Give the id of the master key in force, None before there is one."""
    row = connection.execute(_SQL["newest_master"], binary=True).fetchone()
    return None if row is None else row[0]


def master_in_force(connection: Connection, path: Path) -> MasterKey:
    """Read the master key in force; the first time, make it.

    Raises `ConfigurationError` when the file is gone or holds another key: what is in the vault cannot be
    read without it.
    """
    with connection.transaction():
        connection.execute(_SQL["lock_master"], {"kind": LOCK})
        newest = newest_master(connection)
        master = read_master(path)
        if newest is None:
            master = master or make_master(path)
            connection.execute(_SQL["add_master"], {"id": master.id})
            return master
        if master is None or master.id != newest:
            waiting = read_master(successor(path))
            if waiting is not None and waiting.id == newest:
                take_over(path, _generations(connection) - 1)
                return waiting
    if master is None:
        raise ConfigurationError(f"the vault's master key is not in {path}: put it back, or name its file")
    if master.id != newest:
        raise ConfigurationError(f"the key in {path} is not the vault's master key in force")
    return master


def rotate_master(
    connection: Connection, path: Path, advance: Callable[[int], None] = lambda _: None
) -> MasterKey:
    """Make a new master key in the file and wrap every customer's key by it; the old one is kept beside it.

    All in one transaction: until it commits the old key is in force, from then on the new one. Who adds a key
    meanwhile waits. Raises what `master_in_force` raises, and `IntegrityError` when a key was changed.
    """
    with connection.transaction():
        connection.execute(_SQL["lock_master"], {"kind": LOCK})
        old = master_in_force(connection, path)
        new = make_master(clear_successor(path))
        connection.execute(_SQL["add_master"], {"id": new.id})
        book, customer = "", ""
        while page := connection.execute(
            _SQL["wrapped_keys"], {"book": book, "customer": customer, "limit": PAGE_KEYS}, binary=True
        ).fetchall():
            wrapped = [new.wrap(old.unwrap(key, *of), *of) for *of, key in page]
            books, customers, _ = zip(*page, strict=True)
            keys = {"books": list(books), "customers": list(customers), "wrapped": wrapped}
            connection.execute(_SQL["rewrap_keys"], {**keys, "master": new.id})
            book, customer = books[-1], customers[-1]
            advance(len(page))
    return master_in_force(connection, path)


def count_keys(connection: Connection) -> int:
    """Count the customers' keys, which a new master key has to wrap."""
    (count,) = connection.execute(_SQL["count_keys"]).fetchone() or (0,)
    return int(count)


def _generations(connection: Connection) -> int:
    (count,) = connection.execute(_SQL["count_masters"]).fetchone() or (0,)
    return int(count)
