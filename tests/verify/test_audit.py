"""The folder that an auditor keeps: complete, recomputed by foreign programs, and telling when it was touched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.command import run
from tests.ledger import asks
from tests.ledger.world import START
from tests.log.posting import writer
from tests.projections.histories import message, post, post_lives
from tests.projections.running import folded, projecting, until
from tests.tlog.test_signing import BOOK, as_superuser, fill
from tests.tlog.test_witness import WITNESS_KEY

from ledger.database import connect
from ledger.log.merkle import leaf_hash
from ledger.log.writer import Writer
from ledger.money import net_of
from ledger.tlog import signing
from ledger.tlog.checkpoint import cosign, cosignatures
from ledger.tlog.note import COSIGNATURE, Signer, Verifier, read_note, read_verifier
from ledger.tlog.offline import read_offline_proof
from ledger.verify.book import Report
from ledger.verify.findings import Finding, check, part
from ledger_api.audit.page import verification_page
from ledger_api.audit.recompute import compare, measured

FILES = {
    "README.md", "about.json", "checkpoint", "keys", "log.ndjson", "recompute.py", "verification.html",
    "verification.json", "SHA256SUMS", "proofs/4.json", "proofs/4.tlog-proof", "reports/trial-balance.csv",
    "reports/customers.csv", "reports/invoices.csv", "reports/disputes.csv", "reports/discounts.csv",
    "reports/aging.csv", "reports/revenue.csv", "reports/tax.csv",
}  # fmt: skip


@pytest.fixture
def book(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a book with lives in it, folded, and a place for the key."""
    monkeypatch.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "key.pem"))
    with writer(database) as works, projecting(database):
        position = void_a_note(works, database, post_lives(works, "main", 12))
        until(lambda: folded(database, "main", position))
    return database


def void_a_note(works: Writer, database: str, last: int) -> int:
    """Take back the credit notes that can be, which no life does; tells the last position."""
    query = (
        "SELECT customer, convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'credit_note' FROM ledger.event"
    )
    with connect(database) as connection:
        notes = connection.execute(f"{query} WHERE type = 'credit_note.issued' ORDER BY position").fetchall()
    asked = [
        message(asks.void_note(note), f"void {note}", START + timedelta(days=250), customer)
        for customer, note in notes
    ]
    voided = [outcome for outcome in post(works, "main", asked) if not isinstance(outcome, Exception)]
    assert voided
    return max(last, *(event.position for outcome in voided for event in outcome.events))


def in_folder(folder: Path, *command: str) -> tuple[int, str]:
    """Run a program in the folder."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def differs(folder: Path, name: str, figure: str) -> bool:
    """Tell whether a report that says another amount in one row is found by both, and put it back."""
    table = folder / f"reports/{name}.csv"
    was = table.read_text()
    head, first, *rest = was.splitlines()
    row = dict(zip(head.split(","), first.split(","), strict=True))
    row[figure] = str(int(row[figure]) + 1)
    table.write_text("\n".join([head, ",".join(row.values()), *rest]) + "\n")
    by_hash = in_folder(folder, "sha256sum", "--quiet", "-c", "SHA256SUMS")[0]
    code, said = in_folder(folder, sys.executable, "-I", "recompute.py")
    table.write_text(was)
    return (by_hash, code, said.count(", 1 differ")) == (1, 1, 1)


@pytest.mark.parametrize("day", [None, "2026-01-31"])
def test_the_folder_is_recomputed_by_programs_that_are_not_ours(
    book: str, tmp_path: Path, day: str | None
) -> None:
    out = tmp_path / "audit"
    dated = () if day is None else ("--as-of-occurred", day)
    ran = run(book, "audit", "--book", "main", "--out", out, "--proof", "4", "--json", *dated)
    assert ran.code == 0, ran.err
    told = orjson.loads(ran.out)
    assert (told["passed"], told["files"]) == (True, len(FILES))
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == FILES
    assert in_folder(out, "sha256sum", "--quiet", "-c", "SHA256SUMS") == (0, "")
    code, said = in_folder(out, sys.executable, "-I", "recompute.py")
    assert (code, "as the checkpoint says" in said, said.count(" 0 differ")) == (0, True, 4), said
    verifier = read_verifier((out / "keys").read_text().splitlines()[0])
    proven = read_offline_proof((out / "proofs/4.tlog-proof").read_bytes())
    assert proven.verify(leaf_hash((out / "proofs/4.json").read_bytes()), verifier).size == told["position"]
    assert "Nothing is wrong." in (out / "verification.html").read_text()
    assert orjson.loads((out / "verification.json").read_bytes())["passed"]
    for name in ("aging", "revenue", "tax"):
        function = f"reports.{name}_as_of('main', {told['position']}, as_of_occurred => {day!r})"
        query = f"COPY (SELECT * FROM {function.replace('None', 'NULL')}) TO STDOUT (FORMAT CSV, HEADER)"
        with connect(book) as live, live.cursor().copy(query) as rows:
            table = b"".join(bytes(each) for each in rows)
        assert (out / f"reports/{name}.csv").read_bytes() == table
        assert table.count(b"\n") > 1
    # What is touched afterwards shows: in the manifest, and in what is recomputed.
    for name, figure in (
        ("customers", "receivable"), ("invoices", "due"), ("aging", "not_due"), ("trial-balance", "balance"),
    ):  # fmt: skip
        assert differs(out, name, figure), name
    note = out / "checkpoint"
    kept = note.read_text()
    note.write_text(kept.replace(f"log\n{told['position']}\n", f"log\n{told['position'] + 1}\n"))
    code, said = in_folder(out, sys.executable, "-I", "recompute.py")
    assert (code, "NOT as the checkpoint says" in said) == (1, True)
    note.write_text(kept)
    assert in_folder(out, sys.executable, "-I", "recompute.py")[0] == 0
    log = out / "log.ndjson"
    log.write_bytes(log.read_bytes().replace(b'"net":10001', b'"net":10002'))
    code, said = in_folder(out, sys.executable, "-I", "recompute.py")
    assert (code, "NOT as the checkpoint says" in said) == (1, True)
    assert run(book, "audit", "--book", "main", "--out", out).code == 4


def test_what_is_wrong_stands_in_the_folder(book: str, tmp_path: Path) -> None:
    as_superuser(
        book,
        "UPDATE balances.customer_balance SET unbilled = 1 WHERE customer = 'customer-1' AND currency = 'EUR'",
    )
    out = tmp_path / "audit"
    assert run(book, "audit", "--book", "main", "--out", out).code == 5
    page = (out / "verification.html").read_text()
    assert "Not as it was recorded." in page
    assert "balances: balances.customer_balance has (main,customer-1,EUR," in page
    assert orjson.loads((out / "verification.json").read_bytes())["result"] == "wrong"
    as_superuser(book, "UPDATE ledger.read_model SET version = 'x' WHERE model = 'balances'")
    out = tmp_path / "left-out"
    assert run(book, "audit", "--book", "main", "--out", out).code == 1
    page = (out / "verification.html").read_text()
    assert "Nothing is wrong in what was compared. Not compared: balances." in page
    told = orjson.loads((out / "verification.json").read_bytes())
    assert (told["result"], told["passed"]) == ("not compared", False)
    assert {each["result"] for each in told["checks"] if each["name"] == "balances"} == {"not compared"}
    for wrong in (
        ("--book", "nowhere"),
        ("--book", "main", "--proof", "99999"),
        ("--book", "main", "--as-of-occurred", "31.1."),
    ):
        assert run(book, "audit", "--out", tmp_path / "other" / wrong[-1], *wrong).code == 4
        assert list((tmp_path / "other").iterdir()) == []


def test_the_log_is_held_to_what_the_auditor_kept(book: str, tmp_path: Path) -> None:
    note, keys, forged = tmp_path / "note", tmp_path / "keys", tmp_path / "forged"
    note.write_bytes(run(book, "log", "checkpoint").out)
    keys.write_bytes(run(book, "log", "keys").out)
    lines = note.read_text().splitlines(keepends=True)
    forged.write_text("".join([*lines[:2], f"{'A' * 43}=\n", *lines[3:]]))
    out = tmp_path / "audit"
    out.mkdir()

    def audit(*arguments: str | Path) -> tuple[int, str]:
        ran = run(book, "audit", "--book", "main", "--out", out, *arguments)
        return ran.code, ran.err

    # What keeps it from being written leaves nothing of it, so that the next one may.
    for wrong, code, said in (
        (("--checkpoint", forged, "--key", keys), 4, "is no checkpoint that counts: the signature of"),
        (("--checkpoint", note, "--key", "garbage"), 4, "garbage is no public key"),
        (("--checkpoint", tmp_path / "none"), 4, "cannot read"),
        (("--key", keys), 2, "give --checkpoint too"),
        (("--proof", "99999"), 4, "no event stands at position 99999"),
    ):
        ran = audit(*wrong)
        assert (ran[0], said in " ".join(ran[1].replace("│", " ").split())) == (code, True), ran
        assert list(out.iterdir()) == []
    assert audit("--checkpoint", note, "--key", keys, "--checkpoint", note)[0] == 0
    assert sorted(path.name for path in (out / "kept").iterdir()) == ["checkpoint-1", "checkpoint-2", "keys"]
    assert (out / "kept/checkpoint-2").read_bytes() == note.read_bytes()
    told = orjson.loads((out / "verification.json").read_bytes())["checks"]
    assert [each["count"] for each in told if each["name"] == "outside"] == [2]
    assert in_folder(out, "sha256sum", "--quiet", "-c", "SHA256SUMS") == (0, "")
    out = tmp_path / "held to another history"
    assert audit("--checkpoint", forged)[0] == 5
    assert "the checkpoint kept outside" in (out / "verification.html").read_text()


@pytest.mark.parametrize("day", [None, "2026-01-31"])
def test_what_the_readme_names_is_run_as_it_stands(
    book: str, tmp_path: Path, fresh_database: Callable[[], AbstractContextManager[str]], day: str | None
) -> None:
    """Its commands see an empty database, and keys of which the first did not sign the checkpoint."""
    out = tmp_path / "audit"
    dated = () if day is None else ("--as-of-occurred", day)
    assert (
        run(book, "audit", "--book", "main", "--out", out, "--proof", "4", "--proof", "5", *dated).code == 0
    )
    in_force = Signer(read_verifier((out / "keys").read_text().strip()).name, Ed25519PrivateKey.generate())
    (out / "keys").write_text(f"{in_force.verifier}\n{(out / 'keys').read_text()}")
    snippets = re.findall(r"```sh\n(.*?)```", (out / "README.md").read_text(), re.DOTALL)
    with fresh_database() as other, pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", other)
        environment.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "other.pem"))
        environment.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        ran = {each: in_folder(out, "bash", "-c", each) for each in snippets[1:]}
    assert {each: said for each, (code, said) in ran.items() if code != 0} == {}
    assert any("diff -r" in each for each in ran)
    assert [said.count("leaf ") for each, (_, said) in ran.items() if "check-proof" in each] == [2]


def test_reports_are_whole_however_far_the_live_ones_are(book: str, tmp_path: Path) -> None:
    """The functions that they are asked of go by the cursor of the live read models elsewhere."""
    ahead, behind = tmp_path / "ahead", tmp_path / "behind"
    assert run(book, "audit", "--book", "main", "--out", ahead).code == 0
    as_superuser(book, "UPDATE ledger.cursor SET notification_id = 3 WHERE application_name = 'reports/main'")
    run(book, "audit", "--book", "main", "--out", behind)
    for table in (ahead / "reports").iterdir():
        assert (behind / "reports" / table.name).read_bytes() == table.read_bytes()
        assert table.read_bytes().count(b"\n") > 1


def test_what_witnesses_and_every_key_signed_goes_along(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_LEDGER_LOG_KEY", str(tmp_path / "key.pem"))
    fill(database, 5)
    with connect(database) as connection:
        assert signing.key_in_force(connection, tmp_path / "key.pem")
        signing.rotate_key(connection, tmp_path / "key.pem")
    note = read_note(run(database, "log", "checkpoint").out)
    witness = Verifier("witness.example", COSIGNATURE, WITNESS_KEY.public_key().public_bytes_raw())
    seconds = int(time.time())
    row = (BOOK, str(witness), str(cosign(note.text, witness.name, WITNESS_KEY, seconds)), seconds)
    with connect(database, role=None) as boss:
        boss.execute(
            "INSERT INTO ledger.cosignature (book, size, witness, line, seen_at)"
            " VALUES (%s, 5, %s, %s, to_timestamp(%s))",
            row,
        )
    out = tmp_path / "audit"
    ran = run(database, "audit", "--book", BOOK, "--out", out, "--proof", "4")
    assert ran.code == 1, "nothing is wrong, but the read models are behind and were not compared"
    proven = read_offline_proof((out / "proofs/4.tlog-proof").read_bytes())
    for raw in ((out / "checkpoint").read_bytes(), proven.checkpoint):
        assert [each.seconds for each in cosignatures(read_note(raw), [witness])] == [seconds]
    assert len((out / "keys").read_text().splitlines()) == 2


def test_a_page_shows_what_somebody_wrote_as_text_and_how_much_more_there_is() -> None:
    findings = [Finding(f"<script>{number}</script>") for number in range(120)]
    checks = [check("columns", "each", "events", 0, [part(600, findings)])]
    page = verification_page(Report("main", 600, bytes(32), checks), {"written_at": "now"})
    assert "<script>" not in page
    assert "<li>columns: &lt;script&gt;99&lt;/script&gt;</li><li>columns: 20 more</li>" in page


def test_a_figure_that_only_one_of_both_has_differs() -> None:
    one: dict[tuple[str, ...], int] = {("a",): 1}
    assert [compare("x", one, {}), compare("x", {}, one), compare("x", {("a",): 0}, {})] == [1, 1, 0]


@pytest.mark.parametrize("quantity", ["0.5", "1.5", "2.5", "-0.5", "-2.5", "0.4999", "2.5001"])
def test_a_half_is_rounded_as_the_ledger_rounds_it(quantity: str) -> None:
    posted = {"type": "charge.posted", "data": {"quantity": quantity, "unit_price": "1"}}
    assert measured(posted, "amount") == net_of(quantity, "1")
