"""Shapes of the verification of callers. There is no secret in any of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import Shape

Method = Literal["one_time_code", "call_back", "password", "document_number"]


class CodeSent(Shape):
    """A one-time code is on its way."""

    method: Method
    expires_at: datetime
    position: int = Field(description="Position of the verification.started.")


class Attempted(Shape):
    """How an attempt went."""

    method: Method
    result: Literal["passed", "failed"]
    position: int = Field(description="Position of the caller.verified.")


class Verified(Shape):
    """The attempt that stands."""

    method: Method
    contact: str | None = Field(description="It stands as long as this contact goes on.")
    since: datetime
    valid_until: datetime | None = Field(description="Without a contact: until then.")
    tried_by: str


class Standing(Shape):
    """Whether the caller counts as verified now."""

    verified: bool
    by: Verified | None
