"""Whatever was ever recorded is read for ever as what it was: golden lines of every type, read today."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from tests.golden.reading import (
    Golden,
    Shown,
    Spelled,
    differences,
    golden,
    golden_types,
    reading_of,
    shown_by,
    to_show,
    write,
)

from ledger import decider
from ledger.decider import read_event
from ledger.event import encode_canonical
from ledger.log.store import row_of

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_every_type_of_event_has_golden_lines() -> None:
    missing = sorted(decider.EVENTS.keys() - set(golden_types()))
    assert not missing, "add them: .venv/bin/python -m tests.golden"


def test_no_type_that_was_ever_recorded_is_forgotten() -> None:
    """Golden lines outlive everything: a type that nobody records any more is still in somebody's log."""
    assert set(golden_types()) <= decider.EVENTS.keys()
    described = set(re.findall(r"^### ([a-z_]+\.[a-z_]+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(golden_types()) <= described


def test_every_field_is_read_where_it_is_stored_and_where_its_default_left_it_out() -> None:
    """A default is in no bytes: where no line leaves the field out, another default changes old events."""
    shown = {each for type_ in golden_types() for line in golden(type_) for each in shown_by(line)}
    missing = sorted(f"{field} {'stored' if stored else 'left out'}" for field, stored in to_show() - shown)
    assert not missing, "add them: .venv/bin/python -m tests.golden"


@pytest.mark.parametrize("type_", golden_types())
def test_what_was_stored_once_reads_as_it_did(type_: str) -> None:
    for number, (stored, reading) in enumerate(golden(type_), 1):
        expected: Spelled = msgspec.json.decode(reading)
        assert list(differences(expected, reading_of(stored))) == [], f"{type_}, line {2 * number - 1}"


@pytest.mark.parametrize("type_", golden_types())
def test_what_is_read_is_stored_as_it_was(type_: str) -> None:
    """Verifying and importing hold every row to the bytes that an event is encoded as."""
    for stored, _ in golden(type_):
        event = read_event(stored)
        assert event.type == type_
        assert encode_canonical(event) == stored
        assert row_of(event).state == stored


def test_a_changed_default_a_lost_field_and_another_meaning_are_found() -> None:
    was: Spelled = {"data": {"a": 1, "b": [{"c": None}, {"c": 2}], "d": "x"}}
    now: Spelled = {"data": {"a": 2, "b": [{"c": None, "new": 0}, {"c": 3}], "new": True}}
    assert list(differences(was, was)) == []
    assert list(differences(was, now)) == [
        "/data/a reads 2, it was 1", "/data/b/1/c reads 3, it was 2", "/data/d is not read any more"
    ]  # fmt: skip


def test_a_field_is_shown_only_by_a_line_that_fixes_what_it_reads_as() -> None:
    """A line from before a field was there leaves it out too, and says nothing of its default."""
    field = "ledger.customer.CustomerOpened.credit_limit"
    stored = golden("customer.opened")[0].stored
    complete = reading_of(stored)
    assert Shown(field, stored=False) in shown_by(Golden(stored, write(complete)))
    assert isinstance(complete, dict)
    data = complete["data"]
    assert isinstance(data, dict)
    del data["credit_limit"]
    assert Shown(field, stored=False) not in shown_by(Golden(stored, write(complete)))
