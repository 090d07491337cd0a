"""A new master key: services go on, and nothing is lost, wherever it is cut off."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.vault.known import NAME, SECRET, open_customers

from ledger.database import connect
from ledger.errors import ConfigurationError, IntegrityError, Unavailable
from ledger.vault import Vault
from ledger.vault import master as masters
from ledger.vault.master import MasterKey, read_master, rotate_master
from ledger.vault.vault import ROLE

CUSTOMERS = tuple(f"c-{number}" for number in range(7))
COMING = tuple(f"d-{number}" for number in range(20))


@pytest.fixture
def path(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a vault in which each customer has a name; gives its key file."""
    monkeypatch.setattr(masters, "PAGE_KEYS", 3)
    open_customers(database, *CUSTOMERS, *COMING)
    path = tmp_path / "vault-key"
    with closing(Vault(database, path)) as vault:
        for customer in CUSTOMERS:
            vault.put("b", customer, {NAME: customer.encode()})
    return path


def rotate(database: str, path: Path) -> MasterKey:
    """Replace the master key."""
    with connect(database, role=ROLE) as connection:
        return rotate_master(connection, path)


def names(vault: Vault, customers: tuple[str, ...] = CUSTOMERS) -> list[bytes]:
    """Read every customer's name."""
    return [vault.get("b", customer, [NAME])[NAME] for customer in customers]


def names_of(path: Path) -> list[str]:
    """List the files beside the key."""
    return sorted(each.name for each in path.parent.iterdir())


EVERY_NAME = [customer.encode() for customer in CUSTOMERS]


def test_a_running_service_goes_on_under_the_new_key(database: str, path: Path) -> None:
    old = read_master(path)
    with closing(Vault(database, path)) as running:
        assert names(running) == EVERY_NAME
        new = rotate(database, path)
        assert names(running) == EVERY_NAME
        running.put("b", "c-0", {NAME: SECRET})
    assert old is not None
    kept = read_master(path.with_name("vault-key.1"))
    assert kept is not None
    assert kept.id == old.id
    assert read_master(path) is not None
    assert names_of(path) == ["vault-key", "vault-key.1"]
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT customer, wrapped, master FROM vault.key", binary=True).fetchall()
    assert {master for _, _, master in rows} == {new.id}
    assert len(rows) == len(CUSTOMERS)
    with pytest.raises(IntegrityError):
        old.unwrap(rows[0][1], "b", rows[0][0])


@pytest.mark.parametrize("replaced", ["nothing", "the file"])
def test_cut_off_anywhere_it_is_as_before_or_finished_by_the_next_reader(
    database: str, path: Path, monkeypatch: pytest.MonkeyPatch, replaced: str
) -> None:
    if replaced == "nothing":
        monkeypatch.setattr(masters, "PAGE_KEYS", 3)

        def killed(_: int) -> None:
            raise KeyboardInterrupt

        with connect(database, role=ROLE) as connection, pytest.raises(KeyboardInterrupt):
            rotate_master(connection, path, killed)
    else:
        monkeypatch.setattr(masters, "take_over", lambda *_: None)
        rotate(database, path)
        monkeypatch.undo()
    assert names_of(path) == ["vault-key", "vault-key.new"]
    with closing(Vault(database, path)) as vault:
        assert names(vault) == EVERY_NAME
    rotate(database, path)
    with closing(Vault(database, path)) as vault:
        assert names(vault) == EVERY_NAME


def test_customers_who_come_meanwhile_are_wrapped_by_the_new_key(database: str, path: Path) -> None:
    with closing(Vault(database, path)) as vault:

        def put_all() -> None:
            for customer in COMING:
                while True:
                    try:
                        vault.put("b", customer, {NAME: customer.encode()})
                    except Unavailable as error:  # a client does as it is told
                        assert "try again" in str(error)  # noqa: PT017
                    else:
                        break

        putting = threading.Thread(target=put_all)
        putting.start()
        for _ in range(3):
            rotate(database, path)
        putting.join()
        assert names(vault, COMING) == [customer.encode() for customer in COMING]
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT master) FROM vault.key").fetchone()
    assert row == (len(CUSTOMERS) + len(COMING), 1)


def test_without_the_key_in_force_there_is_no_new_one(database: str, path: Path) -> None:
    path.rename(path.with_name("kept"))
    with pytest.raises(ConfigurationError, match="master key is not in"):
        rotate(database, path)
    assert names_of(path) == ["kept"]


def test_a_key_that_was_changed_stops_it_and_changes_nothing(database: str, path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE vault.key SET wrapped = set_byte(wrapped, 20, 0) WHERE customer = 'c-5'")
    with pytest.raises(IntegrityError, match="key b c-5"):
        rotate(database, path)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM vault.master").fetchone() == (1,)
