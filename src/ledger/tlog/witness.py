"""Witnesses: others who sign a checkpoint when it extends all that they saw (https://c2sp.org/tlog-witness).

Without them an operator could show one history to one auditor and another to the next.
"""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ledger.errors import ConfigurationError, IntegrityError, LedgerError
from ledger.sql import queries
from ledger.tlog import proof, tree
from ledger.tlog.checkpoint import Cosignature, cosignatures
from ledger.tlog.note import BadNote, Note, Verifier, read_lines, read_note
from ledger.tlog.signing import Signed
from ledger.tlog.tree import Connection

_SQL = queries(__package__ or "", "signing.sql")

ANSWER_SECONDS_MAX = 10
"""How long a witness may take."""
ANSWER_BYTES_MAX = 65_536
"""What of its answer is read."""
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Witness(NamedTuple):
    """Where a witness takes checkpoints, and the key that it signs with."""

    url: str
    key: Verifier


class Answer(NamedTuple):
    """What a witness answered."""

    status: int
    body: bytes


def add_checkpoint(connection: Connection, book: str, signed: Signed, witness: Witness) -> Cosignature:
    """Have a witness sign a checkpoint, and keep what it signed.

    Raises `IntegrityError` when the witness saw another history, or more of this one, and `LedgerError` when
    it gives no signature that holds.
    """
    row = connection.execute(_SQL["last_seen"], {"book": book, "witness": str(witness.key)}).fetchone()
    old = 0 if row is None else int(row[0])
    answer = _post(witness, _body(connection, book, signed, _known(old, signed)))
    size = _SIZE.fullmatch(answer.body)
    if answer.status == HTTPStatus.CONFLICT and size is not None:
        # It is further than we know, or was set up anew: it says from where it can follow.
        old = int(size[1])
        answer = _post(witness, _body(connection, book, signed, _known(old, signed)))
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        raise IntegrityError(
            f"{witness.key.name} saw another history of {book} up to {old}: it does not sign"
        )
    if answer.status != HTTPStatus.OK:
        raise LedgerError(f"{witness.key.name} answered {answer.status}")
    return _keep(connection, book, signed, witness, answer.body)


def _known(old: int, signed: Signed) -> int:
    if old > signed.checkpoint.size:
        raise IntegrityError(f"a witness saw {old} events; this checkpoint has {signed.checkpoint.size}")
    return old


def _body(connection: Connection, book: str, signed: Signed, old: int) -> bytes:
    spans = proof.consistency(old, signed.checkpoint.size)
    hashes = proof.write_hashes(tree.proof(connection, book, spans))
    return f"old {old}\n{hashes}\n{signed.note}".encode()


def _keep(connection: Connection, book: str, signed: Signed, witness: Witness, body: bytes) -> Cosignature:
    note = read_note(signed.note.encode())
    try:
        lines = tuple(read_lines(body.decode()))
        found = cosignatures(Note(note.text, lines), [witness.key])
    except (BadNote, UnicodeDecodeError) as error:
        raise LedgerError(f"{witness.key.name} answered no signature that holds: {error}") from error
    if not found:
        raise LedgerError(f"{witness.key.name} answered no signature of its own")
    cosignature = found[0]
    if cosignature.seconds > time.time() + ANSWER_SECONDS_MAX:
        raise LedgerError(f"{witness.key.name} signed for a time that is still to come")
    values = {
        "book": book, "size": signed.checkpoint.size, "witness": str(witness.key),
        "line": str(cosignature.line), "seconds": cosignature.seconds,
    }  # fmt: skip
    connection.execute(_SQL["keep_cosignature"], values)
    return cosignature


def _post(witness: Witness, body: bytes) -> Answer:
    url = f"{witness.url.rstrip('/')}/add-checkpoint"
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigurationError(f"a witness is at an address with http or https, not {url}")
    request = Request(url, data=body, method="POST", headers={"content-type": "text/plain"})  # noqa: S310
    try:
        with urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:  # noqa: S310 - the scheme is checked
            return Answer(response.status, response.read(ANSWER_BYTES_MAX))
    except HTTPError as error:
        return Answer(error.code, error.read(ANSWER_BYTES_MAX))
    except (URLError, TimeoutError) as error:
        raise LedgerError(f"{witness.key.name} cannot be reached: {error}") from error
