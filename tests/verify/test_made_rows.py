"""Rows that are hashed as they come: only those that nothing changes later, and the same as those that are written."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from tests.projections.rows import read_rows
from tests.projections.test_plans import scans
from tests.tlog.test_signing import as_superuser
from tests.verify.test_read_models import BOOK, folded_book, found

from ledger.database import connect
from ledger.verify import shares
from ledger.verify.leaves import SQL
from ledger.verify.passes import open_auditor
from ledger_projections import building
from ledger_projections.filling import open_connection
from ledger_projections.folding import SESSION, Share
from ledger_projections.readmodel import INVOICES, READ_MODELS, Fold, ReadModel, from_log, search_path
from ledger_projections.verifying import check_read_models

__all__ = ["folded_book"]


def writes(model: ReadModel, fold: Fold, table: str) -> tuple[list[tuple[str, str]], int]:
    """Tell which statements of a read model write a table, and how often one still does when it only makes rows."""
    written = re.compile(rf"\b(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO) {table}\b")
    statement, _ = fold.made()
    everywhere = [(each.name, write) for each in model.folds for write in written.findall(each.statement)]
    return everywhere, len(written.findall(statement))


def test_rows_that_are_added_are_never_changed_and_come_from_one_statement() -> None:
    adding = [(model, fold, fold.adds) for model in READ_MODELS for fold in model.folds if fold.adds]
    assert [table for _, _, table in adding] == ["posting", "invoice_line", "allocation"]
    for model, fold, table in adding:
        assert writes(model, fold, table) == ([(fold.name, "INSERT INTO")], 0)


def test_rows_that_are_completed_are_only_changed_by_the_statement_that_adds_them() -> None:
    completing = [
        (model, fold, fold.completes) for model in READ_MODELS for fold in model.folds if fold.completes
    ]
    assert [(model, table) for model, _, table in completing] == [
        (INVOICES, "invoice"),
        (INVOICES, "payment"),
    ]
    for model, fold, table in completing:
        assert writes(model, fold, table) == ([(fold.name, "INSERT INTO"), (fold.name, "UPDATE")], 1)
        statement, [made, _] = fold.made()
        assert f"{made.part} AS (\n    SELECT " in statement
        changed = re.search(rf"(\w+) AS \(\n    UPDATE {table} .*?\n\)", fold.statement, re.DOTALL)
        assert changed is not None
        assert re.search(
            r"\bNOT \w\.(issued|received)\b", changed[0]
        )  # what came into being before the range


@pytest.fixture
def shared_out(folded_book: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have customers folded a few at a time."""
    monkeypatch.setattr(shares, "SHARE_EVENTS", 32)
    with open_connection(folded_book) as connection:
        assert len(shares.share_out(connection, BOOK, 200).bounds) > 3
    return folded_book


def test_customers_folded_a_few_at_a_time_come_to_the_same_rows(shared_out: str) -> None:
    rows = {table: found for table, found in read_rows(shared_out).items() if table.startswith("invoices.")}
    empty = {table for table, found in rows.items() if not any("main" in row for row in found)}
    assert empty <= {"invoices.payment_failure"}
    told = Counter[str]()
    checks = check_read_models(shared_out, BOOK, lambda events: told.update(events=events))
    assert found(checks) == {}
    counted = {check.name: check.count for check in checks}["invoices"]
    assert counted == sum(row.startswith("(main,") for found in rows.values() for row in found)
    with connect(shared_out) as connection:
        row = connection.execute("SELECT position FROM ledger.head WHERE book = %s", (BOOK,)).fetchone()
        assert row is not None
        assert told["events"] == row[0] * len(READ_MODELS)


EDITS = {
    "what was paid": ("invoice", "SET allocated = allocated + 1"),
    "who owes": ("invoice", "SET customer = 'somebody'"),
    "an invoice made void": ("invoice", "SET voided_at = now()"),
    "what settled it": ("invoice", "SET settled_by = 'credited'"),
    "what is left of a payment": ("payment", "SET refunded = refunded + 1"),
    "how it was paid": ("payment", "SET method = 'cheque'"),
    "a line": ("invoice_line", "SET net = net + 1"),
    "a use": ("allocation", "SET amount = amount + 1"),
    "what a complaint holds": ("holding", "SET amount = amount + 1"),
    "a credit note": ("credit_note", "SET reason = 'gift'"),
    "a debt": ("debt", "SET net = net + 1"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_in_any_share_is_named(shared_out: str, name: str) -> None:
    table, edit = EDITS[name]
    last = f"(SELECT max(ctid) FROM invoices.{table} WHERE book = '{BOOK}')"
    as_superuser(shared_out, f"UPDATE invoices.{table} {edit} WHERE ctid = {last}")
    said = found(check_read_models(shared_out, BOOK))
    assert said["invoices"].startswith(f"invoices.{table} has ")
    assert set(said) <= {"invoices", "dunning", "reports"}


@pytest.mark.parametrize(
    ("table", "column"), [("invoice", "due"), ("payment", "unallocated"), ("credit_note", "unallocated")]
)
def test_what_follows_from_other_columns_is_held_to_them(shared_out: str, table: str, column: str) -> None:
    """Edited past PostgreSQL, which computes it: its catalogue is as it was."""
    for edit in (
        f"UPDATE pg_attribute SET attgenerated = '' WHERE attrelid = 'invoices.{table}'::regclass AND attname = '{column}'",
        f"UPDATE invoices.{table} SET {column} = {column} - 1"
        f" WHERE ctid = (SELECT max(ctid) FROM invoices.{table} WHERE book = '{BOOK}')",
        f"UPDATE pg_attribute SET attgenerated = 's' WHERE attrelid = 'invoices.{table}'::regclass AND attname = '{column}'",
    ):
        as_superuser(shared_out, f"SET allow_system_table_mods = on; {edit}")
    said = found(check_read_models(shared_out, BOOK))
    assert said["invoices"].startswith(f"invoices.{table} has ")
    assert "definitions" not in said


@pytest.mark.parametrize(
    "table", ["invoices.payment", "journal.posting", "contacts.note", "trials.trial_arm"]
)
def test_rows_of_a_book_that_there_is_none_of_are_named(folded_book: str, table: str) -> None:
    """Whoever names that book reads them, and no log is verified in which they would be missing."""
    as_superuser(
        folded_book,
        f"ALTER TABLE {table} DISABLE TRIGGER ALL; UPDATE {table} SET book = 'ghost' WHERE book = 'another'",
    )
    said = found(check_read_models(folded_book, BOOK))
    assert said[table.split(".", maxsplit=1)[0]] == f"{table} has rows of ghost, and there is no such book"


def test_shares_are_found_by_looking_up_a_sample(folded_book: str) -> None:
    """Whatever the session plans with: reading all of the log for it would cost as much as a fold."""
    values = {"book": BOOK, "upto": 1_000_000, "step": 2_048, "every": 16}
    with open_auditor(folded_book) as auditor, connect(folded_book) as folding:
        folding.execute(SESSION)
        for connection in (auditor, folding):
            row = connection.execute(
                ("EXPLAIN (FORMAT JSON) " + SQL["share_ends"]).encode(), values
            ).fetchone()
            assert row is not None
            [scan] = scans(row[0][0]["Plan"])
            assert '"position" = ' in (scan.get("Index Cond") or scan["Recheck Cond"]), scan


def test_a_share_reads_its_own_events(shared_out: str) -> None:
    """Were they looked up by anything else, a book's events would be read once for each share."""
    with open_connection(shared_out) as connection, connection.transaction(force_rollback=True):
        _, (behind, last), *_ = shares.share_out(connection, BOOK, 200).bounds
        connection.execute(search_path("invoices", ()))
        for fold in INVOICES.folds:
            if fold.completes:
                statement = f"EXPLAIN (FORMAT JSON) {from_log(fold.statement, building.SQL['of_share'])}"
                values = Share(BOOK, 0, 1_000_000, behind, last)._asdict()
                row = connection.execute(statement.encode(), values).fetchone()
                assert row is not None
                [scan] = [each for each in scans(row[0][0]["Plan"]) if each["Relation Name"] == "event"]
                assert scan["Index Cond"].count("stream") == 2, scan
