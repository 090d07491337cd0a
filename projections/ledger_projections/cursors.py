"""Cursors: how far a read model has folded a book, kept by the eventsourcing library's tracking recorder.

The row is written in the transaction that writes the rows of the read model. It only ever moves forward: a
projector that was overtaken cannot write, which is the fence behind the advisory locks.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from ledger.database import with_settings
from ledger.errors import LedgerError


class Overtaken(LedgerError):  # noqa: N818 - what happened, not an error's name
    """Somebody else has folded this range: nothing of it may be written twice."""


def cursor_name(model: str, book: str) -> str:
    """Name a cursor as the library's `application_name`; `model` is `<name>@rebuild` while it is rebuilt."""
    return f"{model}/{book}"


class Cursors(PostgresTrackingRecorder):
    """The library's recorder on table `ledger.cursor`, which a migration made.

    Its own connections, which only its public methods use, are opened on first use.
    """

    def __init__(self, conninfo: str) -> None:
        parts = {name: str(value) for name, value in conninfo_to_dict(with_settings(conninfo)).items()}
        datastore = PostgresDatastore(
            dbname=parts.get("dbname", ""),
            host=parts.get("host", ""),
            port=parts.get("port", ""),
            user=parts.get("user", ""),
            password=parts.get("password", ""),
            schema="ledger",
        )
        assert isinstance(datastore.pool.kwargs, dict)  # noqa: S101 - narrows the type
        datastore.pool.kwargs.update(parts)
        super().__init__(datastore, tracking_table_name="cursor")

    def move(
        self, connection: psycopg.Connection[TupleRow], model: str, book: str, position: int
    ) -> Callable[[], None]:
        """Move a cursor forward within the transaction at hand, by the library's own statement.

        Gives what to call when the statement has run (it may wait in a pipeline): that raises `Overtaken` if
        the cursor was there already.
        """
        name = cursor_name(model, book)
        moved = connection.execute(
            self.insert_tracking_statement,
            {"application_name": name, "notification_id": position},
            prepare=True,
        )

        def check() -> None:
            if moved.fetchone() is None:
                raise Overtaken(f"{model} has folded {book} up to {position} already")

        return check

    def close(self) -> None:
        """Close the connections of its own, if any were opened."""
        self.datastore.close()
