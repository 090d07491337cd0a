"""The log as the `eventsourcing` library sees it: recorder, factory and mapper over our table and head row.

What differs from the library's own: order is made by the head's row lock instead of a table lock, positions
have no gaps, an expected version is checked and not only its uniqueness, a lost reply to COMMIT is looked up
instead of being retried into a conflict, and a subscription outlives its connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Mapper,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment, retry
from psycopg import conninfo as libpq
from psycopg.rows import dict_row, tuple_row

from ledger import decider
from ledger.database import with_settings
from ledger.event import Event, encode_canonical
from ledger.log import merkle, store
from ledger.log.subscription import LogSubscription
from ledger.sql import queries

_SQL = queries("ledger.log", "recorder.sql")
_UNBOUNDED = 2**62
_APPEND_ATTEMPTS_MAX = 10
SOURCE = "eventsourcing"
"""CloudEvents source of what the library records without being a CloudEvent."""

_reading = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
"""Reading again is always right; appending again is not, and `insert_events` sees to that itself."""


class LedgerDatastore(PostgresDatastore):
    """The library's pool of connections, to schema `ledger` and as the role of the running service."""

    def __init__(self, conninfo: str, pool_size: int = 2, max_overflow: int = 10) -> None:
        self.conninfo = with_settings(conninfo, application_name="billing-ledger recorder")
        super().__init__(
            dbname="", host="", port="", user="", password="", schema="ledger", originator_id_type="text",
            pool_size=pool_size, max_overflow=max_overflow,
        )  # fmt: skip
        parts = libpq.conninfo_to_dict(self.conninfo)
        given = {name: value for name, value in parts.items() if value is not None}
        self.pool.kwargs = {**given, "row_factory": dict_row}

    @contextmanager
    def tuples(self, *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection with tuples for rows: read several times faster than the library's dicts."""
        with self.get_connection() as lent:
            conn = cast("psycopg.Connection[Any]", lent)
            conn.row_factory = tuple_row
            conn.autocommit = autocommit
            try:
                yield conn
            finally:
                if not conn.closed:
                    conn.rollback()
                    conn.autocommit = True
                    conn.row_factory = dict_row


class LedgerRecorder(PostgresApplicationRecorder):
    """Records and reads one book's log. Notification ids are positions."""

    datastore: LedgerDatastore

    def __init__(self, datastore: LedgerDatastore, *, book: str, events_table_name: str = "event") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self.book = book

    def create_table(self) -> None:
        """Do nothing: the schema comes from the migrations."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: object) -> Sequence[int] | None:
        """Append events, all or none; gives their positions.

        Raises `IntegrityError` when a version is taken, or leaves a gap in its stream.
        """
        if not stored_events:
            return None
        for attempt in range(_APPEND_ATTEMPTS_MAX):
            try:
                return self._append(stored_events)
            except (InterfaceError, OperationalError, IntegrityError) as error:
                # A conflict may be with our own attempt: its COMMIT may come late.
                conflict = isinstance(error, IntegrityError)
                if conflict and attempt == 0:
                    raise
                positions: Sequence[int] | None = self._recorded(stored_events)
                if positions is not None:
                    return positions
                if conflict or attempt + 1 == _APPEND_ATTEMPTS_MAX:
                    raise
        raise AssertionError("unreachable")

    def _append(self, stored_events: Sequence[StoredEvent]) -> Sequence[int]:
        with self.datastore.tuples(autocommit=False) as conn:
            head, _ = store.lock(conn, self.book, ())
            self._check_versions(conn, stored_events)
            append = store.Append(conn, self.book, head)
            for position, event in enumerate(stored_events, start=head.position + 1):
                append.write(_row(self.book, event, position, head))
            append.commit()
        return list(range(head.position + 1, head.position + 1 + len(stored_events)))

    def _check_versions(self, conn: psycopg.Connection[Any], stored_events: Sequence[StoredEvent]) -> None:
        streams = list(dict.fromkeys(str(event.originator_id) for event in stored_events))
        rows = conn.execute(_SQL["max_versions"], {"book": self.book, "streams": streams}, binary=True)
        versions: dict[str, int | None] = dict(rows.fetchall())
        for event in stored_events:
            stream, version = str(event.originator_id), event.originator_version
            last = versions[stream]
            if version not in ((0, 1) if last is None else (last + 1,)):
                raise IntegrityError(f"stream {stream} is at version {last}, the event is version {version}")
            versions[stream] = version

    @_reading
    def _recorded(self, stored_events: Sequence[StoredEvent]) -> Sequence[int] | None:
        """Look up, after a lost reply, whether exactly these events were recorded; None: they were not."""
        with self.datastore.tuples() as conn:
            places = {
                "book": self.book,
                "streams": [str(event.originator_id) for event in stored_events],
                "versions": [event.originator_version for event in stored_events],
            }
            rows = conn.execute(_SQL["recorded"], places, binary=True).fetchall()
        found = {
            (stream, version): (position, type_, state) for stream, version, position, type_, state in rows
        }
        positions: list[int] = []
        for event in stored_events:
            place = found.get((str(event.originator_id), event.originator_version))
            if place is None or place[1:] != (event.topic, event.state):
                return None
            positions.append(place[0])
        return positions

    @_reading
    def select_events(
        self, originator_id: object, *, gt: int | None = None, lte: int | None = None, desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:  # fmt: skip
        """Read one stream, or a part of it."""
        stream = str(originator_id)
        bounds = {
            "book": self.book, "stream": stream, "gt": -1 if gt is None else gt,
            "lte": _UNBOUNDED if lte is None else lte, "limit": limit,
        }  # fmt: skip
        with self.datastore.tuples() as conn:
            query = _SQL["select_events_backwards" if desc else "select_events"]
            rows = conn.execute(query, bounds, binary=True, prepare=True)
            return [StoredEvent(stream, version, topic, state) for version, topic, state in rows]

    @_reading
    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:  # fmt: skip
        """Read the log from a position on."""
        first = 0 if start is None else start + (0 if inclusive_of_start else 1)
        bounds = {
            "book": self.book, "first": first, "last": _UNBOUNDED if stop is None else stop,
            "types": list(topics) or None, "limit": limit,
        }  # fmt: skip
        with self.datastore.tuples() as conn:
            rows = conn.execute(_SQL["select_notifications"], bounds, binary=True, prepare=True)
            return [
                Notification(
                    id=position, originator_id=stream, originator_version=version, topic=topic, state=state
                )
                for position, stream, version, topic, state in rows
            ]

    @_reading
    def max_notification_id(self) -> int | None:
        """Tell the last position, None for an empty log."""
        with self.datastore.tuples() as conn:
            row = conn.execute(_SQL["max_position"], {"book": self.book}).fetchone()
        return None if row is None else row[0]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """Follow the log from behind a position, for as long as somebody iterates."""
        return LogSubscription(self, gt=gt, topics=topics)


def _row(book: str, event: StoredEvent, position: int, head: store.Head) -> store.Row:
    """Give an event its row.

    The bytes of an event of ours say where they stand, and must say so rightly. What else the library records
    has no clock of its own and no columns but these.
    """
    if event.topic in decider.EVENTS:
        ours = decider.read_event(event.state)
        if (ours.book, ours.position, ours.version) != (book, position, event.originator_version):
            raise IntegrityError(
                f"the event is made for {ours.book} {ours.position}, it would stand at {book} {position}"
            )
        return store.row_of(ours)
    stream = str(event.originator_id)
    return store.Row(
        book, position, stream, event.originator_version, event.topic, SOURCE,
        f"{stream}/{event.originator_version}", None, None, None, None, head.recorded_at, head.recorded_at,
        SOURCE, position, 1, event.state, merkle.leaf_hash(event.state),
    )  # fmt: skip


class LedgerMapper(Mapper[str]):
    """Between an event and its stored bytes: the topic is the CloudEvents type, never a Python path."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Write an event as it is stored."""
        event = cast("Event", domain_event)
        return StoredEvent(event.stream, event.version, event.type, encode_canonical(event))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Read an event from its stored bytes."""
        return cast("DomainEventProtocol[str]", decider.read_event(stored_event.state))


class Factory(PostgresFactory):
    """Builds the parts for `PERSISTENCE_MODULE=ledger.log.recorder`.

    LEDGER_CONNINFO and LEDGER_BOOK say where.
    """

    CONNINFO, BOOK = "LEDGER_CONNINFO", "LEDGER_BOOK"

    def __init__(self, env: Environment) -> None:
        # The library asks for these; what they say is not used.
        for name in ("POSTGRES_DBNAME", "POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD"):
            env.setdefault(name, "")
        super().__init__(env)
        self.datastore.close()
        self.datastore = LedgerDatastore(self.env.get(self.CONNINFO, ""))

    def application_recorder(self) -> LedgerRecorder:
        """Make the recorder of the book."""
        return LedgerRecorder(cast("LedgerDatastore", self.datastore), book=self.env.get(self.BOOK, "main"))
