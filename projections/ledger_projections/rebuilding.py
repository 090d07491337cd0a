"""Building read models anew beside the live ones, which follow the log meanwhile; then swapping them in.

A rebuild is a schema `<model>@rebuild` with cursors of its own, folded with the SQL that the projector folds
with. Each range commits with its cursor, so that a rebuild that is killed goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple

import psycopg
import structlog

from ledger.errors import Unavailable
from ledger_projections import locks
from ledger_projections.cursors import Cursors
from ledger_projections.filling import (
    LANES,
    RANGE_EVENTS_MAX,
    Filler,
    Lanes,
    Meter,
    RebuildFailed,
    heads,
    left,
    open_connection,
)
from ledger_projections.folding import SQL, Target
from ledger_projections.installing import (
    Registered,
    drop_schema,
    install_missing,
    make_schema,
    register,
    registered,
)
from ledger_projections.readmodel import READ_MODELS, ReadModel
from ledger_projections.swapping import REBUILD, RETIRED, Swap

__all__ = ["Rebuild", "RebuildFailed", "Rebuilt"]

log = structlog.get_logger()

LOCK_SECONDS_MAX = 10.0
"""How long to wait for another rebuild: the server may take a moment to notice that one was killed."""
LOCK_LOOK_SECONDS = 0.1
"""How often to look meanwhile."""


class Rebuilt(NamedTuple):
    """What a rebuild did.

    `models` were swapped in. `events` counts every event once for each read model that folded it in this run.
    For `swap_seconds` of the `seconds` the projector was kept from folding them.
    """

    models: tuple[str, ...]
    events: int
    seconds: float
    swap_seconds: float


class Rebuild:
    """One rebuild: entering its context makes ready, or finds what an earlier one left; `run` does it.

    What is folded from a read model is rebuilt with it, and so is what one is folded from if that is not in
    order. `resumed` names those that an earlier rebuild began; `events_left` counts what is to be folded,
    each event once for each read model. Entering raises `Unavailable` when another process is rebuilding one
    of them.
    """

    def __init__(
        self,
        conninfo: str,
        models: Sequence[ReadModel] = READ_MODELS,
        *,
        range_events_max: int = RANGE_EVENTS_MAX,
        lanes: int = LANES,
        lock_seconds_max: float = LOCK_SECONDS_MAX,
    ) -> None:
        self._conninfo = conninfo
        self._asked = models
        self._range_events_max = range_events_max
        self._lanes = lanes
        self._lock_seconds_max = lock_seconds_max
        self._cursors = Cursors(conninfo)
        self._targets: tuple[Target, ...] = ()
        self.resumed: tuple[str, ...] = ()
        self.events_left = 0

    @property
    def models(self) -> tuple[str, ...]:
        """The read models that are rebuilt."""
        return tuple(target.model.name for target in self._targets)

    def __enter__(self) -> Rebuild:
        self._connection = open_connection(self._conninfo)
        try:
            install_missing(self._connection)
            models = _with_dependants(_with_needed(self._asked, registered(self._connection)))
            self._lock(models)
            self._targets = _targets(models)
            self.resumed = tuple(target.model.name for target in self._targets if self._make_ready(target))
            logs = heads(self._connection)
            self.events_left = sum(left(self._connection, target, logs) for target in self._targets)
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._cursors.close()
        if isinstance(error, psycopg.OperationalError):
            reason = str(error).strip().partition("\n")[0]
            raise Unavailable(
                f"the database did not go on ({reason}); a new rebuild goes on where this one stopped"
            ) from error

    def run(self, advance: Callable[[int], None] = lambda _: None) -> Rebuilt:
        """Fold everything, catch up, and swap. `advance` is told of every so many events that are folded.

        Raises `RebuildFailed`, and `Unavailable` when the context is left because the database went away.
        """
        began = time.monotonic()
        meter = Meter(advance)
        lanes = Lanes(
            self._conninfo, self._cursors, meter, lanes=self._lanes, range_events_max=self._range_events_max
        )
        lanes.fill(self._targets)
        filler = Filler(self._connection, self._cursors, meter)
        filler.catch_up(self._targets, self._range_events_max)
        swap_seconds = Swap(self._connection, self._targets, filler).run()
        rebuilt = Rebuilt(self.models, meter.events, time.monotonic() - began, swap_seconds)
        log.info("rebuilt", **rebuilt._asdict())
        return rebuilt

    def _lock(self, models: Sequence[ReadModel]) -> None:
        until = time.monotonic() + self._lock_seconds_max
        for model in models:
            while not locks.try_lock(self._connection, locks.REBUILD, model.name):
                if time.monotonic() > until:
                    raise Unavailable(f"{model.name} is being rebuilt by another process: wait for that one")
                time.sleep(LOCK_LOOK_SECONDS)

    def _make_ready(self, target: Target) -> bool:
        """Make the schema of a rebuild, unless an earlier one of the same kind left it; tells if so."""
        drop_schema(self._connection, target.model.name + RETIRED)
        row = registered(self._connection).get(target.schema)
        if row and (row.version, tuple(row.folded_from)) == (target.model.version, target.needed):
            return True
        with self._connection.transaction():
            drop_schema(self._connection, target.schema)
            self._connection.execute(SQL["drop_cursors"], {"model": target.schema})
            make_schema(self._connection, target)
            register(self._connection, target, "filling")
        return False


def _with_needed(asked: Iterable[ReadModel], known: Mapping[str, Registered]) -> list[ReadModel]:
    """Add what those asked for are folded from, if it is outdated, stands still or is not there."""
    wanted = list(asked)
    for model in wanted:
        for needed in model.needs:
            row = known.get(needed.name)
            current = row is not None and row.version == needed.version and row.state == "live"
            if needed not in wanted and not current:
                wanted.append(needed)
    return wanted


def _with_dependants(wanted: Iterable[ReadModel]) -> tuple[ReadModel, ...]:
    """Add what is folded from those wanted: its rows follow from rows that are made anew."""
    chosen = set(wanted)
    for model in READ_MODELS:  # each stands after those that it needs
        if chosen.intersection(model.needs):
            chosen.add(model)
    return tuple(model for model in READ_MODELS if model in chosen)


def _targets(models: Sequence[ReadModel]) -> tuple[Target, ...]:
    """Say where each is built: beside the live one, and folded from what is built beside it too."""
    return tuple(
        Target(
            model,
            model.name + REBUILD,
            tuple(needed.name + (REBUILD if needed in models else "") for needed in model.needs),
        )
        for model in models
    )
