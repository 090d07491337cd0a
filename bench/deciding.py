"""What the rules alone cost: deciding on a message and evolving the state by its events, by type."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from datetime import UTC, datetime

import orjson
from bench.figures import Figure

from ledger import decider
from ledger.book import Book
from ledger.event import Draft, Event
from ledger.message import Message, read_message
from ledger.state import Customer
from ledger_api.demo.biography import OF_BOOK, ROLES, STEPS, Step

_LIVES = 300
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CUSTOMER = "C-1"


def deciding(_: str, __: int) -> list[Figure]:
    """Play the life of the demo's one customer again and again, in memory.

    A decision's time is shared by the events that it led to; each event's own change of the state is added.
    Reading the message and writing the event, as bytes, are other parts' business.
    """
    messages = [_read(number, step) for number, step in enumerate(STEPS, start=1)]
    lives = [_live(messages) for _ in range(_LIVES)]
    of_type: dict[str, list[float]] = defaultdict(list)
    for place, (type_, _cost) in enumerate(lives[0]):
        of_type[type_].append(statistics.median(life[place][1] for life in lives))
    every = [cost for costs in of_type.values() for cost in costs]
    unit = "µs to decide and evolve"
    return [
        Figure(f"an event of a life of {len(every)}", statistics.fmean(every), unit),
        *(Figure(f"  {type_}", statistics.fmean(costs), unit) for type_, costs in sorted(of_type.items())),
    ]


def _read(number: int, step: Step) -> Message:
    head = {"specversion": "1.0", "id": f"step-{number}", "source": "/bench/life", "type": step.type}
    if step not in OF_BOOK:
        head["subject"] = _CUSTOMER
    raw = orjson.dumps({**head, "time": f"{step.on}T12:{number:02}:00Z", "data": step.data})
    return read_message(raw, decider.DECODERS, step.by, ROLES[step.by])


def _live(messages: list[Message]) -> list[tuple[str, float]]:
    """Live once; give each event's type and microseconds, in order."""
    book: Book | None = None
    customer: Customer | None = None
    costs: list[tuple[str, float]] = []
    for message in messages:
        began = time.perf_counter()
        drafts = decider.decide(book, customer, message, _NOW)
        each = (time.perf_counter() - began) / len(drafts)
        for draft in drafts:
            event = _event(message, draft, len(costs) + 1)
            began = time.perf_counter()
            book = decider.evolve_book(book, event)
            if message.subject is not None:
                customer = decider.evolve_customer(customer, event)
            costs.append((draft.type, (each + time.perf_counter() - began) * 1e6))
    return costs


def _event(message: Message, draft: Draft, position: int) -> Event:
    """Make the event that the log would make of it."""
    return Event(
        book="bench", causation=position, data=draft.data, decisionsize=1, id=str(position),
        position=position,
        principal=message.principal, recordedtime=_NOW, source="ledger", specversion="1.0",
        subject=message.subject, time=draft.occurred_at or message.time, type=draft.type, version=position,
    )  # fmt: skip
