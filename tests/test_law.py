"""The page on the law names tests: each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")
NAMES = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
NAMED = NAMES.findall(PAGE)
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| asked")]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert test in tests if test else any(name.startswith("test_") for name in tests)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_one_that_every_run_of_the_tests_runs(row: str) -> None:
    shown = [file for file, _ in NAMES.findall(row.rsplit(" | ", 1)[-1])]
    assert any(not file.startswith("tests/soak/") for file in shown)


def test_no_row_is_overlooked() -> None:
    assert len(ROWS) > 25
    assert len(NAMED) == sum(len(NAMES.findall(row)) for row in ROWS)
