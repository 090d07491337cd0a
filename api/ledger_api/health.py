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

_SQL = queries("ledger_api", "health.sql")

router = APIRouter(tags=["Running"], dependencies=[StrictQuery])
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "Not now; `values` says why."}
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
    checks = await _checks(services_of(request))
    wrong = {name: why for name, why in checks.items() if why != "ok"}
    if wrong:
        raise Unavailable("; ".join(f"{name}: {why}" for name, why in wrong.items()), retry_after_seconds=5)
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
        services.metrics.lags(
            {str(row[0]): int(str(row[8])) for row in await services.reader.rows(_SQL["lags"], {})}
        )
    except Unavailable:
        services.metrics.lags_unknown()
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)


async def _checks(services: Services) -> dict[str, str]:
    """Look at everything an answer depends on: "ok", or what is wrong."""
    checks = {name: "ok" if alive else "the thread has died" for name, alive in services.threads().items()}
    if services.draining.is_set():
        checks["service"] = "it is shutting down"
    try:
        applied = {row[0]: row[1] for row in await services.reader.rows(_SQL["migrations"], {})}
        lags = await services.reader.rows(_SQL["lags"], {})
    except LedgerError as error:
        return checks | {"database": str(error)}
    missing = [m.name for m in migrations() if applied.get(m.number) != m.sha256]
    stopped = [str(model) for model, state, *_ in lags if state == "stopped"]
    most = max((int(str(row[8])) for row in lags), default=0)
    lag_max = services.settings.ready_lag_events_max
    return checks | {
        "database": "ok",
        "migrations": f"not applied: {', '.join(missing)}" if missing else "ok",
        "read_models": f"stopped: {', '.join(stopped)}" if stopped else "ok",
        "lag": f"{most} events behind, at most {lag_max} are" if most > lag_max else "ok",
    }
