"""One book as an `eventsourcing` application: post messages, read streams, follow the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper

from ledger.database import connect
from ledger.event import Event, stream_of
from ledger.log.outcome import Outcome
from ledger.log.recorder import Factory, LedgerMapper, LedgerRecorder
from ledger.log.writer import Writer
from ledger.message import Message
from ledger.settings import Settings


class Ledger(Application[str]):
    """A book for programs that stand beside the database; upstream systems post over HTTP.

    Decisions are made by the writer, never by an aggregate, so `save` and `repository` have nothing to do.
    Use it as a context manager.
    """

    recorder: LedgerRecorder
    log_section_size = 500

    def __init__(self, conninfo: str, book: str, settings: Settings | None = None) -> None:
        super().__init__(
            {"PERSISTENCE_MODULE": "ledger.log.recorder", Factory.CONNINFO: conninfo, Factory.BOOK: book}
        )
        self.book = book
        self._writer = Writer(lambda: connect(conninfo), settings or Settings())
        self._writer.start()

    def construct_mapper(self) -> Mapper[str]:
        """Make the mapper between events and their bytes."""
        return LedgerMapper(self.factory.transcoder())

    def post(self, messages: Sequence[Message], *, atomic: bool = False) -> list[Outcome]:
        """Have messages decided and recorded; gives an outcome for each, in order.

        Raises `Unavailable` when the database cannot record now; the same messages may be posted again.
        """
        return self._writer.submit(self.book, messages, atomic=atomic).result()

    def history(self, customer: str | None) -> Iterator[Event]:
        """Read a customer's events, or the book's own, in the order of their versions."""
        for event in self.events.get(stream_of(customer)):
            yield cast("Event", event)

    def close(self) -> None:
        """Answer what was posted, and let go of the database."""
        self._writer.stop()
        super().close()
