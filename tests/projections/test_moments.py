"""As of a recorded time: what the ledger knew then, from the first posting on."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from tests.foreign.histories import record
from tests.ledger import asks
from tests.ledger.world import World


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
