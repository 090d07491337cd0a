"""A read model that somebody edits is found, and told row by row; one that follows is never suspected."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until
from tests.tlog.test_signing import as_superuser

from ledger.database import connect
from ledger.verify.findings import Check
from ledger_projections.comparing import row_sums
from ledger_projections.readmodel import READ_MODELS
from ledger_projections.verifying import check_read_models

BOOK = "main"


@pytest.fixture
def folded_book(database: str) -> str:
    """Fill two books, and fold both."""
    with writer(database) as works, projecting(database):
        post_lives(works, "another", 2)
        position = post_lives(works, BOOK, 6)
        until(lambda: folded(database, BOOK, position) and folded(database, "another", 10))
    return database


def found(checks: list[Check]) -> dict[str, str]:
    """Give the first finding of each check that found something."""
    return {check.name: check.findings[0].said for check in checks if check.findings}


DISABLED = {
    "definitions": "journal: trigger entry_balances of table posting has the state disabled, it should have enabled"
}
EDITS = {
    "a balance": (
        "UPDATE balances.customer_balance SET receivable = receivable - 1 WHERE book = 'main' AND customer = 'customer-2'",
        {"balances": "balances.customer_balance has (main,customer-2,EUR,"},
    ),
    "an invoice struck out": (
        "DELETE FROM invoices.invoice WHERE book = 'main' AND invoice = 'INV-4'",
        {"invoices": "invoices.invoice has no such row, the events come to (main,INV-4,"},
    ),
    "a posting moved to another account": (
        "ALTER TABLE journal.posting DISABLE TRIGGER ALL;"
        " UPDATE journal.posting SET account = 'cash' WHERE book = 'main' AND account = 'unbilled'"
        " AND position = (SELECT max(p.position) FROM journal.posting p WHERE p.book = 'main' AND p.account = 'unbilled')",
        {"journal": "journal.posting has (main,", **DISABLED},
    ),
    "amounts that hash to what they hashed to, if each number is hashed by itself": (
        "ALTER TABLE journal.posting DISABLE TRIGGER ALL;"
        " UPDATE journal.posting SET amount = (amount # 1) + CASE WHEN amount >= 0 THEN 4294967296 ELSE -4294967296 END"
        " WHERE book = 'main' AND account = 'unbilled'"
        " AND position = (SELECT max(p.position) FROM journal.posting p WHERE p.book = 'main' AND p.account = 'unbilled')",
        {"journal": "journal.posting has (main,", **DISABLED},
    ),
    "the taxes of an invoice": (
        "UPDATE invoices.invoice SET taxes = jsonb_set(taxes, '{0,tax}', '1') WHERE book = 'main' AND invoice = 'INV-4'",
        {"invoices": "invoices.invoice has (main,INV-4,"},
    ),
    "two balances given to each other": (
        "UPDATE balances.customer_balance b SET receivable = o.receivable, unbilled = o.unbilled,"
        " customer_credit = o.customer_credit, disputed = o.disputed FROM balances.customer_balance o"
        " WHERE b.book = 'main' AND o.book = 'main' AND b.currency = 'EUR' AND o.currency = 'EUR'"
        " AND (b.customer, o.customer) IN (('customer-1', 'customer-2'), ('customer-2', 'customer-1'))",
        {"balances": "balances.customer_balance has (main,customer-1,EUR,"},
    ),
    "a reason for a discount": (
        "UPDATE discounts.discount SET reason = 'gift' WHERE book = 'main' AND customer = 'customer-1'"
        " AND discount = 'percent'",
        {"discounts": "discounts.discount has (main,customer-1,percent,"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_is_edited_is_named_with_what_it_should_be(folded_book: str, name: str) -> None:
    edit, expected = EDITS[name]
    as_superuser(folded_book, edit)
    said = found(check_read_models(folded_book, BOOK))
    assert {model: text[: len(expected[model])] for model, text in said.items()} == expected
    assert found(check_read_models(folded_book, "another")).keys() <= {"definitions"}


UNDONE = {
    "a row with its key": (
        "UPDATE discounts.discount SET reason = {} WHERE book = 'main' AND customer = 'customer-1'"
        " AND discount = 'percent'",
        ("'gift'", "'loyalty'"),
        {"discounts": "discounts.discount has (main,customer-1,percent,"},
    ),
    "a row that is hashed as it comes, and what follows from it": (
        "ALTER TABLE journal.posting DISABLE TRIGGER ALL;"
        " UPDATE journal.posting SET amount = amount + {} WHERE book = 'main' AND account = 'unbilled'"
        " AND position = (SELECT max(p.position) FROM journal.posting p WHERE p.book = 'main' AND p.account = 'unbilled');"
        " ALTER TABLE journal.posting ENABLE TRIGGER ALL",
        ("1", "-1"),
        {"journal": "journal.posting differs in rows that cannot be named: it has "},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDONE)
def test_a_difference_that_is_gone_when_all_is_built_again_is_told(folded_book: str, name: str) -> None:
    edit, (done, undone), expected = UNDONE[name]
    as_superuser(folded_book, edit.format(done))
    ranges = itertools.count(1)

    def undo(_: int) -> None:
        if next(ranges) == len(READ_MODELS) + 1:  # the first range of what is built again
            as_superuser(folded_book, edit.format(undone))

    said = found(check_read_models(folded_book, BOOK, undo))
    assert {model: text[: len(expected[model])] for model, text in said.items()} == expected
    assert all(
        text.endswith("; it did not show again when all was built once more") for text in said.values()
    )
    assert found(check_read_models(folded_book, BOOK)) == {}


@pytest.mark.parametrize(
    ("model", "table", "said"),
    [
        ("invoices", "invoice_line", "the events come to no such row"),
        ("journal", "account", "rows, the events come to"),
    ],
)
def test_rows_of_one_key_are_counted(folded_book: str, model: str, table: str, said: str) -> None:
    as_superuser(
        folded_book,
        f"ALTER TABLE {model}.{table} DROP CONSTRAINT {table}_pkey;"
        f" INSERT INTO {model}.{table} SELECT * FROM {model}.{table} WHERE book = 'main' LIMIT 1",
    )
    assert said in found(check_read_models(folded_book, BOOK))[model]


def test_two_rows_that_changed_a_value_with_each_other_never_add_up_to_the_same(database: str) -> None:
    rows = {
        "live": "(1, 'b', 20, 'main'), (2, 'a', 10, 'main')",
        "rebuilt": "(1, 'a', 20, 'main'), (2, 'b', 10, 'main')",
    }
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA made")
        for table, values in rows.items():
            table_made = f"CREATE TABLE made.{table} (n bigint, name text, amount bigint, book text)"
            connection.execute(table_made.encode())
            connection.execute(f"INSERT INTO made.{table} VALUES {values}".encode())
        for seed in range(50):
            live, rebuilt = (row_sums(connection, "made", table, seed, "main") for table in rows)
            assert live != rebuilt


@pytest.mark.parametrize(
    ("type_", "was", "now"),
    [
        ("bigint", "1", "4294967296"),
        ("bigint", "1", "2"),
        ("bigint", "5000000000", "705032704"),
        ("bigint", "-2147483648", "2147483648"),
        ("integer", "1", "-1"),
        ("smallint", "1", "2"),
        ("text", "'a'", "'b'"),
        ("bigint", "NULL", "0"),
        ("timestamptz", "'2026-01-01T00:00:00Z'", "'2026-01-01T00:00:00.000001Z'"),
        ("numeric", "1.0", "1.00"),
        ("jsonb", "'[1.0]'", "'[1.00]'"),
        ("boolean", "true", "false"),
        ("date", "'2026-01-01'", "'2026-01-02'"),
        ("text[]", "'{a,b}'", "'{\"a,b\"}'"),
        ("text", "''", "NULL"),
    ],
)
def test_a_value_of_any_type_is_hashed_by_all_that_it_says(
    database: str, type_: str, was: str, now: str
) -> None:
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA made")
        connection.execute(f"CREATE TABLE made.value (said {type_}, book text)".encode())
        sums = []
        for said in (was, now):
            connection.execute(
                f"TRUNCATE made.value; INSERT INTO made.value VALUES ({said}, 'main')".encode()
            )
            sums.append(row_sums(connection, "made", "value", 7, "main"))
        assert sums[0] != sums[1]


@pytest.mark.parametrize("type_", ["text", "integer", "bigint", "boolean", "numeric"])
def test_a_value_counts_as_that_of_its_column(database: str, type_: str) -> None:
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA made")
        connection.execute(f"CREATE TABLE made.pair (one {type_}, other {type_}, book text)".encode())
        sums = set()
        pairs = ["'1', '0'", "'0', '1'", "'1', '1'", "'0', '0'", "NULL, '0'", "'0', NULL", "NULL, NULL"]
        for pair in pairs:
            connection.execute(f"TRUNCATE made.pair; INSERT INTO made.pair VALUES ({pair}, 'main')".encode())
            sums.add(row_sums(connection, "made", "pair", 7, "main"))
        assert len(sums) == len(pairs)


def test_a_log_that_cannot_be_folded_is_said_so(folded_book: str) -> None:
    as_superuser(
        folded_book,
        "ALTER TABLE ledger.event DISABLE TRIGGER ALL; UPDATE ledger.event SET state = 'no JSON' WHERE book = 'main'"
        " AND type = 'invoice.issued'",
    )
    said = found(check_read_models(folded_book, BOOK))
    assert said["journal"].startswith("the log cannot be folded: ")
    assert said["invoices"].startswith("the log cannot be folded: ")
    assert "contacts" not in said


def test_read_models_that_go_on_meanwhile_are_not_suspected(folded_book: str) -> None:
    stopping = threading.Event()

    def go_on() -> Iterator[int]:
        for first in range(7, 47, 2):
            yield post_lives(works, BOOK, 2, first)
            if stopping.wait(0.2):
                return

    with writer(folded_book) as works, projecting(folded_book):
        thread = threading.Thread(target=lambda: list(go_on()))
        thread.start()
        try:
            for _ in range(2):
                checks = check_read_models(folded_book, BOOK)
                assert found(checks) == {}
                assert {check.name for check in checks} == {
                    "cursors",
                    "definitions",
                    *(model.name for model in READ_MODELS),
                }
        finally:
            stopping.set()
            thread.join()
