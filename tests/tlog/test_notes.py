"""Signed notes, checkpoints, cosignatures and offline proofs."""

from __future__ import annotations

from base64 import b64encode
from string import ascii_lowercase, ascii_uppercase, digits

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.tlog.test_proofs import LEAVES, ROOTS, made
from tests.tlog.vectors import tessera_log

from ledger.log import merkle
from ledger.tlog import proof
from ledger.tlog.checkpoint import Checkpoint, cosign, cosignatures, open_checkpoint, read_checkpoint
from ledger.tlog.note import (
    COSIGNATURE,
    BadNote,
    Line,
    Note,
    Signer,
    Verifier,
    read_note,
    read_verifier,
    verify_note,
)
from ledger.tlog.offline import OfflineProof, read_offline_proof
from ledger.tlog.proof import BadProof

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer("ledger.example/books/main", KEY)
OTHER = Signer("ledger.example/books/main", Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.mark.parametrize("size", range(16))
def test_the_checkpoints_of_a_real_log_are_read_verified_and_recomputed(size: int) -> None:
    """transparency-dev/tessera testdata/log."""
    log = tessera_log()
    raw = log.files[f"checkpoint.{size}"]
    checkpoint, note = open_checkpoint(raw, read_verifier(log.key))
    leaves = []
    if size:
        tile = log.files[f"tile/0/000.p/{size}"]
        leaves = [tile[at : at + 32] for at in range(0, len(tile), 32)]
    root = merkle.root(merkle.extend([], 0, leaves))
    assert checkpoint == Checkpoint("example.com/log/testdata", size, root)
    assert str(note).encode() == raw


def test_the_example_key_of_the_signed_note_package_is_read() -> None:
    """golang.org/x/mod/sumdb/note: PeterNeumann's key and note."""
    key = read_verifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    line = (
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
        "pRZb6KE6RyyBwJnAM=\n"
    )
    assert [verifier.name for verifier in verify_note(read_note(f"{text}\n{line}".encode()), [key])] == [
        "PeterNeumann"
    ]


def test_a_note_that_is_changed_anywhere_does_not_hold() -> None:
    raw = str(Checkpoint(SIGNER.name, 66, ROOTS[66]).sign(SIGNER)).encode()
    assert open_checkpoint(raw, SIGNER.verifier)[0] == Checkpoint(SIGNER.name, 66, ROOTS[66])
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(BadNote):
            open_checkpoint(changed, SIGNER.verifier)
        with pytest.raises(BadNote):
            open_checkpoint(raw[:at], SIGNER.verifier)


def test_another_key_of_the_same_name_is_another_key() -> None:
    raw = str(Checkpoint(SIGNER.name, 1, ROOTS[1]).sign(OTHER)).encode()
    with pytest.raises(BadNote, match="none of the known keys"):
        open_checkpoint(raw, SIGNER.verifier)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    raw = str(SIGNER.sign(Checkpoint("ledger.example/books/other", 1, ROOTS[1]).text)).encode()
    with pytest.raises(BadNote, match=r"of ledger\.example/books/other, not of"):
        open_checkpoint(raw, SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    ["", "origin\n", "origin\n1\n", "\n1\nAAAA\n", "origin\n01\nAAAA\n", "origin\n-1\nAAAA\n",
     "origin\n1\nAAAA\n", "origin\n1\n!\n", "origin\n0\n" + "A" * 43 + "=\n"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "line",
    ["", "name", "name+00000000+AAAA", "name+zz+", str(SIGNER.verifier).replace("main", "mine"),
     str(SIGNER.verifier)[:-4] + "AAAA"],
)  # fmt: skip
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(BadNote):
        read_verifier(line)


def test_a_witness_signs_with_its_time() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    witness = Verifier("witness.example", COSIGNATURE, key.public_key().public_bytes_raw())
    assert read_verifier(str(witness)) == witness
    note = Checkpoint(SIGNER.name, 2, ROOTS[2]).sign(SIGNER)
    line = cosign(note.text, witness.name, key, 1_700_000_000)
    signed = read_note(str(Note(note.text, (*note.lines, line))).encode())
    assert [(found.witness, found.seconds) for found in cosignatures(signed, [witness])] == [
        (witness, 1_700_000_000)
    ]
    assert verify_note(signed, [SIGNER.verifier]) == (SIGNER.verifier,)
    earlier = line._replace(signature=bytes(8) + line.signature[8:])
    with pytest.raises(BadNote, match="does not hold"):
        cosignatures(Note(note.text, (earlier,)), [witness])


def test_a_key_signs_only_what_it_is_for() -> None:
    text = Checkpoint(SIGNER.name, 66, ROOTS[66]).text
    log = SIGNER.verifier
    witness = Verifier(log.name, COSIGNATURE, KEY.public_key().public_bytes_raw())
    signed = Note(text, (Line(witness.name, witness.key_id, KEY.sign(text.encode())),))
    with pytest.raises(BadNote, match="does not hold"):
        verify_note(signed, [witness])
    line = cosign(text, log.name, KEY, 1_700_000_000)._replace(key_id=log.key_id)
    with pytest.raises(BadNote, match="does not hold"):
        cosignatures(Note(text, (line,)), [log])


@pytest.mark.parametrize("text", ["a\tb\n", "a\rb\n", "a\0\n"])
def test_what_holds_control_characters_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote, match="without control characters"):
        SIGNER.sign(text)


def test_a_note_longer_than_any_is_not_read() -> None:
    with pytest.raises(BadNote, match="at most 1,000,000 bytes"):
        read_note(b"x" * 1_000_001)


def test_base64_has_one_way_to_write_what_it_says() -> None:
    """The last letter before a `=` has two bits that nothing reads."""
    letters = ascii_uppercase + ascii_lowercase + digits + "+/"

    def otherwise(written: str) -> str:
        assert written.endswith("=")
        return f"{written[:-2]}{letters[letters.index(written[-2]) ^ 1]}="

    note = str(Checkpoint(SIGNER.name, 66, ROOTS[66]).sign(SIGNER)).removesuffix("\n")
    with pytest.raises(BadNote, match="is not base64 as it is written"):
        read_note(f"{otherwise(note)}\n".encode())
    hashed = b64encode(ROOTS[66]).decode()
    assert list(proof.read_hashes([hashed])) == [ROOTS[66]]
    with pytest.raises(BadProof, match="is not base64 as it is written"):
        list(proof.read_hashes([otherwise(hashed)]))


def test_an_offline_proof_needs_nothing_else() -> None:
    checkpoint = str(Checkpoint(SIGNER.name, 66, ROOTS[66]).sign(SIGNER)).encode()
    for index in (0, 1, 41, 65):
        raw = bytes(OfflineProof(index, made(proof.inclusion(index, 66)), checkpoint))
        kept = read_offline_proof(raw)
        assert bytes(kept) == raw
        assert kept.verify(merkle.leaf_hash(f"entry {index}".encode()), SIGNER.verifier).size == 66
        with pytest.raises(BadNote, match="another root"):
            kept.verify(merkle.leaf_hash(b"another entry"), SIGNER.verifier)
    assert len(LEAVES) == 66
    for bad in (b"", b"\xff", raw.replace(b"@v1", b"@v2"), raw.replace(b"index 65", b"index 065")):
        with pytest.raises(BadNote):
            read_offline_proof(bad)
