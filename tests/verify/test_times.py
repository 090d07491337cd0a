"""Recorded times that go back, from range to range too, or that are still to come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.golden.reading import golden
from tests.log.test_importing import changed
from tests.tlog.test_signing import BOOK, as_superuser, fill
from tests.verify.test_tampering import found

from ledger.decider import read_event
from ledger.tlog.tree import WIDTH
from ledger.verify import book, leaves, offline
from ledger.verify.book import verify_book
from ledger.verify.offline import verify_file
from ledger.verify.times import AHEAD_MAX

EVENTS = 600
RANGE = 2 * WIDTH


@pytest.fixture
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a book of few events have several ranges."""
    for module in (book, leaves, offline):
        monkeypatch.setattr(module, "RANGE_EVENTS", RANGE)


ONLINE = {
    "back within a range": (
        "position = 99", "- interval '1 day'",
        ("leaves", "position 99 was recorded", ", before the one before it"),
    ),
    "back where a tile begins, within a range": (
        f"position > {WIDTH}", "- interval '1 day'",
        ("leaves", f"position {WIDTH + 1} was recorded", ", before the one before it"),
    ),
    "back where a range begins": (
        f"position > {RANGE}", "- interval '1 day'",
        ("leaves", f"position {RANGE + 1} was recorded", ", before the one before it"),
    ),
    "the last ones still to come": (
        "position > 590", "+ interval '100 years'",
        ("head", "position 591 was recorded", ", in the future: the clock says 20"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONLINE)
@pytest.mark.usefixtures("short_ranges")
def test_a_time_that_cannot_be_is_named(database: str, name: str) -> None:
    fill(database, EVENTS)
    where, by, (check, begins, says) = ONLINE[name]
    as_superuser(
        database,
        f"UPDATE ledger.event SET recorded_at = recorded_at {by} WHERE {where};"
        " UPDATE ledger.head SET recorded_at = (SELECT max(recorded_at) FROM ledger.event)",
    )
    said = found(verify_book(database, BOOK, processes=1))[check]
    assert said.startswith(begins)
    assert says in said


@pytest.mark.usefixtures("short_ranges")
def test_clocks_that_are_a_little_apart_are_no_alarm(database: str) -> None:
    fill(database, EVENTS)
    ahead = "clock_timestamp() + interval '30 seconds'"
    as_superuser(
        database,
        f"UPDATE ledger.event SET recorded_at = {ahead} WHERE position = {EVENTS};"
        " UPDATE ledger.head SET recorded_at = (SELECT max(recorded_at) FROM ledger.event)",
    )
    assert "head" not in found(verify_book(database, BOOK, processes=1))


@contextmanager
def _threads(processes: int | None) -> Iterator[ThreadPoolExecutor]:
    """Stand in for processes, which would not know of short ranges."""
    with ThreadPoolExecutor(processes) as made:
        yield made


def _exported(path: Path, times: dict[int, datetime | timedelta]) -> Path:
    """Write an export of charges, one a minute, but for those whose times are given, or how far ahead they are."""
    event = read_event(golden("charge.posted")[0].stored)
    began = datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("wb") as file:
        for position in range(1, EVENTS + 1):
            at = times.get(position, began + timedelta(minutes=position))
            if isinstance(at, timedelta):
                at += datetime.now(UTC)
            file.write(changed(event, position=position, version=position, recordedtime=at))
    return path


OFFLINE: dict[str, tuple[dict[int, datetime | timedelta], str | None]] = {
    "in order": ({}, None),
    "back within a range": (
        {99: datetime(2023, 1, 1, tzinfo=UTC)}, r"position 99 was recorded 2023-01-01 00:00:00\+00:00, before the one before it",
    ),
    "back where a range begins": (
        {RANGE: datetime(2024, 2, 1, tzinfo=UTC)}, rf"position {RANGE + 1} was recorded 2024-01-01 08:33:00\+00:00, before the one before",
    ),
    "the last one still to come": (
        {EVENTS: AHEAD_MAX * 2}, f"position {EVENTS} was recorded .*, in the future: the clock says ",
    ),
    "clocks a little apart": ({EVENTS: AHEAD_MAX * 0.9}, None),
    "without a zone": ({99: datetime(2024, 1, 1, 1, 39)}, "line 99 is no event: "),  # noqa: DTZ001 - that is the point
}  # fmt: skip


@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.usefixtures("short_ranges")
def test_a_time_that_cannot_be_is_named_of_an_export(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "pool", _threads)
    times, expected = OFFLINE[name]
    report = verify_file(_exported(tmp_path / "log.ndjson", times), processes=1)
    said = found(report).get("lines")
    assert said is None if expected is None else re.match(expected, said or "")
