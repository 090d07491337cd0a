"""`billing-ledger log` and `billing-ledger vault`: keys, checkpoints and witnesses in an operator's hands."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.command import run
from tests.tlog.test_witness import WITNESS_KEY, witnessing

from ledger.tlog.checkpoint import cosignatures, open_checkpoint
from ledger.tlog.note import COSIGNATURE, Signer, Verifier, read_note, read_verifier

OPEN = ("book", "open", "main", "--name", "Acme GmbH", "--currency", "EUR", "--json")
WITNESS = Verifier("witness.example", COSIGNATURE, WITNESS_KEY.public_key().public_bytes_raw())


@pytest.fixture
def book(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Open a book on a database whose key files are in a folder of the test's."""
    monkeypatch.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "log-key.pem"))
    monkeypatch.setenv("BILLING_LEDGER_VAULT_KEY", str(tmp_path / "vault-key"))
    assert run(database, *OPEN).code == 0
    return database


def test_a_checkpoint_is_signed_by_a_key_that_is_listed(book: str) -> None:
    note = run(book, "log", "checkpoint").out
    (line,) = run(book, "log", "keys").out.decode().splitlines()
    checkpoint, _ = open_checkpoint(note, read_verifier(line))
    assert checkpoint.size == 1
    told = orjson.loads(run(book, "log", "checkpoint", "--json").out)
    assert (told["size"], told["root"], told["note"]) == (1, checkpoint.root.hex(), note.decode())


def test_a_new_key_signs_from_now_on_and_what_the_old_one_signed_holds(book: str, tmp_path: Path) -> None:
    old = run(book, "log", "checkpoint").out
    assert run(book, "log", "rotate-key").code == 0
    new = run(book, "log", "checkpoint").out
    in_force, before = (read_verifier(line) for line in run(book, "log", "keys").out.decode().splitlines())
    assert open_checkpoint(new, in_force)[0] == open_checkpoint(old, before)[0]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log-key.pem", "log-key.pem.1"]


def test_a_witness_signs_the_checkpoint_and_what_it_signed_is_handed_out(book: str) -> None:
    (line,) = run(book, "log", "keys").out.decode().splitlines()
    with witnessing(read_verifier(line)) as url:
        ran = run(book, "log", "witness", url, "--key", str(WITNESS), "--json")
    assert ran.code == 0, ran.err
    note = read_note(run(book, "log", "checkpoint").out)
    (found,) = cosignatures(note, [WITNESS])
    assert str(found.line).strip() == orjson.loads(ran.out)["line"]


def test_a_witness_of_another_history_is_an_alarm(book: str) -> None:
    (line,) = run(book, "log", "keys").out.decode().splitlines()
    with witnessing(read_verifier(line), seen=(5, bytes(32))) as url:
        ran = run(book, "log", "witness", url, "--key", str(WITNESS))
    assert (ran.code, ran.out) == (5, b"")
    assert "saw 5 events; this checkpoint has 1" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("log", "checkpoint", "--book", "nowhere"), 4, "no book nowhere"),
        (("log", "keys", "--book", "nowhere"), 4, "no book nowhere"),
        (("log", "witness", "http://127.0.0.1:9", "--key", "nonsense"), 2, "key"),
        (("log", "witness", "http://127.0.0.1:9", "--key",
          str(Signer("x", Ed25519PrivateKey.generate()).verifier)), 2, "no key of a witness"),
        (("log", "witness", "http://127.0.0.1:9", "--key", str(WITNESS)), 1, "cannot be reached"),
        (("log", "witness", "file:///tmp", "--key", str(WITNESS)), 4, "with http or https"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why(book: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = run(book, *arguments)
    assert ran.code == code
    assert said in ran.err


def test_the_master_key_is_replaced_and_says_how_many_keys_it_wraps(book: str, tmp_path: Path) -> None:
    first = orjson.loads(run(book, "vault", "rotate-key", "--json").out)
    second = orjson.loads(run(book, "vault", "rotate-key", "--json").out)
    assert first["keys_wrapped"] == second["keys_wrapped"] == 0
    assert first["id"] != second["id"]
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["vault-key", "vault-key.1", "vault-key.2"]
