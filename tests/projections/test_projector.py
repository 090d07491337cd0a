"""The projector: it follows, says so, goes on whatever happens, and stops only what cannot be folded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
import structlog
from tests.ledger import asks
from tests.ledger.world import START
from tests.log.posting import writer
from tests.projections.histories import message, post, post_lives
from tests.projections.rows import NAMES, read_rows
from tests.projections.running import cursors, folded, projecting, projector_process, until

from ledger.log.writer import Writer
from ledger.notices import CURSOR
from ledger_projections import engine
from ledger_projections.readmodel import READ_MODELS

BOOK = "lives"


@pytest.fixture
def works(database: str) -> Iterator[Writer]:
    with writer(database) as working:
        yield working


def superuser(database: str) -> psycopg.Connection:
    return psycopg.connect(database, autocommit=True)


def test_it_follows_the_log_and_its_notice_wakes_who_waits_for_a_position(
    database: str, works: Writer
) -> None:
    """With notices it never has to look by itself."""
    with projecting(database, poll_seconds=3600) as (projector, notices):
        until(lambda: projector.held == set(NAMES))
        until(lambda: notices.connected)
        for round_ in range(3):
            position = post_lives(works, BOOK, 2, first=1 + 2 * round_)
            assert notices.wait(CURSOR, BOOK, position, timeout=10)
            assert set(cursors(database, BOOK).values()) == {position}


def test_it_takes_its_time_only_with_what_is_new(database: str, works: Writer) -> None:
    """A notice of a position comes a moment after its commit, also after much was folded."""
    with projecting(database, poll_seconds=3600) as (_, notices):
        until(lambda: notices.connected)
        position = post_lives(works, BOOK, 10)
        until(lambda: folded(database, BOOK, position))
        seconds = []
        for number in range(20):
            pay = message(asks.pay(f"late-{number}", 1), f"late-{number}", START, "customer-1")
            (outcome,) = post(works, BOOK, [pay])
            assert not isinstance(outcome, Exception)
            began = time.perf_counter()
            assert notices.wait(CURSOR, BOOK, outcome.events[-1].position, timeout=10)
            seconds.append(time.perf_counter() - began)
        assert sorted(seconds)[10] < 1, "it is woken, it does not look"


def test_who_waits_for_a_position_ends_the_rest_between_cycles(
    database: str, works: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TURN_SECONDS", 3600)
    with projecting(database, poll_seconds=3600) as (_, notices):
        until(lambda: notices.connected)
        for round_ in range(3):
            position = post_lives(works, BOOK, 1, first=1 + round_)
            assert notices.wait(CURSOR, BOOK, position, timeout=10)
        rested = post_lives(works, BOOK, 1, first=4)
        assert set(cursors(database, BOOK).values()) == {position}, "nobody waits: it rests"
        assert notices.wait(CURSOR, BOOK, rested, timeout=10)


def test_what_one_projector_folds_the_other_leaves_until_that_one_is_killed(
    database: str, works: Writer
) -> None:
    with projector_process(database) as first:
        position = post_lives(works, BOOK, 2)
        until(lambda: folded(database, BOOK, position))
        with projecting(database) as (second, _):
            time.sleep(1.5)
            assert second.held == frozenset()
            position = post_lives(works, BOOK, 2, first=3)
            until(lambda: folded(database, BOOK, position))
            assert second.held == frozenset()
            first.kill()
            position = post_lives(works, BOOK, 2, first=5)
            until(lambda: folded(database, BOOK, position))
            assert second.held == set(NAMES)


def test_killed_connections_stop_neither_the_projector_nor_those_who_listen(
    database: str, works: Writer
) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'billing-ledger %' AND pid <> pg_backend_pid()"
    )
    with superuser(database) as connection, projecting(database) as (projector, notices):
        killed = 0
        for round_ in range(8):
            until(lambda: projector.held and notices.connected)
            position = post_lives(works, BOOK, 2, first=1 + 2 * round_)
            time.sleep(0.01 * round_)
            killed += len(connection.execute(kill).fetchall())
        assert killed >= 8
        until(lambda: folded(database, BOOK, position))
        until(lambda: notices.latest(CURSOR, BOOK) == position)
        assert projector.alive
        assert notices.alive
        followed = read_rows(database)
    with superuser(database) as connection:
        for model in READ_MODELS:
            connection.execute(f'DROP SCHEMA "{model.name}" CASCADE'.encode())
        connection.execute("DELETE FROM ledger.cursor WHERE application_name LIKE '%/%'")
        connection.execute("DELETE FROM ledger.read_model")
    with projecting(database):
        until(lambda: folded(database, BOOK, position))
    assert read_rows(database) == followed


def test_a_fold_that_fails_stops_its_read_model_at_the_event_and_no_other(
    database: str, works: Writer
) -> None:
    """Somebody wrote a row into a table that the fold wants to insert."""
    other = "other"
    with projecting(database) as (projector, _):
        until(lambda: projector.held == set(NAMES))
    with superuser(database) as connection:
        connection.execute(
            "INSERT INTO customers.customer (book, customer, status, currency, payment_days, billing_day,"
            " locale, tax_treatment, opened_at, position, terms_position)"
            " VALUES (%s, 'customer-4', 'open', 'EUR', 14, 1, 'en', 'standard', now(), 0, 0)",
            (BOOK,),
        )
        position = post_lives(works, BOOK, 5)
        there = post_lives(works, other, 5)
        ((fault,),) = connection.execute(
            "SELECT position FROM ledger.event WHERE book = %s AND customer = 'customer-4'"
            " ORDER BY position LIMIT 1", (BOOK,),
        ).fetchall()  # fmt: skip
        with structlog.testing.capture_logs() as logged, projecting(database, retry_seconds=0.5):
            until(lambda: folded(database, other, there))
            until(lambda: cursors(database, BOOK)["customers"] == fault - 1)
            until(lambda: cursors(database, BOOK)["journal"] == position)
            until(lambda: len([each for each in logged if each["event"] == "fold_failed"]) >= 2)
            assert cursors(database, BOOK) == {
                name: fault - 1 if name == "customers" else position for name in NAMES
            }
            ((model, book, after, upto, error),) = connection.execute(
                "SELECT model, book, after, upto, error FROM ledger.fold_failure"
            ).fetchall()
            assert (model, book, after, upto) == ("customers", BOOK, fault - 1, fault)
            assert "duplicate key value" in error
            states = connection.execute("SELECT model, state FROM ledger.read_model").fetchall()
            assert dict(states) == {name: "stopped" if name == "customers" else "live" for name in NAMES}

            connection.execute("DELETE FROM customers.customer WHERE position = 0")
            until(lambda: folded(database, BOOK, position))
            until(lambda: not connection.execute("SELECT FROM ledger.fold_failure").fetchall())
        assert logged[-1]["event"] == "fold_goes_on"
        assert connection.execute("SELECT DISTINCT state FROM ledger.read_model").fetchall() == [("live",)]


def test_what_is_folded_from_a_stopped_read_model_waits_for_it(database: str, works: Writer) -> None:
    with projecting(database) as (projector, _):
        until(lambda: projector.held == set(NAMES))
    with superuser(database) as connection:
        connection.execute("ALTER TABLE journal.posting ADD CONSTRAINT small CHECK (amount < 20000)")
        position = post_lives(works, BOOK, 1)
        with projecting(database, retry_seconds=0.2) as (_, notices):
            until(lambda: cursors(database, BOOK)["invoices"] == position)
            stopped = cursors(database, BOOK)
            assert 0 < stopped["journal"] < position
            assert stopped["balances"] == stopped["journal"]
            until(lambda: notices.latest(CURSOR, BOOK) == position, 5)
            connection.execute("ALTER TABLE journal.posting DROP CONSTRAINT small")
            until(lambda: folded(database, BOOK, position))


def test_a_read_model_of_another_version_is_left_alone(database: str, works: Writer) -> None:
    """Its tables may not be what this program's SQL is written for; a rebuild makes it ours."""
    with projecting(database) as (projector, _):
        until(lambda: projector.held == set(NAMES))
        first = post_lives(works, BOOK, 1)
        until(lambda: folded(database, BOOK, first))
        with superuser(database) as connection:
            connection.execute("UPDATE ledger.read_model SET version = 'newer' WHERE model = 'disputes'")
        last = post_lives(works, BOOK, 1, first=2)
        until(lambda: folded_but(database, "disputes", last))
        assert projector.held == set(NAMES) - {"disputes"}
        assert cursors(database, BOOK)["disputes"] == first


def folded_but(database: str, model: str, position: int) -> bool:
    return all(reached == position for name, reached in cursors(database, BOOK).items() if name != model)


def test_books_have_their_turn_however_many_there_are(
    database: str, works: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_projections.following.BOOKS_A_CYCLE_MAX", 3)
    monkeypatch.setattr("ledger_projections.following.FOLD_EVENTS_MAX", 20)
    positions = {f"book-{number}": post_lives(works, f"book-{number}", 1) for number in range(10)}
    with projecting(database):
        until(lambda: all(folded(database, book, position) for book, position in positions.items()))
        for book in positions:
            late = message(asks.pay("late", 1), "late", START + timedelta(days=99), "customer-1")
            post(works, book, [late])
        until(lambda: all(folded(database, book, position + 1) for book, position in positions.items()))
