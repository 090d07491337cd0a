"""Read models of an earlier moment, in schemas of their own, equal those that were there then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import orjson
import psycopg
import pytest
from psycopg import sql
from tests.api.command import run
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.rows import NAMES, Beside, Connection, Rows, folding

from ledger_projections.cursors import Cursors

BOOK = "main"
SEEN = {"ledger.book": BOOK, "ledger.moment": "2026-02-01 12:00:00+00", "TimeZone": "UTC"}
"""From where two sessions look that see the same."""


@pytest.fixture
def folds(database: str) -> Iterator[tuple[Connection, Cursors]]:
    """Give a connection that folds, in a log with customers in two books."""
    with writer(database) as works:
        post_lives(works, "another", 2)
        post_lives(works, BOOK, 6)
    yield from folding(database)


def rows_of(connection: Connection, schemas: str, kinds: str) -> Rows:
    """Read every row of the relations of some kinds, in the schemas of read models that are named so."""
    found: Rows = {}
    for model in NAMES:
        schema = schemas.format(model)
        relations = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind::text = ANY (%s)",
            (f'"{schema}"', [*kinds]),
        ).fetchall()
        for (relation,) in relations:
            query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, relation))
            found[f"{model}.{relation}"] = sorted(row for (row,) in connection.execute(query))
    return found


def rows_in(database: str, name: str) -> Rows:
    """Read every row of the tables of a replay."""
    with psycopg.connect(database, options="-c timezone=UTC -c role=ledger_service") as connection:
        return rows_of(connection, f"{name}_{{}}", "r")


def test_a_replay_equals_what_was_followed_to_that_position(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    (head,) = folds[0].execute("SELECT position FROM ledger.head WHERE book = %s", (BOOK,)).fetchone() or (0,)
    beside = Beside(*folds, "@test")
    then: dict[int, Rows] = {}

    def keep(upto: int) -> None:
        then[upto] = beside.fold(BOOK, [])

    beside.fold(BOOK, [head // 3, head // 2, head], keep)
    for position in (head // 3, head // 2, head):
        ran = run(
            database,
            "replay",
            "--book",
            BOOK,
            "--as-of-position",
            str(position),
            "--schema",
            "then",
            "--json",
        )
        assert ran.code == 0, ran.err
        told = orjson.loads(ran.out)
        assert (told["position"], told["schemas"]) == (position, [f"then_{name}" for name in NAMES])
        assert rows_in(database, "then") == then[position]
        assert run(database, "replay", "--book", BOOK, "--schema", "then").code == 4
        ran = run(database, "replay", "--book", BOOK, "--schema", "then", "--drop", "--json")
        assert orjson.loads(ran.out) == {"schema": "then", "dropped": True}


def shown(database: str, schemas: str) -> Rows:
    """Read all that finance reads, tables and views, of read models in schemas that are named so."""
    with psycopg.connect(database, autocommit=True) as connection:
        for setting, value in {**SEEN, "role": "ledger_finance"}.items():
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
        return rows_of(connection, schemas, "rv")


def test_all_that_finance_reads_of_a_replay_is_as_when_the_log_ended_there(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    (head,) = folds[0].execute("SELECT position FROM ledger.head WHERE book = %s", (BOOK,)).fetchone() or (0,)
    Beside(*folds, "@test").fold(BOOK, [head])
    then = shown(database, "{}@test")
    with writer(database) as works:
        post_lives(works, BOOK, 3, first=7)
    ran = run(database, "replay", "--book", BOOK, "--as-of-position", str(head), "--schema", "then")
    assert ran.code == 0, ran.err
    assert {"customers.timeline", "journal.entry", "discounts.waiting"} <= then.keys()
    assert shown(database, "then_{}") == then


def test_what_a_replay_shows_of_the_log_had_occurred_by_the_day(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    (expected,) = folds[0].execute(
        "SELECT count(*) FROM ledger.event WHERE book = %s AND customer IS NOT NULL AND occurred_at < %s",
        (BOOK, "2026-01-24 00:00+01"),
    ).fetchone() or (0,)
    ran = run(database, "replay", "--book", BOOK, "--as-of-occurred", "2026-01-23", "--schema", "then")
    assert ran.code == 0, ran.err
    seen = shown(database, "then_{}")
    assert len(seen["customers.timeline"]) == expected > 0
    assert seen["journal.entry"]


def replayed(database: str, *moment: str) -> tuple[int, Rows]:
    """Build a replay and drop it again: where the log ended for it, and its rows."""
    of = ("--book", BOOK, "--schema", "then", "--json")
    ran = run(database, "replay", *of, *moment)
    assert ran.code == 0, ran.err
    rows = rows_in(database, "then")
    assert run(database, "replay", *of, "--drop").code == 0
    position: int = orjson.loads(ran.out)["position"]
    return position, rows


def test_a_replay_by_the_recorded_clock_is_of_what_was_recorded_by_then(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    with writer(database) as works:
        for number in (7, 8):
            post_lives(works, BOOK, 1, first=number)
    commits = "SELECT max(position), recorded_at FROM ledger.event WHERE book = %s GROUP BY 2 ORDER BY 2"
    times = folds[0].execute(commits, (BOOK,)).fetchall()
    (before, _), (position, recorded), (head, last) = times[-3:]
    beside, then = Beside(*folds, "@test"), dict[int, Rows]()

    def keep(upto: int) -> None:
        then[upto] = beside.fold(BOOK, [])

    beside.fold(BOOK, [before, position, head], keep)
    earlier = (recorded - timedelta(microseconds=1)).isoformat()
    for moment, ended in ((earlier, before), (recorded.isoformat(), position), (last.isoformat(), head)):
        assert replayed(database, "--as-of-recorded", moment) == (ended, then[ended])
    day = ("--as-of-occurred", "2026-01-23")
    both = replayed(database, "--as-of-recorded", recorded.isoformat(), *day)
    assert both == replayed(database, "--as-of-position", str(position), *day)
    assert both[0] == position
    assert both[1] != then[position]


def test_a_replay_by_the_occurred_clock_has_the_balances_of_that_day(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    connection, _ = folds
    run(database, "rebuild")
    for number, day in enumerate(("2026-01-24", "2026-01-31", "2026-02-28")):
        name = f"d{number}"
        ran = run(database, "replay", "--book", BOOK, "--as-of-occurred", day, "--schema", name)
        assert ran.code == 0, ran.err
        totals = connection.execute(
            f"SELECT account, currency, debit, credit FROM {name}_balances.account_total ORDER BY 2, 1"  # noqa: S608
        ).fetchall()
        assert totals
        known = "SELECT account, currency, debit, credit FROM journal.trial_balance_as_of(%s, NULL, NULL, %s)"
        assert totals == connection.execute(f"{known} ORDER BY 2, 1", (BOOK, day)).fetchall()
        (issued,) = connection.execute(
            f"SELECT coalesce(max(issued_at)::date::text, '') FROM {name}_invoices.invoice"  # noqa: S608
        ).fetchone() or ("",)
        assert issued <= day


def test_a_replay_by_an_occurred_time_ends_within_the_day(
    database: str, folds: tuple[Connection, Cursors]
) -> None:
    connection, _ = folds
    run(database, "rebuild")
    days = (
        "SELECT occurred_on, min(occurred_at) FROM journal.posting"
        " WHERE book = %s AND occurred_on = (occurred_at AT TIME ZONE 'Europe/Berlin')::date"
        " GROUP BY occurred_on HAVING count(DISTINCT occurred_at) > 1 ORDER BY 1 LIMIT 1"
    )
    day, at = connection.execute(days, (BOOK,)).fetchone() or (None, None)
    assert at is not None, "a day with entries at several times"
    ran = run(database, "replay", "--book", BOOK, "--as-of-occurred", at.isoformat(), "--schema", "then")
    assert ran.code == 0, ran.err
    totals = "SELECT account, currency, debit, credit FROM then_balances.account_total ORDER BY 2, 1"
    dated = (
        "SELECT account, currency, sum(greatest(amount, 0)), sum(greatest(-amount, 0)) FROM journal.posting"
        " WHERE book = %s AND (occurred_on, occurred_at) <= (%s, %s) GROUP BY 1, 2 ORDER BY 2, 1"
    )
    assert connection.execute(totals).fetchall() == connection.execute(dated, (BOOK, day, at)).fetchall()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--schema", "journal", "--as-of-position", "99999"), "the log of main ends at"),
        (("--schema", "x", "--as-of-recorded", "2999-01-01T00:00:00Z"), "nobody knows yet"),
        (("--schema", "x", "--as-of-recorded", "2026-01-01"), "says no time zone"),
        (("--schema", "x", "--as-of-occurred", "2026-01-01T12:00:00"), "says no time zone"),
        (("--schema", "x", "--as-of-occurred", "yesterdayish"), "this is no moment"),
        (("--schema", "x", "--as-of-occurred", "2026-02-30"), "this is no moment"),
        (("--schema", "X-1"), "cannot name a set of schemas"),
        (("--schema", "x", "--as-of-position", "1", "--as-of-recorded", "2026-01-01"), "give one of them"),
        (("--schema", "kept"), "is there"),
        (("--schema", "kept", "--drop"), "was not made by a replay"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    database: str, folds: tuple[Connection, Cursors], arguments: tuple[str, ...], said: str
) -> None:
    folds[0].execute("CREATE SCHEMA kept_journal")
    ran = run(database, "replay", "--book", BOOK, *arguments)
    assert ran.code == 4
    assert said in ran.err
