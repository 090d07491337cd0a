"""Who waits for the writer: a request from a thread or an event loop, and how it gets its answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from ledger.log.outcome import Outcome
from ledger.message import Message

log = structlog.get_logger()


class Request:
    """Messages for one book that share an answer; atomic: all of them are recorded, or none.

    `loop` is the event loop that waits for it, None where a thread does. `passing`: nobody will ask for these
    customers again soon, so what was read for them is not remembered.
    """

    __slots__ = ("atomic", "book", "future", "loop", "messages", "passing")

    def __init__(
        self,
        book: str,
        messages: Sequence[Message],
        atomic: bool,
        loop: asyncio.AbstractEventLoop | None,
        passing: bool = False,
    ) -> None:
        self.book = book
        self.messages = messages
        self.atomic = atomic and len(messages) > 1
        self.loop = loop
        self.passing = passing
        self.future: asyncio.Future[list[Outcome]] | concurrent.futures.Future[list[Outcome]]
        self.future = concurrent.futures.Future() if loop is None else loop.create_future()


class Answer(NamedTuple):
    """What a request gets: its outcomes, or the reason why it cannot be answered now."""

    request: Request
    outcomes: list[Outcome] | Exception


def deliver(answers: Sequence[Answer]) -> None:
    """Answer every request; those of one event loop with one wake-up."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        if answer.request.loop is None:
            _set(answer)
        else:
            by_loop.setdefault(answer.request.loop, []).append(answer)
    for loop, together in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_all, together)
        except RuntimeError:
            log.warning("writer_loop_closed", requests=len(together))


def _set_all(answers: Sequence[Answer]) -> None:
    for answer in answers:
        _set(answer)


def _set(answer: Answer) -> None:
    future = answer.request.future
    if future.done():  # the client went away; what is recorded stays recorded
        return
    with suppress(concurrent.futures.InvalidStateError):  # a thread may go away in this very moment
        if isinstance(answer.outcomes, Exception):
            future.set_exception(answer.outcomes)
        else:
            future.set_result(answer.outcomes)
