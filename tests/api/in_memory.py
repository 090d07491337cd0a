"""A ledger without a database or a network: the rules alone, behind the interface of the HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from ledger import decider
from ledger.book import Book
from ledger.errors import Conflict, Refusal
from ledger.event import Draft, Event, encode_canonical
from ledger.message import Message, read_message
from ledger.state import Customer
from ledger_api.client import Answer, Client

NOW = datetime(2026, 1, 15, tzinfo=UTC)


class InMemoryLedger(Client):
    """Judges messages as the log's writer does, and hands the events out as the feed does."""

    def __init__(self) -> None:
        super().__init__("http://in.memory", "no key")
        self.events: list[Event] = []
        self._book: Book | None = None
        self._customers: dict[str, Customer | None] = {}
        self._versions: dict[str, int] = {}
        self._taken: dict[tuple[str, str], list[Event]] = {}

    def twin(self) -> Client:
        """Be the same ledger over another connection."""
        return self

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        """Judge lines of somebody without a role."""
        return self.post_as("tester", None, path, body, content_type)

    def post_as(self, principal: str, role: str | None, path: str, body: bytes, content_type: str) -> Answer:
        """Judge lines of a principal in a role."""
        assert (path, content_type) == ("/v1/books/b/events", "application/x-ndjson")
        results = (orjson.dumps(self._judge(line, principal, role)) for line in body.split(b"\n"))
        return Answer(200, {}, b"\n".join(results))

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Answer:
        """Read the feed."""
        assert path == "/v1/books/b/events"
        asked = dict(parameters or {})
        after, limit = int(asked["after"]), int(asked["limit"])
        found = [
            event for event in self.events[after:] if asked.get("type") in (None, event.type)
        ][:limit]  # fmt: skip
        items = b",".join(encode_canonical(event) for event in found)
        behind = found[-1].position if len(found) == limit else len(self.events)
        return Answer(200, {}, b'{"items":[%b],"next":%d,"head":%d}' % (items, behind, len(self.events)))

    def _judge(self, raw: bytes, principal: str, role: str | None) -> dict[str, object]:
        try:
            message = read_message(raw, decider.DECODERS, principal, role)
            status, events = "replayed", self._taken.get((message.source, message.id))
            if events is None:
                customer = self._customers.get(message.subject or "")
                drafts = decider.decide(self._book, customer, message, NOW)
                status, events = "recorded", []
                for draft in drafts:
                    events.append(self._record(message, draft, len(drafts), events))
                self._taken[message.source, message.id] = events
            elif pointer := decider.first_difference(events[0], message):
                raise Conflict("key_conflict", f"{message.id} differs at {pointer}")
            return {"status": status, "events": [{"position": event.position} for event in events]}
        except Refusal as refusal:
            return {"status": "refused", "code": refusal.code, "detail": refusal.detail}

    def _record(self, message: Message, draft: Draft, size: int, first: list[Event]) -> Event:
        position = len(self.events) + 1
        stream = message.subject or ""
        self._versions[stream] = version = self._versions.get(stream, 0) + 1
        event = Event(
            book="b",
            causation=first[0].position if first else position,
            data=draft.data,
            decisionsize=size,
            id=str(position) if first else message.id,
            position=position,
            principal=message.principal,
            recordedtime=NOW,
            source="ledger" if first else message.source,
            specversion="1.0",
            subject=message.subject,
            time=draft.occurred_at or message.time,
            type=draft.type,
            version=version,
        )
        event = decider.read_event(encode_canonical(event))
        self.events.append(event)
        self._book = decider.evolve_book(self._book, event)
        if message.subject is not None:
            customer = decider.evolve_customer(self._customers.get(message.subject), event)
            self._customers[message.subject] = customer
        return event


class InRole(Client):
    """The same ledger for a principal in a role."""

    def __init__(self, ledger: InMemoryLedger, principal: str, role: str) -> None:
        super().__init__(ledger.url, "no key")
        self._ledger, self._principal, self._role = ledger, principal, role

    def twin(self) -> Client:
        """Be the same over another connection."""
        return self

    def post(self, path: str, body: bytes, content_type: str) -> Answer:
        """Judge lines."""
        return self._ledger.post_as(self._principal, self._role, path, body, content_type)
