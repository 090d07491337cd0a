"""Waiting until the read models have come as far as the log: what one does behind a large load."""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.errors import LedgerError
from ledger_api.client.connection import Client, ClientError

WAIT_SECONDS_MAX = 600
"""How long to wait in all: a year of a large company is folded in less."""
READS = ("reports/trial-balance", "customers", "invoices", "disputes")
"""Reads of the read models that whoever sums a book up asks."""


def catch_up(client: Client, book: str, position: int, told: Callable[[str], None]) -> None:
    """Wait until the reads of a book are as of a position or later.

    The ledger itself answers each wait that takes longer than its limit; it is asked again, and `told` what
    is waited for. Raises `LedgerError` when that takes minutes, and any other `ClientError`.
    """
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    for read in READS:
        asked: dict[str, str | int] = {"min_position": position}
        while not _answered(client, f"/v1/books/{book}/{read}", asked):
            if time.monotonic() > give_up_at:
                raise LedgerError(f"{read} of {book} did not come to position {position}")
            told(f"{read}: not yet at position {position:,}")


def _answered(client: Client, path: str, asked: dict[str, str | int]) -> bool:
    limit: dict[str, str | int] = {} if path.endswith("trial-balance") else {"limit": 1}
    try:
        client.get(path, {**asked, **limit})
    except ClientError as error:
        if error.code == "position_not_reached":
            return False
        raise
    return True
