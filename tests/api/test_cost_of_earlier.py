"""A balance or statement as of a position reads what was posted by then, however much moved since."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.rows import TupleRow
from tests.conftest import Fresh
from tests.ledger import asks
from tests.ledger.world import START
from tests.log.posting import writer
from tests.projections.histories import message, post, post_lives
from tests.projections.running import folded, projecting, until

from ledger.database import connect
from ledger.sql import queries

BOOK, CUSTOMER = "main", "customer-1"
LATER = 3_000
QUERIES = {
    (file, name): statement
    for file in ("balances", "statements")
    for name, statement in queries("ledger_api.reads", f"{file}.sql").items()
    if "journal.posting" in statement and "%(customer)s" in statement
}
ASKED = {
    "book": BOOK, "customer": CUSTOMER, "currency": None, "limit": 1000,
    "from": "-infinity", "to": "infinity", "day": "infinity", "instant": "infinity",
    "after_day": "-infinity", "after_position": 0, "after_currency": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def grown(fresh_database: Fresh) -> Iterator[tuple[str, int]]:
    """A book of many customers, and the position from which on only one of them goes on."""
    with fresh_database() as database, projecting(database):
        with writer(database) as works:
            post_lives(works, BOOK, 40)
        with connect(database) as connection:
            (position,) = row_of(connection.execute("SELECT position FROM ledger.head").fetchone())
            until(lambda: folded(database, BOOK, position))
        yield database, position


def row_of(row: TupleRow | None) -> TupleRow:
    assert row is not None
    return row


def pages_read(database: str, position: int) -> dict[tuple[str, str], int]:
    """Count the pages of tables and indexes that each query looks at, asked as of the position."""
    with connect(database, role=None) as owner:
        owner.execute("VACUUM ANALYZE journal.posting")
        # So that what is read can be compared, it is read in one way: a bitmap would count each page once,
        # and a small table be read from end to end.
        owner.execute("SET enable_bitmapscan = off")
        owner.execute("SET enable_seqscan = off")
        plans = {
            asked: row_of(
                owner.execute(
                    ("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement).encode(),
                    {**ASKED, "upto": position},
                    prepare=False,
                ).fetchone()
            )
            for asked, statement in QUERIES.items()
        }
    nodes = {asked: plan[0][0]["Plan"] for asked, plan in plans.items()}
    return {asked: node["Shared Hit Blocks"] + node["Shared Read Blocks"] for asked, node in nodes.items()}


def test_what_was_recorded_later_is_not_even_passed_by(grown: tuple[str, int]) -> None:
    database, position = grown
    before = pages_read(database, position)
    assert len(before) == len(QUERIES) == 4
    with writer(database) as works:
        later = [(asks.charge(f"late-{n}", 1), f"late {n}", START, CUSTOMER) for n in range(LATER)]
        post(works, BOOK, [message(*each) for each in later])
    until(lambda: folded(database, BOOK, position + LATER))
    after = pages_read(database, position)
    # The indexes may be a level higher: the entries' events are looked up one by one.
    assert all(pages < 1.5 * before[asked] for asked, pages in after.items()), (before, after)
