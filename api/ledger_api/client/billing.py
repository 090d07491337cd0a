"""The billing run as a client sees it: page after page, and what all of them come to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import orjson

from ledger_api.client.connection import Client, ClientError

WAIT_SECONDS_MAX = 600
"""How long to wait for the read models to come to where the log ended when the run began."""
CUSTOMERS_A_PAGE = 1_000
"""Customers looked at on one page. Other messages wait while they are decided: less than half a second."""


class Result(msgspec.Struct):
    """What became of one customer in one currency."""

    customer: str
    currency: str
    status: str
    total: int | None
    code: str | None
    detail: str | None


class Page(msgspec.Struct):
    """One page; `customers`: how many the run looks at, on the first page."""

    customers: int | None
    looked_at: int
    results: list[Result]
    next: str | None


_read = msgspec.json.Decoder(Page).decode


def pages(client: Client, book: str, through: str, *, dry_run: bool = False) -> Iterator[Page]:
    """Run to the end; each page may be asked again, so lost answers and a busy ledger cost only time.

    The first page only begins the run: what is billed from then on is told, whichever answer is lost.
    """
    asked: dict[str, object] = {"through": through, "dry_run": dry_run, "limit": 0}
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            body = client.post(f"/v1/books/{book}/billing-runs", orjson.dumps(asked), "application/json").body
        except ClientError as error:
            if error.code == "position_not_reached" and time.monotonic() < give_up_at:
                continue  # the ledger itself has waited some seconds
            raise
        page = _read(body)
        yield page
        if page.next is None:
            return
        asked.update(page=page.next, limit=CUSTOMERS_A_PAGE)


class Refused(NamedTuple):
    """Refusals of one code."""

    code: str
    customers: int
    first: str
    because: str


class Sums:
    """What a run comes to."""

    def __init__(self) -> None:
        self.done = self.replayed = self.not_due = self.refused = 0
        self.totals: dict[str, tuple[int, int]] = {}
        """Of each currency, how many invoices, and what they come to."""
        self.refusals: dict[str, Refused] = {}

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.status == "refused":
            self.refused += 1
            code = result.code or ""
            before = self.refusals.get(code, Refused(code, 0, result.customer, result.detail or ""))
            self.refusals[code] = before._replace(customers=before.customers + 1)
            return
        if result.status == "not_due":
            self.not_due += 1
            return
        if result.status == "replayed":
            self.replayed += 1
        else:
            self.done += 1
        if result.total is not None:
            invoices, total = self.totals.get(result.currency, (0, 0))
            self.totals[result.currency] = (invoices + 1, total + result.total)

    def facts(self) -> dict[str, object]:
        """Lay them out for programs."""
        return {
            "billed": self.done,
            "replayed": self.replayed,
            "not_due": self.not_due,
            "refused": self.refused,
            "totals": [
                {"currency": currency, "invoices": invoices, "total": total}
                for currency, (invoices, total) in sorted(self.totals.items())
            ],
            "refusals": [each._asdict() for each in self.refusals.values()],
        }
