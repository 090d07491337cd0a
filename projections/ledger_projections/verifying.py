"""Whether the live read models are what the log comes to: each is built anew, and its rows are compared.

Each is built on a connection of its own, in a schema that nobody else reads (`<model>@verify`), from the log
and the live read models that it needs: when each is right if those before it are, all are.

Where anything differs, those that are folded from each other are built again, from the log alone and with
every row, to tell which rows are wrong, and none that merely follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import msgspec

from ledger.database import connect
from ledger.errors import Unavailable
from ledger.verify.findings import Check, Finding, left_out
from ledger_projections import locks
from ledger_projections.building import VERIFY, Advance, Build, Connection
from ledger_projections.definitions import check_definitions
from ledger_projections.filling import LANES, open_connection
from ledger_projections.installing import drop_schema
from ledger_projections.readmodel import READ_MODELS, ReadModel
from ledger_projections.standing import check_cursors, kept_as_it_is, told_safe, why_not
from ledger_projections.stopping import Stopping

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
            apart = [Build(book, [model], advance, stopping, apart=True) for model in models]
            found = _checked(conninfo, [build.checks for build in apart], stopping)
            wrong = {model for model in models if not found[model.name].passed}
            if wrong:
                _drop(connection)
                groups = [group for group in _folded_together(models) if wrong.intersection(group)]
                together = [Build(book, group, advance, stopping, apart=False) for group in groups]
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
