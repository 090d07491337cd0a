"""The documentation is true: every snippet runs, every link leads somewhere, every table is the code's."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from tests.documentation.pages import written_pages
from tests.documentation.shell import Shell
from tests.documentation.snippets import Snippet, alike, matches, snippets_of

from ledger.database import connect
from ledger.decider import DECODERS
from ledger.embedded.programs import installed
from ledger.errors import Malformed
from ledger.message import read_message
from ledger.settings import Settings
from ledger_api.files.mapping import RowMapping

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
WITH_ITS_OWN_POSTGRESQL = ROOT / "README.md"
"""The one page whose snippets run as they stand, on the embedded PostgreSQL in a fresh folder.

The others get a database of the test's, so that making clusters does not take most of the time.
"""
RUN = {"sh", "sql", "python"}
READ = {"json", "ndjson", "csv", "toml", "text"}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if page != WITH_ITS_OWN_POSTGRESQL], ids=_name)
def test_the_snippets_of_a_page_do_what_it_says(page: Path, tmp_path: Path, database: str) -> None:
    _run(page, tmp_path, {"DATABASE_URL": database})


def test_the_snippets_of_the_readme_run_in_an_empty_folder(tmp_path: Path) -> None:
    _run(WITH_ITS_OWN_POSTGRESQL, tmp_path, {})


def _run(page: Path, folder: Path, more: Mapping[str, str]) -> None:
    snippets = snippets_of(page)
    for snippet in snippets:
        _read(snippet)
    if not any(_is_run(snippet) for snippet in snippets):
        return
    with Shell(folder, _environment(more)) as shell:
        printed = None
        for snippet in snippets:
            if snippet.output:
                assert printed is not None, f"{snippet}: nothing was run before it"
                _compare(snippet, printed)
                printed = None
            elif _is_run(snippet):
                printed = _run_one(shell, snippet)


def _is_run(snippet: Snippet) -> bool:
    return snippet.language in RUN and not snippet.output and snippet.covered_by is None


def _run_one(shell: Shell, snippet: Snippet) -> str | None:
    try:
        if snippet.given is not None:
            shell.run(snippet.given)
        if snippet.background:
            shell.serve(snippet.text)
            return None
        if snippet.language == "sql":
            return shell.run(_psql(snippet))
        return shell.run_python(snippet.text) if snippet.language == "python" else shell.run(snippet.text)
    except AssertionError as error:
        raise AssertionError(f"{snippet}: {error}") from None


def _psql(snippet: Snippet) -> str:
    """Write the command that asks in a role, reading only, as `billing-ledger psql --role` does."""
    options = (
        f"-c role={snippet.role} -c ledger.book=main -c default_transaction_read_only=on -c timezone=UTC"
    )
    command = f'PGOPTIONS="{options}" psql -X -q -v ON_ERROR_STOP=1 "$DATABASE_URL"'
    return f"{command} <<'END_OF_SNIPPET'\n{snippet.text}\nEND_OF_SNIPPET"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Make an environment with our programs on the path, and nothing of the caller's that would be found."""
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("PG", "BILLING_LEDGER_", "LEDGER_", "DATABASE_URL", "TELCO_"))
    }  # fmt: skip
    before = [str(Path(sys.executable).parent)]
    if "LEDGER_TEST_DATABASE_URL" not in os.environ:
        before.append(str(installed()))  # pg_dump must not be older than the server
    return {**kept, **more, "PATH": os.pathsep.join([*before, os.environ["PATH"]])}


def _compare(snippet: Snippet, printed: str) -> None:
    if snippet.language == "json":
        found = json.loads(printed[printed.index("{") :])
        assert alike(json.loads(snippet.text), found), f"{snippet}: printed was\n{printed}"
    else:
        assert matches(snippet.text, printed), f"{snippet}: printed was\n{printed}"


def _read(snippet: Snippet) -> None:
    """Read what is not run: whatever its language can say about it."""
    assert snippet.language in RUN | READ, f"{snippet}: nothing is done here with {snippet.language!r}"
    if snippet.covered_by is not None:
        _look_up(snippet)
    if snippet.output or snippet.language in RUN | {"text"}:
        return
    if snippet.language == "toml":
        document = tomllib.loads(snippet.text)
        if "message" in document:
            RowMapping(document)
    elif snippet.language == "csv":
        assert len(list(csv.reader(snippet.text.splitlines()))) > 1, f"{snippet} has no rows"
    else:
        for message in snippet.text.splitlines() if snippet.language == "ndjson" else [snippet.text]:
            if "specversion" in json.loads(message):
                try:
                    read_message(message.encode(), DECODERS, "reader")
                except Malformed as error:
                    raise AssertionError(f"{snippet}: {error}") from None


def _look_up(snippet: Snippet) -> None:
    """Make sure that the test which stands for a snippet is there, and that make knows what make is told."""
    file, _, test = (snippet.covered_by or "").partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert test in names, f"{snippet}: {file} has no {test}"
    for line in snippet.text.splitlines():
        if line.startswith("make "):
            asked = ["make", "--dry-run", "--always-make", *line.partition("#")[0].split()[1:]]
            subprocess.run(asked, cwd=ROOT, check=True, capture_output=True)


def test_every_page_is_found_from_the_index_and_every_link_leads_somewhere() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        text = re.sub(r"^```[\s\S]*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?:", target):
                continue
            file, _, anchor = target.partition("#")
            found = (page.parent / file).resolve() if file else page
            assert found.exists(), f"{_name(page)} links to {target}"
            if anchor:
                assert anchor in _anchors(found), f"{_name(page)} links to {target}"
            if found.suffix == ".md":
                waiting.append(found)
    assert {_name(page) for page in PAGES} - {_name(page) for page in reached} == set()


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_pages_that_are_written_from_the_code_are_up_to_date(database: str) -> None:
    with connect(database) as connection:
        pages = written_pages(connection)
    for name, text in pages.items():
        on_disk = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert on_disk == text, f"docs/{name} is not up to date: run python -m tests.documentation"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_what_a_page_names_of_the_program_is_there() -> None:
    """Commands, settings, metrics and make targets that pages mention in passing exist."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for top in ("src", "projections", "api", "migrations") for path in (ROOT / top).rglob("*.py")
    )  # fmt: skip
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r'^    "([a-z]+)": "', code, re.MULTILINE))
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for page in PAGES:
        for words in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
            if command := re.match(r"billing-ledger ([a-z]+)", words):
                assert command[1] in commands, f"{_name(page)}: `{words}`"
            if target := re.match(r"make ([a-z-]+)", words):
                assert f"\n{target[1]}:" in make, f"{_name(page)}: `{words}`"
            if re.fullmatch(r"BILLING_LEDGER_[A-Z_]+[A-Z]", words):
                assert words in settings or words in code, f"{_name(page)}: `{words}`"
            if re.fullmatch(r"ledger_[a-z_]+_(total|seconds|events|messages|books|open)", words):
                assert words.removesuffix("_total") in code, f"{_name(page)}: `{words}`"


def test_every_setting_that_is_documented_does_something() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for top in ("src", "projections", "api")
        for path in (ROOT / top).rglob("*.py")
    )
    assert [limit.name for limit in fields(Settings) if not re.search(rf"\.{limit.name}\b", code)] == []


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a … c", "a b c", True),
        ("a … c", "a b d", False),
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a\n…\nd", "a\nd\n", True),
        ("a\nb", "a\n", False),
        ("a.c", "abc", False),
    ],
)
def test_outputs_are_compared_but_for_what_varies(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) is same


def test_json_outputs_are_compared_by_value() -> None:
    assert alike({"a": "…", "b": [1, "x…"]}, {"b": [1, "xyz"], "a": None})
    assert not alike({"a": 1}, {"a": 1, "b": 2})
    assert not alike({"a": 1}, {"a": True})
    assert not alike([1], [1, 2])


def test_a_block_that_fails_or_prints_something_else_fails_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in (
        "```sh\necho begin\nfalse\necho end\n```\n",
        "```sh\nfalse | cat\n```\n",
        "```sh\necho one\n```\n<!-- output -->\n```text\ntwo\n```\n",
        "```fortran\nEND\n```\n",
        '```json\n{"specversion": "1.0"}\n```\n',
        "<!-- covered by tests/test_docs.py::test_of_nothing -->\n```sh\nmake demo\n```\n",
    ):
        page.write_text(text, encoding="utf-8")
        with pytest.raises((AssertionError, ValueError)):
            _run(page, tmp_path, {})
    page.write_text("```sh\necho one\n```\n<!-- output -->\n```text\no…e\n```\n", encoding="utf-8")
    _run(page, tmp_path, {})
