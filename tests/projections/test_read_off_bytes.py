"""What folds read off the stored bytes, without parsing them, is what their JSON says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql
from tests.ledger import asks
from tests.ledger.world import START, Ask
from tests.log.posting import read_log, writer
from tests.projections.histories import OPEN_BOOK, message, post, post_lives
from tests.projections.rows import Beside, folding

from ledger.database import connect
from ledger.log.writer import Writer


class Kit(NamedTuple):
    """A log to write, and read models beside the live ones to fold it into."""

    conninfo: str
    works: Writer
    whole: Beside


@pytest.fixture
def beside(database: str) -> Iterator[Kit]:
    with writer(database) as works:
        made = folding(database)
        yield Kit(database, works, Beside(*next(made), "@whole"))
        next(made, None)


READ_OFF_BYTES = """
SELECT ledger.number_of(e.state, '],"net":'), ledger.number_of(e.state, ',"discount":'),
    ledger.number_of(e.state, '"series":"invoice","tax":'), NULL
FROM ledger.event AS e WHERE e.book = %(book)s AND e.type = 'invoice.issued'
UNION ALL
SELECT NULL, NULL, NULL, "journal@whole".period_of(e.state)
FROM ledger.event AS e WHERE e.book = %(book)s AND e.type IN ('charge.posted', 'charge.reversed')
"""
READ_OFF_JSON = """
SELECT (d.data ->> 'net')::bigint, (d.data ->> 'discount')::bigint, (d.data ->> 'tax')::bigint, NULL
FROM ledger.event AS e CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data) AS d
WHERE e.book = %(book)s AND e.type = 'invoice.issued'
UNION ALL
SELECT NULL, NULL, NULL, (d.data -> 'period' ->> 'from') || '","to":"' || (d.data -> 'period' ->> 'to')
FROM ledger.event AS e CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data) AS d
WHERE e.book = %(book)s AND e.type IN ('charge.posted', 'charge.reversed')
"""


def test_what_is_read_off_the_bytes_of_invoices_and_charges_is_what_their_json_says(beside: Kit) -> None:
    said = 'of old: ],"net":7,"lines":[, "series":"invoice","tax":8, "period":{"from":"2026-01-01"'
    with connect(beside.conninfo) as connection:
        post_lives(beside.works, "lives", 12)
        period = {"from": "2026-01-01", "to": "2026-01-02"}
        charge = {"charge": "t", "service": said, "description": said, "currency": "EUR", "net": 7}
        told: tuple[Ask, ...] = (("charge.posted", {**charge, "period": period}), asks.issue())
        at = START + timedelta(days=90)
        post(
            beside.works,
            "lives",
            [message(ask, f"told {place}", at, "customer-1") for place, ask in enumerate(told)],
        )
        off_bytes, off_json = (
            Counter(connection.execute(query, {"book": "lives"}).fetchall())
            for query in (READ_OFF_BYTES, READ_OFF_JSON)
        )
    assert off_bytes == off_json
    assert len(off_bytes) > 20


ALLOCATED = sql.SQL("""
SELECT position, payment, credit_note, automatic FROM {invoices}.allocation WHERE book = %(book)s
""")
ALLOCATED_BY_JSON = sql.SQL("""
SELECT e.position, d.data -> 'source' ->> 'payment', d.data -> 'source' ->> 'credit_note',
    coalesce((d.data ->> 'automatic')::boolean, false)
FROM ledger.event AS e CROSS JOIN LATERAL (SELECT ledger.data_of(e.state) AS data) AS d
WHERE e.book = %(book)s AND e.type IN ('allocation.made', 'allocation.undone')
""")


def test_what_allocations_use_is_what_their_json_says_with_a_command_and_without(beside: Kit) -> None:
    told: tuple[Ask, ...] = (
        OPEN_BOOK, ("customer.opened", {"currency": "EUR"}),
        asks.charge("c", 900), asks.issue(), asks.pay("p", 900), asks.hold("q", 171),
        asks.allocate("q", "INV-1", 171), asks.credit("INV-1", (1, 500)), asks.charge("d", 100), asks.issue(),
        ("allocation.undo", {"source": {"credit_note": "CN-1"}, "invoice": "INV-2", "amount": 19}),
    )  # fmt: skip
    post(beside.works, "book", [message(ask, f"told {place}", START) for place, ask in enumerate(told)])
    beside.whole.fold("book", [read_log(beside.conninfo, "book").head.position])
    allocated = set(beside.whole.all(ALLOCATED, book="book"))
    assert allocated == set(beside.whole.all(ALLOCATED_BY_JSON, book="book"))
    said = {(payment, credit_note, automatic) for _, payment, credit_note, automatic in allocated}
    assert said == {("p", None, True), ("q", None, False), (None, "CN-1", True), (None, "CN-1", False)}


def test_a_number_is_read_off_bytes_whatever_stands_behind_it(beside: Kit) -> None:
    between = b'{"causation":9,"data":{"lines":[],%s},"decisionsize":1}'
    states = {
        between % b'"net":12,"rounding":"x"': 12,
        between % b'"net":1000000000000000': 10**15,
        between % b'"net":-1000000000000000,"x":"\xc3\xa9"': -(10**15),
        between % b'"net":3,"x":"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"': 3,
    }
    with connect(beside.conninfo) as connection:
        for state, net in states.items():
            found = connection.execute("SELECT ledger.number_of(%s, '],\"net\":')", (state,)).fetchone()
            assert found == (net,), state
        with pytest.raises(psycopg.DataError):
            connection.execute(
                "SELECT ledger.number_of(%s, ',\"tax\":')", (b'{"book":"12345678901","tax_":1}',)
            )
