"""Checkpoints that somebody kept as files."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import ConfigurationError
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from ledger.tlog.note import BadNote, read_note, read_verifier


def read_checkpoint_file(path: Path, key: str | None) -> Checkpoint:
    """Read a checkpoint; with the public key of its log it has to be signed by it.

    Raises `ConfigurationError` when it cannot be read, or does not hold.
    """
    try:
        raw = path.read_bytes()
        return (
            read_checkpoint(read_note(raw).text)
            if key is None
            else open_checkpoint(raw, read_verifier(key))[0]
        )
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except BadNote as error:
        raise ConfigurationError(f"{path} is no checkpoint that counts: {error}") from error
