"""Tables and journals: what the stored bytes say, and what the read models say, are the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import orjson
import psycopg
import pytest
from tests.api.command import run
from tests.conftest import Fresh
from tests.ledger.world import START
from tests.log.posting import read_log, writer
from tests.projections.histories import message, post, post_lives
from tests.projections.running import folded, projecting, until

from ledger.log.merkle import leaf_hash
from ledger.message import Message
from ledger_api.files.account_names import AccountNames
from ledger_api.files.formats import JOURNALS
from ledger_api.files.tables import COLUMNS, Stored, rows_of

BOOK = "lives"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def told(fresh_database: Fresh) -> Iterator[str]:
    """Give a database with a folded book, which has rules of its own and service periods over months."""
    with fresh_database() as database:
        with writer(database) as works:
            head = post_lives(works, BOOK, 9)
            head = post_lives(works, BOOK, 2, first=10)
            (outcome,) = post(works, BOOK, [_from(FORMULA)])
            assert not isinstance(outcome, Exception)
        with projecting(database):
            until(lambda: folded(database, BOOK, head + 1))
        yield database


def _from(source: str) -> Message:
    ask = ("customer.changed", {"payment_days": 7})
    return message(ask, source, START, "customer-1")._replace(source=source)


def stored(database: str) -> list[Stored]:
    log = read_log(database, BOOK)
    return [Stored(event, row.state) for event, row in zip(log.events, log.rows, strict=True)]


def table(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode(), newline="")))


def test_the_postings_by_the_bytes_are_those_that_the_read_model_folded(told: str) -> None:
    with psycopg.connect(told, options="-c timezone=UTC") as connection:
        folded_rows = connection.execute(
            "SELECT p.position, p.line, e.type, p.account, p.customer, p.invoice, p.currency, p.amount,"
            " p.occurred_on::text FROM journal.posting p JOIN ledger.event e USING (book, position)"
            " WHERE book = %s ORDER BY 1, 9, 2",
            (BOOK,),
        ).fetchall()
    rows = [row[:9] for row in rows_of("postings", stored(told))]
    assert len(rows) > 500
    assert sorted(rows, key=lambda row: (row[0], row[8], row[1])) == folded_rows


@pytest.mark.parametrize("what", ["events", "postings"])
def test_csv_parquet_and_a_file_of_the_log_give_the_same_table(told: str, tmp_path: Path, what: str) -> None:
    given = ("--book", BOOK, "--what", what)
    as_csv = run(told, "export", *given, "--format", "csv")
    assert as_csv.code == 0, as_csv.err
    rows = table(as_csv.out)
    assert list(rows[0]) == list(COLUMNS[what])  # type: ignore[index]
    parquet = tmp_path / "it's.parquet"
    ran = run(told, "export", *given, "--format", "parquet", parquet, "--json")
    assert ran.code == 0, ran.err
    found = duckdb.read_parquet(str(parquet))
    assert [_plain(zip(found.columns, row, strict=True)) for row in found.fetchall()] == [
        _plain(row.items()) for row in rows
    ]
    log = tmp_path / "log.ndjson"
    assert run(told, "export", "--book", BOOK, log).code == 0
    offline = run("postgresql://nowhere.invalid/x", "export", *given, "--format", "csv", "--log", log)
    assert offline.code == 0, offline.err
    assert offline.out == as_csv.out
    later = run(told, "export", *given, "--format", "csv", "--after", "40", "--to", "60")
    assert table(later.out) == [row for row in rows if 40 < int(row["position"]) <= 60]


def _plain(cells: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Write a row as text without the escape of CSV, and without the clocks, which DuckDB writes anew."""
    texts = {name: "" if cell is None else str(cell).removeprefix("'") for name, cell in cells}
    return {name: text for name, text in texts.items() if name not in ("occurred_at", "recorded_at")}


def test_a_table_of_events_has_their_data_and_leaves_and_no_formula(told: str) -> None:
    rows = table(run(told, "export", "--book", BOOK, "--format", "csv").out)
    for row, (event, state) in zip(rows, stored(told), strict=True):
        assert orjson.loads(row["data"]) == orjson.loads(state)["data"]
        assert row["leaf"] == leaf_hash(state).hex()
        assert int(row["position"]) == event.position
    assert (rows[-1]["source"], rows[-1]["id"]) == ("'" + FORMULA, "'" + FORMULA)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@", "\t", "\r")]


@pytest.mark.parametrize("program", sorted(JOURNALS))
def test_a_journal_of_a_file_is_that_of_the_database_without_its_balances(
    told: str, tmp_path: Path, program: str
) -> None:
    log = tmp_path / "log.ndjson"
    assert run(told, "export", "--book", BOOK, log).code == 0
    given = ("export", "--book", BOOK, "--format", program)
    ours = run(told, *given)
    offline = run("postgresql://nowhere.invalid/x", *given, "--log", log)
    assert (ours.code, offline.code) == (0, 0), ours.err + offline.err
    assert offline.out.count(b"\n") > 1000
    assert ours.out.startswith(offline.out)
    assert b"balance" in ours.out[len(offline.out) :]


def test_names_of_accounts_are_never_shared() -> None:
    kinds = dict.fromkeys(
        ("receivable", "sales_1", "sales-1", "Sales", "sales", "a_b", "a-b", "A.b"), "asset"
    )
    names = AccountNames(kinds)  # type: ignore[arg-type]  # all of one kind
    ids = ["c-1", "c.1", "c-2E1", "c_1", "c:1", "C-1", "c1", "1", "x@y~z", "c--1", "c-5F1"]
    made = [names.of(account, None, None) for account in kinds]
    made += [names.of("receivable", customer, None) for customer in ids]
    made += [names.of("receivable", customer, invoice) for customer in ids for invoice in ids]
    assert len(set(made)) == len(made)
    assert names.of("receivable", "c-1", "INV-7") == "Assets:Receivable:Customer-c-1:Invoice-INV-7"
    assert names.of("receivable", "c.1", None) == "Assets:Receivable:Customer--c-2E1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "hledger", "--what", "events"), "a journal for hledger has postings"),
        (("--format", "ledger", "--after", "7"), "a journal begins with the book"),
        (("--format", "ledger", "--clock", "recorded"), "only beancount has one"),
        (("--format", "csv", "--resume"), "--resume goes on where a file ends: name the file"),
        (("--format", "parquet"), "Parquet is written to a file"),
        (("--format", "csv", "/nowhere/there.csv"), "cannot write /nowhere/there.csv"),
        (("--what", "events"), "--what and --log are for the other formats"),
    ],
)
def test_what_does_not_go_together_is_said(told: str, arguments: tuple[str, ...], said: str) -> None:
    ran = run(told, "export", "--book", BOOK, *arguments)
    assert ran.code == 4
    assert said in ran.err


def test_a_journal_waits_for_the_read_models(told: str) -> None:
    with writer(told) as works:
        post(
            works,
            "late",
            [message(("book.opened", {"name": "B", "currency": "EUR", "time_zone": "UTC"}), "b", START)],
        )
    ran = run(told, "export", "--book", "late", "--format", "hledger")
    assert ran.code == 4
    assert "the read model journal has folded late up to 0, not yet up to 1" in ran.err
