"""The bulk of a rebuild: large ranges, each committed with its cursor; indexes; what came meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import LedgerError
from ledger_projections.cursors import Cursors
from ledger_projections.folding import (
    SESSION,
    SQL,
    Folder,
    Range,
    Target,
    next_range,
    reached_by,
    types_of,
)
from ledger_projections.installing import complete_schema, register, registered

Connection = psycopg.Connection[TupleRow]

RANGE_EVENTS_MAX = 200_000
"""Events that one transaction of the bulk folds: what a kill loses, and what the server holds in memory.
Larger ranges touch the row of a customer less often. (A verification folds whole customers: of one who has
more events, it lays down what does not fit into memory.)"""
SUMMED_RANGES = 5
"""What is folded from another read model's rows is sums over typed columns: so many ranges at once."""
LANES = 2
"""Read models that are built side by side, each on a connection of its own."""
CATCH_UP_EVENTS_MAX = 2_000
"""The swap may begin when no more than so many events are left: the projector waits while they are folded."""
CATCH_UP_ROUNDS_MAX = 20
"""How often to fold what came meanwhile before the swap begins with more left than that."""

_BULK = sql.SQL(
    "SET work_mem = '64MB'; SET maintenance_work_mem = '256MB';"
    # So that what a killed rebuild was doing ends, and with it its locks.
    "SET client_connection_check_interval = '1s'"
)


class RebuildFailed(LedgerError):  # noqa: N818 - what happened, not an error's name
    """A range cannot be folded. The live read models are as they were; the next rebuild tries again there."""


class Meter:
    """Counts what is folded, and passes it on; several threads may tell it."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self.events = 0

    def tell(self, events: int) -> None:
        """Count so many events more."""
        with self._lock:
            self.events += events
            self._advance(events)


def open_connection(conninfo: str) -> Connection:
    """Open a connection for the bulk."""
    connection = connect(
        conninfo,
        application_name="billing-ledger rebuild",
        # An index on a large table takes as long as it takes.
        statement_seconds_max=0,
    )
    connection.execute(SESSION)
    connection.execute(_BULK)
    return connection


def heads(connection: Connection) -> dict[str, int]:
    """Read where the logs end."""
    return dict(connection.execute(SQL["heads"]).fetchall())


def left(connection: Connection, target: Target, logs: Mapping[str, int]) -> int:
    """Count the events that a target has yet to fold."""
    reached = reached_by(connection, [target.schema])
    return sum(max(0, head - reached.get((target.schema, book), 0)) for book, head in logs.items())


class Filler:
    """Folds into targets on one connection, range by range."""

    def __init__(self, connection: Connection, cursors: Cursors, meter: Meter) -> None:
        self._connection = connection
        self._folder = Folder(connection, cursors, prepare=False)
        self._meter = meter

    def fold_next(self, target: Target, book: str, head: int, events_max: int) -> bool:
        """Fold the next range of a book and commit it; False when there is nothing up to `head`.

        Raises `RebuildFailed`.
        """
        reached = reached_by(self._connection, [target.schema, *target.needed])
        range_ = next_range(target, reached, book, head, events_max)
        if range_ is None:
            return False
        try:
            with self._connection.transaction():
                self._folder.fold(target, range_, types_of(self._connection, book))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise RebuildFailed(_failure(target, range_, error)) from error
        self._meter.tell(range_.upto - range_.after)
        return True

    def complete(self, target: Target) -> None:
        """Make the indexes and what is read, unless they are there."""
        if registered(self._connection)[target.schema].state != "filling":
            return
        with self._connection.transaction():
            complete_schema(self._connection, target)
            register(self._connection, target, "indexed")
        # So that the planner knows the tables before anybody reads them.
        for (table,) in self._connection.execute(SQL["tables"], {"schema": target.schema}).fetchall():
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(target.schema, table)))

    def catch_up(self, targets: Sequence[Target], events_max: int) -> None:
        """Fold what came meanwhile, until little is left or that does not become less any more."""
        for _ in range(CATCH_UP_ROUNDS_MAX):
            logs = heads(self._connection)
            if sum(left(self._connection, target, logs) for target in targets) <= CATCH_UP_EVENTS_MAX:
                return
            for target in targets:
                for book, head in logs.items():
                    while self.fold_next(target, book, head, events_max):
                        pass


class Lanes:
    """Fills several targets side by side, each on a connection of its own."""

    def __init__(
        self, conninfo: str, cursors: Cursors, meter: Meter, *, lanes: int, range_events_max: int
    ) -> None:
        self._conninfo = conninfo
        self._cursors = cursors
        self._meter = meter
        self._lanes = lanes
        self._range_events_max = range_events_max
        self._stopping = threading.Event()

    def fill(self, targets: Sequence[Target]) -> None:
        """Fold all that there is; the first failure ends the rest after their ranges under way."""
        schemas = {target.schema for target in targets}
        chains = [
            [target, *(each for each in targets if schemas.intersection(each.needed) == {target.schema})]
            for target in targets
            if not schemas.intersection(target.needed)
        ]
        of_several = [target for target in targets if not any(target in chain for chain in chains)]
        with ThreadPoolExecutor(self._lanes, "ledger-rebuild") as pool:
            try:
                for chain in as_completed([pool.submit(self._fill_chain, chain) for chain in chains]):
                    chain.result()
            except BaseException:
                self._stopping.set()
                raise
        if of_several:
            self._fill_chain(of_several)

    def _fill_chain(self, chain: Sequence[Target]) -> None:
        """Fill one after the other: what is needed is looked up by an index, which is made last."""
        if self._stopping.is_set():
            return
        with open_connection(self._conninfo) as connection:
            filler = Filler(connection, self._cursors, self._meter)
            for target in chain:
                events_max = self._range_events_max * (SUMMED_RANGES if target.needed else 1)
                for book, head in heads(connection).items():
                    while filler.fold_next(target, book, head, events_max):
                        if self._stopping.is_set():
                            return
                filler.complete(target)


def _failure(target: Target, range_: Range, error: psycopg.Error) -> str:
    reason = str(error).strip().partition("\n")[0]
    return (
        f"{target.model.name} cannot be folded in {range_.book} between the positions "
        f"{range_.after + 1} and {range_.upto}: {reason}"
    )
