"""Whether the live read models are what the log comes to: each is built anew, and its rows are compared.

Each is built on a connection of its own, in a schema that nobody else reads (`<model>@verify`), from the log
and the live read models that it needs: when each is right if those before it are, all are. Nothing is done
for readers there: no index but what a fold needs, no views, no writes that would outlive a crash; and rows
that are only ever added are not written at all, but hashed as they come.

Where anything differs, those that are folded from each other are built again, from the log alone and with
every row, to tell which rows are wrong, and none that merely follow from them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import Unavailable
from ledger.sql import queries
from ledger.verify.findings import Check, Finding, check, left_out, part
from ledger_projections import locks
from ledger_projections.comparing import Sums, row_sums, side_by_side, sums_of_added
from ledger_projections.definitions import check_definitions
from ledger_projections.filling import LANES, RANGE_EVENTS_MAX, open_connection
from ledger_projections.folding import Range, Target, execute, types_of
from ledger_projections.installing import drop_schema, make_schema
from ledger_projections.readmodel import READ_MODELS, ReadModel, search_path
from ledger_projections.standing import check_cursors, kept_as_it_is, tables_of, told_safe, why_not
from ledger_projections.stopping import Stopping

_SQL = queries("ledger_projections", "verifying.sql")

VERIFY = "@verify"
"""What ends the names of the schemas that read models are built in for comparing."""

Connection = psycopg.Connection[TupleRow]
Advance = Callable[[int], None]
Job = Callable[[Connection], list[Check]]
"""Is done on a connection of a lane, whose next piece of work goes on with it."""


def check_read_models(
    conninfo: str, book: str, advance: Advance = lambda _: None, stopping: Stopping | None = None
) -> list[Check]:
    """Compare every live read model of a book with one that is built for it, one check each.

    Two more are about all of them: how they are defined, and where their cursors are. What is of another
    version of the program, or stands still, is not compared, and its check says so. The live ones may go on
    meanwhile. Raises `Unavailable` when another process does the same, and soon after `stopping` is set.
    """
    stopping = stopping or Stopping()
    with connect(conninfo, statement_seconds_max=0, application_name="billing-ledger verify") as connection:
        live = {model: why_not(connection, model) for model in READ_MODELS}
        models = [model for model in READ_MODELS if live[model] is None]
        checks = [check_cursors(connection, book)]
        checks += [left_out(model.name, why, "rows") for model, why in live.items() if why is not None]
        with alone(connection, models), kept_as_it_is(conninfo, models, stopping) as looking:
            defined = check_definitions(looking, models)
            checks.append(defined.check)
            models, unread = told_safe(models, defined.otherwise)
            checks += unread
            apart = [_Build(book, [model], advance, stopping, apart=True) for model in models]
            found = _checked(conninfo, [build.checks for build in apart], stopping)
            wrong = {model for model in models if not found[model.name].passed}
            if wrong:
                _drop(connection)
                groups = [group for group in _folded_together(models) if wrong.intersection(group)]
                together = [_Build(book, group, advance, stopping, apart=False) for group in groups]
                again = _checked(conninfo, [build.checks for build in together], stopping)
                found = _told_apart(models, found, again)
    return [*(found[model.name] for model in models), *checks]


def _checked(conninfo: str, works: Sequence[Job], stopping: Stopping) -> dict[str, Check]:
    """Have all done, on a connection for each lane; the first failure ends all of them."""
    waiting = iter(works)

    def lane() -> list[Check]:
        with open_connection(conninfo) as connection, stopping.ends(connection):
            return [each for work in waiting for each in work(connection)]

    with ThreadPoolExecutor(LANES, "ledger-verify") as pool:
        try:
            lanes = [pool.submit(lane) for _ in range(LANES)]
            return {each.name: each for job in as_completed(lanes) for each in job.result()}
        except BaseException:
            stopping.set()
            raise


def _told_apart(
    models: Sequence[ReadModel], first: Mapping[str, Check], again: Mapping[str, Check]
) -> dict[str, Check]:
    """Tell what is wrong from what merely followed from it: that comes out right from the log alone.

    What came out right without following from anything wrong was wrong nevertheless when it was looked at
    first, and that is kept.
    """
    told: dict[str, Check] = {}
    for model in models:  # each after those it needs
        was = first[model.name]
        now = again.get(model.name, was)
        if now.result == "not compared":
            now = was
        if now.passed and not was.passed and all(told[needed.name].passed for needed in model.needs):
            gone = [
                Finding(f"{each.said}; it did not show again when all was built once more")
                for each in was.findings
            ]
            now = msgspec.structs.replace(was, findings=gone)
        told[model.name] = now
    return told


@contextmanager
def alone(connection: Connection, models: Sequence[ReadModel]) -> Iterator[None]:
    """Keep rebuilds and other verifications out, and leave nothing behind, not even what a killed one left.

    Were we killed, the locks would end with the connection.
    """
    with ExitStack() as held:
        for name in (VERIFY, *(model.name for model in models)):
            if not locks.try_lock(connection, locks.REBUILD, name):
                raise Unavailable(
                    "read models are being verified or rebuilt by another process: wait for that one"
                )
            # Given back by us, since the server may notice late that we left.
            held.callback(locks.unlock, connection, locks.REBUILD, name)
        _drop(connection)
        held.callback(_drop, connection)
        yield


def _drop(connection: Connection) -> None:
    for model in READ_MODELS:
        drop_schema(connection, model.name + VERIFY)


def _folded_together(models: Sequence[ReadModel]) -> list[list[ReadModel]]:
    """Put read models together that are folded from each other; what folds nothing stands alone."""
    groups: list[list[ReadModel]] = []
    for model in models:
        needs = model.needs if model.folds else ()
        touched = [group for group in groups if any(each in group for each in needs)]
        groups = [group for group in groups if group not in touched]
        groups.append([*(each for group in touched for each in group), model])
    return sorted(groups, key=lambda group: READ_MODELS.index(group[0]))


class _Build:
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
        self._added: dict[str, Sums] = {}

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
        rows = connection.execute(_SQL["cursors"], {"book": self._book}).fetchall()
        reached = {str(model): int(position) for model, position in rows}
        return {target.model: reached.get(target.model.name, 0) for target in self._targets}

    def _build(self, connection: Connection, upto: int) -> None:
        """Fold what all of them have folded, range by range."""
        for target in self._targets:
            with connection.transaction():
                make_schema(connection, target)
                for table in tables_of(connection, target.schema):
                    name = sql.Identifier(target.schema, table)
                    connection.execute(sql.SQL(_SQL["for_comparing"]).format(table=name))
            # What is folded from other rows is sums over them, or little: all of it at once.
            events_max = upto if target.needed else RANGE_EVENTS_MAX
            for after in range(0, upto, max(events_max, 1)):
                self._stopping.go_on()
                range_ = Range(self._book, after, min(upto, after + events_max))
                with connection.transaction():
                    self._fold(connection, target, range_)
                self._advance(range_.upto - after)

    def _compared(self, connection: Connection, upto: int) -> Iterator[Check]:
        """Fold what came meanwhile, and compare, all in one snapshot; nothing of it is kept."""
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reached = self._reached(connection)
            for target in self._targets:
                self._fold(connection, target, Range(self._book, upto, reached[target.model]))
            connection.execute(_SQL["planned_freely"])
            for target in self._targets:
                began = time.monotonic()
                count, findings = 0, []
                for table in tables_of(connection, target.schema):
                    self._stopping.go_on()
                    counted, found = self._differences(connection, target, table)
                    count += counted
                    findings += found
                spent = self._seconds[target.model] + time.monotonic() - began
                compared = f"each row with those that the events up to {reached[target.model]} come to"
                yield check(target.model.name, compared, "rows", spent, [part(count, findings)])

    def _fold(self, connection: Connection, target: Target, range_: Range) -> None:
        if range_.after >= range_.upto:
            return
        began = time.monotonic()
        present = types_of(connection, range_.book)
        connection.execute(search_path(target.schema, target.needed))
        for fold in target.model.folds_about(present):
            self._stopping.go_on()
            if self._apart and fold.adds is not None:
                sums = sums_of_added(connection, target.schema, fold.adds, fold, range_, self._seed)
                self._added[fold.adds] = self._added.get(fold.adds, Sums(0, 0, 0)).plus(sums)
            else:
                execute(connection, fold, range_)
        self._seconds[target.model] += time.monotonic() - began

    def _differences(self, connection: Connection, target: Target, table: str) -> tuple[int, list[Finding]]:
        """Compare one table; gives how many rows were, and the first that differ.

        All rows of both are hashed, which is quick; only where the sums differ are they put side by side.
        """
        name = f"{target.model.name}.{table}"
        live = row_sums(connection, target.model.name, table, self._seed, self._book)
        # All that was built is of the book. Asked for that, a planner that knows nothing of a table that was
        # never analysed would go through it by an index.
        rebuilt = self._added.get(table) or row_sums(connection, target.schema, table, self._seed)
        if live == rebuilt:
            return live.rows, []
        # Of rows that were hashed as they came, there is none to put beside the live ones.
        differing = [] if table in self._added else side_by_side(connection, target, table, self._book)
        findings = [
            Finding(f"{name} has {row or 'no such row'}, the events come to {expected or 'no such row'}")
            for row, expected in differing
        ]
        if not findings:
            said = f"it has {live.rows} rows, the events come to {rebuilt.rows}"
            findings = [Finding(f"{name} differs in rows that cannot be named: {said}")]
        return max(live.rows, rebuilt.rows), findings
