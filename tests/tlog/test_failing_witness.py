"""A witness that fails, in every way in which one can: a sentence, soon, and no alarm."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.tlog.test_signing import BOOK, ORIGIN, connection, fill, key
from tests.tlog.test_witness import witness

from ledger.database import connect
from ledger.errors import ConfigurationError, LedgerError
from ledger.tlog import signing
from ledger.tlog import witness as witnesses
from ledger.tlog.tree import Connection
from ledger.tlog.witness import Witness, add_checkpoint

__all__ = ["connection", "key", "witness"]


def _reset(caller: socket.socket) -> None:
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _saying(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(caller: socket.socket) -> None:
        for part in parts:
            caller.sendall(part)

    return answer


def _dripping(begin: bytes) -> Callable[[socket.socket], None]:
    """Answer a byte every twentieth of a second for ten seconds, so that no single wait is long."""

    def answer(caller: socket.socket) -> None:
        caller.sendall(begin)
        for _ in range(200):
            caller.sendall(b"x")
            time.sleep(0.05)

    return answer


def _head(status: int, length: int) -> bytes:
    return f"HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n".encode()


def _read_all(caller: socket.socket) -> None:
    """Read a request to its end: closing before would reset the connection, and the answer be lost."""
    with caller.makefile("rb") as asked:
        length = 0
        while (line := asked.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        asked.read(length)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run what listens where a witness should, and answers every request like this; gives its address."""

    def serve() -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            with caller:
                try:
                    _read_all(caller)
                    answer(caller)
                except OSError:
                    continue  # it heard enough

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_reset, "cannot be reached: .*reset"),
        (_saying(), "cannot be reached: .*without response"),
        (_saying(b"HELLO\r\n\r\n"), "did not answer in HTTP: BadStatusLine"),
        (_saying(b"HTTP/1.1 200 " + b"x" * 70_000), "did not answer in HTTP: LineTooLong"),
        (_saying(_head(200, 1_000), b"\xff"), "answered no signature that holds"),
        (_saying(_head(500, 0)), "answered 500"),
        (_saying(_head(409, 0)), "answered 409 without saying its size"),
        (_saying(_head(409, 2), b"3\n"), "answered 409 and 3, asked from 3"),
        (_dripping(_head(200, 1_000)), "took more than 0.5 seconds"),
        (_dripping(_head(409, 1_000)), "took more than 0.5 seconds"),
        (_dripping(b"HTTP/1.1 200 OK\r\nx-a: "), "took more than 0.5 seconds"),
    ],
)  # fmt: skip
def test_a_witness_that_fails_is_one_sentence_and_no_alarm_within_its_seconds(
    database: str,
    key: Ed25519PrivateKey,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
    said: str,
) -> None:
    fill(database, 5)
    if "0.5" in said:
        monkeypatch.setattr(witnesses, "ANSWER_SECONDS_MAX", 0.5)
    begun = time.monotonic()
    with connect(database) as connection, answering(answer) as url:
        signed = signing.sign_head(connection, BOOK, ORIGIN, key)
        with pytest.raises(LedgerError, match=said) as raised:
            add_checkpoint(connection, BOOK, signed, witness._replace(url=url))
        assert signing.with_cosignatures(connection, BOOK, signed) == signed.note
    assert time.monotonic() - begun < 8
    assert type(raised.value) is LedgerError
    assert str(raised.value).startswith("witness.example ")


@pytest.mark.parametrize("url", ["file:///tmp", "http://", "http://[::1", "http://x:no", "http://x:99999"])
def test_nobody_is_asked_where_no_witness_can_be(
    database: str, connection: Connection, key: Ed25519PrivateKey, witness: Witness, url: str
) -> None:
    fill(database, 5)
    signed = signing.sign_head(connection, BOOK, ORIGIN, key)
    with pytest.raises(ConfigurationError, match="with http or https, not "):
        add_checkpoint(connection, BOOK, signed, witness._replace(url=url))
