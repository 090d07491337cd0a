"""What somebody who may do anything to the database can do, and what verifying says of it."""

from __future__ import annotations

from pathlib import Path

import orjson
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier
from tests.api.command import run
from tests.projections.running import folded, projecting, until
from tests.tlog.test_signing import BOOK, ORIGIN, as_superuser, connection, fill, key

from ledger.database import connect
from ledger.decider import read_event
from ledger.event import encode_canonical
from ledger.log import merkle
from ledger.log.store import Row, row_of
from ledger.tlog import signing
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.tree import Connection
from ledger.verify.book import Report, verify_book

__all__ = ["connection", "key"]

EVENTS = 600


@pytest.fixture
def kept(database: str, connection: Connection, key: Ed25519PrivateKey) -> Checkpoint:
    """Fill a book, sign it, and keep the checkpoint outside of the database."""
    fill(database, EVENTS)
    return signing.sign_head(connection, BOOK, ORIGIN, key).checkpoint


def found(report: Report) -> dict[str, str]:
    """Give the first finding of each check that found something."""
    return {check.name: check.findings[0].said for check in report.checks if not check.passed}


def test_a_clean_book_is_clean(database: str, kept: Checkpoint) -> None:
    told: list[int] = []
    report = verify_book(database, BOOK, [kept], processes=2, advance=told.append)
    assert found(report) == {}
    assert report.passed
    assert (
        sum(told) == 2 * EVENTS - 1
    )  # leaves; then columns and invariants, of which the book itself has none
    assert (report.position, report.root, report.first_position) == (EVENTS, kept.root, None)
    counts = {check.name: check.count for check in report.checks}
    assert counts == {
        "leaves": EVENTS, "head": 1, "tiles": 2, "checkpoints": 1, "cosignatures": 0, "outside": 1, "columns": EVENTS,
        "streams": EVENTS, "numbers": 0, "invariants": EVENTS - 1, "snapshots": 1, "access": 0, "guards": 1,
    }  # fmt: skip


EVENT = "ledger.event"
TAMPERS = {
    "a byte of the stored bytes": (
        f"UPDATE {EVENT} SET state = overlay(state placing '8'::bytea from position('\"net\":'::bytea in state) + 6)"
        " WHERE position = 99",
        99, {"leaves": "the bytes at position 99 hash to", "columns": "position 99: column "},
    ),
    "the bytes and their leaf": (
        f"UPDATE {EVENT} SET state = replace_net(state, 98), leaf = sha256('\\x00'::bytea || replace_net(state, 98))"
        " WHERE position = 99",
        99, {"head": "the head at 600 has the root", "outside": "the checkpoint kept outside at 600 has the root"},
    ),
    "a typed column": (
        f"UPDATE {EVENT} SET amount = amount + 1 WHERE position = 300",
        300, {"columns": "position 300: column amount is 301, the bytes say 300"},
    ),
    "who did it": (
        f"UPDATE {EVENT} SET principal = 'nobody' WHERE position = 7",
        7, {"columns": "position 7: column principal is 'nobody', the bytes say 'test'"},
    ),
    "a row taken out": (
        f"DELETE FROM {EVENT} WHERE position = 256",
        256, {"leaves": "position 256 is missing", "streams": "stream customer/c has 598 events and versions up to 599"},
    ),
    "the tail cut off": (
        f"DELETE FROM {EVENT} WHERE position > 590",
        591, {"leaves": "position 591 is missing", "head": "the head at 600 has the root"},
    ),
    "the tail cut off, and the head with it": (
        f"DELETE FROM {EVENT} WHERE position > 512;"
        " UPDATE ledger.head SET position = 512, frontier = substr(frontier, 1, 32)",
        513, {"outside": "the checkpoint kept outside at 600 is behind the end of the log at 512",
              "checkpoints": "the checkpoint signed at 600 is behind the end of the log at 512"},
    ),
    "how a customer was opened": (
        f"DELETE FROM {EVENT} WHERE position = 2",
        2, {"leaves": "position 2 is missing", "invariants": "customer c has events but was never opened"},
    ),
    "how the book was opened": (
        f"DELETE FROM {EVENT} WHERE position = 1",
        1, {"leaves": "position 1 is missing", "numbers": "the book has events but was never opened"},
    ),
    "a row put in behind the head": (
        f"INSERT INTO {EVENT} SELECT book, 601, stream, 600, type, source, 'x', customer, invoice, currency, amount,"
        f" occurred_at, recorded_at, principal, 601, 1, state, leaf FROM {EVENT} WHERE position = 600",
        601, {"head": "position 601 is behind the head at 600"},
    ),
    "a row put in once more": (
        f"ALTER TABLE {EVENT} DROP CONSTRAINT event_pkey CASCADE,"
        " DROP CONSTRAINT event_stream_version, DROP CONSTRAINT event_source_id;"
        f" CREATE INDEX ON {EVENT} (book, position);"
        f" INSERT INTO {EVENT} SELECT * FROM {EVENT} WHERE position = 300",
        300, {"leaves": "position 300 is there 2 times", "streams": "stream customer/c has 600 events and versions up to 599"},
    ),
    "two rows changed places": (
        f"UPDATE {EVENT} SET position = -position WHERE position IN (40, 41);"
        f" UPDATE {EVENT} SET position = 81 + position WHERE position < 0",
        40, {"columns": "position 40: column position is 40, the bytes say 41", "head": "the head at 600 has the root",
             "streams": "stream customer/c has"},
    ),
    "a tile": (
        "UPDATE ledger.tile_hash SET hash = sha256('x') WHERE level = 1 AND number = 1",
        None, {"tiles": "tile hash 1 of level 1 is"},
    ),
    "a tile behind the end": (
        "INSERT INTO ledger.tile_hash SELECT book, level, 2, hash FROM ledger.tile_hash WHERE number = 1",
        None, {"tiles": "tile hash 2 of level 1 is"},
    ),
    "a tile taken out": (
        "DELETE FROM ledger.tile_hash WHERE level = 1 AND number = 0",
        None, {"tiles": "tile hash 0 of level 1 missing"},
    ),
    "the last tiles taken out": (
        "TRUNCATE ledger.tile_hash", None, {"tiles": "tile hashes 0 to 1 of level 1 missing"},
    ),
    "the root beside a checkpoint": (
        "UPDATE ledger.checkpoint SET root = sha256('x')",
        None, {"checkpoints": "the checkpoint at 600 with the root 2d711642"},
    ),
    "the time of the head": (
        "UPDATE ledger.head SET recorded_at = recorded_at - interval '1 year'",
        600, {"head": "the head at 600 was moved"},
    ),
    "a snapshot": (
        "UPDATE ledger.snapshot SET state = set_byte(state, 10, get_byte(state, 10) # 1)",
        None, {"snapshots": "the snapshot of customer/c at version 599 is not what its events come to"},
    ),
    "a snapshot of what is to come": (
        "UPDATE ledger.snapshot SET version = 600",
        None, {"snapshots": "there is a snapshot of customer/c at version 600, which the log does not have"},
    ),
    "a checkpoint": (
        "UPDATE ledger.checkpoint SET note = replace(note, E'\\n600\\n', E'\\n599\\n')",
        None, {"checkpoints": "the checkpoint at 600 does not hold: the signature of"},
    ),
    "the frontier": (
        "UPDATE ledger.head SET frontier = sha256('x') || substr(frontier, 33)",
        None, {"head": "the head at 600 has the root"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERS)
def test_what_is_changed_behind_our_back_is_named(database: str, kept: Checkpoint, name: str) -> None:
    change, position, expected = TAMPERS[name]
    as_superuser(database, _with_function(change))
    report = verify_book(database, BOOK, [kept], processes=1)
    said = found(report)
    assert {check: said.get(check, "")[: len(start)] for check, start in expected.items()} == expected
    assert report.first_position == position
    assert not report.passed


def test_what_the_book_itself_says_has_to_be_read(database: str) -> None:
    fill(database, 5)
    as_superuser(database, f"UPDATE {EVENT} SET state = 'no JSON' WHERE position = 1")
    (numbers,) = [each for each in verify_book(database, BOOK, processes=1).checks if each.name == "numbers"]
    opened, read = [finding.said for finding in numbers.findings]
    assert opened == "the book has events but was never opened"
    assert read.startswith("an event of the book itself cannot be read: ")


def _with_function(change: str) -> str:
    """Give SQL a way to write another net into the bytes of a charge."""
    return f"""
        ALTER TABLE {EVENT} DROP CONSTRAINT event_position_check;
        CREATE FUNCTION replace_net(state bytea, net int) RETURNS bytea LANGUAGE sql AS $$
            SELECT convert_to(regexp_replace(convert_from(state, 'UTF8'), '"net":\\d+', '"net":' || net), 'UTF8')
        $$;
        {change}
    """


def test_a_history_rewritten_with_all_its_hashes_shows_by_what_was_kept_outside(
    database: str, kept: Checkpoint
) -> None:
    """One amount changed, and then all that lies in the database made to agree: leaves, columns, tiles and head."""
    columns = ", ".join(Row._fields)
    with psycopg.connect(database, options="-c timezone=UTC") as boss:
        for table in ("event", "head", "tile_hash", "checkpoint"):
            boss.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL".encode())
        rows = boss.execute(f"SELECT {columns} FROM {EVENT} ORDER BY position".encode()).fetchall()
        leaves = []
        for values in rows:
            row = Row(*values)
            if row.position == 500:
                state = row.state.replace(b'"net":500', b'"net":400')
                assert state != row.state
                row = row_of(read_event(state))
                assert encode_canonical(read_event(state)) == state
                boss.execute(
                    f"UPDATE {EVENT} SET state = %s, leaf = %s, amount = 400 WHERE position = 500".encode(),
                    (row.state, row.leaf),
                )
            leaves.append(row.leaf)
        frontier = merkle.extend([], 0, leaves)
        boss.execute("UPDATE ledger.head SET frontier = %s", (merkle.pack(frontier),))
        tile = merkle.root(merkle.extend([], 0, leaves[256:512]))
        boss.execute("UPDATE ledger.tile_hash SET hash = %s WHERE number = 1", (tile,))
        boss.execute("DELETE FROM ledger.checkpoint")
    assert list(found(verify_book(database, BOOK, processes=1))) == ["snapshots", "guards"]
    as_superuser(database, "DELETE FROM ledger.snapshot")
    assert found(verify_book(database, BOOK, processes=1)) == {}
    report = verify_book(database, BOOK, [kept], processes=1)
    assert list(found(report)) == ["outside"]
    assert found(report)["outside"].startswith("the checkpoint kept outside at 600 has the root")


def test_the_command_says_it_in_a_table_and_by_its_exit_code(
    database: str, kept: Checkpoint, connection: Connection, tmp_path: Path
) -> None:
    with projecting(database):
        until(lambda: folded(database, BOOK, EVENTS))
    note = tmp_path / "checkpoint"
    latest = signing.latest(connection, BOOK)
    assert latest is not None
    note.write_text(latest.note)
    public = str(signing.verifiers(connection, ORIGIN)[0])
    ran = run(database, "verify", "--book", BOOK, "--checkpoint", note, "--key", public, "--json")
    told = orjson.loads(ran.out)
    assert (ran.code, told["passed"], told["position"], told["root"]) == (0, True, 600, kept.root.hex())
    assert (told["result"], {each["result"] for each in told["checks"]}) == ("passed", {"passed"})
    as_superuser(database, f"UPDATE {EVENT} SET amount = 1 WHERE position = 9")
    ran = run(database, "verify", "--book", BOOK, "--checkpoint", note)
    assert ran.code == 5
    assert b"columns: position 9: column amount is 1, the bytes say 9" in ran.out
    assert b"NOT as it was recorded" in ran.out
    note.write_text(latest.note.replace("600", "601"))
    assert run(database, "verify", "--book", BOOK, "--checkpoint", note, "--key", public).code == 4
    assert run(database, "verify", "--book", "nowhere").code == 4


@pytest.mark.parametrize("time", ["infinity", "10000-01-01 00:00:00+00", "0001-01-01 00:00:00+00 BC"])
def test_a_time_that_no_event_has_is_named(database: str, time: str) -> None:
    fill(database, 20)
    as_superuser(database, f"UPDATE {EVENT} SET occurred_at = '{time}' WHERE position = 9")
    ran = run(database, "verify", "--book", BOOK)
    assert ran.code == 5
    assert f"position 9 occurred at {time} and was recorded at " in ran.err


def test_a_key_that_was_replaced_signs_nothing_that_was_kept(database: str, kept: Checkpoint) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    as_superuser(
        database,
        "ALTER TABLE ledger.checkpoint DISABLE TRIGGER ALL; ALTER TABLE ledger.log_key DISABLE TRIGGER ALL;"
        f"UPDATE ledger.log_key SET public_key = '\\x{other}'; UPDATE ledger.checkpoint SET public_key = '\\x{other}'",
    )
    said = found(verify_book(database, BOOK, [kept], processes=1))
    assert said["checkpoints"].startswith("the checkpoint at 600 does not hold:")


def test_an_old_backup_in_place_of_the_book_shows_by_what_was_kept_outside(
    database: str, administration: psycopg.Connection, connection: Connection, key: Ed25519PrivateKey
) -> None:
    """A copy of the whole database, files and all, from before the last events."""
    fill(database, 300)
    signing.sign_head(connection, BOOK, ORIGIN, key)
    connection.close()
    name = str(conninfo_to_dict(database)["dbname"])
    backup = f"{name}_backup"
    copied = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(backup), Identifier(name))
    administration.execute(copied)
    try:
        fill(database, EVENTS)
        with connect(database) as again:
            kept = signing.sign_head(again, BOOK, ORIGIN, key).checkpoint
        restored = make_conninfo(database, dbname=backup)
        assert found(verify_book(restored, BOOK, processes=1)) == {}
        report = verify_book(restored, BOOK, [kept], processes=1)
        assert found(report) == {
            "outside": f"the checkpoint kept outside at {EVENTS} is behind the end of the log at 300"
        }
        assert report.first_position == 301
    finally:
        administration.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(backup)))
