"""Erasing: the event first, then the data, whoever is killed in between and whoever puts meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.vault.known import NAME, NOTE, SECRET, ask_to_erase, open_customers

from ledger.errors import Unavailable
from ledger.vault import Erased, Vault


@pytest.fixture
def vault(database: str, tmp_path: Path) -> Iterator[Vault]:
    """Open a vault that keeps something of alice and bob."""
    open_customers(database, "alice", "bob")
    with closing(Vault(database, tmp_path / "vault-key")) as opened:
        for customer in ("alice", "bob"):
            opened.put("b", customer, {NAME: SECRET, NOTE: b"likes tea"})
        yield opened


def kept(database: str) -> list[tuple[str, int]]:
    """Say of whom there is a key, and how many records."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT k.customer, (SELECT count(*) FROM vault.record r WHERE r.customer = k.customer)"
            " FROM vault.key k ORDER BY 1"
        ).fetchall()


def erasures(database: str) -> list[tuple[str, int, int]]:
    """Say who was erased, asked for where, and how many records went."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT customer, position, records FROM vault.erasure ORDER BY position"
        ).fetchall()


def test_from_the_event_on_nobody_reads_or_puts_and_then_it_is_gone(database: str, vault: Vault) -> None:
    ask_to_erase(database, "alice", 3)
    for _ in range(2):
        with pytest.raises(Erased):
            vault.get("b", "alice", [NAME])
        with pytest.raises(Erased):
            vault.put("b", "alice", {NAME: SECRET})
        vault.erase_pending()
    assert kept(database) == [("bob", 2)]
    assert erasures(database) == [("alice", 3, 2)]
    assert vault.get("b", "bob", [NAME]) == {NAME: SECRET}


def test_erasing_needs_no_master_key(database: str, vault: Vault, tmp_path: Path) -> None:
    ask_to_erase(database, "alice", 3)
    with closing(Vault(database, tmp_path / "another")) as another:
        assert another.erase_pending() == 1
        with pytest.raises(Unavailable):
            another.get("b", "bob", [NAME])
    assert kept(database) == [("bob", 2)]
    assert vault.erase_pending() == 0


def test_somebody_of_whom_nothing_is_kept_is_erased_too(database: str, vault: Vault) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM vault.record; DELETE FROM vault.key")
    ask_to_erase(database, "bob", 3)
    assert vault.erase_pending() == 1
    assert erasures(database) == [("bob", 3, 0)]


def test_what_is_being_put_when_the_erasure_comes_goes_too(database: str, vault: Vault) -> None:
    """Who puts holds the customer: the erasure waits, and takes along what was put meanwhile."""
    with psycopg.connect(database) as slow:
        slow.execute("LOCK TABLE vault.record IN SHARE MODE")  # the put gets as far as its last step
        putting = threading.Thread(target=vault.put, args=("b", "alice", {"person.phone": b"70 10 10 10"}))
        putting.start()
        wait_for(database, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        ask_to_erase(database, "alice", 3)
        erasing = threading.Thread(target=vault.erase_pending)
        erasing.start()
        wait_for(database, "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    putting.join(10)
    erasing.join(10)
    assert kept(database) == [("bob", 2)]
    assert erasures(database) == [("alice", 3, 3)]


def test_an_erasure_that_is_cut_off_is_done_by_the_next(database: str, vault: Vault) -> None:
    ask_to_erase(database, "alice", 3)
    ask_to_erase(database, "bob", 4)
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("BEGIN; LOCK TABLE vault.erasure IN SHARE MODE")  # it deletes and cannot say so
        failed: list[Unavailable] = []
        erasing = threading.Thread(target=catch, args=(vault, failed))
        erasing.start()
        wait_for(database, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        erasing.join(10)
        other.execute("ROLLBACK")
    assert len(failed) == 1
    assert kept(database) == [("alice", 2), ("bob", 2)]
    assert vault.erase_pending() == 2
    assert (kept(database), vault.erase_pending()) == ([], 0)
    assert erasures(database) == [("alice", 3, 2), ("bob", 4, 2)]


def test_of_many_erasers_each_erasure_is_done_by_one(database: str, vault: Vault) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("TRUNCATE vault.record, vault.key, vault.code")
    customers = [f"c-{number}" for number in range(40)]
    for number, customer in enumerate(customers):
        ask_to_erase(database, customer, 10 + number)
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.extend(vault.erase_pending() for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    done.append(vault.erase_pending())
    assert [position for _, position, _ in erasures(database)] == [10 + number for number in range(40)]
    assert sum(done) == 40


def catch(vault: Vault, failed: list[Unavailable]) -> None:
    """Erase, and keep how it failed."""
    try:
        vault.erase_pending()
    except Unavailable as error:
        failed.append(error)


def wait_for(database: str, question: str) -> None:
    """Wait until the database answers yes."""
    pause = threading.Event()
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(400):
            if connection.execute(question.encode()).fetchone() == (True,):
                return
            pause.wait(0.025)
    raise AssertionError(f"it never came to {question}")
