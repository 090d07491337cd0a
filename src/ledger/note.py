"""Notes about a customer: the log holds that there is one, and a hash; the text is in the vault."""

from __future__ import annotations

from datetime import datetime

from ledger.book import Book, refuse_undatable
from ledger.errors import Refusal
from ledger.event import Data, Draft, Event
from ledger.fields import Name, Sha256
from ledger.message import Message
from ledger.state import Customer


class NoteAdded(Data, frozen=True, kw_only=True):
    """A note was written. Its text is outside the log, so that it can be erased; the hash belongs to it."""

    note: Name
    sha256: Sha256


def add(book: Book, customer: Customer, message: Message, data: NoteAdded, now: datetime) -> list[Draft]:
    """Decide on `note.added`: each note once."""
    refuse_undatable(book, message, now)
    if data.note in customer.notes:
        raise Refusal(
            "note_exists", f"there is a note {data.note} already",
            pointer="/data/note", note=data.note, sha256=customer.notes[data.note],
        )  # fmt: skip
    return [Draft(message.type, data)]


def evolve_added(customer: Customer, _: Event, data: NoteAdded) -> None:
    """Remember its hash."""
    customer.notes[data.note] = data.sha256
