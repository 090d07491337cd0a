"""The vault on behalf of the HTTP interface, off its event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from starlette.concurrency import run_in_threadpool

from ledger.access_log import AccessLog
from ledger.errors import Refusal, Unavailable
from ledger.notices import Notices
from ledger.settings import Settings
from ledger.vault import Erased, Eraser, NobodyKnown, Vault
from ledger_api.problems import NotFound

log = structlog.get_logger("ledger.vault")

T = TypeVar("T")


class PersonalData:
    """Personal data of customers by name: fields of a person, notes, files. See `ledger.vault`."""

    def __init__(self, vault: Vault, eraser: Eraser, access_log: AccessLog) -> None:
        self._vault = vault
        self.eraser = eraser
        self.access_log = access_log

    async def put(self, book: str, customer: str, texts: Mapping[str, bytes | None]) -> None:
        """Keep texts of a customer by name; None keeps none.

        Raises `NotFound`, the refusal `person_erased`, or `Unavailable`.
        """
        await _run(customer, lambda: self._vault.put(book, customer, texts))

    async def get(self, book: str, customer: str, names: Sequence[str]) -> dict[str, bytes]:
        """Give what is kept of a customer under these names. Raises the same."""
        return await _run(customer, lambda: self._vault.get(book, customer, names))

    async def sizes(self, book: str, customer: str, names: Sequence[str]) -> dict[str, int]:
        """Tell of how many bytes is what is kept under these names. Raises `Unavailable`."""
        return await run_in_threadpool(self._vault.sizes, book, customer, names)

    async def work(self, customer: str, work: Callable[[Vault], T]) -> T:
        """Do other work with the vault, about one customer. Raises the same."""
        return await _run(customer, lambda: work(self._vault))


async def _run(customer: str, work: Callable[[], T]) -> T:
    try:
        return await run_in_threadpool(work)
    except NobodyKnown as error:
        raise NotFound("customer_unknown", str(error), customer=customer) from error
    except Erased as error:
        raise Refusal("person_erased", str(error), customer=customer) from error


@asynccontextmanager
async def personal_data(conninfo: str, notices: Notices, settings: Settings) -> AsyncIterator[PersonalData]:
    """Open the vault while the service runs, erase what the log asks to be erased, and record who looks.

    A vault that stays closed is logged; billing goes on without it.
    """
    vault = Vault(conninfo)
    try:
        try:
            await run_in_threadpool(vault.open)
        except Unavailable as error:
            log.error("vault_closed", error=str(error))  # noqa: TRY400 - it says why
        with (
            Eraser(vault.erase_pending, notices, settings.idle_poll_seconds) as eraser,
            AccessLog(vault.connection) as access_log,
        ):
            yield PersonalData(vault, eraser, access_log)
    finally:
        await run_in_threadpool(vault.close)
