"""Shapes of notes."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger_api.shapes.base import Shape


class NoteKept(Shape):
    """A note is kept."""

    note: str
    sha256: str = Field(description="SHA-256 of a random salt and the text, in hexadecimal.")
    position: int | None = Field(description="Position of the note.added; null when it was kept before.")


class Note(Shape):
    """A note about a customer."""

    note: str
    sha256: str
    text: str | None
    added_at: datetime
    added_by: str
    position: int


class NotePage(Shape):
    """Notes in the order in which they were added."""

    items: list[Note]
    next: str | None
