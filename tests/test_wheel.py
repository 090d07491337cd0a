"""The wheel: built here, installed where nothing else is, and used from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parent.parent
PACKAGES = ("src/ledger", "projections/ledger_projections", "api/ledger_api", "migrations/ledger_migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and what the lock file says that it needs, into an empty environment."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    uv = find_uv_bin()
    settings = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": ""}
    sync = [uv, "sync", "--frozen", "--no-dev", "--no-install-project", "--python", sys.executable]
    subprocess.run([*sync, "--quiet"], cwd=ROOT, env=settings, check=True)
    install = [uv, "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*install, "--python", environment, wheel], cwd=environment.parent, check=True)
    return environment / "bin" / "billing-ledger"


def _run(program: Path, *arguments: str, **environment: str) -> str:
    """Run the installed program from its own folder, where no source of ours can be found by accident."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON", "DATABASE"))
    }
    done = subprocess.run(
        [program, *arguments],
        cwd=program.parent,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: Path) -> None:
    wanted = {
        f"{Path(package).name}/{path.relative_to(ROOT / package).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted


def test_the_installed_program_tells_its_version(program: Path) -> None:
    assert _run(program, "--version") == "billing-ledger 0.1.0\n"


def test_the_installed_program_runs_the_queries_that_came_with_it(program: Path, database: str) -> None:
    applied = json.loads(_run(program, "migrate", "status", "--json", DATABASE_URL=database))
    assert {migration["state"] for migration in applied} == {"applied"}
    assert json.loads(_run(program, "book", "list", "--json", DATABASE_URL=database)) == []


def test_the_installed_program_brings_its_own_postgresql(program: Path, tmp_path: Path) -> None:
    answer = json.loads(_run(program, "status", "--json", BILLING_LEDGER_HOME=str(tmp_path / "home")))
    assert answer["postgresql"].startswith("18.")
    assert answer["books"] == []
