"""Add golden lines for events that show what none shows yet: python -m tests.golden.

It runs the tests of the rules, and keeps of what they record every type, every field of one, and every
default that left a field out, that has no golden line; lines that are there stay as they are. So a new event
gets its lines from its own tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.golden.reading import FOLDER, Golden, Shown, fields_of, golden, reading_of, shown_by, write
from tests.ledger.world import World

from ledger import decider
from ledger.decider import read_event
from ledger.event import Event, encode_canonical
from ledger.message import Message

TESTS = Path(__file__).parents[1] / "ledger"
CHANCE = ("test_random", "test_hostile")
"""Files of tests that make up their messages by chance."""


class Keeping:
    """What is recorded while the tests run, as far as it shows something new."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Golden]] = {}
        self._fields: set[Shown] = {
            shown for type_ in decider.EVENTS for line in golden(type_) for shown in shown_by(line)
        }
        self._shown = {
            type_: {field for line in golden(type_) for field in fields_of(read_event(line.stored))}
            for type_ in decider.EVENTS
        }

    def take(self, event: Event) -> None:
        """Keep an event if it is the first of its type, or has or leaves out a field as none does."""
        stored = encode_canonical(event)
        line = Golden(stored, write(reading_of(stored)))
        new = fields_of(event) - self._shown[event.type]
        fields = shown_by(line) - self._fields
        if new or fields or not (golden(event.type) or event.type in self.kept):
            self._shown[event.type] |= new
            self._fields |= fields
            self.kept.setdefault(event.type, []).append(line)

    def write(self) -> None:
        """Add what was kept to the files, and say so."""
        for type_, lines in sorted(self.kept.items()):
            with (FOLDER / f"{type_}.ndjson").open("ab") as file:
                file.writelines(b"%s\n%s\n" % line for line in lines)
            print(f"{type_}: {len(lines)} more")
        if missing := sorted(type_ for type_ in decider.EVENTS if not golden(type_)):
            sys.exit(f"no test of the rules records {', '.join(missing)}")


def _tests() -> Iterator[Path]:
    """Find the files of tests that post messages to a world of their own, and not by chance."""
    for file in sorted(TESTS.glob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if not file.stem.startswith(CHANCE) and (
            "tests.ledger.world" in text or "tests.ledger.table" in text
        ):
            yield file


def main() -> None:
    """Run the tests of the rules, and keep what they record."""
    keeping = Keeping()
    record = World._record

    def record_and_keep(world: World, message: Message, drafts: list[decider.Draft]) -> list[Event]:
        recorded = record(world, message, drafts)
        for event in recorded:
            keeping.take(event)
        return recorded

    World._record = record_and_keep  # type: ignore[assignment, method-assign]
    if failed := pytest.main(["-q", "-p", "no:cacheprovider", *map(str, _tests()), *sys.argv[1:]]):
        sys.exit(int(failed))
    keeping.write()


if __name__ == "__main__":
    main()
