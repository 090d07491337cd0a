"""The vault: what is put is given back, to whom it belongs, and the database alone opens nothing."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tests.vault.known import NAME, NOTE, SECRET, open_customers

from ledger.database import connect
from ledger.errors import ConfigurationError, IntegrityError, Unavailable
from ledger.vault import NobodyKnown, Vault
from ledger.vault.master import make_master, read_master


@pytest.fixture(scope="module")
def known(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Make a database whose log has the customers alice and bob."""
    with fresh_database() as database:
        open_customers(database, "alice", "bob")
        yield database


@pytest.fixture
def vault(known: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Open the vault of that database, always under the same master key."""
    path = tmp_path_factory.getbasetemp() / "vault-key"
    with closing(Vault(known, path)) as opened:
        yield opened


def test_what_is_put_is_given_back_by_name(vault: Vault) -> None:
    vault.put("b", "alice", {NAME: SECRET, NOTE: b"asked for a discount"})
    assert vault.get("b", "alice", [NAME, NOTE, "note.2"]) == {NAME: SECRET, NOTE: b"asked for a discount"}
    assert vault.get("b", "alice", [NOTE]) == {NOTE: b"asked for a discount"}
    assert vault.get("b", "bob", [NAME]) == {}


def test_a_newer_text_replaces_the_one_before_and_none_keeps_none(vault: Vault) -> None:
    vault.put("b", "alice", {NAME: b"one", NOTE: b"two"})
    vault.put("b", "alice", {NAME: b"three", NOTE: None})
    assert vault.get("b", "alice", [NAME, NOTE]) == {NAME: b"three"}


@pytest.mark.parametrize(("book", "customer"), [("b", "carol"), ("c", "alice")])
def test_nothing_is_kept_of_somebody_whom_the_log_does_not_know(
    vault: Vault, book: str, customer: str
) -> None:
    with pytest.raises(NobodyKnown, match="no customer"):
        vault.put(book, customer, {NAME: SECRET})
    with pytest.raises(NobodyKnown, match="no customer"):
        vault.get(book, customer, [NAME])


@pytest.mark.parametrize(
    "moved",
    [
        "UPDATE vault.record SET name = 'person.phone' WHERE customer = 'alice' AND name = 'person.name'",
        "UPDATE vault.record SET customer = 'bob' WHERE customer = 'alice' AND name = 'person.name'",
        "UPDATE vault.record SET sealed = set_byte(sealed, 14, get_byte(sealed, 14) # 1)",
        "UPDATE vault.record SET sealed = substr(sealed, 1, 8) WHERE customer = 'alice'",
        "UPDATE vault.key SET wrapped = (SELECT wrapped FROM vault.key WHERE customer = 'bob')",
    ],
)
def test_what_was_changed_or_moved_is_not_given(vault: Vault, known: str, moved: str) -> None:
    vault.put("b", "alice", {NAME: SECRET, "person.phone": None})
    vault.put("b", "bob", {NAME: None, NOTE: b"bob's"})
    with psycopg.connect(known) as connection:
        connection.execute(sql.SQL(moved))
        connection.commit()
        with pytest.raises(IntegrityError, match="is not what was sealed"):
            read_both(vault)
        connection.execute("DELETE FROM vault.record")
        connection.execute("DELETE FROM vault.key")


def read_both(vault: Vault) -> None:
    """Read what is kept of both customers."""
    for customer in ("alice", "bob"):
        vault.get("b", customer, [NAME, "person.phone"])


def test_the_same_text_is_never_sealed_the_same(vault: Vault, known: str) -> None:
    for customer in ("alice", "bob", "alice"):
        vault.put("b", customer, {NAME: SECRET, NOTE: SECRET})
    with psycopg.connect(known) as connection:
        rows = connection.execute("SELECT sealed FROM vault.record").fetchall()
        assert len(set(rows)) == len(rows) == 4


def test_the_database_holds_neither_a_text_nor_a_key_in_plain(vault: Vault, known: str) -> None:
    vault.put("b", "alice", {NAME: SECRET})
    with psycopg.connect(known) as connection:
        (key, sealed) = connection.execute(
            "SELECT (SELECT wrapped FROM vault.key WHERE customer = 'alice'), sealed FROM vault.record"
            " WHERE customer = 'alice' AND name = 'person.name'"
        ).fetchone() or (b"", b"")
    assert SECRET not in sealed
    assert len(key) == 12 + 32 + 16
    assert len(sealed) == 12 + len(SECRET) + 16


def test_the_master_key_is_made_once_in_a_file_of_its_owner(database: str, tmp_path: Path) -> None:
    open_customers(database, "alice")
    path = tmp_path / "somewhere" / "vault-key"
    for text in (SECRET, b"again"):
        with closing(Vault(database, path)) as vault:
            vault.open()
            vault.put("b", "alice", {NAME: text})
            assert vault.get("b", "alice", [NAME]) == {NAME: text}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["vault-key"]


def test_without_its_master_key_the_vault_is_closed_and_makes_no_other(database: str, tmp_path: Path) -> None:
    open_customers(database, "alice")
    path = tmp_path / "vault-key"
    with closing(Vault(database, path)) as vault:
        vault.put("b", "alice", {NAME: SECRET})
    path.rename(tmp_path / "kept")
    with closing(Vault(database, path)) as vault:
        with pytest.raises(Unavailable, match="master key is not in"):
            vault.get("b", "alice", [NAME])
        assert not path.exists()
        make_master(path)
        with pytest.raises(Unavailable, match="is not the vault's master key in force"):
            vault.open()
        (tmp_path / "kept").replace(path)
        assert vault.get("b", "alice", [NAME]) == {NAME: SECRET}


@pytest.mark.parametrize(
    "content",
    [b"", b"billing-ledger vault key 1\n", b"x\nAAAA\n", b"billing-ledger vault key 1\n!\n", b"\xff"],
)
def test_a_file_that_is_no_master_key_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vault-key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is no key file of the vault"):
        read_master(path)


def test_a_master_key_does_not_show_itself(tmp_path: Path) -> None:
    master = make_master(tmp_path / "vault-key")
    assert "secret" not in repr(master).lower()
    assert not hasattr(master, "__dict__")


@pytest.mark.parametrize(
    "role",
    [
        "ledger_writer",
        "ledger_projector",
        "ledger_service",
        "ledger_finance",
        "ledger_auditor",
        "ledger_verifier",
    ],
)
@pytest.mark.parametrize("table", ["key", "record", "master", "erasure"])
def test_no_other_role_reaches_the_vault(known: str, role: str, table: str) -> None:
    with (
        connect(known, role=role) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL("SELECT FROM vault.{}").format(sql.Identifier(table)))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT state FROM ledger.event",
        "SELECT * FROM ledger.event",
        "SELECT FROM ledger.api_key",
        "DELETE FROM ledger.event",
        "DELETE FROM vault.erasure",
        "UPDATE vault.key SET customer = 'x'",
        "TRUNCATE vault.key",
        "DROP TABLE vault.key",
        "CREATE TABLE vault.other ()",
    ],
)
def test_the_vault_reaches_nothing_but_itself(known: str, statement: str) -> None:
    with (
        connect(known, role="ledger_vault") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(statement))
