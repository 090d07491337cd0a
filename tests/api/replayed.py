"""A service whose reads of now are answered from a replay: what every read as of its moment has to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import LiteralString, cast

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from ledger.database import connect
from ledger.settings import Settings
from ledger_api import keys
from ledger_api.app import create_app
from ledger_api.cli.runtime import OWNER
from ledger_api.reading import Reader
from ledger_projections.past import Past
from ledger_projections.readmodel import READ_MODELS, from_log
from ledger_projections.replaying import Replay

NAME = "then"
_SCHEMA = re.compile(rf"(?<![\w.])({'|'.join(model.name for model in READ_MODELS)})\.(?=\w)")
_STATE = re.compile(r"\bledger\.(head|cursor)\b")


class Service:
    """The application, in this process, on a database that is read only."""

    def __init__(
        self, database: str, portal: BlockingPortal, client: httpx.AsyncClient, patches: pytest.MonkeyPatch
    ) -> None:
        self.database = database
        self._portal = portal
        self._client = client
        self._patches = patches

    def get(self, address: str, **parameters: str | int) -> httpx.Response:
        """Ask for an address."""
        url = httpx.URL(address)
        return self._portal.call(self._client.get, url.copy_merge_params(parameters))

    def read(self, address: str, **parameters: str | int) -> tuple[object, ...]:
        """Ask for an address, a list to its end; give what was said, and not as of which position."""
        answer = self.get(address, **parameters)
        kind = answer.headers["content-type"].partition(";")[0]
        if kind != "application/json":
            said = answer.json()["code"] if kind.endswith("problem+json") else answer.content
            return answer.status_code, kind, said
        body = answer.json()
        items = list(body.get("items", ()))
        while (more := answer.links.get("next")) is not None:
            answer = self.get(more["url"])
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
        rest = {name: value for name, value in body.items() if name not in ("items", "next", "head")}
        return answer.status_code, kind, rest, items

    @contextmanager
    def replayed(self, past: Past) -> Iterator[None]:
        """Read from a replay of a moment for as long as the block lasts, and look from there."""
        replay = Replay(self.database, NAME)
        replay.run(past)
        with connect(self.database) as connection:
            for view in (
                "head AS SELECT h.book, l.position, l.recorded_at FROM ledger.head AS h, "
                "(SELECT max(position) AS position, max(recorded_at) AS recorded_at FROM {0}.recorded) AS l",
                "cursor AS SELECT c.application_name, l.position AS notification_id FROM ledger.cursor AS c, "
                "{0}.head AS l WHERE c.application_name LIKE '%/' || l.book",
            ):
                connection.execute(f"CREATE VIEW {NAME}_log.{view.format(f'{NAME}_log')}".encode())

        async def rows(
            reader: Reader,
            query: LiteralString,
            values: Mapping[str, object],
            *,
            binary: bool = False,
            prepare: bool | None = None,
        ) -> list[tuple[object, ...]]:
            del prepare
            async with reader._pool.connection() as conn, conn.transaction():
                await conn.execute("SELECT set_config('ledger.moment', %s, true)", (past.at,))
                asked = await conn.execute(_within(query), values, binary=binary, prepare=False)
                return await asked.fetchall()

        with self._patches.context() as patched:
            patched.setattr(Reader, "_rows", rows)
            yield
        replay.drop()


def _within(query: LiteralString) -> LiteralString:
    """Mean the replay where a query names a read model or the log."""
    meant = _SCHEMA.sub(lambda found: f"{NAME}_{found[1]}.", from_log(query, f"{NAME}_log.event"))
    return cast(LiteralString, _STATE.sub(rf"{NAME}_log.\1", meant))  # type: ignore[redundant-cast]


@contextmanager
def in_process(database: str) -> Iterator[Service]:
    """Run the application in this process, for somebody who may do everything."""
    with connect(database, role=OWNER) as connection:
        _, key = keys.create(connection, book=None, principal="tester", scopes=keys.SCOPES, sources=["test"])
    app = create_app(Settings(), database)
    headers = {"Authorization": f"Bearer {key}", "Ledger-Reason": "a test"}
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://in.process", headers=headers
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(client),
    ):
        yield Service(database, portal, client, pytest.MonkeyPatch())
