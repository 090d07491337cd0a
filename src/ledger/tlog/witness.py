"""Witnesses: others who sign a checkpoint when it extends all that they saw (https://c2sp.org/tlog-witness).

Without them an operator could show one history to one auditor and another to the next.
"""

from __future__ import annotations

import math
import re
import time
from http import HTTPStatus
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple
from urllib.error import HTTPError
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
"""How long a witness may take, from the first question to the last byte of its answer."""
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

    @property
    def size(self) -> int | None:
        """Up to where it has followed, which it says when we asked from elsewhere."""
        said = _SIZE.fullmatch(self.body) if self.status == HTTPStatus.CONFLICT else None
        return None if said is None else int(said[1])


def add_checkpoint(connection: Connection, book: str, signed: Signed, witness: Witness) -> Cosignature:
    """Have a witness sign a checkpoint, and keep what it signed.

    Raises `IntegrityError` when the witness saw another history, or more of this one, `ConfigurationError`
    when nobody can be asked at its address, and `LedgerError` when it gives no signature that holds in time.
    """
    row = connection.execute(_SQL["last_seen"], {"book": book, "witness": str(witness.key)}).fetchone()
    old = 0 if row is None else int(row[0])
    until = time.monotonic() + ANSWER_SECONDS_MAX
    answer = _post(witness, _body(connection, book, signed, _known(old, signed)), until)
    if answer.size is not None and answer.size != old:
        # It is further than we know, or was set up anew: it says from where it can follow.
        old = answer.size
        answer = _post(witness, _body(connection, book, signed, _known(old, signed)), until)
    if _tells_another_history(answer, old, signed.checkpoint.size):
        raise IntegrityError(
            f"{witness.key.name} saw another history of {book} up to {old}: it does not sign"
        )
    if answer.status == HTTPStatus.CONFLICT:
        said = "without saying its size" if answer.size is None else f"and {answer.size}, asked from {old}"
        raise LedgerError(f"{witness.key.name} answered 409 {said}")
    if answer.status != HTTPStatus.OK:
        raise LedgerError(f"{witness.key.name} answered {answer.status}")
    return _keep(connection, book, signed, witness, answer.body)


def _tells_another_history(answer: Answer, old: int, size: int) -> bool:
    """Tell whether the proof led to another root, or another root is known for all of the checkpoint."""
    if answer.status == HTTPStatus.CONFLICT:
        return old == size and answer.size in (None, size)
    return answer.status == HTTPStatus.UNPROCESSABLE_ENTITY


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
    at = {"book": book, "size": signed.checkpoint.size}
    row = connection.execute(_SQL["first_signed"], at).fetchone()
    untimely = cosignature.untimely(math.inf if row is None else row[0], time.time())
    if untimely == "late":
        raise LedgerError(f"{witness.key.name} signed for a time that is still to come")
    if untimely == "early":
        raise LedgerError(f"{witness.key.name} signed for a time before there was this checkpoint")
    values = {
        **at, "witness": str(witness.key), "line": str(cosignature.line), "seconds": cosignature.seconds
    }  # fmt: skip
    connection.execute(_SQL["keep_cosignature"], values)
    return cosignature


def _post(witness: Witness, body: bytes, until: float) -> Answer:
    """Ask until then, on the clock that only goes forward.

    In a thread, because what waits for a name, a connection or the next byte knows no end of the whole: one
    that is too late is left behind, and ends with the process.
    """
    url = _address(witness)
    answers: SimpleQueue[Answer | LedgerError] = SimpleQueue()
    Thread(target=lambda: answers.put(_exchange(witness, url, body)), daemon=True).start()
    try:
        answer = answers.get(timeout=max(0, until - time.monotonic()))
    except Empty:
        raise LedgerError(f"{witness.key.name} took more than {ANSWER_SECONDS_MAX} seconds") from None
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def _address(witness: Witness) -> str:
    try:
        parts = urlsplit(witness.url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable:
        raise ConfigurationError(f"a witness is at an address with http or https, not {witness.url}")
    return f"{witness.url.rstrip('/')}/add-checkpoint"


def _exchange(witness: Witness, url: str, body: bytes) -> Answer | LedgerError:
    request = Request(url, data=body, method="POST", headers={"content-type": "text/plain"})  # noqa: S310
    try:
        try:
            with urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:  # noqa: S310 - see _address
                return Answer(response.status, response.read(ANSWER_BYTES_MAX))
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read(ANSWER_BYTES_MAX))
    except (OSError, ValueError) as error:  # of the second kind: a name that no network can have
        return LedgerError(f"{witness.key.name} cannot be reached: {error}")
    except HTTPException as error:
        return LedgerError(f"{witness.key.name} did not answer in HTTP: {type(error).__name__}")
