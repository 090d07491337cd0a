"""Rows whose columns and bytes agree are read the quick way; whatever does not is compared, and said as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.rows import TupleRow
from tests.golden.reading import golden, golden_types

from ledger.decider import read_event
from ledger.log.store import Row, row_of
from ledger.verify import rows

OTHER = {int: 99, str: "other", type(None): "other"}


def stored(raw: bytes) -> TupleRow:
    """Give the columns that an event is stored with, all but its leaf hash."""
    return row_of(read_event(raw))[:-1]


def said(columns: TupleRow) -> list[str]:
    """Give what reading a row finds wrong with it."""
    reading = rows.Reading()
    reading.read(columns)
    return [finding.said for finding in reading.columns]


@pytest.mark.parametrize("type_", golden_types())
def test_what_was_recorded_is_read_without_comparing(type_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rows, "read_event")
    reading = rows.Reading()
    for line in golden(type_):
        assert reading.read(stored(line.stored)) == read_event(line.stored)
    assert not reading.columns


@pytest.mark.parametrize("type_", ["invoice.issued", "charge.posted", "payment.received", "policy.changed"])
@pytest.mark.parametrize("name", Row._fields[:-2])
def test_every_column_is_held_to_the_bytes(type_: str, name: str) -> None:
    (line, *_) = golden(type_)
    columns, at = list(stored(line.stored)), Row._fields.index(name)
    before = columns[at]
    columns[at] = before + timedelta(days=1) if name.endswith("_at") else OTHER[type(before)]
    shown = [repr(each) if isinstance(each, str) else each for each in (columns[at], before)]
    expected = f"position {columns[1]}: column {name} is {shown[0]}, the bytes say {shown[1]}"
    assert said(tuple(columns)) == [expected]


def test_an_event_of_another_stream_is_given_to_nobody() -> None:
    (line, *_) = golden("payment.received")
    columns = list(stored(line.stored))
    columns[Row._fields.index("stream")] = "customer/mallory"
    assert rows.Reading().read(tuple(columns)) is None


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        (b'"currency":"EUR"', b'"currency": "EUR"', "column state is"),
        (b'"currency":"EUR"', b'"currency":"USD"', "column currency is 'EUR', the bytes say 'USD'"),
        (b'"currency":"EUR"', b'"currency":"XXQ"', "are no event: currency_unknown: XXQ is no currency"),
        (b'"currency":"EUR"', b'"currency":"\xff"', "are no event: 'utf-8' codec"),
        (b'"currency":"EUR"', b'"currency":' + b"[" * 100_000, "are no event: maximum recursion depth"),
        (b'"currency":"EUR",', b"", "are no event: Object missing required field `currency`"),
        (
            b'"type":"payment.received"',
            b'"type":"payment.lost"',
            "holds an event of unknown type payment.lost",
        ),
        (b'"type":"payment.received"', b'"type":"payment.failed"', "are no event: Object"),
        (b',"data":', b',"more":1,"data":', "are no event: Object contains unknown field `more`"),
    ],
)
def test_bytes_that_were_changed_are_named(was: bytes, becomes: bytes, expected: str) -> None:
    (line, *_) = golden("payment.received")
    *columns, state = stored(line.stored)
    assert state.count(was) == 1
    (one,) = said((*columns, state.replace(was, becomes)))
    assert f"position {columns[1]}" in one
    assert expected in one
