"""What holds for all code: who imports whom, how long a file gets, and what is never left behind."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "ledger": ROOT / "src" / "ledger",
    "ledger_projections": ROOT / "projections" / "ledger_projections",
    "ledger_api": ROOT / "api" / "ledger_api",
    "ledger_migrations": ROOT / "migrations" / "ledger_migrations",
}
MAY_IMPORT = {
    "ledger": set[str](),
    "ledger_projections": {"ledger"},
    "ledger_api": {"ledger", "ledger_projections", "ledger_migrations"},
    "ledger_migrations": set[str](),
}
ONLY_TO_ANSWER = {
    "fastapi",
    "starlette",
    "uvicorn",
    "typer",
    "click",
    "rich",
    "prometheus_client",
    "pydantic",
}
"""Libraries of the outermost layer: nothing below it may know of HTTP or of a terminal."""

LINES_MAX = 300
LONGER: dict[str, int] = {}
"""Files that are longer, and by how much: a number here may only get smaller, and goes when it is 300."""

FUNCTION_LINES_MAX = 60
LONG_FUNCTIONS: dict[str, int] = {}
"""Functions that do not fit a screen; the same holds."""

LEFTOVERS = [
    "TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "NotImplemented" + "Error", "break" + "point(",
    "pytest." + "skip", "mark." + "skip", "mark." + "xfail",
]  # fmt: skip


def _sources(*kinds: str) -> Iterator[Path]:
    """Every file of ours with one of these endings; nothing that was made by a tool."""
    for top in ("src", "projections", "api", "migrations", "tests", "bench", "examples", "docs"):
        for kind in kinds:
            yield from sorted((ROOT / top).rglob(f"*{kind}"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> set[str]:
    """Find the top-level packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_down_only(package: str) -> None:
    ours = set(PACKAGES) - {package}
    for path in PACKAGES[package].rglob("*.py"):
        assert _imports(path) & ours <= MAY_IMPORT[package], _name(path)


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "ledger_api"])
def test_nothing_below_the_api_knows_of_http_or_of_a_terminal(package: str) -> None:
    for path in PACKAGES[package].rglob("*.py"):
        assert not _imports(path) & ONLY_TO_ANSWER, _name(path)


def test_the_migrations_are_a_leaf_that_needs_psycopg_alone() -> None:
    for path in PACKAGES["ledger_migrations"].rglob("*.py"):
        foreign = _imports(path) - set(sys.stdlib_module_names) - {"ledger_migrations"}
        assert foreign <= {"psycopg"}, _name(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").exists()


def test_no_file_is_longer_than_a_few_screens() -> None:
    lengths = {
        _name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _sources(".py", ".sql")
    }
    long = {name: length for name, length in lengths.items() if length > LINES_MAX}
    assert _grown(long, LONGER) == {}
    assert _done_with(long, LONGER) == set(), "these are short now: take them off the list"


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in _sources(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long[f"{_name(path)}:{node.name}"] = length
    assert _grown(long, LONG_FUNCTIONS) == {}
    assert _done_with(long, LONG_FUNCTIONS) == set(), "these are short now: take them off the list"


def _grown(long: dict[str, int], listed: dict[str, int]) -> dict[str, int]:
    return {name: length for name, length in long.items() if length > listed.get(name, 0)}


def _done_with(long: dict[str, int], listed: dict[str, int]) -> set[str]:
    return listed.keys() - long.keys()


@pytest.mark.parametrize("leftover", LEFTOVERS)
def test_nothing_unfinished_is_left_behind(leftover: str) -> None:
    found = [
        f"{_name(path)}:{number}"
        for path in _sources(".py", ".sql", ".md", ".toml")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(rf"\b{re.escape(leftover)}", line)
    ]
    assert found == []


def test_each_named_query_says_what_it_is_for_and_has_a_user() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in _sources(".py"))
    for path in _sources(".sql"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if match := re.fullmatch(r"-- name: (\w+)\s*", line):
                assert re.match(r"-- \S", lines[number + 1]), f"{_name(path)}: {match[1]} does not say why"
                if path.name != "fold.sql":  # all statements of a fold are run, in order
                    assert f'"{match[1]}"' in code, f"{_name(path)}: nobody uses {match[1]}"
