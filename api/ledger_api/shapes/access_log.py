"""Shapes of the access log."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger_api.shapes.base import Shape


class Looked(Shape):
    """Somebody asked for a customer's data."""

    number: int = Field(description="Place in the book's access log: 1, 2, 3 … without gaps.")
    at: datetime
    book: str
    principal: str = Field(description="Who, from the API key.")
    role: str | None
    key: str = Field(description="Id of the API key.")
    customer: str | None = Field(
        description="Whose data; null where it is of several customers, or of nobody."
    )
    method: str
    path: str
    query: str = Field(
        "",
        description="What was asked for, and of when; `?` stands for words of a person's own. Entries from "
        "before it was recorded have none.",
    )
    reason: str | None = Field(description="Why, as the header Ledger-Reason said.")
    request: str = Field(description="Id of the request, as in the ledger's own log.")
    hash: str = Field(
        description="SHA-256 over the hash before it and the entry's canonical JSON, hexadecimal."
    )


class AccessPage(Shape):
    """Looks in order."""

    items: list[Looked]
    next: str | None
