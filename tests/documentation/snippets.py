"""The fenced blocks of a Markdown file, in order, with what the comments before them say about them.

A comment stands on the line right before its block and holds for that block alone:

- `<!-- output -->`: it is what the block before prints; `…` stands for whatever varies.
- `<!-- background -->`: its one command goes on running; the next block begins when it answers.
- `<!-- as ledger_auditor -->`: its SQL is run in that role, instead of `ledger_finance`.
- `<!-- covered by tests/….py::test_… -->`: it is not run; that test does the same.
- `<!-- given` … `-->`: commands that the reader has in mind anyway, run before the block.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?P<comments>(?:^<!--(?:(?!-->)[\s\S])*-->\n)*)^```(?P<language>[^\n]*)\n(?P<text>[\s\S]*?)^```$",
    re.MULTILINE,
)
_COMMENT = re.compile(r"<!--([\s\S]*?)-->")
_KNOWN = re.compile(r"output|background|as (?P<role>\w+)|covered by (?P<test>\S+)|given\n(?P<given>[\s\S]+)")
_ROLE = "ledger_finance"


class Snippet(NamedTuple):
    """One fenced block. `line` is that of its first line, from 1."""

    file: Path
    line: int
    language: str
    text: str
    output: bool = False
    background: bool = False
    role: str = _ROLE
    covered_by: str | None = None
    given: str | None = None

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}"


def snippets_of(file: Path) -> list[Snippet]:
    """Read the blocks of a file. Raises `ValueError` for a comment that this page does not know."""
    text = file.read_text(encoding="utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("text")) + 1
        snippet = Snippet(file, line, block["language"].strip(), block["text"])
        for comment in _COMMENT.findall(block["comments"]):
            snippet = _told(snippet, comment.strip())
        found.append(snippet)
    fences = len(re.findall(r"^\s*```", text, re.MULTILINE))
    if fences != 2 * len(found):
        raise ValueError(f"{file.name} has a fence that does not begin its line, or that nothing closes")
    return found


def _told(snippet: Snippet, comment: str) -> Snippet:
    match = _KNOWN.fullmatch(comment)
    if match is None:
        raise ValueError(f"{snippet}: nothing is known of <!-- {comment} -->")
    if match["role"]:
        return snippet._replace(role=match["role"])
    if match["test"]:
        return snippet._replace(covered_by=match["test"])
    if match["given"]:
        return snippet._replace(given=match["given"])
    return snippet._replace(output=True) if comment == "output" else snippet._replace(background=True)


def matches(expected: str, printed: str) -> bool:
    """Compare an output block with what was printed: line by line, `…` standing for anything.

    `…` alone on a line stands for any number of lines. White space at the end of lines does not count.
    """
    pattern = ""
    for line in expected.strip().splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t\r]*\n"
    return re.fullmatch(pattern, printed.strip() + "\n") is not None


def alike(expected: object, found: object) -> bool:
    """Compare two JSON values: the text `…` stands for any value, `…` inside a text for anything."""
    if isinstance(expected, str) and "…" in expected:
        return expected == "…" or (isinstance(found, str) and matches(expected, found))
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(alike(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(alike, expected, found))
    return type(expected) is type(found) and expected == found
