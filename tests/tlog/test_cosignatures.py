"""When a witness may have signed: not before there was the checkpoint, and not at a time still to come."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.tlog.test_signing import BOOK, ORIGIN, as_superuser, connection, fill, key
from tests.tlog.test_witness import SECONDS, WITNESS_KEY, _Handler, witness

from ledger.database import connect
from ledger.errors import LedgerError
from ledger.tlog import signing
from ledger.tlog.checkpoint import cosign
from ledger.tlog.note import COSIGNATURE, Line, Verifier, read_note
from ledger.tlog.tree import Connection
from ledger.tlog.witness import Witness, add_checkpoint
from ledger.verify.book import verify_book

__all__ = ["connection", "key", "witness"]


def store(database: str, line: Line, seconds: int) -> None:
    """Store a cosignature of the first five events as of that time, whatever it says."""
    verifier = Verifier("witness.example", COSIGNATURE, WITNESS_KEY.public_key().public_bytes_raw())
    with connect(database, role=None) as boss:
        boss.execute(
            "INSERT INTO ledger.cosignature (book, size, witness, line, seen_at)"
            " VALUES (%s, 5, %s, %s, to_timestamp(%s))",
            (BOOK, str(verifier), str(line), seconds),
        )


def named(database: str) -> list[str]:
    """Give all that a verification finds."""
    report = verify_book(database, BOOK, processes=1)
    return [finding.said for check in report.checks for finding in check.findings]


@pytest.mark.parametrize(
    ("seconds", "stored", "said"),
    [
        (0, 0, "is of 1970-01-01T00:00:00+00:00, before there was the checkpoint, from 20"),
        (1, 1, "is of 1970-01-01T00:00:01+00:00, before there was the checkpoint, from 20"),
        (SECONDS, SECONDS, "is of 2023-11-14T22:13:20+00:00, before there was the checkpoint, from 20"),
        (4_102_444_800, 4_102_444_800, "is of 2100-01-01T00:00:00+00:00, which is still to come"),
        (None, SECONDS, "is stored as of 2023-11-14T22:13:20+00:00, it says 20"),
    ],
)
def test_a_cosignature_of_a_time_at_which_nobody_can_have_signed_is_named(
    database: str, connection: Connection, key: Ed25519PrivateKey, seconds: int | None, stored: int, said: str
) -> None:
    """Signed by the witness, and stored by somebody else: we would have refused it."""
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    text = read_note(signed.note.encode()).text
    line = cosign(text, "witness.example", WITNESS_KEY, int(time.time()) if seconds is None else seconds)
    store(database, line, stored)
    (found,) = named(database)
    assert found.startswith(f"the cosignature at 5 of witness.example {said}")


@pytest.mark.parametrize(("by", "said"), [(-60, "before there was"), (60, "still to come")])
def test_a_clock_that_is_off_by_a_minute_is_believed_by_nobody(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness, by: int, said: str
) -> None:
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    _Handler.clock = lambda: time.time() + by
    with pytest.raises(LedgerError, match=said):
        add_checkpoint(connection, BOOK, signed, witness)
    seconds = int(time.time()) + by
    store(
        database,
        cosign(read_note(signed.note.encode()).text, witness.key.name, WITNESS_KEY, seconds),
        seconds,
    )
    (found,) = named(database)
    assert said in found


def test_a_cosignature_from_before_another_key_signed_the_same_holds(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness, tmp_path: Path
) -> None:
    fill(database, 5)
    first = signing.sign_head(connection, BOOK, ORIGIN, key)
    as_superuser(database, "UPDATE ledger.checkpoint SET signed_at = signed_at - interval '1 hour'")
    signing.sign_head(connection, BOOK, ORIGIN, signing.rotate_key(connection, tmp_path / "log-key.pem"))
    _Handler.clock = lambda: time.time() - 1_800
    assert add_checkpoint(connection, BOOK, first, witness).witness == witness.key
    assert named(database) == []
