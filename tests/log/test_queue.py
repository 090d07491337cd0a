"""The writer as a thread: groups, a queue with an end, requests that go away, defects, and how it stops."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import psycopg
import pytest
from tests.log.posting import BOOK, charge, message, opening, post, read_log, receipt, said, writer

from ledger import decider
from ledger.database import connect
from ledger.errors import Unavailable
from ledger.log.outcome import Outcome
from ledger.log.writer import Committed, Writer
from ledger.message import Message
from ledger.settings import Settings


@contextmanager
def head_held(conninfo: str) -> Iterator[None]:
    """Keep the writer from its lock; what is posted meanwhile queues."""
    with psycopg.connect(conninfo) as holder:
        holder.execute("SELECT FROM ledger.head FOR UPDATE")
        yield
        holder.rollback()


def until(true: Callable[[], bool], seconds_max: float = 10) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds_max
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.005)


def charges(first: int, last: int) -> list[Message]:
    return [message(charge(f"c{n}"), f"k{n}") for n in range(first, last + 1)]


def test_what_queued_behind_a_commit_shares_the_next_one(database: str) -> None:
    commits: list[Committed] = []
    with writer(database, commits.append) as works:
        post(works, *opening())
        with head_held(database):
            first = works.submit(BOOK, charges(1, 1))
            until(lambda: works.queued_messages == 0)
            rest = [works.submit(BOOK, [each]) for each in charges(2, 100)]
            assert works.queued_messages == 99
        assert said(first.result(10)) == ["recorded 3"]
        assert [said(each.result(10)) for each in rest] == [[f"recorded {n}"] for n in range(4, 103)]
        again = works.submit(BOOK, charges(1, 100)).result(10)
    assert {outcome.status for outcome in again if not isinstance(outcome, Exception)} == {"replayed"}
    assert [(each.messages, each.events, each.replays) for each in commits] == [
        (2, 2, 0), (1, 1, 0), (99, 99, 0), (100, 0, 100),
    ]  # fmt: skip
    assert len({row.recorded_at for row in read_log(database).rows}) == 3


def test_a_commit_takes_so_many_messages_of_one_book_and_an_atomic_batch_goes_alone(database: str) -> None:
    commits: list[Committed] = []
    with writer(database, commits.append, group_messages_max=3) as works:
        post(works, *opening())
        works.submit("other", opening()).result(10)
        commits.clear()
        with head_held(database):
            waiting = [works.submit(BOOK, charges(1, 1))]
            until(lambda: works.queued_messages == 0)
            waiting += [works.submit(BOOK, charges(n, n)) for n in range(2, 6)]
            waiting += [works.submit(BOOK, charges(6, 9), atomic=True), works.submit(BOOK, charges(10, 10))]
            waiting += [works.submit("other", charges(1, 1)), works.submit(BOOK, charges(11, 15))]
        for future in waiting:
            future.result(10)
    assert [each.messages for each in commits] == [1, 3, 1, 4, 1, 1, 5]
    assert len(read_log(database).rows) == 2 + 15
    assert len(read_log(database, "other").rows) == 2 + 1


def test_a_full_queue_says_when_to_come_again_and_then_it_is_recorded(database: str) -> None:
    with writer(database, queue_messages_max=5) as works:
        post(works, *opening())
        with head_held(database):
            first = works.submit(BOOK, charges(1, 1))
            until(lambda: works.queued_messages == 0)
            waiting = [works.submit(BOOK, charges(n, n)) for n in range(2, 7)]
            with pytest.raises(Unavailable, match="5 messages are waiting") as full:
                works.submit(BOOK, charges(7, 7))
            assert full.value.retry_after_seconds >= 1
        for future in [first, *waiting]:
            future.result(10)
        assert said(post(works, *charges(7, 7))) == ["recorded 9"]
    read_log(database)


def test_what_is_queued_is_answered_before_the_writer_ends(database: str) -> None:
    works = Writer(lambda: connect(database), Settings())
    with pytest.raises(Unavailable, match="shutting down"):
        works.submit(BOOK, opening())
    works.start()
    post(works, *opening())
    stopping = threading.Thread(target=works.stop)
    with head_held(database):
        waiting = [works.submit(BOOK, [each]) for each in charges(1, 50)]
        stopping.start()
        until(lambda: works._closing)
        with pytest.raises(Unavailable, match="shutting down"):
            works.submit(BOOK, charges(51, 51))
    assert [said(each.result(10)) for each in waiting] == [[f"recorded {n}"] for n in range(3, 53)]
    stopping.join(10)
    assert not works.alive
    read_log(database)


def test_an_event_loop_is_answered_and_one_that_went_away_harms_nobody(database: str) -> None:
    with writer(database) as works:
        post(works, *opening())

        async def all_at_once() -> list[list[Outcome]]:
            loop = asyncio.get_running_loop()
            return await asyncio.gather(*(works.submit_soon(BOOK, [each], loop) for each in charges(1, 200)))

        async def leave() -> None:
            works.submit_soon(BOOK, charges(201, 201), asyncio.get_running_loop())

        answers = asyncio.run(all_at_once())
        assert [said(each) for each in answers] == [[f"recorded {n}"] for n in range(3, 203)]
        with head_held(database):
            asyncio.run(leave())
        assert said(post(works, *charges(201, 202))) == ["replayed 203", "recorded 204"]


def test_a_request_that_was_given_up_is_recorded_all_the_same(database: str) -> None:
    """Whoever sent it does not know; asking again tells."""
    with writer(database) as works:
        post(works, *opening())
        with head_held(database):
            works.submit(BOOK, charges(1, 1))
            until(lambda: works.queued_messages == 0)
            given_up = works.submit(BOOK, charges(2, 2))
            assert given_up.cancel()
        assert said(post(works, *charges(2, 2))) == ["replayed 4"]


def test_giving_up_in_the_very_moment_of_the_answer_does_not_end_the_writer(database: str) -> None:
    class GivenUp(Future[list[Outcome]]):
        def done(self) -> bool:
            """Let go just after the writer looked."""
            before = super().done()
            self.cancel()
            return before

    with writer(database) as works:
        post(works, *opening())
        with head_held(database):
            works.submit(BOOK, charges(1, 1)).__class__ = GivenUp
        assert said(post(works, *charges(1, 1))) == ["replayed 3"]
        assert works.alive


def test_a_defect_costs_the_request_that_runs_into_it_and_no_other(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = decider.decide

    def defective(*arguments: object) -> list[decider.Draft]:
        if "defect" in str(arguments):
            raise ZeroDivisionError("a defect")
        return decide(*arguments)  # type: ignore[arg-type]

    with writer(database) as works:
        post(works, *opening())
        monkeypatch.setattr(decider, "decide", defective)
        with head_held(database):
            works.submit(BOOK, charges(1, 1))
            until(lambda: works.queued_messages == 0)
            good = works.submit(BOOK, charges(2, 2))
            bad = works.submit(BOOK, [*charges(3, 3), message(charge("defect"), "k4")])
            also_good = works.submit(BOOK, charges(5, 5))
        assert said(good.result(10)) == ["recorded 4"]
        with pytest.raises(ZeroDivisionError):
            bad.result(10)
        assert said(also_good.result(10)) == ["recorded 5"]
        assert said(post(works, *charges(3, 3))) == ["recorded 6"]
        assert works.alive
    read_log(database)


def test_a_figure_that_cannot_be_noted_takes_no_answer_away(database: str) -> None:
    """The events are recorded when the figures are told: whoever posted them has to learn of it."""

    def broken(_: Committed) -> None:
        raise ZeroDivisionError("figures")

    with writer(database, broken) as works:
        assert said(post(works, *opening())) == ["recorded 1", "recorded 2"]
        assert receipt(works, message(charge("c1"), "k1")).status == "recorded"
    read_log(database)
