"""What an auditor kept: keys, checkpoints and proofs, held to a log with and without its database."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.command import Ran, run
from tests.tlog.test_witness import SECONDS, WITNESS_KEY

from ledger.database import connect
from ledger.log.merkle import leaf_hash
from ledger.tlog import proof, tree
from ledger.tlog.checkpoint import cosign
from ledger.tlog.note import COSIGNATURE, Signer, Verifier, read_note
from ledger.tlog.offline import OfflineProof, read_offline_proof

NOWHERE = "postgresql://nowhere.invalid/none"
ORIGIN = "billing-ledger.invalid/v1/books/main/log"
OTHER = str(Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32))).verifier)
SECOND_KEY = Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32)


def witness(name: str, key: Ed25519PrivateKey) -> str:
    return str(Verifier(name, COSIGNATURE, key.public_key().public_bytes_raw()))


def beginning(key: str) -> str:
    """Name and id of a key; what follows is base64, and may have a plus too."""
    return "+".join(key.split("+")[:2])


WITNESS, SECOND = witness("witness.example", WITNESS_KEY), witness("second.example", SECOND_KEY)
THIRD = witness("third.example", SECOND_KEY)


class Kept(NamedTuple):
    """A database with two books, and the folder of an auditor of main, whose key was replaced meanwhile."""

    database: str
    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def keys(self) -> list[str]:
        return self.path("keys").read_text().splitlines()


@pytest.fixture(scope="module")
def kept(
    fresh_database: Callable[[], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """Open two books, and keep: checkpoints under two keys, both keys, an event and its proof, an export."""
    folder = tmp_path_factory.mktemp("kept")
    with fresh_database() as database, pytest.MonkeyPatch.context() as environment:
        environment.setenv("BILLING_LEDGER_LOG_KEY", str(folder / "log-key.pem"))

        def keep(name: str, *arguments: str | Path) -> bytes:
            ran = run(database, *arguments)
            assert ran.code == 0, ran.err
            (folder / name).write_bytes(ran.out)
            return ran.out

        for book in ("main", "demo"):
            keep("opened", "book", "open", book, "--name", "Acme GmbH", "--currency", "EUR")
        keep("before", "log", "checkpoint")
        keep("of-demo", "log", "checkpoint", "--book", "demo")
        keep("rotated", "log", "rotate-key")
        note = keep("after", "log", "checkpoint")
        keep("keys", "log", "keys")
        keep("exported", "export", "--book", "main", folder / "log.ndjson")
        with connect(database) as connection:
            path = tree.proof(connection, "main", proof.inclusion(0, 1))
        (folder / "1.tlog-proof").write_bytes(bytes(OfflineProof(0, path, note)))
        (folder / "1.json").write_bytes((folder / "log.ndjson").read_bytes().removesuffix(b"\n"))
        yield Kept(database, folder)


def test_a_proof_is_checked_with_no_database(kept: Kept) -> None:
    leaf = leaf_hash(kept.path("1.json").read_bytes())
    for about in (
        ("--entry", kept.path("1.json")),
        ("--entry", kept.path("log.ndjson")),  # one event, and the end of its line
        ("--leaf", leaf.hex()),
    ):
        for key in (kept.path("keys"), kept.keys[0]):
            ran = run(
                NOWHERE, "log", "check-proof", kept.path("1.tlog-proof"), "--key", key, *about, "--json"
            )
            assert ran.code == 0, ran.err
            told = orjson.loads(ran.out)
            assert (told["log"], told["position"], told["size"]) == (ORIGIN, 1, 1)
            assert told["leaf"] == leaf.hex()
            one = {"key": beginning(kept.keys[0]), "lines": 1, "witnessed_at": None}
            assert told["signatures"] == {"checked": [one], "not_checked": 0}


def witnessed(kept: Kept, folder: Path, seconds: int = SECONDS, text: str | None = None) -> Path:
    """Write the proof with the lines of two witnesses, made for the checkpoint or for another text."""
    raw = kept.path("1.tlog-proof").read_bytes()
    checkpoint = read_note(read_offline_proof(raw).checkpoint).text if text is None else text
    first = cosign(checkpoint, "witness.example", WITNESS_KEY, seconds)
    second = cosign(checkpoint, "second.example", SECOND_KEY, seconds)
    file = folder / "witnessed.tlog-proof"
    file.write_bytes(raw + f"{first}{second}".encode())
    return file


def checking(kept: Kept, file: Path, *arguments: str | Path) -> Ran:
    about = ("--entry", kept.path("1.json"), "--key", kept.path("keys"))
    return run(NOWHERE, "log", "check-proof", file, *about, *arguments)


def test_signatures_of_witnesses_are_checked_when_their_keys_are_given(kept: Kept, tmp_path: Path) -> None:
    file = witnessed(kept, tmp_path)
    lines = tmp_path / "witnesses"
    lines.write_text(f"{WITNESS}\n{SECOND}\n")
    log, first, second = map(beginning, (kept.keys[0], WITNESS, SECOND))
    at = "at 2023-11-14T22:13:20Z"
    for arguments, said in {
        (): f"1 by {log}; 2 not checked",
        ("--witness", WITNESS): f"1 by {log}, 1 by {first} {at}; 1 not checked",
        ("--witness", lines): f"1 by {log}, 1 by {first} {at}, 1 by {second} {at}; 0 not checked",
        ("--witness", SECOND, "--witness", THIRD): f"1 by {log}, 1 by {second} {at}, "
        f"0 by {beginning(THIRD)}; 1 not checked",
    }.items():
        ran = checking(kept, file, *arguments)
        assert (ran.code, ran.out.decode().splitlines()[-1]) == (0, f"signatures  {said}"), ran.err
    assert orjson.loads(checking(kept, file, "--witness", WITNESS, "--json").out)["signatures"] == {
        "checked": [
            {"key": log, "lines": 1, "witnessed_at": None},
            {"key": first, "lines": 1, "witnessed_at": "2023-11-14T22:13:20Z"},
        ],
        "not_checked": 1,
    }


def test_a_signature_that_a_witness_did_not_make_for_this_checkpoint_does_not_hold(
    kept: Kept, tmp_path: Path
) -> None:
    file = witnessed(kept, tmp_path, text="x\n")
    assert checking(kept, file).code == 0
    ran = checking(kept, file, "--witness", WITNESS)
    assert (ran.code, ran.out) == (5, b"")
    assert "the cosignature of witness.example does not hold" in " ".join(ran.err.split())


def test_a_witness_may_sign_for_a_moment_that_no_calendar_has(kept: Kept, tmp_path: Path) -> None:
    ran = checking(kept, witnessed(kept, tmp_path, 2**64 - 1), "--witness", WITNESS)
    assert (ran.code, b"at second 18446744073709551615;" in ran.out) == (0, True), ran.err


_LEAF = "00" * 32


@pytest.mark.parametrize(
    ("was", "now", "code", "said"),
    [
        (b"log\n1\n", b"log\n2\n", 5, "the signature of"),
        (b"index 0", b"index 1", 5, "does not prove"),
        (b"@v1", b"@v9", 4, "is no proof: a proof begins with"),
        (b"log\n1\n", b"log\nx\n", 4, "is no proof: a checkpoint is"),
    ],
)
def test_a_proof_that_was_changed_does_not_hold(
    kept: Kept, tmp_path: Path, was: bytes, now: bytes, code: int, said: str
) -> None:
    raw = kept.path("1.tlog-proof").read_bytes()
    file = tmp_path / "changed.tlog-proof"
    file.write_bytes(raw.replace(was, now, 1))
    assert file.read_bytes() != raw
    about = ("--key", kept.path("keys"), "--entry", kept.path("1.json"))
    ran = run(NOWHERE, "log", "check-proof", file, *about)
    assert (ran.code, ran.out) == (code, b"")
    assert said in ran.err


@pytest.mark.parametrize(
    ("about", "code", "said"),
    [
        (("--leaf", _LEAF, "--key", "keys"), 5, "does not prove that this event is in the log: the entry is"),
        (("--entry", "1.json", "--key", OTHER), 5, "none of the known keys signed this"),
        (("--entry", "1.json", "--key", "garbage"), 4, "garbage is no public key of a log"),
        (("--entry", "1.json", "--key", WITNESS), 4, "a key of a witness, not of a log"),
        (("--entry", "1.json", "--key", "keys", "--witness", "keys"), 4, "a key of a log, not of a witness"),
        (("--entry", "1.json", "--key", "keys", "--witness", "x"), 4, "x is no public key of a witness and"),
        (("--entry", "1.json", "--key", "keys", "--witness", WITNESS), 5, "none of the witnesses named"),
        (("--leaf", "12", "--key", "keys"), 4, "12 is no leaf hash"),
        (("--entry", "nowhere", "--key", "keys"), 4, "cannot read nowhere"),
        (("--key", "keys"), 2, "which event it is about"),
        (("--leaf", _LEAF, "--entry", "1.json", "--key", "keys"), 2, "which event it is about"),
    ],
)
def test_what_proves_nothing_says_why(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, about: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(kept.folder)
    ran = run(NOWHERE, "log", "check-proof", "1.tlog-proof", *about)
    assert (ran.code, ran.out) == (code, b"")
    assert said in " ".join(ran.err.replace("│", " ").split())


def test_checkpoints_of_before_and_after_a_new_key_go_together(kept: Kept) -> None:
    both = ("--checkpoint", kept.path("before"), "--checkpoint", kept.path("after"))
    new, old = kept.keys
    # The read models are not built here, so of the book not all could be compared.
    for code, *source in ((1, "--book", "main"), (0, "--offline", kept.path("log.ndjson"))):
        for keys in (("--key", kept.path("keys")), ("--key", old, "--key", new)):
            ran = run(kept.database, "verify", *source, *both, *keys)
            assert (ran.code, b"who signed" in ran.out) == (code, False), ran.err
            assert b"outside\tpassed\t2" in ran.out
    ran = run(kept.database, "verify", "--offline", kept.path("log.ndjson"), *both, "--key", new)
    assert (ran.code, "before is no checkpoint that counts: none of the known keys" in ran.err) == (4, True)


def test_without_a_key_it_is_said_that_nobody_looked_at_the_signature(kept: Kept, tmp_path: Path) -> None:
    whole = kept.path("after").read_bytes()
    signature = whole.rstrip().rpartition(b" ")[2]
    raw = bytearray(base64.b64decode(signature))
    raw[10] ^= 1
    forged = base64.b64encode(raw)
    note = tmp_path / "forged"
    note.write_bytes(whole.replace(signature, forged))
    offline = ("verify", "--offline", kept.path("log.ndjson"), "--checkpoint", note)
    ran = run(NOWHERE, *offline)
    assert (ran.code, b"Nobody looked at who signed" in ran.out) == (0, True)
    ran = run(NOWHERE, *offline, "--json")
    assert (ran.code, orjson.loads(ran.out)["passed"], "Nobody looked" in ran.err) == (0, True, True)
    assert run(NOWHERE, *offline, "--key", kept.path("keys")).code == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--book", "main", "--checkpoint", "of-demo"), 4, "v1/books/demo/log, not of the book main"),
        (("--book", "demo", "--checkpoint", "before"), 4, "not of the book demo"),
        (("--book", "main", "--since", "of-demo"), 4, "not of the book main"),
        (("--offline", "log.ndjson", "--checkpoint", "of-demo"), 4, "not of the book main"),
        (("--book", "main", "--checkpoint", "before", "--key", "garbage"), 4, "garbage is no public key"),
        (("--book", "main", "--checkpoint", "before", "--key", "log.ndjson"), 4, "is no public key"),
        (("--book", "main", "--key", OTHER), 2, "give --checkpoint or --since too"),
        (("--offline", "log.ndjson", "--notes", "notes"), 2, "not --offline"),
        (("--offline", "log.ndjson", "--since", "before"), 2, "not --offline"),
        (("--offline", "nowhere"), 4, "cannot read nowhere"),
    ],
)
def test_what_cannot_be_held_to_a_log_says_why(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(kept.folder)
    ran = run(kept.database, "verify", *arguments)
    assert (ran.code, ran.out) == (code, b"")
    assert said in " ".join(ran.err.replace("│", " ").split())
