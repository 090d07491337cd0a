"""Contacts over HTTP: what follows from them, added up here from the events alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.live import Caller, Json
from tests.ledger.asks import answer, arrive, end
from tests.ledger.world import Ask

NIGHT = datetime(2026, 1, 31, 22, 30, tzinfo=UTC)
"""Half past eleven in the evening in Berlin."""
Life = tuple[str, int, int | None, int | None]
"""Queue, minutes after NIGHT, seconds until answered (None: never), and until the end (None: not yet)."""


def messages(name: str, life: Life) -> Iterator[tuple[Ask, datetime]]:
    queue, minutes, wait, rest = life
    at = NIGHT + timedelta(minutes=minutes)
    yield arrive(name, queue=queue), at
    if wait is not None:
        yield answer(name), (at := at + timedelta(seconds=wait))
    if rest is not None:
        yield end(name, "abandoned" if wait is None else "resolved"), at + timedelta(seconds=rest)


def figures(lives: list[Life], within: int) -> dict[str, int | str | None]:
    """Add up what a list of contacts comes to."""
    waits = sorted(wait for _, _, wait, _ in lives if wait is not None)
    gave_up = sorted(rest for _, _, wait, rest in lives if wait is None and rest is not None)
    handled = sorted(rest for _, _, wait, rest in lives if wait is not None and rest is not None)
    quick = sum(wait <= within for wait in waits)
    return {
        "arrived": len(lives), "waiting": len(lives) - len(waits) - len(gave_up), "answered": len(waits),
        "abandoned": len(gave_up), "answered_within": quick,
        "answered_within_percent": percent(quick, len(lives)),
        "abandoned_percent": percent(len(gave_up), len(lives)),
        "wait_seconds_median": percentile(waits, 5), "wait_seconds_p90": percentile(waits, 9),
        "abandoned_after_seconds_median": percentile(gave_up, 5),
        "handled_seconds_median": percentile(handled, 5), "handled_seconds_p90": percentile(handled, 9),
        "handled_seconds": sum(handled),
    }  # fmt: skip


def percentile(values: list[int], tenths: int) -> int | None:
    """Give the least value that so many tenths of the values do not exceed."""
    return values[max(0, math.ceil(len(values) * tenths / 10) - 1)] if values else None


def percent(part: int, whole: int) -> str:
    hundredths = (2 * 10_000 * part + whole) // (2 * whole)
    return f"{hundredths // 100}.{hundredths % 100:02}"


SECONDS = st.none() | st.integers(0, 90)
LIVES = st.lists(
    st.tuples(st.sampled_from(["billing", "sales"]), st.integers(0, 60), SECONDS, SECONDS),
    min_size=1, max_size=12,
)  # fmt: skip


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(10**6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=LIVES, within=st.integers(0, 90))
def test_the_report_is_what_the_events_come_to(
    book: Caller, numbers: Iterator[int], lives: list[Life], within: int
) -> None:
    """Every example is a queue of its own name in one book, told apart by the days and queues it uses."""
    tag = f"-{next(numbers)}"
    book.tell(("customer.opened", {"currency": "EUR"}), customer=f"c{tag}")
    asked = [(f"{life[0]}{tag}", *life[1:]) for life in lives]
    position = 0
    for number, life in enumerate(asked):
        for ask, at in messages(f"k{number}", life):
            position = book.tell(ask, customer=f"c{tag}", at=at)["events"][0]["position"]
    report = book.read("/reports/contacts", within_seconds=within, min_position=position)
    for day, queue in {(day_of(life), life[0]) for life in asked}:
        mine = [life for life in asked if (day_of(life), life[0]) == (day, queue)]
        assert one(report["days"], day, queue) == figures(mine, within)
    for queue in {life[0] for life in asked}:
        mine = [life for life in asked if life[0] == queue]
        assert one(report["period"], None, queue) == figures(mine, within)
    (total,) = report["all"]
    assert total["arrived"] == sum(each["arrived"] for each in report["days"])


def day_of(life: Life) -> str:
    return "2026-01-31" if life[1] < 30 else "2026-02-01"


def one(found: list[Json], day: str | None, key: str) -> Json:
    (item,) = [item for item in found if (item["day"], item["key"]) == (day, key)]
    return {name: value for name, value in item.items() if name not in ("day", "key")}


def test_the_report_is_of_the_days_and_by_the_key_that_are_asked_for(alice: Caller) -> None:
    for number, (minutes, topic) in enumerate([(0, "bill"), (29, "move"), (30, "bill"), (60 * 25, "bill")]):
        at = NIGHT + timedelta(minutes=minutes)
        position = alice.tell(arrive(f"k{number}", topic=topic), at=at)["events"][0]["position"]
    asked = {"from": "2026-01-31", "through": "2026-02-01", "by": "topic"}
    report = alice.read("/reports/contacts", min_position=position, **asked)
    assert [(each["day"], each["key"], each["waiting"]) for each in report["days"]] == [
        ("2026-01-31", "bill", 1), ("2026-01-31", "move", 1), ("2026-02-01", "bill", 1),
    ]  # fmt: skip
    assert report["all"][0]["arrived"] == 3
    assert alice.read("/reports/contacts", through="2026-01-30")["all"] == []


def test_a_contact_is_shown_with_its_times(alice: Caller) -> None:
    for ask, at in messages("k1", ("billing", 0, 12, 300)):
        position = alice.tell(ask, at=at)["events"][0]["position"]
    (found,) = alice.read("/customers/alice/contacts", min_position=position)["items"]
    assert (found["state"], found["outcome"], found["answered_by"]) == ("ended", "resolved", "tester")
    assert (found["waited_seconds"], found["handled_seconds"]) == (12, 300)


def test_finance_reads_the_days_of_a_queue(alice: Caller) -> None:
    for ask, at in messages("k1", ("billing", 0, 12, 300)):
        position = alice.tell(ask, at=at)["events"][0]["position"]
    alice.read("/contacts", min_position=position)
    with psycopg.connect(alice.live.database) as connection:
        connection.execute("SET ROLE ledger_finance")
        connection.execute("SELECT set_config('ledger.book', %s, false)", (alice.book,))
        rows = connection.execute(
            "SELECT day::text, queue, answered_within_20_seconds FROM contacts.daily WHERE book = %s",
            (alice.book,),
        ).fetchall()
    assert rows == [("2026-01-31", "billing", 1)]
