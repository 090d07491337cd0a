"""The transparency log over HTTP: a stranger with nothing but a key and SHA-256 verifies all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from tests.api.command import run
from tests.api.live import Caller, Live, open_book, problem, serving
from tests.ledger.asks import issue

from ledger.log.merkle import leaf_hash
from ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger.tlog.note import read_verifier
from ledger.tlog.offline import read_offline_proof
from ledger.tlog.proof import verify_consistency, verify_inclusion

NAME = "ledger.example"


@pytest.fixture
def signing(
    fresh_database: Callable[[], AbstractContextManager[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Live]:
    """Run a service with a name and a key of its own."""
    monkeypatch.setenv("BILLING_LEDGER_NAME", NAME)
    monkeypatch.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "log-key.pem"))
    with fresh_database() as database, serving(database) as service:
        yield service


def signed(book: Caller) -> Checkpoint:
    """Read and verify the checkpoint as of now."""
    answer = book.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    verifier = read_verifier(book.get("/log/keys").text.splitlines()[0])
    checkpoint, _ = open_checkpoint(answer.content, verifier)
    assert verifier.name == f"{NAME}/v1/books/{book.book}/log"
    assert int(answer.headers["ledger-position"]) == checkpoint.size
    return checkpoint


def test_a_stranger_verifies_the_whole_log(signing: Live) -> None:
    book = open_book(signing, signing.client(signing.key()[1]))
    book.tell(("customer.opened", {"currency": "EUR"}))
    early = signed(book)
    receipts = [
        book.tell(("charge.posted", {"charge": f"c{n}", "service": "s", "currency": "EUR", "net": n + 1}))
        for n in range(300)
    ]
    late = signed(book)
    assert (early.size, late.size) == (2, 302)

    # All leaves from the entries themselves, and the definition of RFC 6962 over them.
    entries: list[bytes] = []
    for path in ("entries/000", "entries/001.p/46"):
        bundle = book.get(f"/log/tile/{path}").content
        while bundle:
            size = int.from_bytes(bundle[:2], "big")
            entries.append(bundle[2 : 2 + size])
            bundle = bundle[2 + size :]
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert _root(leaves) == late.root
    assert _root(leaves[:2]) == early.root
    assert book.get("/log/tile/0/000").content == b"".join(leaves[:256])
    assert book.get("/log/tile/0/001.p/46").content == b"".join(leaves[256:])
    assert book.get("/log/tile/1/000.p/1").content == _root(leaves[:256])
    assert [orjson.loads(entry) for entry in entries] == book.walk_feed()

    # The receipts that the posts got, upgraded to proofs.
    for receipt in receipts[::50]:
        event = receipt["events"][0]
        found = book.read(f"/log/proof/inclusion/{event['position']}")
        proof = [bytes.fromhex(each) for each in found["hashes"]]
        verify_inclusion(bytes.fromhex(event["leaf"]), found["index"], found["size"], proof, late.root)
    found = book.read("/log/proof/consistency", old=2)
    proof = [bytes.fromhex(each) for each in found["hashes"]]
    verify_consistency(2, 302, proof, early.root, late.root)

    kept = read_offline_proof(book.get("/log/proof/offline/7").content)
    assert kept.verify(leaf_hash(entries[6]), read_verifier(book.get("/log/keys").text.strip())) == late


def test_what_stands_beside_an_event_that_fits_no_bundle_is_read_from_the_feed_and_verified(
    signing: Live, tmp_path: Path
) -> None:
    """An entry of a bundle says its length in two bytes [docs/auditors.md]."""
    book = open_book(signing, signing.client(signing.key()[1]))
    book.tell(("customer.opened", {"currency": "EUR"}))
    for number in range(500):
        book.tell(("charge.posted", {"charge": f"c{number}", "service": "s", "currency": "EUR", "net": 1}))
    long = book.tell(issue())["events"][0]
    checkpoint = signed(book)
    refused = book.get("/log/tile/entries/001.p/247")
    assert problem(refused) == (404, "entry_too_long")
    assert f"position {long['position']} has" in refused.json()["detail"]
    assert problem(book.get("/log/tile/entries/001.p/248")) == (404, "tile_unknown")
    assert book.get("/log/tile/entries/000").status_code == 200
    assert book.get("/log/tile/entries/001.p/246").status_code == 200, "what stands in front of it"

    exported = tmp_path / "log.ndjson"
    assert run(signing.database, "export", "--book", book.book, exported).code == 0
    lines = exported.read_bytes().splitlines()
    assert len(lines[long["position"] - 1]) > 65_535
    leaves = [sha256(b"\x00" + line).digest() for line in lines]
    assert _root(leaves) == checkpoint.root
    assert book.get("/log/tile/0/001.p/247").content == b"".join(leaves[256:])
    assert [orjson.loads(line) for line in lines] == book.walk_feed()

    entry, proof, keys = (tmp_path / name for name in ("entry", "proof", "keys"))
    entry.write_bytes(lines[long["position"] - 1])
    proof.write_bytes(book.get(f"/log/proof/offline/{long['position']}").content)
    keys.write_bytes(book.get("/log/keys").content)
    checked = run(signing.database, "log", "check-proof", proof, "--entry", entry, "--key", keys)
    assert checked.code == 0, checked.err
    entry.write_bytes(entry.read_bytes().replace(b'"net":1', b'"net":2', 1))
    assert run(signing.database, "log", "check-proof", proof, "--entry", entry, "--key", keys).code == 5


def test_tiles_and_proofs_end_at_the_checkpoint(signing: Live) -> None:
    book = open_book(signing, signing.client(signing.key()[1]))
    assert problem(book.get("/log/proof/inclusion/1")) == (422, "not_signed_yet")
    assert signed(book).size == 1
    book.tell(("customer.opened", {"currency": "EUR"}))
    for path in ("/log/proof/inclusion/2", "/log/proof/offline/2", "/log/proof/offline/0"):
        assert problem(book.get(path)) == (422, "not_signed_yet")
    assert problem(book.get("/log/proof/inclusion/1", size=2)) == (422, "not_signed_yet")
    for path in ("0/000.p/2", "0/000", "entries/000.p/2", "nonsense", "0/0"):
        assert problem(book.get(f"/log/tile/{path}")) == (404, "tile_unknown")
    assert signed(book).size == 2
    tile = book.get("/log/tile/0/000.p/2")
    assert len(tile.content) == 64
    assert "immutable" in tile.headers["cache-control"]
    nowhere = Caller(signing, book.client, "nowhere")
    for path in ("checkpoint", "keys", "tile/0/000.p/1", "proof/inclusion/1", "proof/offline/1"):
        assert problem(nowhere.get(f"/log/{path}")) == (404, "book_unknown")
    assert problem(nowhere.get("/log/proof/consistency", old=1)) == (404, "book_unknown")
    assert problem(book.get("/log/proof/consistency")) == (400, "parameter_malformed")


def _root(leaves: list[bytes]) -> bytes:
    """The definition, RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()
