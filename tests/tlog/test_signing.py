"""The tree in the database, and what is signed of it: on a real log, written by the real writer."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.sql import SQL, Identifier

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.errors import ConfigurationError, IntegrityError
from ledger.log import merkle
from ledger.log.outcome import Receipt
from ledger.log.writer import Writer
from ledger.message import read_message
from ledger.settings import Settings
from ledger.tlog import proof, signing, tree
from ledger.tlog.checkpoint import open_checkpoint
from ledger.tlog.offline import OfflineProof
from ledger.tlog.tree import Connection

BOOK, ORIGIN = "main", signing.origin_of("ledger.example", "main")
LONG = 66_000
"""More than 256 full tiles, so that there are three levels of them."""


def fill(conninfo: str, upto: int) -> None:
    """Let the log of the book grow to this position."""
    writer = Writer(lambda: connect(conninfo), Settings())
    writer.start()
    head = {"specversion": "1.0", "source": "test", "time": "2026-01-01T00:00:00Z"}
    opening = [
        {**head, "id": "b", "type": "book.opened",
         "data": {"name": "Main", "currency": "EUR", "time_zone": "Europe/Berlin"}},
        {**head, "id": "c", "type": "customer.opened", "subject": "c", "data": {"currency": "EUR"}},
    ]  # fmt: skip
    charges = (
        {**head, "id": str(n), "type": "charge.posted", "subject": "c",
         "data": {"charge": str(n), "service": "s", "currency": "EUR", "net": n}}
        for n in range(3, upto + 1)
    )  # fmt: skip
    messages = [read_message(msgspec.json.encode(each), DECODERS, "test") for each in (*opening, *charges)]
    for at in range(0, len(messages), 2_000):
        last = writer.submit(BOOK, messages[at : at + 2_000]).result()[-1]
    writer.stop()
    assert isinstance(last, Receipt)
    assert last.position == upto


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """Connect as the service does."""
    with connect(database) as opened:
        yield opened


@pytest.fixture
def key(connection: Connection, tmp_path: Path) -> Ed25519PrivateKey:
    """Make the key in force."""
    made = signing.key_in_force(connection, tmp_path / "log-key.pem")
    assert made is not None
    return made


def as_superuser(database: str, statement: str) -> None:
    """Change what is stored behind everybody's back: what guards it is put back as it was."""
    tables = ("event", "head", "tile_hash", "checkpoint", "cosignature")
    with psycopg.connect(database, autocommit=True) as boss:
        for table in tables:
            boss.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL".encode())
        boss.execute(statement.encode())
        for table in tables:
            boss.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER ALL".encode())
        for table, trigger in boss.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgrelid::regclass::text = ANY (%s) AND NOT tgisinternal",
            ([f"ledger.{table}" for table in tables],),
        ).fetchall():
            boss.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}".encode())


def test_a_long_log_is_tiled_signed_and_proven(
    database: str, connection: Connection, key: Ed25519PrivateKey
) -> None:
    fill(database, 700)
    early = signing.sign_head(connection, BOOK, ORIGIN, key)
    fill(database, LONG)
    late = signing.sign_head(connection, BOOK, ORIGIN, key)
    assert (early.checkpoint.size, late.checkpoint.size) == (700, LONG)

    states = tree.entries(connection, BOOK, 0, LONG)
    leaves = [merkle.leaf_hash(state) for state in states]
    assert late.checkpoint.root == merkle.root(merkle.extend([], 0, leaves))
    assert early.checkpoint.root == merkle.root(merkle.extend([], 0, leaves[:700]))
    for level, width in ((0, LONG), (1, LONG >> 8), (2, LONG >> 16)):
        span = 256**level
        hashes = tree.hashes_of(connection, BOOK, level, [(0, width)])
        assert hashes == [
            merkle.root(merkle.extend([], 0, leaves[at : at + span])) for at in range(0, width * span, span)
        ]

    verifier = signing.verifiers(connection, ORIGIN)[0]
    assert open_checkpoint(late.note.encode(), verifier)[0] == late.checkpoint
    path = tree.proof(connection, BOOK, proof.consistency(700, LONG))
    proof.verify_consistency(700, LONG, path, early.checkpoint.root, late.checkpoint.root)
    for index in (0, 255, 256, 699, 700, 65_535, 65_536, LONG - 1):
        path = tree.proof(connection, BOOK, proof.inclusion(index, LONG))
        kept = OfflineProof(index, path, late.note.encode())
        assert kept.verify(merkle.leaf_hash(states[index]), verifier) == late.checkpoint


def test_what_is_signed_is_given_again_until_the_log_grows(
    database: str, connection: Connection, key: Ed25519PrivateKey
) -> None:
    fill(database, 5)
    first = signing.sign_head(connection, BOOK, ORIGIN, key)
    assert signing.sign_head(connection, BOOK, ORIGIN, key) == first
    fill(database, 6)
    second = signing.sign_head(connection, BOOK, ORIGIN, key)
    assert second.checkpoint.size == 6
    assert signing.signed_at(connection, BOOK, 5) == first
    assert signing.latest(connection, BOOK) == second
    with pytest.raises(LookupError):
        signing.sign_head(connection, "nowhere", ORIGIN, key)


def test_what_another_key_signed_last_is_what_was_signed_last(
    database: str, connection: Connection, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    fill(database, 5)
    first = signing.sign_head(connection, BOOK, ORIGIN, key)
    again = signing.sign_head(
        connection, BOOK, ORIGIN, signing.rotate_key(connection, tmp_path / "log-key.pem")
    )
    assert again.note != first.note
    assert signing.latest(connection, BOOK) == signing.signed_at(connection, BOOK, 5) == again


@pytest.mark.parametrize(
    "origin", ["main", "x/v1/books/main2/log", "x/v1/books/main/log/more", "x/v1/books/a-main/log"]
)
def test_an_origin_that_only_looks_like_that_of_a_book_is_not_its_origin(origin: str) -> None:
    assert signing.is_of_book(signing.origin_of("x", "main"), "main")
    assert not signing.is_of_book(origin, "main")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE ledger.event SET leaf = sha256('x') WHERE position = 3", "does not extend"),
        ("UPDATE ledger.head SET position = 4, frontier = substr(frontier, 1, 32)", "ends at 4, but 6"),
        ("DELETE FROM ledger.event WHERE position = 5", "is missing"),
        ("UPDATE ledger.head SET frontier = sha256('x') || substr(frontier, 33)", "does not extend"),
    ],
)
def test_another_history_is_not_signed(
    database: str, connection: Connection, key: Ed25519PrivateKey, change: str, complaint: str
) -> None:
    fill(database, 6)
    signing.sign_head(connection, BOOK, ORIGIN, key)
    fill(database, 7)
    as_superuser(database, change)
    with pytest.raises(IntegrityError, match=complaint):
        signing.sign_head(connection, BOOK, ORIGIN, key)


def test_the_key_stays_in_its_file_and_a_new_one_follows_it(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    fill(database, 3)
    path = tmp_path / "keys" / "log-key.pem"
    first = signing.key_in_force(connection, path)
    assert first is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing.public_keys(connection) == [signing.public(first)]
    old = signing.sign_head(connection, BOOK, ORIGIN, first)

    second = signing.rotate_key(connection, path)
    new = signing.sign_head(connection, BOOK, ORIGIN, second)
    assert signing.public_keys(connection) == [signing.public(second), signing.public(first)]
    in_force, before = signing.verifiers(connection, ORIGIN)
    assert open_checkpoint(new.note.encode(), in_force)[0] == open_checkpoint(old.note.encode(), before)[0]

    path.with_name("log-key.pem.1").replace(path)
    with pytest.raises(ConfigurationError, match="not the one in force"):
        signing.key_in_force(connection, path)
    path.unlink()
    assert signing.key_in_force(connection, path) is None
    path.write_text("nonsense")
    with pytest.raises(ConfigurationError, match="no PEM file"):
        signing.read_key(path)


def test_a_rotation_of_the_key_that_was_cut_off_is_finished_by_the_next_reader(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log-key.pem"
    first = signing.key_in_force(connection, path)
    monkeypatch.setattr(signing, "take_over", lambda *_: None)  # killed: the files are as before
    second = signing.rotate_key(connection, path)
    monkeypatch.undo()
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["log-key.pem", "log-key.pem.new"]

    found = signing.key_in_force(connection, path)
    assert found is not None
    assert first is not None
    assert signing.public(found) == signing.public(second)
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["log-key.pem", "log-key.pem.1"]
    before = signing.read_key(path.with_name("log-key.pem.1"))
    assert before is not None
    assert signing.public(before) == signing.public(first)


def test_rotating_again_after_it_was_cut_off_keeps_the_key_that_was_in_force(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log-key.pem"
    keys = [signing.key_in_force(connection, path)]
    monkeypatch.setattr(signing, "take_over", lambda *_: None)
    keys.append(signing.rotate_key(connection, path))
    monkeypatch.undo()
    keys.append(signing.rotate_key(connection, path))
    kept = [signing.read_key(tmp_path / name) for name in ("log-key.pem.1", "log-key.pem.2", "log-key.pem")]
    assert [key and signing.public(key) for key in kept] == [key and signing.public(key) for key in keys]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("table", ["log_key", "checkpoint", "cosignature", "tile_hash"])
def test_what_is_signed_is_kept_for_ever(database: str, table: str) -> None:
    with psycopg.connect(database, autocommit=True) as boss:
        boss.execute("SET session_replication_role = replica")
        for statement in (SQL("DELETE FROM ledger.{}"), SQL("TRUNCATE ledger.{} CASCADE")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                boss.execute(statement.format(Identifier(table)))
