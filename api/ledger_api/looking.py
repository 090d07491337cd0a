"""Who looks at customers' data: recorded before the answer, where it is a person who asks.

A person is whoever's key has a role or the scope person; upstream systems have neither.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import msgspec
import psycopg
from fastapi import Request
from psycopg.rows import TupleRow
from starlette.concurrency import run_in_threadpool

from ledger.access_log import SQL, AccessLog, Look
from ledger.database import connect
from ledger.errors import ConfigurationError, Malformed, Unavailable
from ledger_api.keys import PERSON, Principal
from ledger_api.problems import request_id_of

AUDITOR = "ledger_auditor"
"""The role in which the access log is read; the service's own may not."""
REASON = "Ledger-Reason"
"""The header that says why somebody looks; personal data is not shown without."""
PATH_CHARACTERS_MAX = 300
"""Characters of an address that are recorded."""
QUERY_CHARACTERS_MAX = 1_000
"""Characters of its query that are recorded."""

_REASON = re.compile(r"[!-~][ -~]{2,199}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~-]{0,63}")
_UNPRINTED = re.compile(r"[^!-~]")
_TOKEN = re.compile(r"[A-Za-z0-9._:@~+-]{1,300}")
_OF_NOBODY = re.compile(
    r"|/access-log|/log/(checkpoint|keys|tile/[0-9].*|proof/.*)"
    r"|/reports/(contacts|discount-authority|disputes|retention|revenue|tax|trial-balance)"
)
"""What shows no customer's data when it names no customer: the book, sums over all, hashes; and who looked, a
list that would grow for as long as somebody reads it. Any other read of a book is recorded."""
_FOUND_OUT = frozenset({"number", "position"})
"""Parts of an address that name something of a customer's: whose it is, the way to the answer finds out."""

BEHIND = "Last-Event-ID"
"""The header in which a stream that is followed again names its position: recorded like a parameter."""
TOLD = frozenset({
    BEHIND,
    "after", "as_of_occurred", "as_of_position", "as_of_recorded", "asked_by", "assigned", "assignee", "by",
    "criterion", "currency", "customer", "dry_run", "from", "in_dispute", "invoice", "kind", "language",
    "limit", "min_position", "month", "old", "on", "order", "overdue", "page", "principal", "ready", "size",
    "state", "status", "through", "to", "type", "within_seconds",
})  # fmt: skip
"""Parameters that are recorded as they are: names, words of ours, numbers and times."""
IN_WORDS = frozenset({"campaign", "channel", "queue", "segment", "service"})
"""Parameters in somebody's own words, which may be a name: only that they were given is recorded."""


class Looks:
    """Records looks, and reads what was recorded."""

    def __init__(self, log: AccessLog, conninfo: str) -> None:
        self.log = log
        self._conninfo = conninfo

    async def record(self, request: Request, principal: Principal, *, of_person: bool) -> None:
        """Record that somebody looks, if it is a person and a customer's data; then they may be answered.

        What an address names by number is left to `record_found`. Raises `Malformed` when personal data is
        asked for without a reason, and `Unavailable` when the look cannot be recorded.
        """
        reason = _reason(request, needed=of_person)
        customer = request.path_params.get("customer") or request.query_params.get("customer")
        look = look_of(request, principal, reason, customer)
        if look is not None and not _FOUND_OUT & request.path_params.keys():
            await asyncio.wrap_future(self.log.record(look))

    async def record_found(self, request: Request, customer: str | None) -> None:
        """Record a look at what an address names by number, before it is answered; None: it is not there.

        Raises `Unavailable` when the look cannot be recorded.
        """
        reason = _reason(request, needed=False)
        look = look_of(request, request.scope["ledger.principal"], reason, customer)
        if look is not None:
            await asyncio.wrap_future(self.log.record(look))

    async def page(self, values: Mapping[str, object]) -> list[dict[str, object]]:
        """Read a page of the access log, in the auditor's role."""

        def asked() -> list[dict[str, object]]:
            with _as_auditor(self._conninfo) as connection:
                connection.execute(SQL["name_book"], values)
                rows = connection.execute(SQL["access_page"], values, binary=True)
                return [{**msgspec.json.decode(raw), "hash": hash_.hex()} for _, raw, hash_ in rows]

        try:
            return await run_in_threadpool(asked)
        except (psycopg.OperationalError, ConfigurationError) as error:
            raise Unavailable(
                f"the access log cannot be read now: may the login become {AUDITOR}?"
            ) from error


def _as_auditor(conninfo: str) -> psycopg.Connection[TupleRow]:
    return connect(conninfo, role=AUDITOR, application_name="billing-ledger access log")


def look_of(request: Request, principal: Principal, reason: str | None, customer: str | None) -> Look | None:
    """Say what look a request is; None when it is no person's, or not at a customer's data."""
    if principal.role is None and PERSON not in principal.scopes:
        return None
    book = str(request.path_params.get("book", ""))
    # No book is called otherwise: nothing is seen, and a name that cannot be stored would fail others' looks.
    within = request.scope["path"].removeprefix(f"/v1/books/{book}")
    if not _NAME.fullmatch(book) or (customer is None and _OF_NOBODY.fullmatch(within)):
        return None
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = _UNPRINTED.sub("?", raw.decode("ascii", "replace"))
    return Look(
        book=book,
        customer=customer if customer is not None and _NAME.fullmatch(customer) else None,
        key=principal.key,
        method=request.method,
        path=path[:PATH_CHARACTERS_MAX],
        principal=principal.name,
        query=_query_of(request),
        reason=reason,
        request=request_id_of(request),
        role=principal.role,
    )


def _query_of(request: Request) -> str:
    """Write down what is asked for, and of when; `?` is what is malformed, or in somebody's own words."""
    given = request.query_params.multi_items()
    if (behind := request.headers.get(BEHIND)) is not None:
        given.append((BEHIND, behind))
    asked = [
        f"{name}={value if name in TOLD and _TOKEN.fullmatch(value) else '?'}"
        for name, value in given
        if name in TOLD | IN_WORDS
    ]
    return "&".join(asked)[:QUERY_CHARACTERS_MAX]


def _reason(request: Request, *, needed: bool) -> str | None:
    reason = request.headers.get(REASON)
    if reason is None and needed:
        raise Malformed("reason_missing", f"say in the header {REASON} why you look at personal data")
    if reason is not None and not _REASON.fullmatch(reason):
        raise Malformed("reason_malformed", f"{REASON} holds 3 to 200 printable characters of ASCII")
    return reason
