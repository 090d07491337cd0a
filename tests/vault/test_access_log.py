"""The access log: a chain that shows what was changed, whoever appends at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager

import msgspec
import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger import access_log
from ledger.access_log import FIRST, AccessLog, Connection, Look, append, next_hash
from ledger.database import connect
from ledger.errors import Unavailable
from ledger.verify.looks import check_looks


def look(number: int = 1, book: str = "main", customer: str | None = "alice") -> Look:
    """Somebody looks."""
    return Look(
        book=book, customer=customer, key="key_1", method="GET", path=f"/v1/{number}", principal="ann",
        reason="a call", request=f"r{number}", role="agent",
    )  # fmt: skip


@pytest.fixture
def vault(database: str) -> Iterator[Connection]:
    """Connect in the role that appends."""
    with connect(database, role="ledger_vault") as connection:
        yield connection


def findings(database: str, book: str = "main") -> list[str]:
    """Verify, and give what is wrong."""
    with connect(database, role="ledger_verifier") as connection:
        return [finding.said for finding in check_looks(connection, book).findings]


def test_looks_are_numbered_and_chained_book_by_book(database: str, vault: Connection) -> None:
    append(vault, [look(1), look(2, "other", None), look(3)])
    append(vault, [look(4), look(5, "other")])
    assert [findings(database, book) for book in ("main", "other", "none")] == [[], [], []]
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT book, number, customer FROM ledger.access ORDER BY 1, 2").fetchall()
    assert rows == [
        ("main", 1, "alice"), ("main", 2, "alice"), ("main", 3, "alice"),
        ("other", 1, None), ("other", 2, "alice"),
    ]  # fmt: skip


def test_of_each_look_recorded_together_it_is_kept_whom_it_was_at(database: str, vault: Connection) -> None:
    append(vault, [look(1), look(2, customer="bob"), look(3, customer=None)])
    assert findings(database) == []


def test_an_entry_from_before_its_query_was_recorded_holds(database: str) -> None:
    raw = (
        b'{"at":"2026-03-01T12:00:00Z","book":"main","customer":"alice","key":"key_1","method":"GET","number":1,'
        b'"path":"/v1/1","principal":"ann","reason":null,"request":"r1","role":"agent"}'
    )
    values = (msgspec.json.decode(raw)["at"], raw, next_hash(FIRST, raw))
    with psycopg.connect(database) as superuser:
        superuser.execute("INSERT INTO ledger.access VALUES ('main', 1, %s, 'ann', 'alice', %s, %s)", values)
        superuser.execute("INSERT INTO ledger.access_head VALUES ('main', 1, %s)", values[2:])
    assert findings(database) == []


TAMPERS = {
    "an entry is changed": (
        "UPDATE ledger.access SET entry = replace_text(entry, 'a call', 'a caII') WHERE number = 2",
        ["entry 2 of the access log hashes to"],
    ),
    "an entry and its hash are changed": (
        "UPDATE ledger.access SET hash = sha256('x') WHERE number = 2",
        ["entry 2 of the access log hashes to", "entry 3 of the access log hashes to"],
    ),
    "a column is changed": (
        "UPDATE ledger.access SET principal = 'bob' WHERE number = 3",
        ["the columns of entry 3 of the access log are not what it says"],
    ),
    "whom somebody looked at is changed": (
        "UPDATE ledger.access SET customer = 'bob' WHERE number = 3",
        ["the columns of entry 3 of the access log are not what it says"],
    ),
    "when somebody looked is changed": (
        "UPDATE ledger.access SET looked_at = looked_at - interval '1 day' WHERE number = 3",
        ["the columns of entry 3 of the access log are not what it says"],
    ),
    "an entry is taken out": (
        "DELETE FROM ledger.access WHERE number = 2",
        ["entry 2 of the access log is missing", "entry 3 of the access log hashes to"],
    ),
    "the end is cut off": (
        "DELETE FROM ledger.access WHERE number > 2",
        ["the access log ends with entry 2, but 4 are said to be there"],
    ),
    "the last entry and its hash are changed": (
        "UPDATE ledger.access AS a SET entry = replace_text(a.entry, 'a call', 'a caII'),"
        " hash = sha256(b.hash || replace_text(a.entry, 'a call', 'a caII'))"
        " FROM ledger.access AS b WHERE a.number = 4 AND b.number = 3",
        ["the access log ends with entry 4, but 4 are said to be there"],
    ),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_what_is_changed_behind_our_back_is_named(database: str, vault: Connection, name: str) -> None:
    append(vault, [look(number) for number in range(1, 5)])
    change, expected = TAMPERS[name]
    with psycopg.connect(database) as superuser:
        superuser.execute(
            "CREATE FUNCTION replace_text(bytea, text, text) RETURNS bytea LANGUAGE sql AS"
            " $$ SELECT convert_to(replace(convert_from($1, 'UTF8'), $2, $3), 'UTF8') $$"
        )
        superuser.execute("ALTER TABLE ledger.access DISABLE TRIGGER ALL")
        superuser.execute(change.encode())
    said = findings(database)
    assert [one[: len(start)] for one, start in zip(said, expected, strict=True)] == expected


def test_an_access_log_that_is_given_to_another_book_is_named(database: str, vault: Connection) -> None:
    """Its chain holds there as well as it did."""
    append(vault, [look(1), look(2)])
    with psycopg.connect(database) as superuser:
        superuser.execute(
            "ALTER TABLE ledger.access DISABLE TRIGGER ALL;"
            " ALTER TABLE ledger.access_head DISABLE TRIGGER ALL; UPDATE ledger.access SET book = 'other';"
            " UPDATE ledger.access_head SET book = 'other'"
        )
    assert findings(database, "other") == [
        f"the columns of entry {number} of the access log are not what it says" for number in (1, 2)
    ]


@pytest.mark.parametrize("role", ["ledger_vault", "ledger_owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.access SET customer = 'bob'",
        "DELETE FROM ledger.access",
        "TRUNCATE ledger.access",
        "DELETE FROM ledger.access_head",
        "UPDATE ledger.access_head SET number = 1",
    ],
)
def test_nothing_of_it_is_ever_changed(database: str, vault: Connection, role: str, statement: str) -> None:
    append(vault, [look(1), look(2)])
    with (
        connect(database, role=role) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "role",
    [
        "ledger_service",
        "ledger_writer",
        "ledger_projector",
        "ledger_finance",
        "ledger_vault",
        "ledger_auditor",
    ],
)
def test_nobody_but_the_verifier_reads_all_of_it(database: str, role: str) -> None:
    with (
        connect(database, role=role) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM ledger.access")


def test_the_auditor_only_reads_it(database: str) -> None:
    with (
        connect(database, role="ledger_auditor") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("INSERT INTO ledger.access_head VALUES ('b', 1, sha256('x'))")


def test_what_comes_together_is_recorded_together_and_answered_after(database: str) -> None:
    @contextmanager
    def borrowed() -> Iterator[psycopg.Connection[TupleRow]]:
        with connect(database, role="ledger_vault") as connection:
            yield connection

    done: list[Future[None]] = []
    with AccessLog(borrowed) as first, AccessLog(borrowed) as second:
        threads = [
            threading.Thread(target=lambda log=log: done.extend(log.record(look(n)) for n in range(50)))
            for log in (first, second, first, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for future in done:
            future.result(20)
    assert findings(database) == []
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT number FROM ledger.access_head").fetchone() == (200,)


def gone() -> AbstractContextManager[Connection]:
    """Lend no connection."""
    raise Unavailable("the database is away")


def test_a_look_that_cannot_be_recorded_is_told_so() -> None:
    with AccessLog(gone) as log:
        for _ in range(2):
            with pytest.raises(Unavailable, match="is away"):
                log.record(look()).result(10)
        assert log.alive


def test_no_more_looks_wait_to_be_recorded_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "WAITING_MAX", 2)
    log = AccessLog(gone)
    for number in range(2):
        log.record(look(number))
    with pytest.raises(Unavailable, match="too many looks wait"):
        log.record(look(3))
