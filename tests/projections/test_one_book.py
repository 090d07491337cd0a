"""Finance and auditors see the book that their session names, and nothing when it names none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from psycopg import sql
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until

FINANCE, AUDITOR = "ledger_finance", "ledger_auditor"
LEAK = (
    "CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
    " $$ BEGIN RAISE NOTICE 'leaked %', $1; RETURN true; END $$"
)


@pytest.fixture(scope="module")
def told(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Tell lives in two books, and fold them."""
    with fresh_database() as database, writer(database) as works:
        ends = {book: post_lives(works, book, 3) for book in ("main", "other")}
        with projecting(database):
            until(lambda: all(folded(database, book, end) for book, end in ends.items()))
        yield database


def as_role(database: str, role: str, book: str | None = None) -> psycopg.Connection:
    """Connect as if the role were the login: there is no way back to a superuser."""
    connection = psycopg.connect(database, autocommit=True)
    if book is not None:
        connection.execute("SELECT set_config('ledger.book', %s, false)", (book,))
    connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
    return connection


def readable(database: str, role: str) -> list[tuple[str, str]]:
    """List the tables and views with a book that a role may read."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'book' AND NOT a.attisdropped"
            " WHERE c.relkind IN ('r', 'v') AND has_table_privilege(%(role)s, c.oid, 'SELECT')"
            " AND has_schema_privilege(%(role)s, n.oid, 'USAGE') AND n.nspname <> 'ledger' ORDER BY 1, 2",
            {"role": role},
        ).fetchall()


def books(connection: psycopg.Connection, schema: str, relation: str) -> set[str]:
    """Say of which books a table or view shows rows."""
    query = sql.SQL("SELECT DISTINCT book FROM {}").format(sql.Identifier(schema, relation))
    return {str(book) for (book,) in connection.execute(query)}


@pytest.mark.parametrize(("role", "least", "filled"), [(FINANCE, 30, 20), (AUDITOR, 7, 2)])
def test_every_table_and_view_shows_the_named_book_and_none_without_a_name(
    told: str, role: str, least: int, filled: int
) -> None:
    relations = readable(told, role)
    assert len(relations) >= least
    there: dict[tuple[str, str], set[str]] = {relation: set() for relation in relations}
    for each in ("main", "other"):  # what shows the log names the book for everybody, superusers too
        with psycopg.connect(told, options=f"-c ledger.book={each}") as everything:
            for relation in relations:
                there[relation] |= books(everything, *relation)
    assert sum(len(found) == 2 for found in there.values()) >= filled
    for named in (None, "", "main", "other", "none"):
        with as_role(told, role, named) as connection:
            for relation in relations:
                wanted = there[relation] & {named}
                assert books(connection, *relation) == wanted, (relation, named)


def test_the_service_answers_for_all_books_without_naming_one(told: str) -> None:
    with as_role(told, "ledger_service") as connection:
        for relation in (("journal", "posting"), ("balances", "trial_balance"), ("customers", "overview")):
            assert books(connection, *relation) == {"main", "other"}


def test_what_nobody_has_put_under_a_policy_finance_does_not_read(told: str) -> None:
    with as_role(told, "ledger_service") as connection:
        connection.execute("CREATE SCHEMA later; CREATE TABLE later.thing (book text)")
        connection.execute("CREATE VIEW later.log AS SELECT book, state FROM ledger.event")
    with as_role(told, FINANCE, "main") as reader:
        for relation in ("thing", "log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                books(reader, "later", relation)
    with as_role(told, "ledger_service") as connection:
        connection.execute("SELECT ledger.keep_books_apart('later')")
    with as_role(told, FINANCE, "main") as reader:
        assert books(reader, "later", "thing") == set()
        with pytest.raises(
            psycopg.errors.InsufficientPrivilege
        ):  # with the reader's rights, who has none there
            books(reader, "later", "log")
    with as_role(told, "ledger_service") as connection:
        connection.execute("DROP SCHEMA later CASCADE")


def test_processes_that_help_with_a_query_see_the_same_book(told: str) -> None:
    with psycopg.connect(told) as connection:
        recent = connection.info.server_version >= 160000
    with as_role(told, FINANCE, "other") as connection:
        connection.execute(f"SET {'debug_parallel_query' if recent else 'force_parallel_mode'} = on")
        connection.execute(
            "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0"
        )
        assert books(connection, "journal", "posting") == {"other"}
        assert books(connection, "balances", "trial_balance") == {"other"}


@pytest.mark.parametrize(("role", "whole"), [(FINANCE, 10), (AUDITOR, 10)])
def test_cursors_are_those_of_the_named_book(told: str, role: str, whole: int) -> None:
    for named, wanted in ((None, set()), ("main", {"main"})):
        with as_role(told, role, named) as connection:
            found = [name for (name,) in connection.execute("SELECT application_name FROM ledger.cursor")]
            assert {name.partition("/")[2] for name in found} == wanted
            assert len(found) == (whole if wanted else 0)


@pytest.mark.parametrize("named", [None, "main", "other"])
def test_functions_show_the_named_book_only(told: str, named: str | None) -> None:
    with as_role(told, FINANCE, named) as connection:
        for question in (
            "SELECT count(*) FROM journal.statement_as_of('main', 'customer-1')",
            "SELECT coalesce(sum(debit), 0) FROM journal.trial_balance_as_of('main')",
        ):
            assert (connection.execute(question.encode()).fetchone() != (0,)) is (named == "main"), question


def test_a_view_gives_nothing_away_to_a_function_in_its_condition(told: str) -> None:
    """A function that costs nothing is asked before what costs more, unless the view is a barrier."""
    with psycopg.connect(told, autocommit=True) as superuser:
        superuser.execute("DROP FUNCTION IF EXISTS public.leak(text)")
        superuser.execute(LEAK)
    for role, view in (
        (FINANCE, "journal.entry"), (FINANCE, "customers.timeline"), (FINANCE, "journal.posting"),
        (FINANCE, "invoices.invoice"), (AUDITOR, "audit.event"), (AUDITOR, "audit.head"),
    ):  # fmt: skip
        with as_role(told, role, "main") as connection:
            said = heard(connection)
            query = sql.SQL("SELECT count(*) FROM {} WHERE public.leak(book)")
            connection.execute(query.format(sql.Identifier(*view.split("."))))
            assert said == {"leaked main"}, view


def heard(connection: psycopg.Connection) -> set[str]:
    """Give what will hold all notices of a connection."""
    notices: set[str] = set()

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        notices.add(str(notice.message_primary))

    connection.add_notice_handler(hear)
    return notices


def test_a_login_may_be_held_to_its_books(told: str) -> None:
    with psycopg.connect(told, autocommit=True) as superuser:
        superuser.execute("DROP ROLE IF EXISTS ledger_test_reader")
        superuser.execute("CREATE ROLE ledger_test_reader LOGIN IN ROLE ledger_finance")
        superuser.execute("INSERT INTO ledger.reader_book VALUES ('ledger_test_reader', 'other')")
        try:
            for named, wanted in (("main", set()), ("other", {"other"})):
                with as_role(told, "ledger_test_reader", named) as connection:
                    assert books(connection, "journal", "posting") == wanted
                    connection.execute("SET ROLE ledger_finance")
                    assert books(connection, "journal", "entry") == wanted
        finally:
            superuser.execute("DROP ROLE ledger_test_reader")
            superuser.execute("DELETE FROM ledger.reader_book")


@pytest.mark.parametrize("role", [FINANCE, AUDITOR])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM ledger.event",
        "SELECT FROM ledger.access",
        "SELECT FROM vault.key",
        "SELECT FROM ledger.api_key",
        "SELECT FROM ledger.reader_book",
        "SELECT error FROM ledger.read_model",
        "SET row_security = off; SELECT FROM journal.posting",
        "SET ROLE ledger_service",
        "SET ROLE ledger_verifier",
        "SET session_replication_role = replica",
        "INSERT INTO ledger.reader_book VALUES ('x', 'main')",
        "ALTER TABLE journal.posting DISABLE ROW LEVEL SECURITY",
        "DROP POLICY one_book ON journal.posting",
        "TRUNCATE journal.posting",
        "UPDATE journal.posting SET amount = 0",
        "CREATE VIEW public.mine AS SELECT 1",
        "COPY journal.posting TO PROGRAM 'cat'",
        "COPY journal.posting TO '/tmp/x'",
        "CREATE OR REPLACE FUNCTION ledger.book_in_force() RETURNS text LANGUAGE sql AS 'SELECT 1'",
        "SELECT ledger.keep_books_apart('journal')",
    ],
)
def test_a_reader_does_not_get_around_it(told: str, role: str, statement: str) -> None:
    with (
        as_role(told, role, "main") as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType)),
    ):
        connection.execute(statement.encode())


def test_no_policy_is_evaluated_for_who_folds_or_writes(told: str) -> None:
    with as_role(told, "ledger_service") as connection:
        for table in (("journal", "posting"), ("ledger", "event"), ("balances", "trial_balance")):
            query = sql.SQL("EXPLAIN SELECT * FROM {} WHERE book = 'main'").format(sql.Identifier(*table))
            plan = [line for (line,) in connection.execute(query)]
            assert not any("InitPlan" in line or "book_in_force" in line for line in plan)
