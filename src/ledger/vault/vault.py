"""Putting personal data into the vault, getting it out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.database import with_settings
from ledger.errors import ConfigurationError, LedgerError, Unavailable
from ledger.sql import queries
from ledger.vault.erasing import CUSTOMER_LOCK, erase_pending
from ledger.vault.master import LOCK, Connection, MasterKey, key_path, master_in_force, newest_master
from ledger.vault.sealing import SEALED_BYTES_MORE, make_key, seal, unseal

_SQL = queries(__package__ or "", "vault.sql")

ROLE = "ledger_vault"
"""The role that reaches the vault, and nothing else; no other role does."""
CONNECTIONS_MAX = 4
"""Connections that all work with the vault shares."""
WAIT_SECONDS_MAX = 5.0
"""How long to wait for one of them before the vault counts as out of reach."""


_REPLACED = "the vault's master key is replaced in this moment: try again"


class NobodyKnown(LedgerError):  # noqa: N818
    """The log has no such customer, so nothing is kept of them."""


class Erased(LedgerError):  # noqa: N818
    """The customer's erasure was asked for: nothing is kept of them any more."""


class Vault:
    """Named texts of customers, sealed. Names look like `person.name`, `note.<id>`, `file.<hash>`.

    Blocking: call it off the event loop. Every method raises `Unavailable` when the vault cannot be reached
    or its master key is not here; billing goes on without it.
    """

    def __init__(self, conninfo: str, path: Path | None = None) -> None:
        self._path = path or key_path()
        self._master: MasterKey | None = None
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            with_settings(conninfo, role=ROLE, application_name="billing-ledger vault"),
            min_size=0,
            max_size=CONNECTIONS_MAX,
            timeout=WAIT_SECONDS_MAX,
            kwargs={"autocommit": True},
            name="vault",
            open=True,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Borrow a connection in the vault's role."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable(f"the vault is out of reach: may the login become {ROLE}?") from error

    def open(self) -> None:
        """Find the master key; the very first time, make it."""
        with self.connection() as connection:
            self._key(connection)

    def put(self, book: str, customer: str, texts: Mapping[str, bytes | None]) -> None:
        """Keep texts of a customer by name, each in the place of the one before; None keeps none.

        Raises `NobodyKnown` or `Erased`.
        """
        of = {"book": book, "customer": customer}
        kept = {name: text for name, text in texts.items() if text is not None}
        with self.connection() as connection:
            master = self._key(connection)
            with connection.transaction():
                _share(connection, of)
                _refuse_absent(connection, book, customer)
                if kept:
                    key = _find_key(connection, master, book, customer) or _add_key(connection, master, of)
                    sealed = [seal(key, text, book, customer, name) for name, text in kept.items()]
                    connection.execute(_SQL["put_records"], {**of, "names": list(kept), "sealed": sealed})
                connection.execute(_SQL["drop_records"], {**of, "names": list(texts.keys() - kept.keys())})

    def get(self, book: str, customer: str, names: Sequence[str]) -> dict[str, bytes]:
        """Give what is kept of a customer under these names; what is not kept is left out.

        Raises the same as `put`, and `IntegrityError` when something is not what was put.
        """
        of = {"book": book, "customer": customer}
        with self.connection() as connection:
            master = self._key(connection)
            _refuse_absent(connection, book, customer)
            key = _find_key(connection, master, book, customer)
            if key is None:
                return {}
            rows = connection.execute(_SQL["records"], {**of, "names": list(names)}, binary=True)
            return {name: unseal(key, sealed, book, customer, name) for name, sealed in rows}

    def erase_pending(self) -> int:
        """Delete what is kept of customers whose erasure the log asks for; tells of how many.

        Needs no master key. Safe to be cut off anywhere and to be done by several at once: a customer is
        erased in one transaction, in the order of the log, and whoever comes later goes on from there.
        """
        with self.connection() as connection:
            return erase_pending(connection)

    def sizes(self, book: str, customer: str, names: Sequence[str]) -> dict[str, int]:
        """Tell of how many bytes is what is kept under these names, opening none of it."""
        of = {"book": book, "customer": customer, "names": list(names)}
        with self.connection() as connection:
            rows = connection.execute(_SQL["sizes"], of)
            return {name: sealed_bytes - SEALED_BYTES_MORE for name, sealed_bytes in rows}

    def _key(self, connection: Connection) -> MasterKey:
        """Give the master key in force: read again when it was replaced."""
        master = self._master
        if master is None or newest_master(connection) != master.id:
            try:
                master = self._master = master_in_force(connection, self._path)
            except ConfigurationError as error:
                raise Unavailable(f"the vault is closed: {error}") from error
        return master


def _share(connection: Connection, of: Mapping[str, str]) -> None:
    """Share the customer and the master key; while that is replaced nobody waits long."""
    connection.execute(_SQL["wait_a_moment"])
    try:
        connection.execute(_SQL["share_customer"], {**of, "kind": CUSTOMER_LOCK, "master_kind": LOCK})
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(_REPLACED) from error


def _refuse_absent(connection: Connection, book: str, customer: str) -> None:
    """Refuse a customer of whom nothing may be kept."""
    row = connection.execute(_SQL["standing"], {"book": book, "customer": customer}).fetchone()
    opened, erased = row or (False, False)
    if not opened:
        raise NobodyKnown(f"there is no customer {customer} in {book}")
    if erased:
        raise Erased(f"the personal data of {customer} was erased for good")


def _find_key(connection: Connection, master: MasterKey, book: str, customer: str) -> bytes | None:
    row = connection.execute(_SQL["find_key"], {"book": book, "customer": customer}, binary=True).fetchone()
    if row is None:
        return None
    if row[1] != master.id:
        raise Unavailable(_REPLACED)
    return master.unwrap(row[0], book, customer)


def _add_key(connection: Connection, master: MasterKey, of: Mapping[str, str]) -> bytes:
    """Make the customer's key; another's, when one was made at the same moment."""
    book, customer = of["book"], of["customer"]
    wrapped = master.wrap(make_key(), book, customer)
    connection.execute(_SQL["add_key"], {**of, "master": master.id, "wrapped": wrapped})
    key = _find_key(connection, master, book, customer)
    if key is None:
        raise Unavailable(_REPLACED)
    return key
