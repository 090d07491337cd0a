"""Verifying again, going on where it was cut off, and verifying an export with no database."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.command import run
from tests.conftest import Fresh
from tests.log.posting import writer
from tests.projections.histories import post_lives
from tests.tlog.test_signing import BOOK, ORIGIN, as_superuser, connection, fill, key
from tests.verify.test_tampering import found

from ledger.decider import read_event
from ledger.errors import ConfigurationError
from ledger.event import encode_canonical
from ledger.tlog import signing
from ledger.tlog.checkpoint import Checkpoint
from ledger.tlog.tree import WIDTH, Connection
from ledger.verify import leaves, rules
from ledger.verify.book import verify_book
from ledger.verify.findings import FINDINGS_MAX, Finding, check, part
from ledger.verify.offline import verify_file
from ledger.verify.passes import open_auditor

__all__ = ["connection", "key"]


def test_since_a_checkpoint_only_what_follows_is_read(
    database: str, connection: Connection, key: Ed25519PrivateKey
) -> None:
    fill(database, 300)
    before = signing.sign_head(connection, BOOK, ORIGIN, key).checkpoint
    fill(database, 500)
    assert found(verify_book(database, BOOK, since=before, processes=1)) == {}
    as_superuser(database, "UPDATE ledger.event SET state = state || ' '::bytea WHERE position = 400")
    assert "leaves" in found(verify_book(database, BOOK, since=before, processes=1))
    as_superuser(database, "UPDATE ledger.event SET leaf = sha256('x') WHERE position = 9")
    report = verify_book(database, BOOK, since=before, processes=1)
    assert found(report)["outside"].startswith("the checkpoint kept outside at 300 has the root")
    assert len(report.checks) == len(verify_book(database, BOOK, processes=1).checks)


def test_a_number_out_of_its_series_is_named_even_where_a_checkpoint_vouches(
    database: str, connection: Connection, key: Ed25519PrivateKey
) -> None:
    with writer(database) as works:
        post_lives(works, "main", 3)
    before = signing.sign_head(connection, "main", ORIGIN, key).checkpoint
    report = verify_book(database, "main", since=before, processes=1)
    assert found(report) == {}
    assert next(check.count for check in report.checks if check.name == "numbers") > 3
    as_superuser(
        database,
        "UPDATE ledger.event SET state = convert_to(regexp_replace(convert_from(state, 'UTF8'),"
        " '\"sequence\":3,', '\"sequence\":4,'), 'UTF8') WHERE type = 'invoice.issued'",
    )
    said = [
        finding.said
        for check in verify_book(database, "main", since=before, processes=1).checks
        if check.name == "numbers"
        for finding in check.findings
    ]
    assert [one.split(" takes ")[1] for one in said] == ["invoice 4 after 2", "invoice 4 after 4"]


def test_an_interrupted_verification_goes_on_where_and_as_of_when_it_was(
    database: str, connection: Connection, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    fill(database, 300)
    notes, kept = tmp_path / "notes", bytearray()

    def keep(_: int) -> None:
        kept[:] = notes.read_bytes()

    whole = verify_book(database, BOOK, notes=notes, processes=1, advance=keep)
    lines = bytes(kept).splitlines(keepends=True)
    assert len(lines) == 5
    fill(database, 400)
    newer = signing.sign_head(connection, BOOK, ORIGIN, key).checkpoint
    for interrupted in (b"".join(lines[:2]) + lines[2][:20], lines[0]):
        notes.write_bytes(interrupted)
        again = verify_book(database, BOOK, notes=notes, processes=1)
        assert (again.position, again.root, found(again)) == (300, whole.root, {})
    notes.write_bytes(kept)
    with pytest.raises(ConfigurationError, match="begun at position 300, a checkpoint is of 400"):
        verify_book(database, BOOK, [newer], notes=notes, processes=1)
    # What is noted is not looked at again: that is what it is for.
    as_superuser(database, "UPDATE ledger.event SET leaf = sha256('x') WHERE position = 9")
    assert "leaves" not in found(verify_book(database, BOOK, notes=notes, processes=1))
    # But when all was looked at, everything is.
    assert not notes.exists()
    again = verify_book(database, BOOK, notes=notes, processes=1)
    assert again.position == 400
    assert "leaves" in found(again)
    # What a version noted that looked for less is not enough.
    notes.write_bytes(kept.replace(b'"numbers":', b'"others":'))
    assert "leaves" in found(verify_book(database, BOOK, notes=notes, processes=1))
    notes.write_bytes(kept)
    with pytest.raises(ConfigurationError, match="holds notes of"):
        verify_book(database, BOOK, notes=notes, since=Checkpoint(ORIGIN, 300, whole.root), processes=1)
    as_superuser(
        database, "INSERT INTO ledger.head SELECT 'other', position, frontier, recorded_at FROM ledger.head"
    )
    with pytest.raises(ConfigurationError, match="holds notes of main since 0, not of other since 0"):
        verify_book(database, "other", notes=notes, processes=1)


@pytest.mark.parametrize("held", [b"nonsense\n", b"precious", b"\nprecious\n", b'{"book":"main"}\n', b"\xff"])
def test_a_file_that_holds_no_notes_is_left_as_it_is(database: str, tmp_path: Path, held: bytes) -> None:
    fill(database, 5)
    notes = tmp_path / "notes"
    notes.write_bytes(held)
    with pytest.raises(ConfigurationError, match="holds no notes"):
        verify_book(database, BOOK, notes=notes, processes=1)
    assert notes.read_bytes() == held


@pytest.mark.parametrize("held", [b"", b"{", b'{"book":"main","posi'])
def test_notes_that_were_cut_in_their_first_line_are_begun_again(
    database: str, tmp_path: Path, held: bytes
) -> None:
    fill(database, 5)
    notes = tmp_path / "notes"
    notes.write_bytes(held)
    assert found(verify_book(database, BOOK, notes=notes, processes=1)) == {}


@pytest.fixture(scope="module")
def exported(fresh_database: Fresh, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], bytes]:
    """Give the lines of an exported book of several lives, and its root."""
    path = tmp_path_factory.mktemp("export") / "main.ndjson"
    with fresh_database() as database:
        with writer(database) as works:
            post_lives(works, "main", 6)
        assert run(database, "export", "--book", "main", path).code == 0
        root = verify_book(database, "main", processes=1).root
    return path.read_bytes().splitlines(), root


def renumbered(line: bytes) -> bytes:
    """Give an invoice another number in its series; it stays an event in canonical form."""
    made = re.sub(rb'"sequence":[0-9]+', b'"sequence":77', line)
    assert encode_canonical(read_event(made)) == made != line
    return made


def test_an_export_is_verified_with_no_database(
    exported: tuple[list[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, root = exported
    path = tmp_path / "log.ndjson"

    def verified(lines_: list[bytes], *outside: Checkpoint) -> dict[str, str]:
        path.write_bytes(b"".join(line + b"\n" for line in lines_))
        return found(verify_file(path, outside, processes=1))

    kept = Checkpoint(ORIGIN, len(lines), root)
    assert verified(lines, kept) == {}
    ran = run("postgresql://nowhere.invalid/none", "verify", "--offline", path, "--json")
    told = orjson.loads(ran.out)
    assert (ran.code, told["book"], told["position"], told["root"]) == (0, "main", len(lines), root.hex())
    at, issued = next((at, line) for at, line in enumerate(lines) if b'"type":"invoice.issued"' in line)

    def with_line(line: bytes) -> list[bytes]:
        return [*lines[:at], line, *lines[at + 1 :]]

    assert (
        verified(with_line(issued + b" "), kept)["lines"] == f"line {at + 1} is not as it would be recorded"
    )
    for unreadable in (
        b"{}",
        issued.replace(b'"currency":"', b'"currency":"X'),
        issued.replace(b"INV", b"\xff"),
    ):
        assert verified(with_line(unreadable), kept)["lines"].startswith(f"line {at + 1} is no event:")
    # What cannot be read has its number all the same.
    assert "numbers" not in verified(with_line(issued.replace(b'"currency":"', b'"currency":"X')))
    assert verified(lines[:-1], kept)["outside"].startswith(
        f"the checkpoint kept outside at {len(lines)} is behind"
    )
    assert "holds position" in verified([*lines[:at], *lines[at + 1 :]])["lines"]
    assert "holds position" in verified([*lines[:5], lines[6], lines[5], *lines[7:]])["lines"]
    said = verified(with_line(renumbered(issued)), kept)
    assert said["numbers"].startswith("numbers_have_no_gaps: position")
    assert "has the root" in said["outside"]
    said = verified([line for line in lines if b'"subject":"customer-3"' not in line])
    assert "holds position" in said["lines"]
    monkeypatch.setattr("ledger.verify.offline.SHARE_BYTES", 20_000)
    assert verified(lines, kept) == {}
    assert len(lines) < leaves.RANGE_EVENTS


def test_an_export_of_two_books_or_of_a_broken_history_is_named(
    exported: tuple[list[bytes], bytes], tmp_path: Path
) -> None:
    lines, _ = exported
    at, issued = next((at, line) for at, line in enumerate(lines) if b'"type":"invoice.issued"' in line)
    event = read_event(issued)
    of_another = encode_canonical(msgspec.structs.replace(event, book="other"))
    of_later = encode_canonical(msgspec.structs.replace(event, version=event.version + 1))
    due = f"stream {event.stream} has version {event.version + 1} where {event.version} is due"
    for instead, expected in (
        ([of_another], f"line {at + 1} is of book other, not main"),
        ([of_later], due),
        ([], "does not follow from what is before it"),
    ):
        path = tmp_path / "log"
        path.write_bytes(b"".join(line + b"\n" for line in (*lines[:at], *instead, *lines[at + 1 :])))
        assert expected in "; ".join(found(verify_file(path, processes=1)).values())


def test_a_file_of_nothing_is_not_verified(tmp_path: Path) -> None:
    (tmp_path / "nothing").touch()
    with pytest.raises(ConfigurationError, match="nothing is empty: of no event nothing can be verified"):
        verify_file(tmp_path / "nothing")


def test_a_share_ends_with_its_last_stream_and_has_its_snapshots(database: str) -> None:
    fill(database, 600)
    with open_auditor(database) as auditor:
        shares = [
            rules.check_share(auditor, BOOK, 600, 0, behind, last)
            for behind, last in pairwise([None, "customer/c", "customer/d", None])
        ]
    assert [(each.columns.count, each.kept.count) for each in shares] == [(600, 1), (0, 0), (0, 0)]


def test_what_is_not_named_is_counted() -> None:
    parts = [part(200, [Finding("a")] * 150), part(100, [Finding("b", 7)])]
    made = check("columns", "each", "events", 0, parts)
    assert (made.count, made.found, len(made.findings), made.first_position) == (300, 151, FINDINGS_MAX, 7)


@pytest.mark.parametrize(
    "bounds", [{}, {"behind": "customer/customer-1"}, {"last": "customer/customer-2"}, {"since": 250}]
)
def test_a_share_is_read_in_the_order_of_an_index(database: str, bounds: dict[str, object]) -> None:
    """Sorted first, all of its rows would be held at once; so few of them would be."""
    fill(database, 300)
    as_superuser(database, "ANALYZE ledger.event")
    values = {"book": BOOK, "upto": 300, "since": 0, "behind": None, "last": None} | bounds
    assert "Sort" not in _plan(database, "streams_between", values)


def test_leaves_are_read_in_the_order_of_an_index(database: str) -> None:
    """Each tile is looked up for itself, and sorted by nobody."""
    fill(database, 300)
    as_superuser(database, "ANALYZE ledger.event")
    values = {"book": BOOK, "after": 0, "upto": 300, "since": 0, "tile": WIDTH}
    assert "Sort" not in _plan(database, "leaves", values)


def _plan(database: str, query: str, values: dict[str, object]) -> str:
    with open_auditor(database) as auditor, auditor.transaction():
        auditor.execute(leaves.SQL["by_index"])
        return str(auditor.execute(f"EXPLAIN {leaves.SQL[query]}".encode(), values).fetchall())
