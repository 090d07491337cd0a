"""Where PostgreSQL is, and what a connection of ours is like."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.database import check_server, configured, connect, describe, reader_pool
from ledger.errors import ConfigurationError


@pytest.mark.parametrize(
    ("environ", "conninfo"),
    [
        ({}, None),
        ({"DATABASE_URL": ""}, None),
        ({"DATABASE_URL": "postgresql://u:p@h:1/d"}, "postgresql://u:p@h:1/d"),
        ({"DATABASE_URL": " postgres://u@h/d\n"}, "postgres://u@h/d"),
        ({"DATABASE_URL": "host=h dbname=d"}, "host=h dbname=d"),
        ({"PGHOST": "h"}, ""),
        ({"PGSERVICE": "s"}, ""),
        ({"PGDATABASE": "d"}, ""),
        ({"PGUSER": "u", "PGPORT": "1"}, None),
        ({"DATABASE_URL": "postgres://u@h/d", "PGHOST": "other"}, "postgres://u@h/d"),
    ],
)
def test_the_environment_names_the_database(environ: dict[str, str], conninfo: str | None) -> None:
    assert configured(environ) == conninfo


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/d", "begins with mysql://, it must begin with postgresql://"),
        ("postgresql+psycopg://u:secret@h/d", "must begin with postgresql://"),
        ("postgresql://u:secret@[h/d", "DATABASE_URL is not understood"),
        ("secret", "DATABASE_URL is not understood"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_without_repeating_it(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured({"DATABASE_URL": url})
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_database_is_described_without_its_password() -> None:
    assert describe("postgresql://u:secret@h:5/d") == "d on h:5"


def test_a_connection_acts_as_the_service_and_says_who_it_is(database: str) -> None:
    with connect(database, application_name="billing-ledger writer", statement_seconds_max=1.5) as connection:
        shown = connection.execute(
            "SELECT current_user, current_setting('application_name'), current_setting('statement_timeout'),"
            " current_setting('timezone'), current_setting('idle_in_transaction_session_timeout')"
        ).fetchone()
        assert shown == ("ledger_service", "billing-ledger writer", "1500ms", "UTC", "1min")
        connection.execute("RESET ALL; RESET ROLE")
        assert connection.execute("SELECT current_user").fetchone() == ("ledger_service",)


def test_options_that_the_address_brings_are_kept(database: str) -> None:
    conninfo = make_conninfo(database, options="-c work_mem=3MB", connect_timeout=3)
    with connect(conninfo) as connection:
        shown = connection.execute("SELECT current_setting('work_mem'), current_user").fetchone()
        assert shown == ("3MB", "ledger_service")


def test_the_readers_pool_acts_as_the_service_too(database: str) -> None:
    async def read() -> object:
        async with reader_pool(database) as pool, pool.connection() as connection:
            return await (await connection.execute("SELECT current_user")).fetchone()

    assert asyncio.run(read()) == ("ledger_service",)


def test_why_no_connection_came_about_is_said_in_words(server: str, database: str) -> None:
    with pytest.raises(ConfigurationError, match="is not migrated yet"):
        connect(database, role="ledger_nobody")
    with pytest.raises(ConfigurationError, match="cannot connect to nowhere on"):
        connect(make_conninfo(server, dbname="nowhere"))


def test_a_login_that_may_not_become_the_service_is_told_what_to_grant(
    database: str, administration: psycopg.Connection
) -> None:
    administration.execute("DROP ROLE IF EXISTS ledger_test_stranger")
    administration.execute("CREATE ROLE ledger_test_stranger LOGIN PASSWORD 'stranger'")
    try:
        with pytest.raises(ConfigurationError, match="GRANT ledger_service TO"):
            connect(make_conninfo(database, user="ledger_test_stranger", password="stranger"))
    finally:
        administration.execute("DROP ROLE ledger_test_stranger")


def test_the_server_of_these_tests_is_one_that_we_accept(database: str) -> None:
    with connect(database) as connection:
        check_server(connection)
