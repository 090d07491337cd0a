"""Rebuilds of read models that were asked for over HTTP, each in a thread of its own."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import structlog
from starlette.concurrency import run_in_threadpool

from ledger.errors import LedgerError, Refusal, Unavailable
from ledger_projections.readmodel import ReadModel
from ledger_projections.rebuilding import Rebuild

log = structlog.get_logger()

LOCK_SECONDS_MAX = 1.0
"""How long to wait for somebody else's rebuild before saying that it is running."""


class Rebuilds:
    """Begins rebuilds. One that is cut off by the end of the process goes on when it is asked for again."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    async def begin(self, model: ReadModel) -> tuple[str, ...]:
        """Begin to rebuild a read model; gives all that are rebuilt with it.

        Raises `Refusal` when one of them is being rebuilt already.
        """
        return await run_in_threadpool(self._begin, model)

    def _begin(self, model: ReadModel) -> tuple[str, ...]:
        rebuild = Rebuild(self._conninfo, (model,), lock_seconds_max=LOCK_SECONDS_MAX)
        try:
            rebuild.__enter__()
        except Unavailable as error:
            raise Refusal("rebuild_running", str(error), read_model=model.name) from error
        # A daemon: the service may stop meanwhile, and nothing is lost but time.
        threading.Thread(target=self._run, args=(rebuild,), name=f"rebuild-{model.name}", daemon=True).start()
        return rebuild.models

    def _run(self, rebuild: Rebuild) -> None:
        try:
            with ExitStack() as stack:
                stack.push(rebuild)  # entered above, left here
                rebuild.run()
        except LedgerError as error:
            log.error("rebuild_stopped", models=rebuild.models, error=str(error))  # noqa: TRY400 - it says why
