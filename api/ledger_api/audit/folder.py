"""Writing the folder that an auditor keeps: log, checkpoint, proofs, reports, and how to recompute them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ledger.database import connect
from ledger.errors import ConfigurationError
from ledger.scratch import remove_left, scratch
from ledger.sql import queries
from ledger.tlog import proof, signing, tree
from ledger.tlog.note import Verifier
from ledger.tlog.offline import OfflineProof
from ledger.tlog.signing import Signed
from ledger.verify.book import Report, verify_book
from ledger.verify.findings import Check
from ledger_api.audit.page import readme, verification_page
from ledger_api.files.checkpoints import read_checkpoint_file, read_keys
from ledger_api.files.exporting import Lines, Span, export
from ledger_api.signed_log import key_path, origin_of
from ledger_projections.past import Past
from ledger_projections.readmodel import READ_MODELS
from ledger_projections.replaying import Replay, past_at
from ledger_projections.verifying import check_read_models

_SQL = queries(__package__ or "", "audit.sql")

REPORTS = ("trial_balance", "customers", "invoices", "disputes", "discounts", "aging", "revenue", "tax")
"""Tables that are written, each as of the moment."""
MANIFEST = "SHA256SUMS"
_SCHEMAS = "auditing"
_UNFINISHED = ".billing-ledger-audit-"
"""How the name of a folder begins until it is whole."""

Connection = psycopg.Connection[TupleRow]


class Wanted(NamedTuple):
    """What the folder is about: a book, the date that counts (None: all dates), and events to prove.

    `kept` are checkpoints that whoever asks kept elsewhere, and `keys` public keys for them: each a line, or
    a file of lines.
    """

    book: str
    occurred: str | None
    proofs: Sequence[int]
    kept: Sequence[Path] = ()
    keys: Sequence[str] = ()


class Written(NamedTuple):
    """What was written: the report, the position that it is as of, and how many files."""

    report: Report
    position: int
    files: int


def write_audit(
    conninfo: str, wanted: Wanted, out: Path, tell: Callable[[str], None] = lambda _: None
) -> Written:
    """Write the folder, which has to be new or empty, whole or not at all. `tell` is told what is done next.

    Raises `ConfigurationError`.
    """
    keys = read_keys(wanted.keys)
    kept = [read_checkpoint_file(path, keys, wanted.book) for path in wanted.kept]
    with _made_whole(out) as folder, connect(conninfo, statement_seconds_max=0) as connection:
        _keep(wanted.kept, keys, folder)
        tell("signing")
        signed = _sign(connection, wanted.book, folder)
        past = past_at(connection, wanted.book, signed.checkpoint.size, occurred=wanted.occurred)
        tell("proving")
        for position in wanted.proofs:
            _prove(connection, wanted.book, signed, position, folder)
        tell("exporting the log")
        with (folder / "log.ndjson").open("wb") as lines:
            export(connection, Span(wanted.book, 0, past.upto), lines, Lines())
        tell("building the reports")
        with _replayed(conninfo, past) as replay:
            for name in REPORTS:
                _write_report(connection, replay, past, name, folder)
        tell("verifying")
        report = verify_book(conninfo, wanted.book, kept)
        checks: list[Check] = [*report.checks, *check_read_models(conninfo, wanted.book)]
        report = msgspec.structs.replace(report, checks=checks)
        _write_words(folder, wanted, past, report)
        return Written(report, past.upto, _write_manifest(folder))


@contextmanager
def _made_whole(out: Path) -> Iterator[Path]:
    """Give a folder to write in. What is in it comes to its place when the block ends well, else to nothing.

    It is made where it is renamed without being copied: beside a new folder, in one that is there.
    """
    out, there = out.absolute(), out.is_dir()
    within = out if there else out.parent
    try:
        remove_left(_UNFINISHED, within)
        if there and any(out.iterdir()):
            raise ConfigurationError(f"{out} is not empty: name a new folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch(_UNFINISHED, within) as beside:
            folder = beside / "audit"
            for name in ("proofs", "reports"):
                (folder / name).mkdir(parents=True)
            yield folder
            for made, place in (
                [(each, out / each.name) for each in folder.iterdir()] if there else [(folder, out)]
            ):
                made.rename(place)
    except OSError as error:
        raise ConfigurationError(f"cannot write {out}: {error.strerror or error}") from error


def _keep(kept: Sequence[Path], keys: Sequence[Verifier], out: Path) -> None:
    """Copy what the auditor brought along: the log was held to it."""
    if kept:
        (out / "kept").mkdir()
    for number, path in enumerate(kept, start=1):
        (out / "kept" / f"checkpoint-{number}").write_bytes(path.read_bytes())
    if keys:
        (out / "kept" / "keys").write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")


def _sign(connection: Connection, book: str, out: Path) -> Signed:
    """Sign where the log ends now, or take what was signed last where the key is elsewhere."""
    try:
        signed = signing.sign(connection, book, origin_of(book), key_path())
    except LookupError as error:
        raise ConfigurationError(str(error)) from error
    if signed is None:
        raise ConfigurationError(f"nothing of {book} is signed yet, and the key is not here")
    (out / "checkpoint").write_text(signing.with_cosignatures(connection, book, signed), encoding="utf-8")
    keys = "".join(f"{key}\n" for key in signing.verifiers(connection, signed.checkpoint.origin))
    (out / "keys").write_text(keys, encoding="utf-8")
    return signed


def _prove(connection: Connection, book: str, signed: Signed, position: int, out: Path) -> None:
    size = signed.checkpoint.size
    if not 1 <= position <= size:
        raise ConfigurationError(f"no event stands at position {position}: the checkpoint covers 1 to {size}")
    row = connection.execute(_SQL["entry"], {"book": book, "position": position}).fetchone()
    if row is None:
        raise ConfigurationError(f"position {position} of {book} is missing")
    path = tree.proof(connection, book, proof.inclusion(position - 1, size))
    found = OfflineProof(position - 1, path, signing.with_cosignatures(connection, book, signed).encode())
    (out / "proofs" / f"{position}.json").write_bytes(row[0])
    (out / "proofs" / f"{position}.tlog-proof").write_bytes(bytes(found))


@contextmanager
def _replayed(conninfo: str, past: Past) -> Iterator[Replay]:
    """Build all read models of the moment for as long as the block lasts."""
    replay = Replay(conninfo, _SCHEMAS)
    replay.drop()
    try:
        replay.run(past)
        yield replay
    finally:
        replay.drop()


def _write_report(connection: Connection, replay: Replay, past: Past, name: str, out: Path) -> None:
    schemas = {model.name: sql.Identifier(replay.schema(model)) for model in READ_MODELS}
    report = sql.SQL(_SQL[name]).format(book=sql.Literal(past.book), today=sql.Literal(past.today), **schemas)
    query = sql.SQL("COPY ({}) TO STDOUT (FORMAT CSV, HEADER)").format(report)
    path = out / "reports" / f"{name.replace('_', '-')}.csv"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(query) as rows:
        for block in rows:
            file.write(block)


def _write_words(out: Path, wanted: Wanted, past: Past, report: Report) -> None:
    about = {
        "book": wanted.book,
        "position": past.upto,
        "occurred_by": wanted.occurred,
        "today": past.today,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "passed": report.passed,
    }
    (out / "about.json").write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))
    checks = [msgspec.to_builtins(each) | {"result": each.result} for each in report.checks]
    result = {"result": report.verdict, "passed": report.passed, "root": report.root.hex()}
    facts = msgspec.to_builtins(report) | result | {"checks": checks}
    (out / "verification.json").write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    (out / "verification.html").write_text(verification_page(report, about), encoding="utf-8")
    (out / "README.md").write_text(readme(about), encoding="utf-8")
    script = files("ledger_api.audit").joinpath("recompute.py").read_bytes()
    (out / "recompute.py").write_bytes(script)


def _write_manifest(out: Path) -> int:
    """Write the SHA-256 of every file, as sha256sum checks it; tells how many there are."""
    lines = []
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        digest = sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        lines.append(f"{digest.hexdigest()}  {path.relative_to(out).as_posix()}\n")
    (out / MANIFEST).write_text("".join(lines), encoding="utf-8")
    return len(lines) + 1
