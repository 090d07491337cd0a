"""What somebody kept elsewhere to hold a log to: checkpoints as files, and the public keys that sign them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.errors import ConfigurationError
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from ledger.tlog.note import COSIGNATURE, ED25519, BadNote, Verifier, read_note, read_verifier
from ledger.tlog.signing import is_of_book


def read_keys(given: Sequence[str]) -> list[Verifier]:
    """Read public keys of logs, each given as its line or as a file of such lines.

    Raises `ConfigurationError` for what is neither.
    """
    kind = "a log, as billing-ledger log keys prints it,"
    return [key for each in given for key in _keys(each, ED25519, kind)]


def read_witnesses(given: Sequence[str]) -> list[Verifier]:
    """Read public keys of witnesses, given like those of logs. Raises `ConfigurationError`."""
    return [key for each in given for key in _keys(each, COSIGNATURE, "a witness")]


def _keys(given: str, type_: int, kind: str) -> Iterator[Verifier]:
    try:
        lines = [line for line in Path(given).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError):  # what is no file is a line
        lines = [given]
    if not lines:
        raise ConfigurationError(f"{given} holds no public key")
    for line in lines:
        try:
            key = read_verifier(line)
        except BadNote as error:
            raise ConfigurationError(
                f"{given} is no public key of {kind} and no file of such lines: {error}"
            ) from error
        if key.type != type_:
            found, asked = ("a log", "a witness") if key.type == ED25519 else ("a witness", "a log")
            raise ConfigurationError(f"{given} is a key of {found}, not of {asked}")
        yield key


def read_checkpoint_file(path: Path, keys: Sequence[Verifier], book: str | None) -> Checkpoint:
    """Read a checkpoint of a book's log (None: of any); if there are keys, one of them has to have signed it.

    Raises `ConfigurationError` when it cannot be read, does not hold, or is of another log.
    """
    try:
        raw = path.read_bytes()
        checkpoint = read_checkpoint(read_note(raw).text)
        if book is not None and not is_of_book(checkpoint.origin, book):
            raise ConfigurationError(
                f"{path} is a checkpoint of the log {checkpoint.origin}, not of the book {book}"
            )
        return open_checkpoint(raw, *keys)[0] if keys else checkpoint
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except BadNote as error:
        raise ConfigurationError(f"{path} is no checkpoint that counts: {error}") from error
