"""What became of a message: the receipt that its sender gets, or a refusal."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.errors import Refusal


class EventReceipt(msgspec.Struct, frozen=True):
    """Where one event of the decision stands: type, position, version in its stream, leaf hash (hex)."""

    type: str
    position: int
    version: int
    leaf: str


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a message that is recorded: `status` is recorded, or replayed when it was so before."""

    status: str
    recordedtime: datetime
    events: list[EventReceipt]

    @property
    def position(self) -> int:
        """The last position of the decision: whoever reads from there on sees all of it."""
        return self.events[-1].position


Outcome = Receipt | Refusal
