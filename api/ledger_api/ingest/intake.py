"""From the bytes of messages to their outcomes: read, held against the key, judged by the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from ledger.decider import DECODERS, OF_BOOK
from ledger.errors import Refusal, Unauthorised, Unavailable
from ledger.event import LEDGER
from ledger.log.outcome import Outcome, Receipt
from ledger.log.writer import Writer
from ledger.message import Message, read_message
from ledger_api.evidence import EvidenceFiles
from ledger_api.ingest.calls import Call
from ledger_api.keys import GOVERN, Principal
from ledger_api.problems import problem_members

Refused = Callable[[str], None]

encode = msgspec.json.Encoder().encode


class Intake:
    """Hands messages to the writer. `refused` is told the code of every refusal, for the metrics.

    `key_messages_max` is how many messages of one key may wait for the writer: beyond that its posts are
    refused, so that one sender in a hurry does not take the whole queue.
    """

    def __init__(
        self, writer: Writer, evidence: EvidenceFiles, key_messages_max: int, refused: Refused
    ) -> None:
        self._writer = writer
        self._evidence = evidence
        self._key_messages_max = key_messages_max
        self._refused = refused
        self._waiting: dict[str, int] = {}

    def read(self, raw: bytes, principal: Principal) -> Message:
        """Read one message; raises the `Refusal` of its shape, or of a source that is not the key's."""
        message = read_message(raw, DECODERS, principal.name, principal.role)
        if message.source == LEDGER:
            raise Unauthorised(
                "source_reserved", f"the source {LEDGER} is the ledger's own", pointer="/source"
            )
        if not principal.may_post_as(message.source):
            raise Unauthorised(
                "source_not_allowed", f"{principal.name} may not post as {message.source}",
                pointer="/source", principal=principal.name, source=message.source,
            )  # fmt: skip
        if message.type in OF_BOOK and GOVERN not in principal.scopes:
            raise Unauthorised(
                "scope_missing", f"{message.type} needs an API key with the scope {GOVERN}", scope=GOVERN
            )
        return message

    async def not_stored(self, call: Call, messages: Sequence[Message]) -> dict[int, Refusal]:
        """Refuse messages, by their place, that submit a file which is not stored: no rule can know that."""
        return await self._evidence.not_stored(call.book, messages)

    async def submit(self, call: Call, messages: Sequence[Message], *, atomic: bool = False) -> list[Outcome]:
        """Let the writer judge messages. Raises `Unavailable`, and the refusal `rate_limited`."""
        key, waiting = call.principal.key, self._waiting
        before = waiting.get(key, 0)
        if before >= self._key_messages_max:
            raise Refusal(
                "rate_limited", f"{before} messages of this API key are waiting to be recorded",
                waiting=before, messages_max=self._key_messages_max,
            )  # fmt: skip
        waiting[key] = before + len(messages)
        try:
            return await self._writer.submit_soon(
                call.book, messages, asyncio.get_running_loop(), atomic=atomic
            )
        finally:
            left = waiting[key] - len(messages)
            if left:
                waiting[key] = left
            else:
                del waiting[key]

    async def judge(self, call: Call, raws: Sequence[bytes]) -> list[Outcome]:
        """Judge messages each on its own; what cannot be read is refused in its place."""
        outcomes: list[Outcome | None] = []
        messages = []
        for raw in raws:
            try:
                messages.append(self.read(raw, call.principal))
                outcomes.append(None)
            except Refusal as refusal:
                outcomes.append(refusal)
        refused = await self.not_stored(call, messages)
        stored = [each for place, each in enumerate(messages) if place not in refused]
        judged = iter(await self.submit(call, stored) if stored else [])
        rest = iter([refused.get(place) or next(judged) for place in range(len(messages))])
        return [next(rest) if outcome is None else outcome for outcome in outcomes]

    def result(self, outcome: Outcome) -> object:
        """Lay out what became of one message among several."""
        if isinstance(outcome, Receipt):
            return outcome
        self.count(outcome)
        members = problem_members(outcome)
        return {"status": "refused", **{k: members[k] for k in ("code", "detail", "pointer", "values")}}

    def count(self, error: Refusal | Unavailable) -> None:
        """Count a refusal."""
        self._refused(error.code if isinstance(error, Refusal) else "unavailable")


def highest(outcomes: Sequence[Outcome]) -> int:
    """Give the highest position that any of the outcomes names, 0 when none does."""
    return max((o.position for o in outcomes if isinstance(o, Receipt)), default=0)


def position_header(position: int) -> tuple[tuple[bytes, bytes], ...]:
    """Write the header that tells as of which position a write can be read; none for position 0."""
    return ((b"ledger-position", str(position).encode()),) if position else ()
