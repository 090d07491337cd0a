"""Whether the ledger lives, whether it is ready, and its figures: for machines, without a key.

Nothing here names a book or a customer, so it may be open to whoever can reach the port.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger.errors import LedgerError, Unavailable
from ledger.sql import queries
from ledger_api.answers import JSON, encode
from ledger_api.metrics import CONTENT_TYPE
from ledger_api.parameters import StrictQuery
from ledger_api.problems import Problem
from ledger_api.services import Services, services_of
from ledger_api.shapes.running import Alive, Readiness
from ledger_migrations import migrations
from ledger_projections.readmodel import READ_MODELS

_SQL = queries("ledger_api", "health.sql")

router = APIRouter(tags=["Running"], dependencies=[StrictQuery])
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "Not now; `detail` says why."}
}


@router.get("/livez", summary="Is the process alive?", responses={200: {"model": Alive}, **_NOT_READY})
@router.get(
    "/healthz", summary="Is the process alive? (older name)", responses={200: {"model": Alive}, **_NOT_READY}
)
async def live(request: Request) -> Response:
    """Say that the process works; when it does not, restarting it helps."""
    services = services_of(request)
    dead = [name for name, alive in services.threads().items() if not alive]
    if dead:
        raise Unavailable(f"a thread of this process has died: {', '.join(dead)}", retry_after_seconds=5)
    return Response(encode({"status": "alive"}), media_type=JSON)


@router.get(
    "/readyz", summary="Can requests be answered?", responses={200: {"model": Readiness}, **_NOT_READY}
)
async def ready(request: Request) -> Response:
    """Say whether the database answers, is migrated, and the read models follow the log closely enough."""
    checks, wrong = await _checks(services_of(request))
    if wrong:
        raise Unavailable("; ".join(f"{name}: {checks[name]}" for name in wrong), retry_after_seconds=5)
    return Response(encode({"status": "ready", "checks": checks}), media_type=JSON)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def figures(request: Request) -> Response:
    """Give the figures of this process, and how far the read models are behind."""
    services = services_of(request)
    try:
        standing = await _standing(services)
    except Unavailable:
        services.metrics.standing_unknown()
    else:
        for model, lag, stopped_books in standing:
            services.metrics.standing(model, lag, stopped_books)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)


async def _standing(services: Services) -> list[tuple[str, int, int]]:
    """Ask of every read model how far it is behind, and in how many books it stands still."""
    rows = await services.reader.rows(_SQL["lags"], {})
    return [(str(model), int(str(lag)), int(str(stopped))) for model, lag, stopped in rows]


async def _checks(services: Services) -> tuple[dict[str, str], list[str]]:
    """Look at everything an answer depends on: what was found of each, and what of it is wrong."""
    checks = {name: "ok" if alive else "the thread has died" for name, alive in services.threads().items()}
    if services.draining.is_set():
        checks["service"] = "it is shutting down"
    try:
        applied = {row[0]: row[1] for row in await services.reader.rows(_SQL["migrations"], {})}
        standing = await _standing(services)
    except LedgerError as error:
        checks["database"] = str(error)
        return checks, [name for name, found in checks.items() if found != "ok"]
    missing = [m.name for m in migrations() if applied.get(m.number) != m.sha256]
    most = max((lag for _, lag, _ in standing), default=0)
    lag_max = services.settings.ready_lag_events_max
    checks["database"] = "ok"
    checks["migrations"] = f"not applied: {', '.join(missing)}" if missing else "ok"
    checks["lag"] = f"{most} events, at most {lag_max} are allowed" if most > lag_max else "ok"
    made = {model for model, _, _ in standing}
    absent = [model.name for model in READ_MODELS if model.name not in made]
    checks["read_models"] = f"being made: {', '.join(absent)}" if absent else "ok"
    wrong = [name for name, found in checks.items() if found != "ok"]
    # One book's read model that stands still is an alarm, but no reason to take the service from the others.
    stopped = [model for model, _, books in standing if books]
    if stopped and not absent:
        checks["read_models"] = f"stopped: {', '.join(stopped)}"
    return checks, wrong
