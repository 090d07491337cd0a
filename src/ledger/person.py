"""The person behind a customer: what identifies and reaches them. Kept in the vault, never in an event."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ledger.fields import Text
from ledger.message import read_document

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
"""ISO 3166-1, two letters."""
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\Z")]
Phone = Annotated[str, msgspec.Meta(max_length=32, pattern=r"^\+?[0-9][0-9 ()./-]*\Z")]


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Where a letter reaches somebody; `lines` are what stands above the city."""

    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=4)]
    postal_code: Line | None = None
    city: Line
    region: Line | None = None
    country: Country


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is known of a person; a field that is absent is not known."""

    name: Text | None = None
    address: Address | None = None
    email: Email | None = None
    phone: Phone | None = None
    tax_number: Line | None = None
    document_number: Line | None = None


_FIELDS = Person.__struct_fields__
_decode = msgspec.json.Decoder(Person).decode


def record_name(field: str) -> str:
    """Name the record of the vault that holds a field of the person."""
    return f"person.{field}"


RECORDS = tuple(record_name(field) for field in _FIELDS)
"""The records that make up a person. The hash of their password, `person.password`, is none of these: it is
compared and never shown."""


def read_person(raw: bytes) -> Person:
    """Read a person from JSON, or raise `Malformed` naming the field at fault, never its value."""
    return read_document(raw, _decode)


def to_records(person: Person) -> dict[str, bytes | None]:
    """Lay a person out as records of the vault: all of them, None for what is not known."""
    values = {field: getattr(person, field) for field in _FIELDS}
    return {
        record_name(field): None if value is None else msgspec.json.encode(value)
        for field, value in values.items()
    }


def from_records(records: dict[str, bytes]) -> Person:
    """Put a person together again."""
    known = {
        field: msgspec.json.decode(records[record_name(field)])
        for field in _FIELDS
        if record_name(field) in records
    }
    return msgspec.convert(known, Person)
