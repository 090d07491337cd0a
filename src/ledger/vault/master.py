"""The master key, which wraps the customers' keys: in a file, so that the database alone opens nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import tempfile
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from ledger.embedded import HOME_VARIABLE
from ledger.errors import ConfigurationError
from ledger.sql import queries
from ledger.vault.sealing import KEY_BYTES, make_key, seal, unseal

_SQL = queries(__package__ or "", "master.sql")

KEY_VARIABLE = "BILLING_LEDGER_VAULT_KEY"
FILE_NAME = "vault-key"
"""Its name in the data folder, where the environment names no file."""
_HEADING = "billing-ledger vault key 1"

LOCK = 0x6C65_0010
"""Class of the transaction lock under which the master key is made or replaced."""

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
    """Make a master key in a new file that only its owner may read. Raises `ConfigurationError`.

    The file has its whole content before it has its name, so nobody reads half a key.
    """
    secret = make_key()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{_HEADING}\n{base64.b64encode(secret).decode()}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(name, path)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise ConfigurationError(f"cannot make the vault's key file {path}: {error.strerror}") from error
    return MasterKey(secret)


def master_in_force(connection: Connection, path: Path) -> MasterKey:
    """Read the master key in force; the first time, make it.

    Raises `ConfigurationError` when the file is gone or holds another key: what is in the vault cannot be
    read without it.
    """
    with connection.transaction():
        connection.execute(_SQL["lock_master"], {"kind": LOCK})
        row = connection.execute(_SQL["newest_master"]).fetchone()
        master = read_master(path)
        if row is None:
            master = master or make_master(path)
            connection.execute(_SQL["add_master"], {"id": master.id})
            return master
    if master is None:
        raise ConfigurationError(f"the vault's master key is not in {path}: put it back, or name its file")
    if master.id != row[0]:
        raise ConfigurationError(f"the key in {path} is not the vault's master key in force")
    return master
