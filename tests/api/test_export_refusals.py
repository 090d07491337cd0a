"""An export that is refused, whatever the reason, leaves its file as it was, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import psycopg
import pytest
from tests.api.command import run
from tests.conftest import Fresh
from tests.log.posting import writer
from tests.log.test_importing import BOOK, lines_of, told
from tests.projections.histories import post_lives
from tests.projections.running import folded, projecting, until

NOWHERE = "postgresql://nowhere.invalid/x"
OLD = b"what was there\n"
LINES = lines_of(told().events)


class Case(NamedTuple):
    """A command without the word export, FILE for the file; its exit code and what it says."""

    arguments: str
    code: int
    said: str


@pytest.fixture(scope="module")
def lives(fresh_database: Fresh) -> Iterator[tuple[str, int]]:
    """Give a database with the folded book `lives`, and where its log ends."""
    with fresh_database() as database:
        with writer(database) as works:
            head = post_lives(works, "lives", 2)
        with projecting(database):
            until(lambda: folded(database, "lives", head))
        yield database, head


BY_THE_BOOK = [
    Case("--book none FILE", 4, "there is no book none"),
    Case("--book none --format csv FILE", 4, "there is no book none"),
    Case("--book none --format hledger FILE", 4, "there is no book none"),
    Case("--book none --format parquet FILE", 4, "there is no book none"),
    Case("--book lives --format ledger --clock recorded FILE", 4, "only beancount has one"),
    Case("--book lives --from 20000 FILE", 4, "the log of lives ends at position HEAD, it has no 20000"),
    Case("--book lives --after 20000 FILE", 4, "the log of lives ends at position HEAD, it has no 20000"),
    Case("--book lives --format csv --from 20000 FILE", 4, "it has no 20000"),
    Case("--book lives --from 9 --to 8 FILE", 4, "--to 8 is before position 9, where the export begins"),
    Case("--book lives --after 9 --to 8 FILE", 4, "--to 8 is before position 9"),
    Case("--book lives --from 9 --after 8 FILE", 4, "--from and --after both say where to begin"),
    Case("--book lives --resume FILE", 4, "is no export of the book lives; nothing was changed in it"),
    Case("--book lives --format csv --resume FILE", 4, "not how this export begins: line 1 differs"),
    Case("--book none --format parquet --resume FILE", 4, "there is no book none"),
    Case("--book lives --format parquet --resume /dev/null", 4, "Parquet is written to a file"),
]
BY_A_FILE = [
    Case("--book other --log whole --format csv FILE", 5, "line 1 is of the book book, not of other"),
    Case("--book book --log cut --format csv FILE", 5, "line 7 has no end: the file was cut off there"),
    Case("--book book --log undecided --format csv FILE", 5, "the decision at position 6 has 2 events"),
    Case("--book book --log spaced --format hledger FILE", 5, "line 3 is not as it was recorded"),
    Case("--book book --log empty --format csv FILE", 5, "there are no lines"),
    Case("--book book --log cut --format parquet FILE", 5, "line 7 has no end: the file was cut off there"),
    Case("--book book --log cut --format parquet --resume FILE", 5, "line 7 has no end"),
    Case("--book book --log missing --format csv FILE", 2, "does not exist"),
    Case("--book book --log whole --format csv --from 8 FILE", 4, "ends at position 7, it has no 8"),
    Case("--book book --log whole --format ledger --clock recorded FILE", 4, "only beancount has one"),
    Case("--book book --log whole --format csv /dev/full", 4, "cannot write /dev/full: No space left"),
    Case("--book book --log whole --format csv whole", 4, "whole is read, and would be written over"),
    Case("--book book --log whole --format csv --resume whole", 4, "would be written over"),
    Case("--book book --log whole --format parquet linked", 4, "whole is read, and would be written over"),
    Case("--book book --log whole --format csv same", 4, "whole is read, and would be written over"),
]


def logs(folder: Path) -> None:
    """Write a log, wrong ones, and other names of it."""
    spaced = [*LINES[:2], LINES[2].replace(b":", b": ", 1), *LINES[3:]]
    for name, lines in {
        "whole": LINES, "cut": [*LINES[:6], LINES[6][:40]], "undecided": LINES[:6], "spaced": spaced,
        "empty": [],
    }.items():  # fmt: skip
        (folder / name).write_bytes(b"".join(lines))
    (folder / "linked").symlink_to(folder / "whole")
    (folder / "same").hardlink_to(folder / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(database: str, folder: Path, case: Case, head: int = 0) -> None:
    (folder / "file").write_bytes(OLD)
    before = contents(folder)
    places = {name: folder / name for name in (*before, "missing")} | {"FILE": folder / "file"}
    ran = run(database, "export", *(places.get(word, word) for word in case.arguments.split()))
    assert (ran.code, case.said.replace("HEAD", str(head)) in " ".join(ran.err.split())) == (
        case.code,
        True,
    ), ran.err
    assert contents(folder) == before


@pytest.mark.parametrize("case", BY_THE_BOOK, ids=str)
def test_what_the_book_cannot_give_changes_no_file(
    lives: tuple[str, int], tmp_path: Path, case: Case
) -> None:
    database, head = lives
    refused(database, tmp_path, case, head)


@pytest.mark.parametrize("case", BY_A_FILE, ids=str)
def test_what_a_log_in_a_file_cannot_give_changes_no_file(tmp_path: Path, case: Case) -> None:
    logs(tmp_path)
    refused(NOWHERE, tmp_path, case)


def test_a_log_is_read_as_far_as_it_is_wanted(tmp_path: Path) -> None:
    logs(tmp_path)
    for log in ("whole", "cut", "undecided"):
        ran = run(NOWHERE, "export", "--book", BOOK, "--log", tmp_path / log, "--format", "csv", "--to", "5")
        assert ran.code == 0, ran.err
        assert ran.out.count(b"\n") == 6


def test_nothing_behind_the_end_is_no_mistake_of_whoever_follows_a_log(
    lives: tuple[str, int], tmp_path: Path
) -> None:
    database, head = lives
    ran = run(database, "export", "--book", "lives", "--after", str(head), tmp_path / "file")
    assert ran.code == 0
    assert f"0 events of lives, none behind position {head}, in ".encode() in ran.out
    assert (tmp_path / "file").read_bytes() == b""


def test_lines_are_resumed_within_what_was_asked_for(lives: tuple[str, int], tmp_path: Path) -> None:
    database, head = lives
    file = tmp_path / "file"

    def export(*arguments: str) -> tuple[int, str]:
        ran = run(database, "export", "--book", "lives", "--resume", file, *arguments)
        return ran.code, ran.err

    assert export("--after", "5", "--to", "9")[0] == 0
    assert [orjson.loads(line)["position"] for line in file.read_bytes().splitlines()] == [6, 7, 8, 9]
    before = file.read_bytes()
    for arguments, said in {
        ("--to", "8"): "ends with position 9, behind 8, where this export ends",
        ("--from", "2"): "begins with position 6, not with 2",
    }.items():
        code, error = export(*arguments)
        assert (code, said in error) == (4, True), error
        assert file.read_bytes() == before
    assert export("--after", "5")[0] == 0
    assert orjson.loads(file.read_bytes().splitlines()[-1])["position"] == head


def test_a_journal_of_an_earlier_position_is_no_beginning_of_a_later_one(
    lives: tuple[str, int], tmp_path: Path
) -> None:
    """Its balances stand where the next entries would: the same position can be resumed, another one not."""
    database, head = lives
    file = tmp_path / "file"
    given = ("export", "--book", "lives", "--format", "hledger", file)
    assert run(database, *given, "--to", str(head // 2)).code == 0
    whole = file.read_bytes()
    ran = run(database, *given, "--resume")
    assert ran.code == 4
    assert "is not how this export begins: line" in ran.err
    assert file.read_bytes() == whole
    file.write_bytes(whole[:-100])
    assert run(database, *given, "--resume", "--to", str(head // 2)).code == 0
    assert file.read_bytes() == whole


@pytest.mark.parametrize("resume", [False, True])
def test_a_log_that_contradicts_its_root_replaces_no_file(
    database: str, tmp_path: Path, *, resume: bool
) -> None:
    with writer(database) as works:
        post_lives(works, "lives", 1)
    file = tmp_path / "file"
    given = ("export", "--book", "lives", file)
    assert run(database, *given, "--to", "5").code == 0
    before = file.read_bytes()
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE ledger.event DISABLE TRIGGER ALL")
        connection.execute(
            "UPDATE ledger.event SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            " '\"principal\":\"', '\"principal\":\"x'), 'UTF8') WHERE book = 'lives' AND position = 8"
        )
    ran = run(database, *given, *(["--resume"] if resume else []))
    assert ran.code == 5
    assert "the log or the file was changed" in ran.err
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
