"""Shares of a book's streams: whole histories, about as many events in each."""

from __future__ import annotations

import msgspec

from ledger.verify.leaves import SQL, Connection

SHARE_EVENTS = 1 << 15
"""Events of one share, about: few enough that all processes end at nearly the same time."""
_SAMPLED = 16
"""Events of a share that are looked at to find where it ends."""


class Ends(msgspec.Struct, frozen=True):
    """The streams at which shares end, all but the last share."""

    streams: list[str]

    @property
    def looked_at(self) -> int:
        """None: their names are read, not their events."""
        return 0

    @property
    def bounds(self) -> list[tuple[str | None, str | None]]:
        """Of each share, the stream that it is behind and the last one of it; None is no bound."""
        return list(zip([None, *self.streams], [*self.streams, None], strict=True))


def share_out(connection: Connection, book: str, upto: int) -> Ends:
    """Share the streams out so that each share has about as many events, and never a part of a stream."""
    values = {"book": book, "upto": upto, "step": SHARE_EVENTS // _SAMPLED, "every": _SAMPLED}
    rows_ = connection.execute(SQL["share_ends"], values)
    return Ends([str(stream) for (stream,) in rows_])
