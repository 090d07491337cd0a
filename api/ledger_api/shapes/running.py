"""Shapes of what tells how the ledger runs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from ledger_api.shapes.base import Shape


class Alive(Shape):
    """The process works."""

    status: Literal["alive"]


class Readiness(Shape):
    """Each thing that was looked at, with "ok"."""

    status: Literal["ready"]
    checks: dict[str, str]


class BookCursor(Shape):
    """How far a read model has folded a book."""

    book: str
    position: int
    head: int
    lag: int = Field(description="Events it is behind.")
    error: str | None = Field(description="Why it stands still in this book, if it does.")


class Projection(Shape):
    """A read model, or a rebuild of one that is under way (`<name>@rebuild`)."""

    name: str = Field(examples=["balances"])
    version: str
    current: bool = Field(description="Whether it was made by the SQL of this version of the program.")
    state: Literal["live", "stopped", "filling", "indexed"]
    changed_at: datetime
    cursors: list[BookCursor]


class Projections(Shape):
    """All read models."""

    items: list[Projection]


class RebuildBegun(Shape):
    """A rebuild has begun; GET /v1/projections shows how far it is."""

    read_models: list[str] = Field(
        description="All that are rebuilt: what is folded from a read model is rebuilt with it.",
        examples=[["balances"]],
    )
