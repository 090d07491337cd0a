"""Deadlines of disputes that pass: a task of the service asks what is due, and posts it as the ledger.

The read model only proposes. Each message is judged by the rules like any other, so evidence that it does
not know of yet is in time; and its key is of the dispute and the deadline, so that however many processes
ask, and whoever is killed, each deadline acts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import NamedTuple

import structlog

from ledger.defects import DEFECTS
from ledger.disputes.deadline import SOURCE, DisputeLapse
from ledger.errors import Refusal, Unavailable
from ledger.event import LEDGER
from ledger.log.outcome import Outcome
from ledger.log.writer import Writer
from ledger.message import Message
from ledger.sql import queries
from ledger_api.reading import Reader

log = structlog.get_logger("ledger.deadlines")

_SQL = queries("ledger_api", "deadlines.sql")

TOGETHER_MAX = 100
"""Deadlines that are asked for, and posted, at a time."""
AGAIN_SECONDS = 30.0
"""When to look again after something was due: it stays so until the read model has folded what came of it."""

RETRY_SECONDS = 5.0
"""When to look again while the database does not answer, or the read model is being built."""


class Due(NamedTuple):
    """A deadline on which the ledger acts in so many seconds; below zero it has passed."""

    acts_at: datetime
    book: str
    customer: str
    dispute: str
    respond_by: date
    seconds: float

    def message(self, time: datetime) -> Message:
        """Make the message that says so; its key is of this deadline and no other."""
        instant = self.acts_at.astimezone(UTC).isoformat()
        return Message(
            type="dispute.lapse", id=f"{self.customer}/{self.dispute}/{instant}", source=SOURCE,
            subject=self.customer, time=time.astimezone(UTC), expected_version=None, principal=LEDGER,
            data=DisputeLapse(dispute=self.dispute, respond_by=self.respond_by),
        )  # fmt: skip


class Deadlines:
    """Acts on deadlines. `look_seconds_max` is how long it sleeps at most before it looks again."""

    def __init__(self, reader: Reader, writer: Writer, look_seconds_max: float) -> None:
        self._reader = reader
        self._writer = writer
        self._look_seconds_max = look_seconds_max

    async def run(self) -> None:
        """Act on what is due, sleep until the next deadline, and so on until cancelled."""
        while True:
            try:
                seconds = await self.act()
            except Unavailable as error:
                log.info("deadlines_wait", error=str(error))
                seconds = RETRY_SECONDS
            except DEFECTS:  # to be seen, and no reason to forget all deadlines for ever
                log.exception("deadlines_failed")
                seconds = AGAIN_SECONDS
            await asyncio.sleep(min(seconds, self._look_seconds_max))

    async def act(self) -> float:
        """Act on every deadline that has passed; tells in how many seconds to look again.

        Raises `Unavailable`.
        """
        seen = Due(datetime.min.replace(tzinfo=UTC), "", "", "", date.min, 0)
        again = self._look_seconds_max
        while True:
            values = {**seen._asdict(), "limit": TOGETHER_MAX}
            rows = [Due(*row) for row in await self._reader.rows(_SQL["next_deadlines"], values)]  # type: ignore[arg-type]
            due = [each for each in rows if each.seconds <= 0]
            for book, passed in groupby(sorted(due, key=lambda each: each.book), key=lambda each: each.book):
                await self._post(book, list(passed))
                again = min(again, AGAIN_SECONDS)
            if len(due) < len(rows):
                return min(again, rows[len(due)].seconds)
            if len(rows) < TOGETHER_MAX:
                return again
            seen = rows[-1]

    async def _post(self, book: str, passed: Sequence[Due]) -> None:
        """Post what passed at the moment that it did; where the books of that day are closed, as of now."""
        closed = await self._submit(book, passed, lambda each: each.acts_at)
        if closed:
            now = datetime.now(UTC)
            await self._submit(book, closed, lambda _: now)

    async def _submit(self, book: str, passed: Sequence[Due], time: Callable[[Due], datetime]) -> list[Due]:
        """Post together and tell what is of a closed day.

        Where the ledger itself fails, it is posted one by one: a defect in one dispute stops no other.
        """
        messages = [each.message(time(each)) for each in passed]
        try:
            outcomes = await self._writer.submit_soon(book, messages, asyncio.get_running_loop())
        except Unavailable:
            raise
        except DEFECTS:
            if len(passed) > 1:
                return [closed for each in passed for closed in await self._submit(book, [each], time)]
            log.exception("deadline_failed", book=book, dispute=passed[0].dispute)
            return []
        for each, outcome in zip(passed, outcomes, strict=True):
            about = {"book": book, "dispute": each.dispute, "respond_by": str(each.respond_by)}
            if isinstance(outcome, Refusal):
                log.info("deadline_does_not_act", code=outcome.code, **about)
            elif outcome.status == "recorded":
                log.info("deadline_passed", position=outcome.position, **about)
        return [each for each, outcome in zip(passed, outcomes, strict=True) if _is_closed(outcome)]


def _is_closed(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.code == "period_closed"


async def stopped(task: asyncio.Task[None]) -> None:
    """Stop the task, and wait until it has."""
    task.cancel()
    await asyncio.wait([task])
