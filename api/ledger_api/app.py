"""The application: routes and middleware around the services, which live as long as the application runs.

Posted messages are handed straight to their ASGI endpoint, before any middleware or routing; everything else
is an ordinary FastAPI route.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import structlog
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from ledger import __version__
from ledger.settings import Settings
from ledger_api import docs, feed, health, openapi, problems, stream, transparency
from ledger_api.edge import Edge, request_id_from, send_internal_error
from ledger_api.metrics import Metrics
from ledger_api.reads import ROUTERS
from ledger_api.services import Services, running

log = structlog.get_logger("ledger.app")

_POSTING = re.compile(r"/v1/books/([^/]+)/events")

DESCRIPTION = """\
An event-sourced billing ledger. Post messages (facts and commands) as CloudEvents; read what follows from
them.

Money is whole minor units with an ISO 4217 code. Every answer says in `Ledger-Position` as of which position
of the book's log it is; give the position of a write as `min_position` to read it back. Every failure is a
problem (RFC 9457) with a stable `code`.\
"""
_TAGS = (
    "Events",
    "Books",
    "Customers",
    "Balances",
    "Billing",
    "Documents",
    "Invoices",
    "Disputes",
    "Discounts",
    "Dunning",
    "Contacts",
    "Reports",
    "Verification",
    "Transparency",
    "Projections",
    "Running",
)


class LedgerApp(FastAPI):
    """A FastAPI application that hands posted messages straight to the writer's endpoint."""

    startup_error: Exception | None = None
    """What kept it from starting."""

    @property
    def services(self) -> Services:
        """The parts of the running application."""
        services: Services = self.state.services
        return services

    def drain(self) -> None:
        """Say that it is about to stop: streams end, and it counts as not ready."""
        self.services.draining.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through one lifespan."""
        if scope["type"] == "http" and scope["method"] == "POST":
            found = _POSTING.fullmatch(scope["path"])
            if found is not None:
                await self._post(scope, receive, send, found[1])
                return
        await super().__call__(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send, book: str) -> None:
        try:
            await self.services.ingest.post_events(scope, receive, send, book)
        except Exception:  # a fault of ours costs its request an answer, and nobody else anything
            request_id = request_id_from(scope["headers"])
            log.exception("failed", request_id=request_id, method="POST", path=scope["path"])
            await send_internal_error(send, request_id)


def create_app(settings: Settings, conninfo: str) -> LedgerApp:
    """Make the application. Its parts are built when it starts, and stopped when it stops."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                app.state.services = await stack.enter_async_context(running(settings, conninfo, metrics))
            except Exception as error:
                cast(LedgerApp, app).startup_error = error
                raise
            yield

    app = LedgerApp(
        title="Billing ledger",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[{"name": tag} for tag in _TAGS],
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(Edge, metrics=metrics)
    for router in (stream.router, feed.router, *ROUTERS, transparency.router, health.router, docs.router):
        app.include_router(router)
    problems.install(app)
    openapi.install(app)
    return app
