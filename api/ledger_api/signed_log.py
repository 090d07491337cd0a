"""What signs and proves a book's log on behalf of the HTTP interface, off its event loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool

from ledger.database import with_settings
from ledger.embedded import HOME_VARIABLE
from ledger.errors import Refusal
from ledger.tlog import signing
from ledger.tlog.note import Verifier
from ledger.tlog.signing import Signed
from ledger.tlog.tree import Connection
from ledger_api.problems import NotFound

NAME_VARIABLE, KEY_VARIABLE = "BILLING_LEDGER_NAME", "BILLING_LEDGER_LOG_KEY"
NAME_DEFAULT = "billing-ledger.invalid"
"""Begins the origin of every book's log; whoever publishes checkpoints names the host they are served at."""
CONNECTIONS_MAX = 2
"""Connections that checkpoints, tiles and proofs share."""

T = TypeVar("T")


def key_path() -> Path:
    """Tell where the key that signs is: a file of its own, or one in the data folder."""
    home = Path(os.environ.get(HOME_VARIABLE) or ".billing-ledger")
    return Path(os.environ.get(KEY_VARIABLE) or home / "log-key.pem").absolute()


def origin_of(book: str) -> str:
    """Give the origin of a book's log here."""
    return signing.origin_of(os.environ.get(NAME_VARIABLE) or NAME_DEFAULT, book)


class Transparency:
    """What the routes work with: a few connections of their own, and the key where it is here."""

    def __init__(self, conninfo: str) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            with_settings(conninfo, application_name="billing-ledger proofs"),
            min_size=0,
            max_size=CONNECTIONS_MAX,
            kwargs={"autocommit": True},
            name="proofs",
            open=True,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    def origin(self, book: str) -> str:
        """Give the origin of a book's log."""
        return origin_of(book)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do work that waits for the database, off the event loop."""

        def borrowed() -> T:
            with self._pool.connection() as connection:
                return work(connection)

        return await run_in_threadpool(borrowed)

    def keys(self, connection: Connection, book: str) -> list[Verifier]:
        """List the public keys of a book's log, the one in force first; the very first is made now."""
        self._refuse_unknown(connection, book)
        signing.key_in_force(connection, key_path())
        return signing.verifiers(connection, self.origin(book))

    def sign(self, connection: Connection, book: str) -> Signed:
        """Sign where the log ends now; without the key, give what was signed last elsewhere."""
        try:
            signed = signing.sign(connection, book, self.origin(book), key_path())
        except LookupError as error:
            raise NotFound("book_unknown", str(error), book=book) from error
        return signed or self.signed(connection, book)

    def signed(self, connection: Connection, book: str) -> Signed:
        """Give what was signed last."""
        signed = signing.latest(connection, book)
        if signed is None:
            self._refuse_unknown(connection, book)
            raise Refusal(
                "not_signed_yet", f"nothing of {book} is signed yet: ask for its checkpoint", signed=0
            )
        return signed

    @staticmethod
    def _refuse_unknown(connection: Connection, book: str) -> None:
        if not signing.is_there(connection, book):
            raise NotFound("book_unknown", f"there is no book {book}", book=book)
