"""Whoever folds read models may put anything into them: verifying them runs none of it."""

from __future__ import annotations

import pytest
from tests.tlog.test_signing import as_superuser
from tests.verify.test_read_models import BOOK, folded_book, found

from ledger.database import connect
from ledger_projections.readmodel import READ_MODELS
from ledger_projections.verifying import check_read_models

__all__ = ["folded_book"]

COUNTED = (
    "CREATE SEQUENCE public.ran; CREATE FUNCTION public.run(boolean) RETURNS boolean LANGUAGE sql SECURITY DEFINER"
    " AS 'SELECT nextval(''public.ran'') > 0 AND $1';"
)
YES = (
    "CREATE FUNCTION public.yes() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
    " RETURN public.run(true); END $$"
)
"""What is immutable is computed when a query is planned."""
PLANTED = {
    "a view in the place of a table": (
        "ALTER TABLE balances.account_total RENAME TO was; CREATE VIEW balances.account_total AS"
        " SELECT * FROM balances.was WHERE public.run(true)",
        "balances",
    ),
    "a policy for whoever owns the table": (
        "CREATE POLICY all_ ON balances.account_total TO public USING (public.run(true));"
        " ALTER TABLE balances.account_total FORCE ROW LEVEL SECURITY",
        "balances",
    ),
    "an index that the planner thinks about": (
        "CREATE FUNCTION invoices.run() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
        " RETURN public.run(true); END $$; CREATE INDEX more ON invoices.payment (amount) WHERE invoices.run()",
        "invoices",
    ),
    "an index that asks a function from elsewhere": (
        f"{YES}; CREATE INDEX more ON invoices.payment (amount) WHERE public.yes()",
        "invoices",
    ),
    "an index of what a function from elsewhere makes": (
        f"{YES}; CREATE INDEX more ON invoices.payment ((amount > 0 AND public.yes()))",
        "invoices",
    ),
    "statistics that ask a function from elsewhere": (
        f"{YES}; CREATE STATISTICS invoices.more ON (amount > 0 AND public.yes()), amount FROM invoices.payment",
        "invoices",
    ),
    "statistics that are elsewhere": (
        f"{YES}; CREATE STATISTICS public.more ON (amount > 0 AND public.yes()) FROM invoices.payment",
        "invoices",
    ),
    "a cast of the rows of a table": (
        "CREATE FUNCTION public.said(invoices.invoice_line) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        " RETURN public.run(true)::text; END $$;"
        " CREATE CAST (invoices.invoice_line AS text) WITH FUNCTION public.said(invoices.invoice_line);"
        " ALTER TABLE invoices.invoice_line DROP CONSTRAINT invoice_line_pkey;"
        " INSERT INTO invoices.invoice_line SELECT * FROM invoices.invoice_line WHERE book = 'main' LIMIT 1",
        "invoices",
    ),
    "a check that the planner thinks about": (
        f"{YES}; ALTER TABLE invoices.payment ADD CHECK (amount > 0 AND public.yes());"
        " DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET constraint_exclusion = on', current_database()); END $$",
        "invoices",
    ),
    "a table whose rows are read with those of another": (
        f"{YES}; CREATE TABLE public.more () INHERITS (invoices.payment);"
        " CREATE INDEX more_amount ON public.more (amount) WHERE public.yes()",
        "invoices",
    ),
    "a type that asks when something becomes one of it": (
        "CREATE DOMAIN public.cents AS bigint CHECK (public.run(true));"
        " ALTER TABLE contacts.attempt ADD more public.cents",
        "contacts",
    ),
    "a function in the place of PostgreSQL's own": (
        "CREATE FUNCTION journal.twice(numeric, bigint) RETURNS numeric LANGUAGE sql"
        " AS 'SELECT coalesce($1 + 2 * $2, $1, 2 * $2) WHERE public.run(true)';"
        " CREATE AGGREGATE journal.sum(bigint) (SFUNC = journal.twice, STYPE = numeric)",
        "journal",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_that_somebody_put_there_is_run(folded_book: str, name: str) -> None:
    """Whoever folds read models may put anything there, and who verifies has more rights than they."""
    planted, where = PLANTED[name]
    unread: set[str] = set()
    for model in READ_MODELS:
        if model.name == where or unread.intersection(each.name for each in model.needs):
            unread.add(model.name)
    as_superuser(folded_book, COUNTED + planted)
    as_superuser(folded_book, "ALTER SEQUENCE public.ran RESTART")
    checks = check_read_models(folded_book, BOOK)
    with connect(folded_book, role=None) as boss:
        assert boss.execute("SELECT is_called FROM public.ran").fetchone() == (False,)
    assert "definitions" in found(checks)
    assert {check.name for check in checks if check.result == "not compared"} == unread


HARMLESS = """
    CREATE INDEX more ON invoices.payment (amount) INCLUDE (currency);
    CREATE STATISTICS invoices.more ON amount, currency FROM invoices.payment
"""


def test_an_index_and_statistics_of_columns_are_anybodys_to_add(folded_book: str) -> None:
    as_superuser(folded_book, HARMLESS)
    assert found(check_read_models(folded_book, BOOK)) == {}
