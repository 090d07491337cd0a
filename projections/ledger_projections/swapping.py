"""The swap: rebuilt read models take the place of the live ones in one transaction, and nobody notices.

While it swaps, the gates of its read models are closed: no projector folds them. The rebuilt ones fold up
to where the live ones stand, so that a cursor says the same of both, and whoever still looks at the database
as it was before those rows were there is waited for. Then schemas are renamed, which locks no table: a
statement that found its tables just before reads the old ones to its end. The gates open when such statements
have ended, and the old schemas are dropped when every transaction from before has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import structlog
from psycopg import sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from ledger_projections import locks
from ledger_projections.filling import Filler, RebuildFailed
from ledger_projections.folding import SQL, Reached, Target, reached_by
from ledger_projections.installing import drop_schema, register, schema_exists

log = structlog.get_logger()

REBUILD, RETIRED = "@rebuild", "@retired"
"""What the name of a schema ends in that is being built, or that was replaced."""

FOLLOWED_SECONDS_MAX = 2.0
"""How long to wait until the live read models stand where the rebuilt ones do: perhaps nobody folds them."""
SNAPSHOTS_SECONDS_MAX = 60.0
"""How long to wait in all for transactions that look at the database as it was before the rebuilt rows were
there. One that runs longer and reads a read model after the swap sees only what was folded when it began."""
GATES_SECONDS_MAX = 2.0
"""How long the gates stay closed at a time for those transactions."""
STATEMENTS_SECONDS_MAX = 0.5
"""How long the gates stay closed after the swap for statements that began before: one that runs longer has
taken its snapshot long ago."""
RETIRED_SECONDS_MAX = 60.0
"""How long an old schema is kept for transactions from before the swap; then the next rebuild drops it."""
LOOK_SECONDS = 0.02
"""How often to look while waiting."""
REST_EVENTS_MAX = 1_000_000
"""Events in one range while the gates are closed: all that is left."""


class Swap:
    """One swap on one connection, whose session keeps the gates closed meanwhile."""

    def __init__(
        self, connection: psycopg.Connection[TupleRow], targets: Sequence[Target], filler: Filler
    ) -> None:
        self._connection = connection
        self._targets = targets
        self._filler = filler
        self._names = sorted(target.model.name for target in targets)

    def run(self) -> float:
        """Swap; tells for how many seconds the gates were closed. Raises `RebuildFailed`."""
        patience = time.monotonic() + SNAPSHOTS_SECONDS_MAX
        closed = 0.0
        while True:
            self._wait_until_followed()
            began = time.monotonic()
            with self._gates_closed():
                self._fold_the_rest()
                before = self._transactions("snapshots")
                swaps = self._wait_for_end_of(before, GATES_SECONDS_MAX) or time.monotonic() > patience
                if swaps:
                    self._rename()
                    before = self._transactions("transactions")
                    self._wait_for_end_of(self._transactions("statements"), STATEMENTS_SECONDS_MAX)
            closed += time.monotonic() - began
            if swaps:
                self._drop_retired(before)
                return closed
            self._wait_for_end_of(before, patience - time.monotonic())

    @contextmanager
    def _gates_closed(self) -> Iterator[None]:
        for name in self._names:
            locks.lock(self._connection, locks.GATE, name)
        try:
            yield
        finally:
            if not self._connection.closed:
                for name in self._names:
                    locks.unlock(self._connection, locks.GATE, name)
                self._connection.execute(SQL["notify_log"])

    def _wait_until_followed(self) -> None:
        """Let the live ones come to where the rebuilt ones stand: a cursor then says the same of both."""
        until = time.monotonic() + FOLLOWED_SECONDS_MAX
        while self._ahead(self._rebuilt(), self._live()) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def _fold_the_rest(self) -> None:
        """Fold up to the live cursors, not to the heads."""
        live = self._live()
        for target in self._targets:
            for (name, book), position in live.items():
                if name == target.model.name:
                    while self._filler.fold_next(target, book, position, REST_EVENTS_MAX):
                        pass

    def _rename(self) -> None:
        if behind := self._ahead(self._live(), self._rebuilt()):
            raise RebuildFailed(f"the rebuilt read models are behind the live ones in {', '.join(behind)}")
        with self._connection.transaction():
            for target in self._targets:
                name = target.model.name
                if schema_exists(self._connection, name):  # a new one may have waited for this rebuild
                    self._rename_schema(name, name + RETIRED)
                self._rename_schema(target.schema, name)
                self._connection.execute(SQL["adopt_cursors"], {"model": name, "rebuild": target.schema})
                self._connection.execute(SQL["drop_cursors"], {"model": target.schema})
                self._connection.execute(SQL["clear_failure"], {"model": name, "book": None})
                register(self._connection, Target.live(target.model), "live")
                self._connection.execute(SQL["forget"], {"model": target.schema})

    def _rename_schema(self, name: str, new_name: str) -> None:
        self._connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new_name))
        )

    def _drop_retired(self, before: set[str]) -> None:
        if not self._wait_for_end_of(before, RETIRED_SECONDS_MAX):
            log.warning(
                "retired_schemas_kept", models=self._names, because="a transaction from before goes on"
            )
            return
        for name in self._names:
            try:
                with self._connection.transaction():
                    self._connection.execute("SET LOCAL lock_timeout = '5s'")
                    drop_schema(self._connection, name + RETIRED)
            except LockNotAvailable:
                log.warning("retired_schemas_kept", models=[name], because="somebody reads it")

    def _wait_for_end_of(self, before: set[str], seconds_max: float) -> bool:
        """Wait until transactions have ended; tells whether they have."""
        until = time.monotonic() + seconds_max
        while before & self._transactions("transactions"):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _transactions(self, which: LiteralString) -> set[str]:
        return {str(name) for (name,) in self._connection.execute(SQL[which])}

    def _live(self) -> Reached:
        return reached_by(self._connection, self._names)

    def _rebuilt(self) -> Reached:
        rebuilt = reached_by(self._connection, [target.schema for target in self._targets])
        return {
            (schema.removesuffix(REBUILD), book): position for (schema, book), position in rebuilt.items()
        }

    @staticmethod
    def _ahead(these: Reached, those: Reached) -> list[str]:
        """Name where these are further than those."""
        return [
            f"{model}/{book}"
            for (model, book), position in these.items()
            if position > those.get((model, book), 0)
        ]
