"""What answers is held to how the program makes it: rows may be right, and what readers are told is not."""

from __future__ import annotations

import psycopg
import pytest
from tests.api.command import run
from tests.tlog.test_signing import as_superuser, fill

from ledger.database import connect
from ledger.verify.findings import Check
from ledger_projections.definitions import check_definitions
from ledger_projections.filling import open_connection
from ledger_projections.installing import install_missing
from ledger_projections.readmodel import READ_MODELS


@pytest.fixture
def made(database: str) -> str:
    """Make all read models, empty."""
    with connect(database) as connection:
        install_missing(connection)
    return database


def checked(database: str) -> Check:
    with open_connection(database) as connection:
        return check_definitions(connection, READ_MODELS).check


EDITS = {
    "two columns that change names": (
        "ALTER TABLE invoices.invoice RENAME tax TO other; ALTER TABLE invoices.invoice RENAME discount TO tax;"
        " ALTER TABLE invoices.invoice RENAME other TO discount",
        ["invoices: column discount of table invoice has the definition bigint NOT NULL in place ",
         "invoices: column tax of table invoice has the definition bigint NOT NULL in place ",
         "invoices: view standing has the definition …", "reports: view income has the definition …"],
    ),
    "a column of another name": (
        "ALTER TABLE balances.account_total RENAME debit TO debits",
        ["balances: column balance of table account_total has the definition numeric NOT NULL generated s (debits - credit)",
         "balances: column debit of table account_total is not there",
         "balances: column debits of table account_total is there, and should not be",
         "balances: view trial_balance has the definition "],
    ),
    "a column of another type, that may be null": (
        "ALTER TABLE balances.customer_balance ALTER unbilled TYPE numeric, ALTER unbilled DROP NOT NULL",
        ["balances: column unbilled of table customer_balance has the definition numeric in place 7,"
         " it should have bigint NOT NULL in place 7"],
    ),
    "a default": (
        "ALTER TABLE balances.customer_balance ALTER unbilled SET DEFAULT 7",
        ["balances: column unbilled of table customer_balance has the definition bigint NOT NULL 7 in place 7,"],
    ),
    "a function that doubles": (
        """DO $do$ BEGIN EXECUTE replace(replace(pg_get_functiondef('journal.trial_balance_as_of'::regproc),
            'CREATE OR REPLACE', 'CREATE OR REPLACE'), 'sum(p.amount) AS sum', '2 * sum(p.amount) AS sum'); END $do$""",
        ["journal: function trial_balance_as_of(of_book text, as_of_position bigint, as_of_recorded timestamp with time zone,"
         " as_of_occurred date) has the body …"],
    ),
    "a view that leaves all out": (
        "CREATE OR REPLACE VIEW balances.trial_balance WITH (security_invoker) AS SELECT t.book, t.currency, sum(t.debit) AS debit,"
        " sum(t.credit) AS credit, sum(t.balance) AS difference FROM balances.account_total t WHERE false"
        " GROUP BY t.book, t.currency",
        ["balances: view trial_balance has the definition …"],
    ),
    "a view that shows other books": (
        "ALTER VIEW journal.entry RESET (security_barrier); ALTER VIEW balances.trial_balance SET (security_invoker = false)",
        ["balances: view trial_balance has the options security_invoker=false, it should have security_invoker=true",
         "journal: view entry has the options security_invoker=false, it should have security_barrier=true, security_invoker=false"],
    ),
    "a function with its owner's rights, and settings": (
        "ALTER FUNCTION journal.upto SECURITY DEFINER SET search_path = public",
        ["journal: function upto(of_book text, as_of_position bigint, as_of_recorded timestamp with time zone)"
         " has the properties sql, volatile s, parallel s, security definer, it should have sql, volatile s, parallel s",
         "journal: function upto(of_book text, as_of_position bigint, as_of_recorded timestamp with time zone)"
         " has the settings search_path=public, it should have none"],
    ),
    "a function that is said to leak nothing": (
        "ALTER FUNCTION journal.upto LEAKPROOF",
        ["journal: function upto(of_book text, as_of_position bigint, as_of_recorded timestamp with time zone)"
         " has the properties sql, volatile s, parallel s, leakproof, it should have sql, volatile s, parallel s"],
    ),
    "an aggregate that begins elsewhere": (
        "CREATE OR REPLACE AGGREGATE invoices.total(bigint) (sfunc = int8pl, stype = bigint, initcond = '5', parallel = safe)",
        ["invoices: aggregate total(bigint) has the aggregation "],
    ),
    "a table that everybody may read": (
        "GRANT SELECT ON balances.customer_balance TO PUBLIC; DROP POLICY one_book ON balances.customer_balance;"
        " ALTER TABLE balances.customer_balance DISABLE ROW LEVEL SECURITY; GRANT SELECT (name) ON journal.book TO ledger_vault",
        ["balances: policy one_book of table customer_balance is not there",
         "balances: table customer_balance has the grants SELECT to PUBLIC, ",
         "balances: table customer_balance has the row security none, it should have enabled",
         "journal: column name of table book has the grants {ledger_vault=r/ledger_service}, it should have none"],
    ),
    "a policy that holds for nothing": (
        "ALTER POLICY one_book ON balances.customer_balance USING (true)",
        ["balances: policy one_book of table customer_balance has the definition permissive r to ledger_finance using true,"],
    ),
    "a policy that only takes away": (
        """DO $do$ BEGIN EXECUTE (SELECT 'DROP POLICY one_book ON balances.customer_balance; CREATE POLICY one_book ON'
            ' balances.customer_balance AS RESTRICTIVE FOR SELECT TO ledger_finance USING (' || qual || ')'
            FROM pg_policies WHERE schemaname = 'balances' AND tablename = 'customer_balance'); END $do$""",
        ["balances: policy one_book of table customer_balance has the definition restrictive r to ledger_finance "],
    ),
    "a policy for all that is done": (
        """DO $do$ BEGIN EXECUTE (SELECT 'DROP POLICY one_book ON balances.customer_balance; CREATE POLICY one_book ON'
            ' balances.customer_balance FOR ALL TO ledger_finance USING (' || qual || ')'
            FROM pg_policies WHERE schemaname = 'balances' AND tablename = 'customer_balance'); END $do$""",
        ["balances: policy one_book of table customer_balance has the definition permissive * to ledger_finance "],
    ),
    "a right to give a right": (
        "GRANT SELECT ON balances.customer_balance TO ledger_finance WITH GRANT OPTION",
        ["balances: table customer_balance has the grants "],
    ),
    "an owner": (
        "ALTER TABLE trials.billed OWNER TO ledger_owner",
        ["trials: table billed has the grants ", "trials: table billed has the owner ledger_owner, it should have ledger_service"],
    ),
    "a table that a crash empties": (
        "ALTER TABLE trials.billed SET UNLOGGED",
        ["trials: table billed has the persistence u, it should have p"],
    ),
    "an index that is not valid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'journal.account_pkey'::regclass",
        ["journal: index account_pkey of table account has the validity false, it should have true"],
    ),
    "a check and a key that are gone": (
        "ALTER TABLE journal.account DROP CONSTRAINT kind_known, DROP CONSTRAINT account_pkey",
        ["journal: constraint account_pkey of table account is not there",
         "journal: constraint kind_known of table account is not there",
         "journal: index account_pkey of table account is not there"],
    ),
    "a trigger, and one that is disabled": (
        "ALTER TABLE journal.posting DISABLE TRIGGER posting_is_immutable; CREATE TRIGGER more BEFORE INSERT ON journal.account"
        " FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change()",
        ["journal: trigger more of table account is there, and should not be",
         "journal: trigger posting_is_immutable of table posting has the state disabled, it should have enabled"],
    ),
    "a rule, and a table that hands rows on": (
        "CREATE RULE nothing AS ON INSERT TO journal.book DO INSTEAD NOTHING; CREATE TABLE public.more () INHERITS (journal.account)"
        "; CREATE TABLE public.above (position bigint NOT NULL); ALTER TABLE journal.account INHERIT public.above",
        ["journal: child public.more of table account is there, and should not be",
         "journal: parent public.above of table account is there, and should not be",
         "journal: rule nothing of table book is there, and should not be"],
    ),
    "what is computed before rows are read, and a cast of rows": (
        "DROP INDEX disputes.dispute_queue; DROP INDEX contacts.contact_open;"
        " CREATE INDEX contact_open ON contacts.contact (book, position) WHERE ended_at IS NOT NULL;"
        " CREATE INDEX more ON invoices.payment (amount) WHERE amount > 0;"
        " CREATE STATISTICS invoices.odd ON (amount % 2) FROM invoices.payment;"
        " CREATE CAST (journal.book AS text) WITH INOUT",
        ["contacts: index contact_open of table contact has the definition CREATE INDEX",
         "disputes: index dispute_queue of table dispute is not there",
         "invoices: index more of table payment is there, and should not be",
         "invoices: statistics odd of table payment is there, and should not be",
         "journal: cast from book to text is there, and should not be"],
    ),
    "what should not be there": (
        "CREATE TABLE contacts.more (n int); CREATE FUNCTION contacts.answer() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        " CREATE DOMAIN contacts.amount AS bigint;"
        " CREATE OPERATOR contacts.+ (FUNCTION = int8mul, LEFTARG = bigint, RIGHTARG = bigint)",
        ["contacts: column n of table more is there, and should not be",
         "contacts: function answer() is there, and should not be",
         "contacts: operator contacts.+(bigint,bigint) is there, and should not be",
         "contacts: table more is there, and should not be",
         "contacts: type amount is there, and should not be"],
    ),
    "what should be there": (
        "DROP FUNCTION dunning.overdue",
        ["dunning: function overdue(of_book text, as_of date) is not there"],
    ),
    "the log, as auditors see it": (
        """DO $do$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW audit.event WITH (security_barrier) AS '
            || rtrim(pg_get_viewdef('audit.event'::regclass), ';') || ' AND position <> 9'; END $do$;
            ALTER VIEW audit.head RESET (security_barrier)""",
        ["audit: view event has the definition …", "audit: view head has the options none, it should have security_barrier=true"],
    ),
}  # fmt: skip


def test_what_the_program_made_is_as_it_makes_it(made: str) -> None:
    check = checked(made)
    assert (check.findings, check.passed, check.count > 1000) == ([], True, True)
    with connect(made) as connection:
        row = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%@%'").fetchone()
    assert row == (0,)


@pytest.mark.parametrize("name", EDITS)
def test_what_was_defined_anew_is_named_with_what_it_should_be(made: str, name: str) -> None:
    edit, expected = EDITS[name]
    as_superuser(made, edit)
    said = sorted(finding.said for finding in checked(made).findings)
    assert len(said) == len(expected), said
    starts = sorted(expected)
    assert [text[: len(start)] for text, start in zip(said, starts, strict=True)] == starts


def test_what_a_dump_restores_is_as_the_program_makes_it(made: str) -> None:
    """A dump has views and functions made again from their own text, with their schemas named."""
    kinds = "SELECT c.oid::regclass::text, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relkind = 'v'"
    schemas = ["audit", *(model.name for model in READ_MODELS)]
    with psycopg.connect(made) as boss:
        boss.execute("SET search_path = ''")
        where = " AND c.relnamespace::regnamespace::text = ANY (%s)"
        views = boss.execute((kinds + where).encode(), (schemas,)).fetchall()
        routines = (
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.prokind = 'f'"
            " AND p.pronamespace::regnamespace::text = ANY (%s)"
        )
        functions = boss.execute(routines.encode(), (schemas,)).fetchall()
        assert (len(views) > 30, len(functions) > 10) == (True, True)
        for name, definition in views:
            boss.execute(f"CREATE OR REPLACE VIEW {name} {_options(boss, name)} AS {definition}".encode())
        for (definition,) in functions:
            boss.execute(definition.encode())
    assert checked(made).findings == []


def _options(connection: psycopg.Connection, view: str) -> str:
    row = connection.execute(
        "SELECT array_to_string(c.reloptions, ', ') FROM pg_class c WHERE c.oid = %s::regclass", (view,)
    ).fetchone()
    return f"WITH ({row[0]})" if row and row[0] else ""


def test_the_command_names_it(database: str) -> None:
    fill(database, 20)
    assert run(database, "rebuild").code == 0
    assert run(database, "verify", "--book", "main").code == 0
    as_superuser(database, EDITS["two columns that change names"][0])
    ran = run(database, "verify", "--book", "main")
    assert ran.code == 5
    assert b"definitions: invoices: column tax of table invoice has the definition bigint NOT NULL" in ran.out


def test_what_cannot_be_made_is_said(made: str) -> None:
    as_superuser(made, "DROP FUNCTION ledger.keep_books_apart")
    assert [finding.said for finding in checked(made).findings] == [
        "what should be there cannot be made: function ledger.keep_books_apart(unknown) does not exist"
    ]
