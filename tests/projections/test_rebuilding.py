"""A rebuild: the same rows as by following, whatever interrupts it, and nobody who reads notices."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.rows import NAMES, read_rows
from tests.projections.running import cursors, folded, projecting, until

from ledger.errors import Unavailable
from ledger.log.writer import Writer
from ledger_projections.readmodel import READ_MODELS, named
from ledger_projections.rebuilding import Rebuild, RebuildFailed

BOOK = "lives"

KILLED = """
import sys
from ledger_projections.rebuilding import Rebuild

with Rebuild(sys.argv[1], range_events_max=15) as rebuild:
    rebuild.run(lambda events: print(events, flush=True))
"""


@pytest.fixture
def works(database: str) -> Iterator[Writer]:
    with writer(database) as working:
        yield working


def follow(database: str, works: Writer, customers: int = 10, books: tuple[str, ...] = (BOOK,)) -> None:
    """Let customers live, and follow their log."""
    with projecting(database):
        positions = {book: post_lives(works, book, customers) for book in books}
        until(lambda: all(folded(database, book, position) for book, position in positions.items()))


def left_behind(database: str) -> list[str]:
    """Name what a rebuild leaves: schemas, cursors and entries of the registry that are not live."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%@%'"
            " UNION ALL SELECT application_name FROM ledger.cursor WHERE application_name LIKE '%@%'"
            " UNION ALL SELECT model FROM ledger.read_model WHERE model LIKE '%@%' OR state <> 'live'"
        ).fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("size", [1, 40, 100_000])
def test_rebuilt_is_followed(database: str, works: Writer, size: int) -> None:
    follow(database, works, customers=4, books=("one", "two", "three"))
    followed = read_rows(database)
    reached = {book: cursors(database, book) for book in ("one", "two", "three")}
    events = sum(position for book in reached.values() for position in book.values())
    told: list[int] = []
    with Rebuild(database, range_events_max=size) as rebuild:
        assert (rebuild.models, rebuild.resumed, rebuild.events_left) == (NAMES, (), events)
        rebuilt = rebuild.run(told.append)
    assert (rebuilt.models, rebuilt.events, sum(told)) == (NAMES, events, events)
    assert read_rows(database) == followed
    assert {book: cursors(database, book) for book in reached} == reached
    assert left_behind(database) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_read_model_is_rebuilt_by_itself_and_with_what_is_folded_from_it(
    database: str, works: Writer, name: str
) -> None:
    follow(database, works, customers=4)
    followed = read_rows(database)
    before = oids(database)
    with Rebuild(database, named([name])) as rebuild:
        needing = {model.name for model in READ_MODELS if name in {needed.name for needed in model.needs}}
        assert set(rebuild.models) == {name, *needing}
        rebuild.run()
    assert read_rows(database) == followed
    assert {each for each, oid in oids(database).items() if before[each] != oid} == set(rebuild.models)
    with projecting(database):
        position = post_lives(works, BOOK, 2, first=5)
        until(lambda: folded(database, BOOK, position))
    follows_on = read_rows(database)
    with Rebuild(database) as whole:
        whole.run()
    assert read_rows(database) == follows_on


def oids(database: str) -> dict[str, int]:
    with psycopg.connect(database) as connection:
        return dict(connection.execute("SELECT nspname, oid::bigint FROM pg_namespace").fetchall())


def test_what_somebody_did_to_the_rows_is_gone_after_a_rebuild(database: str, works: Writer) -> None:
    follow(database, works, customers=4)
    followed = read_rows(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE balances.customer_balance SET receivable = receivable + 1")
        connection.execute("DELETE FROM invoices.allocation")
        connection.execute("TRUNCATE customers.activity")
    assert read_rows(database) != followed
    with Rebuild(database) as rebuild:
        rebuild.run()
    assert read_rows(database) == followed


def test_a_rebuild_that_is_killed_goes_on_where_it_stopped(database: str, works: Writer) -> None:
    """Killed again and again, each time a bit later, it is done in the end."""
    follow(database, works, customers=25)
    followed = read_rows(database)
    kills = 0
    for ranges in (1, 5, 20, 40):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, database],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(ranges):
            assert process.stdout.readline(), "it was killed before it was done"
        process.kill()
        process.communicate()
        assert read_rows(database) == followed, "the live ones are as they were"
        kills += 1
    events = sum(cursors(database, BOOK).values())
    with Rebuild(database, range_events_max=15) as rebuild:
        assert rebuild.resumed == NAMES
        assert rebuild.events_left <= events - 15 * (1 + 5 + 20 + 40 - 4)
        assert rebuild.run().events < events
    assert kills == 4
    assert read_rows(database) == followed
    assert left_behind(database) == []


def test_an_interrupted_rebuild_of_other_sql_or_from_other_rows_is_begun_afresh(
    database: str, works: Writer
) -> None:
    follow(database, works, customers=3)
    followed = read_rows(database)
    with Rebuild(database, named(["balances"])) as rebuild:
        assert rebuild.resumed == ()
    with Rebuild(database, named(["balances"])) as rebuild:
        assert rebuild.resumed == ("balances",)
    with Rebuild(database, named(["journal"])) as rebuild:
        assert rebuild.resumed == (), "the balances were to be folded from the live journal"
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE ledger.read_model SET version = 'older' WHERE model = 'balances@rebuild'")
    with Rebuild(database) as rebuild:
        assert rebuild.resumed == ("journal", "trials")
        rebuild.run()
    assert read_rows(database) == followed


def test_two_at_once_the_second_is_refused_unless_it_is_about_others(database: str, works: Writer) -> None:
    follow(database, works, customers=2)
    with Rebuild(database, named(["journal"])) as first:
        with pytest.raises(Unavailable, match="balances is being rebuilt by another process"):
            Rebuild(database, named(["balances"]), lock_seconds_max=0.2).__enter__()
        with Rebuild(database, named(["customers"])) as other:
            other.run()
        first.run()
    with Rebuild(database, named(["balances"]), lock_seconds_max=0) as again:
        again.run()


def test_an_outdated_read_model_is_rebuilt_with_those_that_need_it_and_followed_again(
    database: str, works: Writer
) -> None:
    with projecting(database) as (projector, _):
        until(lambda: projector.held == set(NAMES))
        position = post_lives(works, BOOK, 2)
        until(lambda: folded(database, BOOK, position))
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("UPDATE ledger.read_model SET version = 'older' WHERE model = 'journal'")
        position = post_lives(works, BOOK, 2, first=3)
        until(lambda: "journal" not in projector.held)
        with Rebuild(database, named(["balances"])) as rebuild:
            assert rebuild.models == ("journal", "balances", "reports", "trials")
            rebuild.run()
        until(lambda: projector.held == set(NAMES))
        until(lambda: folded(database, BOOK, position))


def test_read_models_of_an_older_program_are_upgraded_by_starting_and_rebuilding(
    database: str, works: Writer
) -> None:
    """New read models whose views ask for a column that the older journal does not have: they wait for it."""
    follow(database, works, customers=4)
    followed = read_rows(database)
    with psycopg.connect(database) as connection:
        connection.execute("DROP SCHEMA reports, trials, dunning CASCADE")
        connection.execute("DELETE FROM ledger.read_model WHERE model IN ('reports', 'trials', 'dunning')")
        connection.execute("DELETE FROM ledger.cursor WHERE application_name ~ '^(reports|trials|dunning)/'")
        connection.execute("ALTER TABLE journal.posting DROP COLUMN service CASCADE")
        connection.execute(
            "UPDATE ledger.read_model SET version = 'older' WHERE model IN ('journal', 'balances')"
        )
    current = set(NAMES) - {"journal", "balances", "reports", "trials"}
    with projecting(database) as (projector, _):
        until(lambda: projector.held == current)
        with Rebuild(database, named(["trials"])) as rebuild:
            assert rebuild.models == ("journal", "balances", "reports", "trials")
            rebuild.run()
        until(lambda: projector.held == set(NAMES))
        until(lambda: read_rows(database) == followed)
    assert left_behind(database) == []
    position = post_lives(works, BOOK, 2, first=5)
    with projecting(database):
        until(lambda: folded(database, BOOK, position))


def test_what_cannot_be_folded_is_told_and_the_live_rows_stay(database: str, works: Writer) -> None:
    """An event that no rule would have let in: a customer that is opened twice."""
    follow(database, works, customers=2)
    followed = read_rows(database)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO ledger.event"
            " SELECT book, h.position + 1, 'other', 1, type, source, 'twice', customer, invoice, currency,"
            " amount, occurred_at, h.recorded_at, principal, h.position + 1, 1, state, leaf"
            " FROM ledger.event e JOIN ledger.head h USING (book) WHERE type = 'customer.opened' LIMIT 1"
        )
        connection.execute("UPDATE ledger.head SET position = position + 1")
    with Rebuild(database) as rebuild, pytest.raises(RebuildFailed) as caught:
        rebuild.run()
    assert "customers cannot be folded in lives between the positions 1 and " in str(caught.value)
    assert "duplicate key" in str(caught.value)
    assert read_rows(database) == followed
    with Rebuild(database, named(["invoices"])) as rebuild:
        assert rebuild.resumed == ("invoices", "dunning"), "the reports were to be of a rebuilt journal"


def test_a_rebuild_catches_up_with_a_log_that_grows_meanwhile(database: str, works: Writer) -> None:
    follow(database, works, customers=10)
    with projecting(database) as (projector, _), posting(works, first=11) as posted:
        until(lambda: projector.held == set(NAMES))
        for _ in range(3):
            with Rebuild(database, range_events_max=500) as rebuild:
                rebuild.run()
    with projecting(database):
        until(lambda: folded(database, BOOK, posted[-1]))
    followed = read_rows(database)
    with Rebuild(database) as rebuild:
        rebuild.run()
    assert read_rows(database) == followed


@contextmanager
def posting(works: Writer, first: int) -> Iterator[list[int]]:
    """Post while the block lasts, customer after customer; gives the positions that the log came to."""
    stopping = threading.Event()
    positions: list[int] = []

    def post() -> None:
        for number in range(first, 1_000_000):
            positions.append(post_lives(works, BOOK, 1, first=number))
            if stopping.wait(0.1):
                return

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield positions
    finally:
        stopping.set()
        thread.join()


def run(rebuild: Rebuild) -> None:
    with rebuild:
        rebuild.run()
