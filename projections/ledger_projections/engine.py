"""The projector: one thread that folds what is new into every read model, a few times a second or at once.

A cycle is one transaction: it takes every read model that this process holds the lock of, folds what each book
has new, moves the cursors, and commits once. A fold that fails is rolled back by itself and stops its read model in
that book, loudly; the rest of the cycle stands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import ConfigurationError
from ledger.notices import LOG, Notices, Watch
from ledger_projections.cursors import Cursors, Overtaken, cursor_name
from ledger_projections.folding import SESSION, SQL, Folder, Range, Target, types_present
from ledger_projections.installing import install_missing, registered
from ledger_projections.readmodel import READ_MODELS, ReadModel

log = structlog.get_logger()

FOLD_EVENTS_MAX = 20_000
"""Events of one book that one cycle takes: more makes its commit, and the news, come later."""
BOOKS_A_CYCLE_MAX = 64
"""Books that one cycle takes; the others have their turn in the next."""
REST_SECONDS_MAX = 0.02
"""After a cycle the projector rests as long as the cycle took, at most this long: under load that makes cycles
larger and fewer, and leaves the machine to the writer."""
POLL_SECONDS = 1.0
"""How often to look for news when no notice came: one may be lost."""
TAKE_OVER_SECONDS = 1.0
"""How often to try for the read models that another projector holds."""
STATEMENT_SECONDS_MAX = 300
"""How long one statement of a fold may run before it is taken for stuck."""
RECONNECT_SECONDS_MIN, RECONNECT_SECONDS_MAX = 0.1, 5.0
"""Pause before the connection is made anew, doubled after every attempt that fails."""

PROJECTOR = 0x6C65_0002
"""Class of the session locks: one projector a read model."""
GATE = 0x6C65_0003
"""Class of the transaction locks: a cycle passes the gate, a swap closes it."""

_PASSING = ("08", "25", "40", "53", "55", "57P", "58")
"""SQLSTATEs that begin so say something about the server's moment, not about what is folded."""


class Cycle(NamedTuple):
    """Figures of one cycle. `events` counts each event once; `backlog`: some were left for the next."""

    events: int
    seconds: float
    backlog: bool


class _News(NamedTuple):
    """What a cycle works with: the books, their heads, and who may fold what from where."""

    heads: Mapping[str, int]
    models: Sequence[ReadModel]
    cursors: dict[tuple[str, str], int]
    failed: set[tuple[str, str]]


class Projector:
    """Follows the log of every book, in a thread of its own.

    `conninfo` is the login's. Without `notices` it looks for news every `poll_seconds`. `watch` is told the
    figures of each cycle.
    """

    def __init__(
        self,
        conninfo: str,
        notices: Notices | None = None,
        *,
        models: Sequence[ReadModel] = READ_MODELS,
        poll_seconds: float = POLL_SECONDS,
        watch: Callable[[Cycle], None] | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._notices = notices
        self._models = models
        self._poll_seconds = poll_seconds
        self._watch = watch
        self._cursors = Cursors(conninfo)
        self._held: frozenset[str] = frozenset()
        self._seen: dict[tuple[str, str], int] = {}
        self._failed: set[tuple[str, str]] = set()
        self._turn = 0
        self._take_over_at = 0.0
        self._stopping = threading.Event()
        self._woken: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-projector", daemon=True)

    def start(self) -> None:
        """Begin to follow. Read models that are missing are made first, in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the cycle under way and end."""
        self._stopping.set()
        if self._woken is not None:
            self._woken.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._cursors.close()

    @property
    def alive(self) -> bool:
        """Whether the thread works; False is an alarm."""
        return self._thread.is_alive()

    @property
    def held(self) -> frozenset[str]:
        """The read models that this projector folds; another process may hold the rest."""
        return self._held

    # The thread.

    def _run(self) -> None:
        pause = RECONNECT_SECONDS_MIN
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                with connect(
                    self._conninfo,
                    application_name="billing-ledger projector",
                    statement_seconds_max=STATEMENT_SECONDS_MAX,
                ) as connection:
                    install_missing(connection, self._models)
                    connection.execute(SESSION)
                    connection.autocommit = False
                    self._follow(connection)
            except (psycopg.Error, ConfigurationError) as error:
                log.warning("projector_reconnects", error=_first_line(error), pause_seconds=pause)
            finally:
                self._held = frozenset()
                self._take_over_at = 0.0
            if time.monotonic() - began > RECONNECT_SECONDS_MAX:
                pause = RECONNECT_SECONDS_MIN
            self._stopping.wait(pause)
            pause = min(2 * pause, RECONNECT_SECONDS_MAX)

    def _follow(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._woken = None if self._notices is None else self._notices.watch(LOG)
        try:
            while not self._stopping.is_set():
                self._take_over(connection)
                cycle = self._cycle(connection)
                if cycle is not None and self._watch is not None:
                    self._watch(cycle)
                if cycle is None:
                    self._wait_for_news()
                elif not cycle.backlog:
                    self._stopping.wait(min(cycle.seconds, REST_SECONDS_MAX))
        finally:
            if self._woken is not None:
                self._woken.close()

    def _wait_for_news(self) -> None:
        if self._woken is None:
            self._stopping.wait(self._poll_seconds)
        else:
            self._woken.wait(self._poll_seconds)

    def _take_over(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Try for the read models that are not held, if they are of this program's version."""
        if len(self._held) == len(self._models) or time.monotonic() < self._take_over_at:
            return
        self._take_over_at = time.monotonic() + TAKE_OVER_SECONDS
        before = self._held
        known = registered(connection)
        for model in self._models:
            if model.name in self._held:
                continue
            row = known.get(model.name)
            if row is not None and row.version == model.version and _try_lock(connection, model):
                # A read model that stopped is tried again: its fold may have been mended.
                connection.execute(SQL["clear_failures"], {"model": model.name})
                self._held |= {model.name}
        connection.commit()
        if self._held != before:
            log.info("projector_holds", models=sorted(self._held))

    def _cycle(self, connection: psycopg.Connection[TupleRow]) -> Cycle | None:
        """Fold what is new; None when nothing is."""
        began = time.perf_counter()
        heads = {
            str(book): int(position) for book, position in connection.execute(SQL["heads"], prepare=True)
        }
        books = self._books_with_news(heads)
        if not books:
            connection.rollback()
            return None
        news = self._enter(connection, {book: heads[book] for book in books})
        events = sum(self._fold_book(connection, news, book) for book in news.heads)
        payloads = [
            f"{book} {position}" for book in news.heads if (position := self._all_reached(news, book))
        ]
        connection.execute(SQL["notify_cursor"], {"payloads": payloads}, prepare=True)
        connection.commit()
        self._seen.update(news.cursors)
        if events == 0:
            return None
        backlog = any(self._wants(model, book, heads[book]) for model in news.models for book in books)
        return Cycle(events, time.perf_counter() - began, backlog)

    def _books_with_news(self, heads: Mapping[str, int]) -> list[str]:
        """Choose books in which a read model that is held here is behind, each in its turn."""
        held = [model for model in self._models if model.name in self._held]
        books = [
            book for book, head in heads.items() if any(self._wants(model, book, head) for model in held)
        ]
        if len(books) <= BOOKS_A_CYCLE_MAX:
            return books
        self._turn = (self._turn + BOOKS_A_CYCLE_MAX) % len(books)
        return (books[self._turn :] + books[: self._turn])[:BOOKS_A_CYCLE_MAX]

    def _wants(self, model: ReadModel, book: str, head: int) -> bool:
        """Tell whether a read model may have something to fold; one that waits for a stopped one has not."""
        if any((each.name, book) in self._failed for each in (model, *model.needs)):
            return False
        return self._seen.get((model.name, book), 0) < head

    def _enter(self, connection: psycopg.Connection[TupleRow], heads: Mapping[str, int]) -> _News:
        """Pass the gates, then read cursors: in this order, so that a swap cannot come between."""
        names = [model.name for model in self._models]
        with connection.pipeline():
            entered = connection.execute(
                SQL["enter_gates"], {"kind": GATE, "models": sorted(self._held)}, prepare=True
            )
            versions = connection.execute(SQL["live_versions"], {"models": names}, prepare=True)
            cursors = connection.execute(
                SQL["cursors"],
                {"names": [cursor_name(name, book) for name in names for book in heads]},
                prepare=True,
            )
            failures = connection.execute(SQL["failures"], prepare=True)
        version_of: dict[str, str] = dict(versions.fetchall())
        for model in self._models:
            if model.name in self._held and version_of.get(model.name) != model.version:
                self._give_up(connection, model)
        open_gates = {name for (name,) in entered} & self._held
        self._failed = {(model, book) for model, book in failures}
        reached = dict.fromkeys(((name, book) for name in names for book in heads), 0)
        for application_name, position in cursors:
            name, _, book = application_name.partition("/")
            reached[name, book] = position
        return _News(heads, [m for m in self._models if m.name in open_gates], reached, self._failed)

    def _give_up(self, connection: psycopg.Connection[TupleRow], model: ReadModel) -> None:
        """Let go of a read model that was rebuilt by a newer version of this program."""
        connection.execute(SQL["give_projector_lock"], {"kind": PROJECTOR, "model": model.name})
        self._held -= {model.name}
        log.warning("read_model_is_of_another_version", model=model.name, ours=model.version)

    def _fold_book(self, connection: psycopg.Connection[TupleRow], news: _News, book: str) -> int:
        """Fold one book into every read model; tells how many events that were."""
        ranges = {}
        for model in news.models:
            after = news.cursors[model.name, book]
            upto = min(news.heads[book], after + FOLD_EVENTS_MAX)
            if after < upto and (model.name, book) not in news.failed:
                ranges[model] = Range(book, after, upto)
        if not ranges:
            return 0
        whole = Range(book, min(r.after for r in ranges.values()), max(r.upto for r in ranges.values()))
        present = types_present(connection, whole)
        for model, range_ in ranges.items():
            # Never ahead of what it is folded from.
            upto = min([range_.upto, *(news.cursors[needed.name, book] for needed in model.needs)])
            if upto > range_.after:
                self._fold_range(connection, news, model, range_._replace(upto=upto), present)
        return whole.upto - whole.after

    def _fold_range(
        self, connection: psycopg.Connection[TupleRow], news: _News, model: ReadModel, range_: Range,
        present: frozenset[str],
    ) -> None:  # fmt: skip
        try:
            connection.execute("SAVEPOINT fold")
            Folder(connection, self._cursors, prepare=True).fold(Target.live(model), range_, present)
            connection.execute("RELEASE fold")
        except (psycopg.Error, Overtaken) as error:
            if connection.closed or (
                isinstance(error, psycopg.Error) and (error.sqlstate or "08")[:2] in _PASSING
            ):
                raise
            connection.execute("ROLLBACK TO SAVEPOINT fold")
            if isinstance(error, Overtaken):
                log.error("projector_overtaken", model=model.name, book=range_.book, error=str(error))  # noqa: TRY400
                return
            failure = {"model": model.name, **range_._asdict(), "error": str(error).strip()}
            connection.execute(SQL["record_failure"], failure)
            news.failed.add((model.name, range_.book))
            log.error("fold_failed", **failure, sqlstate=error.sqlstate)  # noqa: TRY400 - the SQL is the trace
        else:
            news.cursors[model.name, range_.book] = range_.upto

    def _all_reached(self, news: _News, book: str) -> int:
        """Tell up to where all read models are folded, those left out that stand still in this book."""
        reached = [
            news.cursors[model.name, book] for model in self._models
            if not any((each.name, book) in news.failed for each in (model, *model.needs))
        ]  # fmt: skip
        return min(reached, default=0)


def _try_lock(connection: psycopg.Connection[TupleRow], model: ReadModel) -> bool:
    row = connection.execute(SQL["take_projector_lock"], {"kind": PROJECTOR, "model": model.name}).fetchone()
    return row is not None and bool(row[0])


def _will_pass(error: Exception) -> bool:
    return isinstance(error, psycopg.Error) and (error.sqlstate or "08").startswith(_PASSING)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
