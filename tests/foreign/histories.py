"""Random histories in a real log, days between their events, and the read models that follow them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.api.command import run
from tests.ledger.test_random_histories import Histories
from tests.ledger.world import Ask
from tests.projections.running import folded, projecting, until

from ledger.database import connect
from ledger.event import Event, encode_canonical
from ledger.log.importing import import_log
from ledger_api.files.journals import Clock, Program


class Spread(Histories):
    """A random history that takes a year or so."""

    told: ClassVar[list[list[Event]]] = []

    def ask(self, ask: Ask, back: timedelta = timedelta(0)) -> None:
        self.world.now += timedelta(hours=29 + 83 * (self.count % 4))
        super().ask(ask, back)

    def teardown(self) -> None:
        super().teardown()
        now = datetime.now(UTC)  # a log has nothing that is still to come, and no import takes it in
        self.told.append([event for event in self.world.events if event.recordedtime <= now])


def random_histories(count: int) -> list[list[Event]]:
    """Make random histories of different books, and give those with the most different amounts."""
    Spread.told.clear()
    run_state_machine_as_test(
        Spread,
        settings=settings(
            max_examples=5 * count,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    richest = sorted(Spread.told, key=lambda told: len({event.data.columns().amount for event in told}))[
        -count:
    ]
    return [
        [msgspec.structs.replace(event, book=f"random-{number}") for event in events]
        for number, events in enumerate(richest)
    ]


def record(database: str, events: list[Event]) -> str:
    """Make a history the log of its book, its own clock included; tells the book."""
    book = events[0].book
    with connect(database, autocommit=False) as connection:
        import_log(connection, book, (encode_canonical(event) + b"\n" for event in events))
    with projecting(database):
        until(lambda: folded(database, book, len(events)))
    return book


def journals(database: str, book: str, program: Program, folder: Path) -> dict[Clock, Path]:
    """Export a book's journal for a program, by each clock that it is dated by."""
    clocks: tuple[Clock, ...] = ("occurred", "recorded") if program == "beancount" else ("occurred",)
    made: dict[Clock, Path] = {}
    for clock in clocks:
        made[clock] = folder / f"{book}-{clock}.{program}"
        arguments = ("--book", book, "--format", program, "--clock", clock, made[clock])
        ran = run(database, "export", *arguments)
        assert ran.code == 0, ran.err
    return made
