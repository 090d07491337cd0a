"""Building read models anew beside the live ones, for nobody but a comparison, which it makes too.

Nothing is done for readers there: no index but what a fold needs, no views, no writes that would outlive a
crash; and rows that nothing changes later are not written at all, but hashed as they come. Where it can be,
all that a customer did is folded at once: then nothing is left to come that could change a row.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, left_out, part
from ledger.verify.shares import share_out
from ledger_projections.comparing import Making, Sums, making, of_no_book, row_sums, side_by_side
from ledger_projections.filling import RANGE_EVENTS_MAX
from ledger_projections.folding import Range, Share, Target, execute, types_of
from ledger_projections.installing import make_schema
from ledger_projections.readmodel import Fold, ReadModel, from_log, search_path
from ledger_projections.standing import tables_of
from ledger_projections.stopping import Stopping

SQL = queries("ledger_projections", "building.sql")

VERIFY = "@verify"
"""What ends the names of the schemas that read models are built in for comparing."""

Connection = psycopg.Connection[TupleRow]
Advance = Callable[[int], None]


class Build:
    """Builds read models anew, and compares them in one snapshot.

    One `apart` is built from the live ones that it needs; else what is needed is among them.
    """

    def __init__(
        self,
        book: str,
        models: Sequence[ReadModel],
        advance: Advance,
        stopping: Stopping,
        *,
        apart: bool,
    ) -> None:
        self._book = book
        self._targets = [
            Target(
                model, model.name + VERIFY, tuple(each.name + VERIFY * (not apart) for each in model.needs)
            )
            for model in models
        ]
        self._advance = advance
        self._stopping = stopping
        self._apart = apart
        self._seconds = dict.fromkeys(models, 0.0)
        self._seed = secrets.randbits(63)
        self._makings: dict[Fold, Making | None] = {}
        self._made: dict[str, Sums] = {}

    def checks(self, connection: Connection) -> list[Check]:
        """Make the check of each."""
        self._stopping.go_on()
        try:
            upto = min(self._reached(connection).values())
            self._build(connection, upto)
            self._stopping.go_on()
            return list(self._compared(connection, upto))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            said = f"the log cannot be folded: {str(error).partition(chr(10))[0]}"
            first, *others = (target.model.name for target in self._targets)
            failed = check(first, "nothing", "rows", 0, [part(0, [Finding(said)])])
            return [failed, *(left_out(name, f"{first} failed", "rows") for name in others)]

    def _reached(self, connection: Connection) -> dict[ReadModel, int]:
        rows = connection.execute(SQL["cursors"], {"book": self._book}).fetchall()
        reached = {str(model): int(position) for model, position in rows}
        return {target.model: reached.get(target.model.name, 0) for target in self._targets}

    def _build(self, connection: Connection, upto: int) -> None:
        """Fold what all of them have folded, range by range."""
        for target in self._targets:
            with connection.transaction():
                make_schema(connection, target)
                for table in tables_of(connection, target.schema):
                    name = sql.Identifier(target.schema, table)
                    connection.execute(sql.SQL(SQL["for_comparing"]).format(table=name))
            # What is folded from other rows is sums over them, or little: all of it at once.
            events_max = upto if target.needed else RANGE_EVENTS_MAX
            for after in range(0, upto, max(events_max, 1)):
                self._stopping.go_on()
                range_ = Range(self._book, after, min(upto, after + events_max))
                with connection.transaction():
                    self._fold(connection, target, range_)
                if not self._by_customer(target):
                    self._advance(range_.upto - after)

    def _by_customer(self, target: Target) -> bool:
        return self._apart and target.model.by_customer

    def _compared(self, connection: Connection, upto: int) -> Iterator[Check]:
        """Fold what came meanwhile, and compare, all in one snapshot; nothing of it is kept."""
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reached = self._reached(connection)
            for target in self._targets:
                self._fold(connection, target, Range(self._book, upto, reached[target.model]))
                if self._by_customer(target):
                    self._fold_customers(connection, target, reached[target.model])
            connection.execute(SQL["planned_freely"])
            for target in self._targets:
                began = time.monotonic()
                count, findings = 0, []
                for table in tables_of(connection, target.schema):
                    self._stopping.go_on()
                    counted, found = self._differences(connection, target, table)
                    count += counted
                    findings += found
                    findings += [
                        Finding(f"{target.model.name}.{table} has rows of {book}, and there is no such book")
                        for book in of_no_book(connection, target.model.name, table)
                    ]
                spent = self._seconds[target.model] + time.monotonic() - began
                compared = f"each row with those that the events up to {reached[target.model]} come to"
                yield check(target.model.name, compared, "rows", spent, [part(count, findings)])

    def _fold_customers(self, connection: Connection, target: Target, upto: int) -> None:
        """Fold all that some customers did, then the next ones: what is in the snapshot, so nothing later."""
        bounds = share_out(connection, self._book, upto).bounds
        for done, (behind, last) in enumerate(bounds):
            self._fold(connection, target, Share(self._book, 0, upto, behind, last))
            self._advance(upto * (done + 1) // len(bounds) - upto * done // len(bounds))

    def _fold(self, connection: Connection, target: Target, range_: Range | Share) -> None:
        """Fold a range; or what completes rows, of a share of the customers."""
        if range_.after >= range_.upto:
            return
        began = time.monotonic()
        of_share = isinstance(range_, Share)
        present = types_of(connection, range_.book)
        connection.execute(search_path(target.schema, target.needed))
        for fold in target.model.folds_about(present):
            if self._apart and of_share != bool(fold.completes):
                continue
            self._stopping.go_on()
            making_ = self._making(connection, target, fold)
            if making_ is None:
                execute(connection, fold, range_)
                continue
            for table, sums in making_.sums(connection, range_).items():
                self._made[table] = self._made.get(table, Sums(0, 0, 0)).plus(sums)
        self._seconds[target.model] += time.monotonic() - began

    def _making(self, connection: Connection, target: Target, fold: Fold) -> Making | None:
        """Have a fold make rows without writing them, where no others are folded from them here."""
        if not self._apart:
            return None
        if fold not in self._makings:
            read = from_log(fold.statement, SQL["of_share"]) if fold.completes else fold.statement
            only_made = fold._replace(statement=read)
            self._makings[fold] = making(connection, target.schema, only_made, self._seed)
        return self._makings[fold]

    def _differences(self, connection: Connection, target: Target, table: str) -> tuple[int, list[Finding]]:
        """Compare one table; gives how many rows were, and the first that differ.

        All rows of both are hashed, which is quick; only where the sums differ are they put side by side.
        """
        name = f"{target.model.name}.{table}"
        live = row_sums(connection, target.model.name, table, self._seed, self._book)
        # All that was built is of the book. Asked for that, a planner that knows nothing of a table that was
        # never analysed would go through it by an index.
        rebuilt = self._made.get(table) or row_sums(connection, target.schema, table, self._seed)
        if live == rebuilt:
            return live.rows, []
        # Of rows that were hashed as they came, there is none to put beside the live ones.
        differing = [] if table in self._made else side_by_side(connection, target, table, self._book)
        findings = [
            Finding(f"{name} has {row or 'no such row'}, the events come to {expected or 'no such row'}")
            for row, expected in differing
        ]
        if not findings:
            said = f"it has {live.rows} rows, the events come to {rebuilt.rows}"
            findings = [Finding(f"{name} differs in rows that cannot be named: {said}")]
        return max(live.rows, rebuilt.rows), findings
