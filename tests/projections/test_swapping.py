"""The swap of a rebuild: those who read notice nothing, and what cannot go yet goes later."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from tests.projections.rows import NAMES, rows_of
from tests.projections.running import projecting, until
from tests.projections.test_rebuilding import follow, left_behind, posting, run, works

from ledger.log.writer import Writer
from ledger_projections import locks
from ledger_projections.readmodel import READ_MODELS, named
from ledger_projections.rebuilding import Rebuild

__all__ = ["works"]

SEEN = {
    "a table": "SELECT sum(a.events) FROM customers.activity a WHERE a.book = 'lives'",
    "a view": "SELECT sum(o.events) FROM customers.overview o WHERE o.book = 'lives'",
    "a function": "SELECT count(DISTINCT c.customer) FROM customers.customer c"
    " CROSS JOIN LATERAL (SELECT count(*) AS lines FROM journal.statement_as_of('lives', c.customer)) s"
    " WHERE c.book = 'lives' AND s.lines > 0 HAVING count(*) > 0",
}
"""Questions that have an answer that is never less than before, and never none."""

AS_OF = """
SELECT c.notification_id, (SELECT sum(a.events) FROM customers.activity a WHERE a.book = 'lives'), (
    SELECT count(*) FROM ledger.event e
    WHERE e.book = 'lives' AND e.customer IS NOT NULL AND e.position <= c.notification_id)
FROM ledger.cursor c WHERE c.application_name = 'customers/lives'
"""
"""The rows of a read model and what they should be at the position that it names, in one statement."""


def test_readers_notice_nothing(database: str, works: Writer) -> None:
    """While read models are swapped again and again: no error, no empty answer, no other position."""
    follow(database, works, customers=10)
    stopping = threading.Event()
    wrong: list[object] = []
    asked = dict.fromkeys([*SEEN, "position"], 0)

    def ask(name: str, question: str) -> None:
        least = 1
        with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SET ledger.book = 'lives'")
            while not stopping.is_set():
                try:
                    answer = connection.execute(question.encode()).fetchall()
                except psycopg.Error as error:
                    wrong.append((name, error))
                    return
                asked[name] += 1
                if name == "position":
                    ((_, found, expected),) = answer
                    if found != expected:
                        wrong.append(answer)
                elif not answer or answer[0][0] is None or answer[0][0] < least:
                    wrong.append((name, answer, least))
                else:
                    least = answer[0][0]

    readers = [threading.Thread(target=ask, args=each) for each in [*SEEN.items(), ("position", AS_OF)]]
    with projecting(database) as (projector, _), posting(works, first=11):
        until(lambda: projector.held == set(NAMES))
        for reader in readers:
            reader.start()
        until(lambda: min(asked.values()) > 5)
        for _ in range(5):
            with Rebuild(database) as rebuild:
                assert rebuild.run().swap_seconds < 3
        before = dict(asked)
        until(lambda: all(asked[name] > before[name] for name in asked) or wrong)
        stopping.set()
        for reader in readers:
            reader.join()
    assert not wrong, wrong[:3]


def test_a_report_in_one_transaction_sees_the_same_until_it_ends_and_the_swap_waits_for_it(
    database: str, works: Writer
) -> None:
    follow(database, works, customers=3)
    with psycopg.connect(database) as report:
        report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        report.execute("SELECT FROM ledger.head")
        thread = threading.Thread(target=lambda: run(Rebuild(database)))
        thread.start()
        until(lambda: waits_at_the_gates(database))
        time.sleep(0.5)
        seen = rows_of(report)
        assert thread.is_alive()
        report.commit()
        assert rows_of(report) == seen
    thread.join(20)
    assert not thread.is_alive()
    assert left_behind(database) == []


def waits_at_the_gates(database: str) -> bool:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
            " AND mode = 'ExclusiveLock'", (locks.GATE,),
        ).fetchall()  # fmt: skip
    return len(rows) == len(READ_MODELS)


def test_an_idle_transaction_keeps_an_old_schema_and_the_next_rebuild_drops_it(
    database: str, works: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that looks at nothing: the swap does not wait for it."""
    monkeypatch.setattr("ledger_projections.swapping.RETIRED_SECONDS_MAX", 0.2)
    follow(database, works, customers=2)
    with psycopg.connect(database) as idle:
        idle.execute("SELECT FROM customers.customer")
        with Rebuild(database, named(["customers"])) as rebuild:
            assert rebuild.run().swap_seconds < 1
        assert left_behind(database) == ["customers@retired"]
    with Rebuild(database, named(["customers"])) as rebuild:
        rebuild.run()
    assert left_behind(database) == []
