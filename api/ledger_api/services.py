"""What the routes of one running application share, and the one place that builds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from fastapi import Request

from ledger.database import AsyncPool, check_server, connect, reader_pool
from ledger.log.writer import Writer
from ledger.notices import Notices
from ledger.settings import Settings
from ledger_api.deadlines import Deadlines, stopped
from ledger_api.evidence import EvidenceFiles
from ledger_api.ingest.endpoint import Ingest
from ledger_api.keys import Keys, finder
from ledger_api.looking import Looks
from ledger_api.mail import Mail, read_mail
from ledger_api.metrics import Metrics
from ledger_api.pages import Pages, page_secret
from ledger_api.papers.press import Press
from ledger_api.personal import PersonalData, personal_data
from ledger_api.reading import Reader
from ledger_api.rebuilds import Rebuilds
from ledger_api.signed_log import Transparency
from ledger_projections.engine import Projector
from ledger_projections.past import install_workspaces


class Slots:
    """A number of places, taken and given back; nobody waits for one."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._places - self._free

    def acquire(self) -> bool:
        """Take a place; False when there is none."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def release(self) -> None:
        """Give a place back."""
        self._free += 1


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running ledger. `draining` is set when it is about to stop: streams end then."""

    settings: Settings
    conninfo: str
    pool: AsyncPool
    notices: Notices
    writer: Writer
    projector: Projector
    ingest: Ingest
    keys: Keys
    pages: Pages
    reader: Reader
    metrics: Metrics
    streams: Slots
    transparency: Transparency
    rebuilds: Rebuilds
    vault: PersonalData
    evidence: EvidenceFiles
    mail: Mail | None
    deadlines: asyncio.Task[None]
    looks: Looks
    press: Press
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    def threads(self) -> dict[str, bool]:
        """Say of each thread of ours whether it lives."""
        return {
            "writer": self.writer.alive,
            "projector": self.projector.alive,
            "notices": self.notices.alive,
            "eraser": self.vault.eraser.alive,
            "deadlines": not self.deadlines.done(),
            "access_log": self.looks.log.alive,
        }


def services_of(request: Request) -> Services:
    """Give the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services


@asynccontextmanager
async def running(settings: Settings, conninfo: str, metrics: Metrics) -> AsyncIterator[Services]:
    """Build the parts and start them; stop them in reverse order, the writer with all its answers given.

    Raises `ConfigurationError` when the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        with connect(conninfo) as conn:
            check_server(conn)
            secret = page_secret(conn)
            install_workspaces(conn)
        pool = await stack.enter_async_context(reader_pool(conninfo, size_max=settings.readers_max))
        notices = Notices(conninfo)
        notices.start()
        stack.callback(notices.stop)
        writer = stack.enter_context(_writing(settings, conninfo, metrics))
        projector = Projector(
            conninfo, notices, poll_seconds=settings.idle_poll_seconds, watch=metrics.folded
        )
        projector.start()
        stack.callback(projector.stop)
        transparency = Transparency(conninfo)
        stack.callback(transparency.close)
        vault = await stack.enter_async_context(personal_data(conninfo, notices, settings))
        streams = Slots(settings.streams_max)
        metrics.watch("ledger_streams_open", "Event streams being read.", lambda: streams.taken)
        keys = Keys(finder(pool), settings.key_cache_seconds, settings.keys_cached_max)
        reader = Reader(pool, notices, settings.min_position_wait_seconds_max, settings.idle_poll_seconds)
        deadlines = asyncio.create_task(
            Deadlines(reader, writer, settings.deadline_look_seconds_max).run(), name="ledger-deadlines"
        )
        stack.push_async_callback(stopped, deadlines)
        evidence = EvidenceFiles(vault, reader)
        yield Services(
            settings=settings,
            conninfo=conninfo,
            pool=pool,
            notices=notices,
            writer=writer,
            projector=projector,
            ingest=Ingest(writer, keys, evidence, settings, metrics.refused, metrics.posted),
            keys=keys,
            pages=Pages(secret),
            reader=reader,
            metrics=metrics,
            streams=streams,
            transparency=transparency,
            rebuilds=Rebuilds(conninfo),
            vault=vault,
            evidence=evidence,
            mail=read_mail(),
            deadlines=deadlines,
            looks=Looks(vault.access_log, conninfo),
            press=stack.enter_context(Press(settings.documents_max, metrics)),
        )


@contextmanager
def _writing(settings: Settings, conninfo: str, metrics: Metrics) -> Iterator[Writer]:
    """Run the writer. When it stops, all its answers are given."""
    writer = Writer(
        lambda: connect(conninfo, application_name="billing-ledger write"), settings, metrics.committed
    )
    writer.start()
    metrics.watch(
        "ledger_writer_queue_messages", "Messages waiting to be recorded.", lambda: writer.queued_messages
    )
    try:
        yield writer
    finally:
        writer.stop()
