"""One transaction's worth of judging: messages in, rows and outcomes out.

Idempotency stands here because only the log knows what was recorded; every other rule is `decider.decide`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ledger import decider
from ledger.errors import Conflict, Refusal
from ledger.event import LEDGER, Event, stream_of
from ledger.log.outcome import EventReceipt, Outcome, Receipt
from ledger.log.states import States
from ledger.log.store import Found, Head, Row, row_of
from ledger.message import Message

Key = tuple[str, str]


class Judge:
    """Judges messages in order against the states of one book, and hands the rows to append to `write`.

    `taken` maps the idempotency keys that the log holds already to the events they led to. `seen` are
    recorded times of this writer's own earlier attempts at the same batch: what carries one of them was
    recorded by us.
    """

    def __init__(
        self,
        states: States,
        head: Head,
        taken: Mapping[Key, list[Found]],
        seen: frozenset[datetime],
        write: Callable[[Row], None],
    ) -> None:
        self._states = states
        self._position = head.position
        self._now = head.recorded_at
        self._write = write
        self._taken = taken
        self._seen = seen
        self._found_again: set[Key] = set()
        self._fresh: dict[Key, tuple[Event, Receipt]] = {}

    def judge(self, message: Message) -> Outcome:
        """Decide one message; what it leads to is visible to the next one."""
        key = (message.source, message.id)
        try:
            if key in self._taken:
                return self._answer_again(message, self._taken[key])
            if key in self._fresh:
                first, receipt = self._fresh[key]
                _refuse_other_content(first, message, receipt.events[0].position)
                return Receipt("replayed", receipt.recordedtime, receipt.events)
            return self._decide(message)
        except Refusal as refusal:
            return refusal

    def _answer_again(self, message: Message, found: list[Found]) -> Receipt:
        first = found[0]
        _refuse_other_content(decider.read_event(first.state), message, first.position)
        key = (message.source, message.id)
        ours = first.recorded_at in self._seen and key not in self._found_again
        self._found_again.add(
            key
        )  # its twin in the same batch is a repeat, as it was before the reply was lost
        status = "recorded" if ours else "replayed"
        events = [EventReceipt(e.type, e.position, e.version, e.leaf.hex()) for e in found]
        return Receipt(status, first.recorded_at, events)

    def _decide(self, message: Message) -> Receipt:
        states = self._states
        subject = message.subject
        version = states.version(subject)
        if message.expected_version is not None and message.expected_version != version:
            raise Refusal(
                "version_unexpected",
                f"stream {stream_of(subject)} is at version {version}, "
                f"the message expects {message.expected_version}",
                pointer="/expectedversion", stream=stream_of(subject), version=version,
                expected_version=message.expected_version,
            )  # fmt: skip
        customer = None if subject is None else states.customer(subject).state
        drafts = decider.decide(states.book, customer, message, self._now)
        return self._record(message, drafts, version)

    def _record(self, message: Message, drafts: list[decider.Draft], version: int) -> Receipt:
        causation = self._position + 1
        receipts = []
        first: Event | None = None
        for draft in drafts:
            self._position += 1
            version += 1
            event = Event(
                book=self._states.book_name,
                causation=causation,
                data=draft.data,
                decisionsize=len(drafts),
                id=message.id if first is None else str(self._position),
                position=self._position,
                principal=message.principal,
                recordedtime=self._now,
                source=message.source if first is None else LEDGER,
                specversion="1.0",
                subject=message.subject,
                time=draft.occurred_at or message.time,
                type=draft.type,
                version=version,
            )
            if first is None:
                first = event
            row = row_of(event)
            self._write(row)
            self._states.apply(event)
            receipts.append(EventReceipt(draft.type, row.position, version, row.leaf.hex()))
        if first is None:
            raise AssertionError(f"a decision on {message.type} led to no event and no refusal")
        receipt = Receipt("recorded", self._now, receipts)
        self._fresh[(message.source, message.id)] = (first, receipt)
        return receipt


def _refuse_other_content(first: Event, message: Message, position: int) -> None:
    """Raise `Conflict` when a taken key comes with other content than it was recorded with."""
    pointer = decider.first_difference(first, message)
    if pointer is not None:
        raise Conflict(
            "key_conflict",
            f"the key {message.source} {message.id} is taken by position {position}, "
            f"which differs at {pointer}",
            pointer=pointer, source=message.source, id=message.id, position=position,
        )  # fmt: skip
