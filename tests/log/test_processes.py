"""Writers that are killed, cut off or held up, and others beside them: no gap, and each key once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import sql
from tests.log import process
from tests.log.posting import (
    BOOK,
    ISSUE,
    Stored,
    chance_of,
    charge,
    message,
    opening,
    pay,
    post,
    read_log,
    receipt,
    said,
    writer,
)
from tests.log.process import CUSTOMERS, Told
from tests.log.proxy import Fate, Proxy

from ledger import decider
from ledger.log.outcome import Receipt

_BACKEND = sql.SQL(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'billing-ledger' AND pid <> pg_backend_pid()"
)


def hold_to(stored: Stored, answers: Sequence[Told], last: int) -> None:
    """Every answer names the place of its key, at most one said that it was the first, and all are there."""
    places = {row.event_id: row.position for row in stored.rows if row.type == "charge.posted"}
    assert places.keys() == {f"k{n}" for n in range(1, last + 1)}
    assert all(places[told.key] == told.position for told in answers)
    firsts = Counter(told.key for told in answers if told.status == "recorded")
    assert max(firsts.values(), default=0) <= 1


def test_a_writer_that_is_killed_in_mid_batch_leaves_what_it_acknowledged_and_no_gap(database: str) -> None:
    last = 1_500
    with writer(database) as works:
        post(works, *opening(*CUSTOMERS))
    chance = chance_of(9)
    answers: list[Told] = []
    for seed in range(6):
        running = process.start(database, seed, last)
        assert running.stdout is not None
        heard = [running.stdout.readline() for _ in range(20)]
        time.sleep(chance.uniform(0, 0.3))
        running.kill()
        heard.append(running.stdout.read())
        running.wait()
        answers += process.told(b"".join(heard))
        read_log(database)
    assert len(read_log(database).rows) > 100
    output, _ = process.start(database, 99, last).communicate(timeout=120)
    answers += process.told(output)
    hold_to(read_log(database), answers, last)


def test_writers_of_several_processes_on_the_same_keys_record_each_once(database: str) -> None:
    last = 600
    with writer(database) as works:
        post(works, *opening(*CUSTOMERS))
    together = [process.start(database, seed, last) for seed in range(3)]
    answers = [told for each in together for told in process.told(each.communicate(timeout=120)[0])]
    assert [each.returncode for each in together] == [0, 0, 0]
    assert len(answers) == 3 * (last + last // 3)
    assert Counter(told.status for told in answers)["recorded"] == last
    hold_to(read_log(database), answers, last)


def test_many_writers_may_open_a_book_at_once(database: str) -> None:
    """There is no head row to lock yet."""
    writers = [writer(database) for _ in range(6)]
    works = [each.__enter__() for each in writers]
    try:
        futures = [each.submit(BOOK, opening("alice")) for each in works]
        answers = Counter(tuple(said(future.result(30))) for future in futures)
    finally:
        for each in writers:
            each.__exit__(None, None, None)
    assert answers == {("recorded 1", "recorded 2"): 1, ("replayed 1", "replayed 2"): 5}
    assert len(read_log(database).rows) == 2


@pytest.mark.parametrize("at", [1, 2, 50, 100])
def test_a_connection_that_is_terminated_in_mid_batch_costs_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Rows of the batch are on their way already: all of it is judged and sent again."""
    decide = decider.decide
    killed: list[tuple[bool]] = []

    def terminate(*arguments: object) -> list[decider.Draft]:
        if f"charge='c{at}'" in str(arguments[2]) and not killed:
            with psycopg.connect(database, autocommit=True) as admin:
                killed.extend(admin.execute(_BACKEND).fetchall())
        return decide(*arguments)  # type: ignore[arg-type]

    with writer(database) as works:
        post(works, *opening())
        monkeypatch.setattr(decider, "decide", terminate)
        batch = [message(charge(f"c{n}"), f"k{n}") for n in range(1, 101)]
        assert said(post(works, *batch)) == [f"recorded {n}" for n in range(3, 103)]
        assert killed == [(True,)]
    read_log(database)


def test_connections_that_are_terminated_at_any_moment_cost_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.log.writer._RECONNECT_PAUSE_SECONDS", 0.01)
    done = threading.Event()
    killed: list[tuple[bool]] = []

    def terminate() -> None:
        chance = chance_of(4)
        with psycopg.connect(database, autocommit=True) as admin:
            while not done.wait(chance.uniform(0, 0.2)):
                killed.extend(admin.execute(_BACKEND).fetchall())

    with writer(database, group_messages_max=100) as works:
        post(works, *opening())
        killer = threading.Thread(target=terminate)
        killer.start()
        try:
            futures = [
                works.submit(BOOK, [message(charge(f"c{n}-{m}"), f"k{n}-{m}") for m in range(20)])
                for n in range(200)
            ]
            outcomes = [outcome for future in futures for outcome in future.result(120)]
        finally:
            done.set()
            killer.join()
    assert {outcome.status for outcome in outcomes if isinstance(outcome, Receipt)} == {"recorded"}
    places = [outcome.position for outcome in outcomes if isinstance(outcome, Receipt)]
    assert places == list(range(3, 4_003))
    assert len(killed) > 3
    read_log(database)


def test_an_append_held_open_makes_others_wait_and_is_never_passed_over(database: str) -> None:
    with (
        Proxy(database) as proxy,
        writer(proxy.conninfo) as slow,
        writer(database) as quick,
        psycopg.connect(database, autocommit=True) as reader,
    ):
        post(quick, *opening("alice", "bob"))
        proxy.commits(Fate.IS_HELD)
        first = slow.submit(BOOK, [message(charge("c1"), "k1"), message(pay("p1"), "k2", "bob")])
        proxy.wait_held()
        second = quick.submit(BOOK, [message(charge("c1"), "k1"), message(ISSUE, "k3")])
        other_book = quick.submit("other", opening("alice"))
        time.sleep(0.3)
        assert not second.done()
        assert reader.execute("SELECT max(position) FROM ledger.event").fetchone() == (3,)
        proxy.release()
        assert said(first.result(10)) == ["recorded 4", "recorded 5"]
        assert said(second.result(10)) == ["replayed 4", "recorded 6"]
        assert said(other_book.result(10)) == ["recorded 1", "recorded 2"]
        assert receipt(slow, message(ISSUE, "k3")).status == "replayed"
    read_log(database)


def test_an_append_that_dies_while_others_wait_leaves_its_positions_to_them(database: str) -> None:
    with Proxy(database) as proxy, writer(proxy.conninfo) as slow, writer(database) as quick:
        post(quick, *opening())
        proxy.commits(Fate.IS_HELD, Fate.IS_LOST)
        first = slow.submit(BOOK, [message(charge("c1"), "k1")])
        proxy.wait_held()
        second = quick.submit(BOOK, [message(charge("c2"), "k2")])
        time.sleep(0.1)
        proxy.cut()
        proxy.release()
        assert sorted(said(first.result(10)) + said(second.result(10))) == ["recorded 3", "recorded 4"]
    read_log(database)
