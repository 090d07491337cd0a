"""Following the log on one connection: cycles, each one transaction.

A cycle takes every read model that this session holds the lock of, folds what each book has new, moves the
cursors, and commits once. A fold that fails is rolled back by itself and stops its read model in that book,
loudly, right before the event that it cannot fold; the rest of the cycle stands, and the fold is tried again
later.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger_projections import locks
from ledger_projections.cursors import Cursors, Overtaken, cursor_name
from ledger_projections.folding import SQL, Folder, Range, Reached, Target, next_range, types_present
from ledger_projections.installing import registered
from ledger_projections.readmodel import ReadModel

log = structlog.get_logger()

FOLD_EVENTS_MAX = 20_000
"""Events of one book that one cycle takes: more makes its commit, and the news, come later."""
BOOKS_A_CYCLE_MAX = 64
"""Books that one cycle takes; the others have their turn in the next."""
TAKE_OVER_SECONDS = 1.0
"""How often to try for the read models that another projector holds."""
RETRY_SECONDS = 30.0
"""How long a read model stands still after a fold failed, until the fold is tried again."""

_PASSING = ("08", "25", "40", "53", "55", "57P", "58")
"""SQLSTATEs that begin so say something about the server's moment, not about what is folded."""


class Cycle(NamedTuple):
    """Figures of one cycle. `events` counts each event once; `backlog`: some were left for the next."""

    events: int
    seconds: float
    backlog: bool


class _News(NamedTuple):
    """What a cycle works with.

    `heads` are the books and where their logs end, `models` those that may fold, `reached` how far each has.
    Who has `failed` stands still (`standing`) until it is time to try again.
    """

    heads: Mapping[str, int]
    models: Sequence[ReadModel]
    reached: dict[tuple[str, str], int]
    standing: set[tuple[str, str]]
    failed: set[tuple[str, str]]


class Follower:
    """Folds with one connection, which it alone uses and which does not autocommit."""

    def __init__(
        self,
        connection: psycopg.Connection[TupleRow],
        cursors: Cursors,
        models: Sequence[ReadModel],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._connection = connection
        self._folder = Folder(connection, cursors, prepare=True)
        self._models = models
        self._retry_seconds = retry_seconds
        self._retry_at = 0.0
        self._held: frozenset[str] = frozenset()
        self._take_over_at = 0.0
        self._seen: dict[tuple[str, str], int] = {}
        self._standing: set[tuple[str, str]] = set()
        self._turn = 0
        self._planned_for = 0

    @property
    def held(self) -> frozenset[str]:
        """The read models that this session folds; another one may hold the rest."""
        return self._held

    def take_over(self) -> None:
        """Try, now and then, for the read models that are not held, if they are of this program's version."""
        if len(self._held) == len(self._models) or time.monotonic() < self._take_over_at:
            return
        self._take_over_at = time.monotonic() + TAKE_OVER_SECONDS
        before = self._held
        known = registered(self._connection)
        for model in self._models:
            if model.name in self._held:
                continue
            row = known.get(model.name)
            if row is None or row.version != model.version:
                continue
            if locks.try_lock(self._connection, locks.PROJECTOR, model.name):
                # Whoever had it may have stopped at what this program folds.
                self._connection.execute(SQL["clear_failure"], {"model": model.name, "book": None})
                self._held |= {model.name}
        self._connection.commit()
        if self._held != before:
            self._standing.clear()
            log.info("projector_holds", models=sorted(self._held))

    def look_again(self) -> None:
        """Ask the registry at the next cycle what stands still: it may have been mended, or rebuilt."""
        self._standing.clear()

    def cycle(self) -> Cycle | None:
        """Fold what is new; None when nothing is."""
        began = time.perf_counter()
        if time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + self._retry_seconds
            self.look_again()
        rows = self._connection.execute(SQL["heads"], prepare=True)
        heads: dict[str, int] = dict(rows.fetchall())
        books = self._books_with_news(heads)
        if not books:
            self._connection.commit()
            return None
        self._plan_anew(sum(heads.values()))
        news = self._enter({book: heads[book] for book in books})
        events = self._fold(news, books)
        payloads = [f"{book} {position}" for book in books if (position := self._all_reached(news, book))]
        with self._connection.pipeline():
            self._connection.execute(SQL["notify_cursor"], {"payloads": payloads}, prepare=True)
            self._connection.commit()
        self._seen.update(news.reached)
        self._standing = news.standing
        if events == 0:
            return None
        backlog = any(self._wants(model, book, heads[book]) for model in news.models for book in heads)
        return Cycle(events, time.perf_counter() - began, backlog)

    def _plan_anew(self, events: int) -> None:
        """Forget prepared plans when the log has grown: one for few rows may read all of many."""
        if events > 2 * self._planned_for:
            self._connection.execute("DEALLOCATE ALL")
            self._planned_for = events

    def _books_with_news(self, heads: Mapping[str, int]) -> list[str]:
        """Choose books in which a read model that is held here is behind, each in its turn."""
        held = [model for model in self._models if model.name in self._held]
        books = [book for book, head in heads.items() if any(self._wants(each, book, head) for each in held)]
        if len(books) <= BOOKS_A_CYCLE_MAX:
            return books
        self._turn = (self._turn + BOOKS_A_CYCLE_MAX) % len(books)
        return (books[self._turn :] + books[: self._turn])[:BOOKS_A_CYCLE_MAX]

    def _wants(self, model: ReadModel, book: str, head: int) -> bool:
        """Tell whether a read model may have something to fold; one that waits for a stopped one has not."""
        return self._seen.get((model.name, book), 0) < head and not _any_of(model, book, self._standing)

    def _enter(self, heads: Mapping[str, int]) -> _News:
        """Pass the gates, then read cursors: in this order, so that a swap cannot come between."""
        names = [model.name for model in self._models]
        gates = {"kind": locks.GATE, "models": sorted(self._held)}
        wanted = [cursor_name(name, book) for name in names for book in heads]
        retry = {"retry_seconds": self._retry_seconds}
        with self._connection.pipeline():
            entered = self._connection.execute(locks.SQL["enter_gates"], gates, prepare=True)
            versions = self._connection.execute(SQL["live_versions"], {"models": names}, prepare=True)
            cursors = self._connection.execute(SQL["cursors"], {"names": wanted}, prepare=True)
            failures = self._connection.execute(SQL["failures"], retry, prepare=True)
        self._let_go(dict(versions.fetchall()))
        open_gates = {name for (name,) in entered} & self._held
        failed = {(model, book): bool(due) for model, book, due in failures}
        reached = dict.fromkeys(((name, book) for name in names for book in heads), 0)
        for name, position in cursors:
            model, _, book = name.partition("/")
            reached[model, book] = position
        return _News(
            heads=heads,
            models=[model for model in self._models if model.name in open_gates],
            reached=reached,
            standing={each for each, due in failed.items() if not due},
            failed=set(failed),
        )

    def _let_go(self, versions: Mapping[str, str]) -> None:
        """Let go of the read models that were rebuilt by another version of this program."""
        for model in self._models:
            if model.name in self._held and versions.get(model.name) != model.version:
                locks.unlock(self._connection, locks.PROJECTOR, model.name)
                self._held -= {model.name}
                log.warning("read_model_is_of_another_version", model=model.name, ours=model.version)

    def _fold(self, news: _News, books: Sequence[str]) -> int:
        """Fold what each book has new into every read model, all in one round trip; tells how many events.

        When anything of that fails, all of it is undone and done again one by one, to see what it was.
        """
        parts = list(self._parts(news, books))
        present = types_present(self._connection, dict.fromkeys(range_ for _, range_ in parts))
        try:
            self._connection.execute("SAVEPOINT fold")
            self._folder.fold_all((Target.live(m), range_, present[range_]) for m, range_ in parts)
        except (psycopg.Error, Overtaken) as error:
            self._undo(error)
            for book in books:
                self._fold_one_by_one(news, book)
        else:
            for model, range_ in parts:
                self._has_folded(news, model, range_)
        return sum(
            max(range_.upto for range_ in ranges) - min(range_.after for range_ in ranges)
            for book in books
            if (ranges := [range_ for _, range_ in parts if range_.book == book])
        )

    def _parts(self, news: _News, books: Sequence[str]) -> Iterator[tuple[ReadModel, Range]]:
        """Say what there is to fold, if all of it can be."""
        reached = dict(news.reached)
        for book in books:
            for model in news.models:
                range_ = self._next_range(news, reached, model, book)
                if range_ is not None:
                    reached[model.name, book] = range_.upto
                    yield model, range_

    def _next_range(self, news: _News, reached: Reached, model: ReadModel, book: str) -> Range | None:
        if (model.name, book) in news.standing:
            return None
        return next_range(Target.live(model), reached, book, news.heads[book], FOLD_EVENTS_MAX)

    def _fold_one_by_one(self, news: _News, book: str) -> None:
        for model in news.models:
            range_ = self._next_range(news, news.reached, model, book)
            if range_ is not None:
                self._fold_as_far(news, model, range_, types_present(self._connection, [range_])[range_])

    def _fold_as_far(self, news: _News, model: ReadModel, range_: Range, present: frozenset[str]) -> bool:
        """Fold a range, or what stands before the event in it that cannot be folded; False in that case."""
        try:
            self._connection.execute("SAVEPOINT fold")
            self._folder.fold(Target.live(model), range_, present)
        except Overtaken as error:
            self._undo(error)
            log.error("projector_overtaken", model=model.name, book=range_.book, error=str(error))  # noqa: TRY400
            return False
        except psycopg.Error as error:
            self._undo(error)
            if range_.upto - range_.after == 1:
                self._stop(news, model, range_, error)
                return False
        else:
            self._has_folded(news, model, range_)
            return True
        middle = (range_.after + range_.upto) // 2
        halves = range_._replace(upto=middle), range_._replace(after=middle)
        return all(self._fold_as_far(news, model, half, present) for half in halves)

    def _undo(self, error: psycopg.Error | Overtaken) -> None:
        """Undo what failed, unless that says something about the server's moment: then nothing can go on."""
        if isinstance(error, psycopg.Error) and (
            self._connection.closed or (error.sqlstate or "08").startswith(_PASSING)
        ):
            raise error
        self._connection.execute("ROLLBACK TO SAVEPOINT fold")

    def _has_folded(self, news: _News, model: ReadModel, range_: Range) -> None:
        news.reached[model.name, range_.book] = range_.upto
        if (model.name, range_.book) in news.failed:
            self._connection.execute(SQL["clear_failure"], {"model": model.name, "book": range_.book})
            news.failed.discard((model.name, range_.book))
            log.info("fold_goes_on", model=model.name, book=range_.book)

    def _stop(self, news: _News, model: ReadModel, range_: Range, error: psycopg.Error) -> None:
        failure = {"model": model.name, **range_._asdict(), "error": str(error).strip()}
        self._connection.execute(SQL["record_failure"], failure)
        news.standing.add((model.name, range_.book))
        news.failed.add((model.name, range_.book))
        log.error("fold_failed", **failure, sqlstate=error.sqlstate, retry_seconds=self._retry_seconds)

    def _all_reached(self, news: _News, book: str) -> int:
        """Tell up to where all read models are folded, those left out that stand still in this book."""
        return min(
            (news.reached[m.name, book] for m in self._models if not _any_of(m, book, news.standing)),
            default=0,
        )


def _any_of(model: ReadModel, book: str, standing: Iterable[tuple[str, str]]) -> bool:
    return any((each.name, book) in standing for each in (model, *model.needs))
