"""What the ledger posts for somebody who calls one of its addresses: judged and recorded like any message."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from ledger.errors import Refusal
from ledger.event import Data
from ledger.log.outcome import Receipt
from ledger.message import Message
from ledger_api.keys import Principal
from ledger_api.services import Services


class Asked(NamedTuple):
    """Who asks, about which customer of which book."""

    principal: Principal
    book: str
    customer: str


async def post_for(
    services: Services, asked: Asked, type_: str, data: Data, *, key: tuple[str, str]
) -> Receipt:
    """Post one message that occurs now, under a key (source, id). Raises its refusal, and `Unavailable`."""
    source, id_ = key
    message = Message(
        type=type_,
        id=id_,
        source=source,
        subject=asked.customer,
        time=datetime.now(UTC),
        data=data,
        expected_version=None,
        principal=asked.principal.name,
        role=asked.principal.role,
    )
    loop = asyncio.get_running_loop()
    (outcome,) = await services.writer.submit_soon(asked.book, [message], loop)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
