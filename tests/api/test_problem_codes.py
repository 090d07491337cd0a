"""The page of problem codes tells every code that there is, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ledger_api
from ledger.refusals import REFUSALS
from ledger_api.problem_codes import PROBLEM_CODES

KINDS = {"Refusal", "Malformed", "Conflict", "Unauthorised", "NotFound"}
FOLDER = Path(str(ledger_api.__file__)).parent
SOURCES = [path for path in FOLDER.rglob("*.py") if path.name != "problem_codes.py"]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            yield node


def test_every_code_of_a_refusal_is_described() -> None:
    used = {
        call.args[0].value
        for path in SOURCES
        for call in calls(ast.parse(path.read_text()))
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert used - set(PROBLEM_CODES) - set(REFUSALS) == set()


def test_no_code_is_described_that_nothing_answers_with() -> None:
    texts = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(PROBLEM_CODES) - texts == set()
