"""Shapes of personal data."""

from __future__ import annotations

from pydantic import Field

from ledger_api.shapes.base import Shape


class Address(Shape):
    """Where a letter reaches somebody."""

    lines: list[str] = Field(min_length=1, max_length=4, examples=[["Østergade 1", "2. tv."]])
    postal_code: str | None = Field(None, max_length=100, examples=["1100"])
    city: str = Field(max_length=100, examples=["København"])
    region: str | None = Field(None, max_length=100)
    country: str = Field(pattern="^[A-Z]{2}$", description="ISO 3166-1.", examples=["DK"])


class Person(Shape):
    """What is known of a person; what is absent is not known."""

    name: str | None = Field(None, min_length=1, max_length=255, examples=["Ane Madsen"])
    address: Address | None = None
    email: str | None = Field(None, max_length=254, examples=["ane@example.com"])
    phone: str | None = Field(None, max_length=32, examples=["+45 70 10 10 10"])
    tax_number: str | None = Field(None, max_length=100)
    document_number: str | None = Field(None, max_length=100)
