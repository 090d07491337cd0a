"""One running service for all tests of the interface; each test has a book of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from tests.api import history
from tests.api.live import Caller, Json, Live, open_book, serving
from tests.ledger.world import Ask


@pytest.fixture(scope="session")
def live(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Live]:
    """Run the service that tests share."""
    with fresh_database() as database, serving(database) as service:
        yield service


@pytest.fixture(scope="session")
def impatient(live: Live) -> Iterator[Live]:
    """Serve the same database with one stream, signs of life four times a second, and keys asked anew."""
    with serving(live.database, streams_max=1, stream_heartbeat_seconds=0.25, key_cache_seconds=0) as service:
        yield service


@pytest.fixture(scope="session")
def client(live: Live) -> httpx.Client:
    """Call with a key that may do everything, in all books."""
    return live.client(live.key()[1])


@pytest.fixture
def book(live: Live, client: httpx.Client) -> Caller:
    """Open a book for the test alone."""
    return open_book(live, client)


@pytest.fixture
def alice(book: Caller) -> Caller:
    """Open the book, with Alice in it."""
    opening: Ask = ("customer.opened", {"currency": "EUR"})
    book.tell(opening)
    return book


@pytest.fixture(scope="session")
def told(live: Live, client: httpx.Client) -> Caller:
    """Tell the whole history to a book that nobody adds to, and wait until it can be read."""
    caller = open_book(live, client, **history.BOOK)
    history.tell(caller)
    for name in (
        "reports/trial-balance",
        "customers",
        "invoices",
        "disputes",
        "discounts",
        "contacts",
        "reports/aging",
        "reports/retention",
    ):
        caller.read(f"/{name}", min_position=caller.head)
    return caller


@pytest.fixture(scope="session")
def events(told: Caller) -> list[Json]:
    """Hold all events of that book, as the feed tells them."""
    return told.walk_feed()
