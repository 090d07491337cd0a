"""The public vectors, read from their files."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent.parent / "vectors"


def _read(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


PROOFS = _read("merkle-proof-vectors.json")


class TesseraLog(NamedTuple):
    """A real signed log: its key, and its files by path."""

    key: str
    files: dict[str, bytes]


def tessera_log() -> TesseraLog:
    """Read the log of 15 entries."""
    found = _read("tessera-log.json")
    return TesseraLog(found["verifier_key"], {p: b64decode(raw) for p, raw in found["files_base64"].items()})
