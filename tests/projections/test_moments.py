"""Moments: the position that a recorded time comes to, and what each is looked at from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.foreign.histories import record
from tests.ledger import asks
from tests.ledger.world import World
from tests.tlog.test_signing import BOOK, as_superuser, fill

from ledger.database import connect
from ledger.errors import ConfigurationError
from ledger_projections.replaying import past_at


def test_every_recorded_time_finds_the_position_that_it_was_recorded_at(database: str) -> None:
    world = World()
    world.post(("customer.opened", {"currency": "EUR"}))
    for number in range(5):
        world.post(asks.charge(f"c{number}", 100 + number))
    book = record(database, world.events)
    posted = world.events[2:]
    times = [event.recordedtime for event in posted]
    with psycopg.connect(database) as connection:
        found = [
            connection.execute("SELECT journal.position_at(%s, %s)", (book, at)).fetchone()
            for moment in times
            for at in (moment - timedelta(microseconds=1), moment)
        ]
        sums = [
            connection.execute(
                "SELECT count(*) FROM journal.trial_balance_as_of(%s, NULL, %s, NULL)", (book, at)
            ).fetchone()
            for at in (times[0] - timedelta(microseconds=1), times[0])
        ]
    assert [row and row[0] for row in found[1::2]] == [event.position for event in posted]
    assert [row and row[0] for row in found[2::2]] == [event.position for event in posted[:-1]]
    assert sums == [(0,), (2,)]


def test_a_moment_is_looked_at_from_when_it_occurred_or_was_recorded(database: str) -> None:
    fill(database, 4)
    as_superuser(
        database, "UPDATE ledger.event SET recorded_at = '2026-01-31 23:30:00Z' WHERE position IN (1, 2, 3)"
    )
    with connect(database) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        earlier = past_at(connection, BOOK, 3)
        day = past_at(connection, BOOK, occurred="2026-01-31")
        instant = past_at(connection, BOOK, occurred="2026-01-31T23:30:00Z")
    # In Berlin it is February by then.
    assert [(each.day, each.today, each.at) for each in (earlier, day, instant)] == [
        ("infinity", "2026-02-01", "2026-01-31 23:30:00+00"),
        ("2026-01-31", "2026-01-31", "2026-01-31 22:59:59.999999+00"),
        ("2026-02-01", "2026-02-01", "2026-01-31 23:30:00+00"),
    ]
    assert (earlier.upto, day.instant) == (3, "infinity")


def test_nobody_knows_what_will_be_recorded_in_an_hour(database: str) -> None:
    fill(database, 3)
    soon = datetime.now(UTC) + timedelta(hours=1)
    with connect(database) as connection, pytest.raises(ConfigurationError, match="nobody knows yet"):
        past_at(connection, BOOK, recorded=soon.isoformat())
