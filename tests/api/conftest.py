"""One running service for all tests of the interface; each test has a book of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from tests.api.live import Caller, Live, open_book, serving
from tests.ledger.world import Ask


@pytest.fixture(scope="session")
def live(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Live]:
    """Run the service that tests share."""
    with fresh_database() as database, serving(database) as service:
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
