"""A witness over real HTTP: it follows the log, and tells another history from ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.tlog.test_signing import BOOK, ORIGIN, as_superuser, connection, fill, key

from ledger.errors import IntegrityError, LedgerError
from ledger.tlog import proof, signing
from ledger.tlog.checkpoint import Checkpoint, cosign, cosignatures, open_checkpoint
from ledger.tlog.note import COSIGNATURE, Signer, Verifier, read_note
from ledger.tlog.tree import Connection
from ledger.tlog.witness import Witness, add_checkpoint
from ledger.verify.book import verify_book
from ledger.verify.checkpoints import check_cosigned
from ledger.verify.notes import Subject

__all__ = ["connection", "key"]

SECONDS = 1_700_000_000
"""A moment at which a witness may have signed, for tests that sign with its key."""
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)


class _Handler(BaseHTTPRequestHandler):
    """A witness as the specification says, with its memory in the class."""

    log_key: ClassVar[Verifier]
    seen: ClassVar[Checkpoint | None] = None
    spoil: ClassVar[bool] = False
    clock: ClassVar[Callable[[], float]] = time.time

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        head, _, note = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        old = int(first.removeprefix("old "))
        checkpoint, opened = open_checkpoint(note, self.log_key)
        seen = type(self).seen
        if old != (0 if seen is None else seen.size):
            self._answer(409, f"{0 if seen is None else seen.size}\n".encode())
            return
        if seen is not None:
            try:
                hashes = list(proof.read_hashes(lines))
                proof.verify_consistency(seen.size, checkpoint.size, hashes, seen.root, checkpoint.root)
            except proof.BadProof:
                self._answer(422 if seen.size != checkpoint.size else 409, b"another history")
                return
        type(self).seen = checkpoint
        line = cosign(
            opened.text if not self.spoil else "x\n", "witness.example", WITNESS_KEY, int(type(self).clock())
        )
        self._answer(200, str(line).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def witnessing(log_key: Verifier, seen: tuple[int, bytes] | None = None) -> Iterator[str]:
    """Run a witness that knows the log's key, and saw so much of it with that root; gives its address."""
    _Handler.log_key = log_key
    _Handler.seen = None if seen is None else Checkpoint(log_key.name, *seen)
    _Handler.spoil = False
    _Handler.clock = time.time
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def witness(key: Ed25519PrivateKey) -> Iterator[Witness]:
    """Run a witness that knows the log's key."""
    with witnessing(Signer(ORIGIN, key).verifier) as url:
        yield Witness(
            url, Verifier("witness.example", COSIGNATURE, WITNESS_KEY.public_key().public_bytes_raw())
        )


def test_a_witness_follows_the_log(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    for size in (5, 300, 700):
        fill(database, size)
        signed = signing.sign_head(connection, BOOK, ORIGIN, key)
        assert abs(add_checkpoint(connection, BOOK, signed, witness).seconds - time.time()) < 60
        assert add_checkpoint(connection, BOOK, signed, witness).witness == witness.key
        note = read_note(signing.with_cosignatures(connection, BOOK, signed).encode())
        assert [each.witness for each in cosignatures(note, [witness.key])] == [witness.key]
        assert _Handler.seen == signed.checkpoint


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.cosignature SET line = E'— evil.example AAAABBBB\\n'",
        "UPDATE ledger.cosignature SET line = line || line || 'x'",
        "UPDATE ledger.cosignature SET size = 6",
        "UPDATE ledger.cosignature SET witness = 'none'",
    ],
)
def test_what_no_witness_signed_is_named_by_a_verification(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness, change: str
) -> None:
    fill(database, 5)
    add_checkpoint(connection, BOOK, signing.sign_head(connection, BOOK, ORIGIN, key), witness)
    fill(database, 6)
    signing.sign_head(connection, BOOK, ORIGIN, key)

    def found() -> list[str]:
        report = verify_book(database, BOOK, processes=1)
        return [finding.said for check in report.checks for finding in check.findings]

    assert found() == []
    as_superuser(database, change)
    (said,) = found()
    assert said.startswith("the cosignature at ")
    assert said.endswith("does not hold")


CUT = """
    DELETE FROM ledger.event WHERE position > 512;
    DELETE FROM ledger.checkpoint;
    DELETE FROM ledger.snapshot;
    UPDATE ledger.head SET position = 512, frontier = substr(frontier, 1, 32),
        recorded_at = (SELECT recorded_at FROM ledger.event WHERE position = 512)
"""


def test_a_cosignature_behind_the_end_of_the_log_is_named(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 600)
    add_checkpoint(connection, BOOK, signing.sign_head(connection, BOOK, ORIGIN, key), witness)
    as_superuser(database, CUT)
    report = verify_book(database, BOOK, processes=1)
    (found,) = [finding.said for check in report.checks for finding in check.findings]
    assert found == "the cosignature at 600 of witness.example is behind the end of the log at 512"


def test_a_cosignature_of_what_came_since_a_verification_began_is_not_called_wrong(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 5)
    add_checkpoint(connection, BOOK, signing.sign_head(connection, BOOK, ORIGIN, key), witness)
    subject = Subject(BOOK, 5, [])
    fill(database, 9)
    add_checkpoint(connection, BOOK, signing.sign_head(connection, BOOK, ORIGIN, key), witness)
    check = check_cosigned(connection, subject)
    assert (check.count, check.findings) == (1, [])


def test_a_cosignature_without_its_checkpoint_is_named(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 5)
    add_checkpoint(connection, BOOK, signing.sign_head(connection, BOOK, ORIGIN, key), witness)
    as_superuser(database, "DELETE FROM ledger.checkpoint")
    report = verify_book(database, BOOK, processes=1)
    (found,) = [finding.said for check in report.checks for finding in check.findings]
    assert found == "the cosignature at 5 of witness.example does not hold"


def test_a_witness_that_knows_more_or_less_than_we_think_is_asked_from_there(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 5)
    first = signing.sign_head(connection, BOOK, ORIGIN, key)
    add_checkpoint(connection, BOOK, first, witness)
    fill(database, 9)
    second = signing.sign_head(connection, BOOK, ORIGIN, key)
    _Handler.seen = None
    assert add_checkpoint(connection, BOOK, second, witness).witness == witness.key
    with pytest.raises(IntegrityError, match="saw 9 events; this checkpoint has 5"):
        add_checkpoint(connection, BOOK, first, witness)


def test_a_witness_that_saw_another_history_does_not_sign(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    for size in (4, 5):
        _Handler.seen = Checkpoint(ORIGIN, size, bytes(32))
        with pytest.raises(IntegrityError, match="saw another history"):
            add_checkpoint(connection, BOOK, signed, witness)
    assert signing.with_cosignatures(connection, BOOK, signed) == signed.note


def test_what_is_no_signature_of_the_witness_is_not_kept(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness
) -> None:
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    _Handler.spoil = True
    with pytest.raises(LedgerError, match="does not hold"):
        add_checkpoint(connection, BOOK, signed, witness)
    stranger = witness._replace(key=witness.key._replace(name="stranger.example"))
    with pytest.raises(LedgerError, match="no signature of its own"):
        add_checkpoint(connection, BOOK, signed, stranger)
    with pytest.raises(LedgerError, match="cannot be reached"):
        add_checkpoint(connection, BOOK, signed, witness._replace(url="http://127.0.0.1:1/"))
    assert signing.with_cosignatures(connection, BOOK, signed) == signed.note


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "before there was this checkpoint"),
        (1, "before there was this checkpoint"),
        (SECONDS, "before there was this checkpoint"),
        (2**33, "still to come"),
        (2**63 + 5, "still to come"),
    ],
)
def test_what_was_signed_at_a_time_that_cannot_be_is_not_kept(
    database: str,
    connection: Connection,
    key: Ed25519PrivateKey,
    witness: Witness,
    seconds: float,
    said: str,
) -> None:
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    _Handler.clock = lambda: seconds
    with pytest.raises(LedgerError, match=said):
        add_checkpoint(connection, BOOK, signed, witness)
    assert signing.with_cosignatures(connection, BOOK, signed) == signed.note
    _Handler.clock = lambda: time.time() - 5  # a clock that is a little behind
    assert add_checkpoint(connection, BOOK, signed, witness).witness == witness.key
