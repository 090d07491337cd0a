"""Every dependency is wanted for a reason that is written down, is used, and is locked with hashes."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")

USED_BY_OTHERS = {
    "pytest-xdist": "make test runs pytest with it",
    "httptools": "the protocol of uvicorn that the server derives its own from",
    "tzdata": "zoneinfo, of the standard library, reads it",
    "pycryptodome": "the test cases of eventsourcing, which tests/log runs, import it",
}
"""What no line of ours names."""


def _names(requirements: list[str]) -> set[str]:
    """Take the names of requirements, as PyPI writes them."""
    return {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def _wanted() -> set[str]:
    project = PROJECT["project"]
    tables = (project.get("optional-dependencies", {}), PROJECT.get("dependency-groups", {}))
    return _names(project["dependencies"]).union(
        *(_names(each) for table in tables for each in table.values())
    )


def test_every_dependency_has_one_line_that_says_what_it_is_for() -> None:
    lines = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    named = [name for name, _ in lines]
    assert sorted(named) == sorted(_wanted())
    assert all(reason.endswith(".") for _, reason in lines)


@pytest.mark.parametrize("name", sorted(_wanted()))
def test_every_dependency_is_used(name: str) -> None:
    if name in USED_BY_OTHERS:
        return
    modules = {
        module for module, owners in packages_distributions().items()
        if name in {owner.lower().replace("_", "-") for owner in owners}
    }  # fmt: skip
    assert modules, f"{name} is not installed"
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for top in ("src", "projections", "api", "migrations", "tests", "bench", "examples", "docs")
        for kind in ("*.py", "*.md")
        for path in (ROOT / top).rglob(kind)
        if "decisions" not in path.parts
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    module = "|".join(map(re.escape, modules))
    used = re.search(rf"^\s*(import|from) ({module})\b|\"({module})\"", code, re.MULTILINE)
    assert used or re.search(rf"/({module})\b", makefile), f"nothing of ours uses {name}"


def test_every_package_of_the_lock_file_has_hashes() -> None:
    for package in LOCK["package"]:
        if "editable" in package["source"]:
            continue
        archives = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        assert archives, package["name"]
        for archive in archives:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", archive["hash"]), package["name"]


def test_the_lock_file_is_of_these_dependencies() -> None:
    (ours,) = [package for package in LOCK["package"] if package["name"] == PROJECT["project"]["name"]]
    metadata = ours["metadata"]
    locked = [
        *metadata["requires-dist"],
        *(each for group in metadata["requires-dev"].values() for each in group),
    ]
    assert {requirement["name"] for requirement in locked} == _wanted()
