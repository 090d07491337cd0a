"""An event: what is recorded, immutable, and the bytes that stand for it.

The stored bytes are the whole CloudEvent as canonical JSON: keys sorted, no white space, UTF-8, integers
only, instants in UTC. They are hashed as stored (RFC 6962 leaf) and never written anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, NamedTuple

import msgspec

from ledger.fields import Instant

LEDGER = "ledger"
"""The principal, and the CloudEvents source, of what the ledger does by itself."""


class Columns(NamedTuple):
    """What the typed columns of the log repeat of an event, so that a fold need not open its bytes."""

    invoice: str | None
    currency: str | None
    amount: int | None


class Data(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False
):
    """The `data` of a message or an event; one subclass for each type, beside the rules of its noun.

    A default is left out of the bytes, so that a field added later with a default changes no older event. An
    event is a tree, so the garbage collector, which looks for cycles, is spared of it.
    """

    _amount: ClassVar[str] = "amount"
    """The field whose value the `amount` column repeats, where the event has one."""

    @classmethod
    def amount_field(cls) -> str | None:
        """Name the field that the `amount` column repeats; None where it is computed, or there is none."""
        plain = cls.repeated is Data.repeated
        return cls._amount if plain and cls._amount in cls.__struct_fields__ else None

    def columns(self) -> Columns:
        """Repeat the invoice, currency and amount (minor units) of this event, None where there is none."""
        return Columns(*self.repeated())

    def repeated(self) -> tuple[str | None, str | None, int | None]:
        """Give what `columns` does without the names, which take longer than all of it: for every event."""
        return (
            getattr(self, "invoice", None),
            getattr(self, "currency", None),
            getattr(self, self._amount, None),
        )


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The command that led to a decision: its type, and its data as canonical JSON."""

    type: str
    data: msgspec.Raw


class Decided(Data, frozen=True, kw_only=True):
    """The data of an event that a command may have led to.

    The first event of such a decision keeps the command, so that a repeated key can be compared with it field
    by field; in every other event `command` is absent.
    """

    command: Command | None = None


class Draft(NamedTuple):
    """An event that a decision wants recorded; the log adds position, version, clocks and principal.

    `occurred_at` is None where the event occurred when its message did.
    """

    type: str
    data: Data
    occurred_at: datetime | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A recorded event. Fields are the CloudEvents attributes by their own names, sorted as they are stored.

    `causation` is the position of the first event of the decision that this one belongs to: that event
    carries the message's `source` and `id`, and the decision's events stand next to each other,
    `decisionsize` in number. Events after the first have source `ledger` and their position as id. `subject`
    is None in the book's own stream. `time` is the occurred time, `recordedtime` the recorded time.
    """

    book: str
    causation: int
    data: Data
    decisionsize: int
    id: str
    position: int
    principal: str
    recordedtime: datetime
    source: str
    specversion: str
    subject: str | None = None
    time: datetime
    type: str
    version: int

    @property
    def stream(self) -> str:
        """The consistency boundary: one stream a customer, and one for the book itself."""
        return stream_of(self.subject)


class StoredEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same attributes as they are read back, with `data` still as bytes: its type says how to read it."""

    book: str
    causation: int
    data: msgspec.Raw
    decisionsize: int
    id: str
    position: int
    principal: str
    recordedtime: Instant
    source: str
    specversion: str
    subject: str | None = None
    time: Instant
    type: str
    version: int


BOOK_STREAM = "book"


def stream_of(customer: str | None) -> str:
    """Name the stream of a customer, or of the book when there is none."""
    return BOOK_STREAM if customer is None else f"customer/{customer}"


_encoder = msgspec.json.Encoder(order="sorted")
encode_canonical = _encoder.encode
"""Any struct as canonical JSON: sorted keys, no white space, instants in UTC with `Z`."""
encode_canonical_into = _encoder.encode_into
"""The same into a bytearray, all that is in it then: who only compares needs no new one for each event."""

decode_stored = msgspec.json.Decoder(StoredEvent).decode
