"""A program that we did not write reads our signed log: Go's sumdb, by those who wrote the specifications."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.api.live import Caller, Live, open_book, write
from tests.api.test_transparency import signing
from tests.foreign.programs import GO_IS_THERE, GO_PATH

__all__ = ["signing"]

CHARGES = 598
"""With what comes before them: two whole tiles of leaves, and a partial one."""
SOURCE = Path(__file__).parent / "tlog" / "main.go"

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program."""
    built = tmp_path_factory.mktemp("go")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
    where = {"GOPATH": str(GO_PATH), "GO111MODULE": "off", "GOCACHE": str(built / "cache"), "GOFLAGS": ""}
    subprocess.run(
        ["go", "build", "-o", built / "reader", SOURCE], env={**kept, **where}, check=True, timeout=300
    )
    return built / "reader"


def save(book: Caller, folder: Path) -> int:
    """Save the signed log as it is handed out; gives how many entries it has."""
    paths = {"checkpoint": "/log/checkpoint", "keys": "/log/keys"}
    size = int(book.get("/log/checkpoint").text.splitlines()[1])
    for tile in tiles(size):
        paths[f"tile/{tile}"] = f"/log/tile/{tile}"
    for name, path in paths.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(book.get(path).content)
    return size


def tiles(size: int) -> Iterator[str]:
    """Name all tiles of a log, and all bundles of entries."""
    for level, hashes in (("entries", size), ("0", size), ("1", size >> 8)):
        for number in range(hashes >> 8):
            yield f"{level}/{number:03}"
        if hashes & 0xFF:
            yield f"{level}/{hashes >> 8:03}.p/{hashes & 0xFF}"


def flip(path: str, at: int) -> Change:
    """Change one bit of a file."""

    def change(folder: Path) -> None:
        raw = bytearray((folder / path).read_bytes())
        raw[at] ^= 1
        (folder / path).write_bytes(raw)

    return change


def cut(path: str) -> Change:
    """Take the last byte of a file away."""
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes()[:-1])


CHANGES: list[tuple[str, Change]] = [
    ("an entry", flip("tile/entries/001", 70)),
    ("an entry of the last bundle", flip("tile/entries/002.p/88", -1)),
    ("a leaf", flip("tile/0/000", 0)),
    ("a leaf of the last tile", flip("tile/0/002.p/88", 40)),
    ("a hash above", flip("tile/1/000.p/2", 33)),
    ("the end of a bundle", cut("tile/entries/000")),
    ("the size in the checkpoint", lambda folder: _say(folder, "599")),
    ("the signature", flip("checkpoint", -5)),
]


def _say(folder: Path, size: str) -> None:
    lines = (folder / "checkpoint").read_text(encoding="utf-8").split("\n")
    lines[1] = size
    (folder / "checkpoint").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("changes", [CHANGES] if GO_IS_THERE else [], ids=["go"] if GO_IS_THERE else [])
def test_it_verifies_checkpoint_tiles_and_entries_and_finds_every_change(
    signing: Live, changes: list[tuple[str, Change]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    reader: Path = request.getfixturevalue("reader")
    book = open_book(signing, signing.client(signing.key()[1]))
    book.tell(("customer.opened", {"currency": "EUR"}))
    charge = {"service": "s", "currency": "EUR", "net": 1}
    lines = [write(("charge.posted", {**charge, "charge": f"c{number}"})) for number in range(CHARGES)]
    assert book.post(b"\n".join(lines), "application/x-ndjson").status_code == 200
    assert save(book, tmp_path / "log") == CHARGES + 2

    def read(folder: Path) -> tuple[int, str]:
        ran = subprocess.run([reader, folder], capture_output=True, text=True, check=False, timeout=60)
        return ran.returncode, ran.stdout

    assert read(tmp_path / "log") == (0, f"{CHARGES + 2}\n")
    for what, change in changes:
        folder = tmp_path / what
        subprocess.run(["cp", "-r", tmp_path / "log", folder], check=True)
        change(folder)
        assert read(folder) == (1, ""), what
