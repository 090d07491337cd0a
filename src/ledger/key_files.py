"""Files of secret keys: read by their owner alone, never half written, and replaced by one rename.

A new key waits beside the one that it replaces until the database says that it is in force. Whoever is cut
off between the two leaves both files, and the next one who reads them finishes it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ledger.errors import ConfigurationError


def write_key(path: Path, content: bytes) -> None:
    """Write a new key file, which has its whole content before it has its name.

    Raises `ConfigurationError`, also when there is a file of this name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(name, path)
        finally:
            Path(name).unlink()
        _sync(path.parent)
    except OSError as error:
        raise ConfigurationError(f"cannot make the key file {path}: {error.strerror}") from error


def successor(path: Path) -> Path:
    """Tell where a key waits that is about to replace the one at `path`."""
    return path.with_name(f"{path.name}.new")


def clear_successor(path: Path) -> Path:
    """Make room for a key that shall replace the one at `path`.

    Call it under the lock, after the key in force was read: then what is left there never came into force.
    """
    successor(path).unlink(missing_ok=True)
    return successor(path)


def take_over(path: Path, generation: int) -> None:
    """Put the waiting key in its place; the one before stays as `path.<generation>`: old dumps need it.

    Call it under the lock under which keys are replaced, when the waiting one is in force by the database.
    """
    with suppress(FileExistsError, FileNotFoundError):
        os.link(path, path.with_name(f"{path.name}.{generation}"))
    successor(path).replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk: the database may say next that a key is in force."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
