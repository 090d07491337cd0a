"""Where a list goes on: an opaque token that says after which item, for which list, and signed.

A token only means something for the list that gave it: the same address, the same filters, the same
principal's book. Anything else is refused, so nobody depends on what is inside.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

import orjson
import psycopg
from psycopg.rows import TupleRow

from ledger.errors import Malformed
from ledger.sql import queries

_SQL = queries("ledger_api", "pages.sql")

Key = list[str | int | None]
"""What the items are ordered by, of the last item of the page before."""

_TAG_BYTES = 16


def page_secret(conn: psycopg.Connection[TupleRow]) -> bytes:
    """Make the secret of a database's page tokens: the same in every process, and after a restart.

    It keeps clients from making tokens up, no more: a token opens nothing that the API key does not open.
    """
    row = conn.execute(_SQL["identity"]).fetchone()
    return hashlib.sha256(f"page tokens of {row}".encode()).digest()


class Pages:
    """Writes and reads the tokens of one ledger; processes that serve together share the secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, listing: str, filters: Mapping[str, object], after: Key) -> str:
        """Write the token for what comes after an item of a list."""
        body = orjson.dumps(after)
        return base64.urlsafe_b64encode(self._tag(listing, filters, body) + body).rstrip(b"=").decode()

    def after(self, listing: str, filters: Mapping[str, object], token: str | None) -> Key | None:
        """Read a token back, None for the first page. Raises `Malformed` for one of another list."""
        if token is None:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(listing, filters, body)):
            raise Malformed(
                "page_unknown",
                "this page token was not given by this list with these filters; begin without one",
                parameter="page",
            )
        after: Key = orjson.loads(body)
        return after

    def _tag(self, listing: str, filters: Mapping[str, object], body: bytes) -> bytes:
        about = orjson.dumps([listing, sorted((k, str(v)) for k, v in filters.items() if v is not None)])
        return hmac.new(self._secret, about + b"\x00" + body, hashlib.sha256).digest()[:_TAG_BYTES]
