"""One PostgreSQL for the whole run, and a fresh migrated database for every test that asks for one.

What is drawn by lot is drawn alike in every run, so that a change is judged by what it changes;
`make test-long` draws anew.

`LEDGER_TEST_DATABASE_URL` names a PostgreSQL to use (a login that may create databases and roles); without it
the embedded one is started.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded import Embedded
from ledger_migrations import apply

SERVER_BYTES = 2 << 30
"""Room for the server of one process of the tests; a few hundred megabytes are taken."""

_numbers = itertools.count(1)

settings.register_profile("alike", derandomize=True)
settings.register_profile("anew", print_blob=True)
settings.load_profile("alike")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to run only what would behave otherwise on another server."""
    parser.addoption("--database-only", action="store_true", help="only the tests that use a database")


def pytest_report_header() -> str:
    """Say which foreign programs the tests can ask, and what is left out because one is not there."""
    from tests.foreign.programs import FOUND, MISSING  # noqa: PLC0415 - only a run that reports needs them

    said = f"foreign programs: {', '.join(map(str, FOUND))}"
    return f"{said}; NOT INSTALLED, so not asked: {', '.join(MISSING)}" if MISSING else said


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on request, the tests that use no database."""
    if config.getoption("--database-only"):
        chosen = [item for item in items if "server" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Conninfo of a server, as a login that may create databases and roles."""
    named = os.environ.get("LEDGER_TEST_DATABASE_URL")
    if named:
        yield named
        return
    home = Path(tempfile.mkdtemp(prefix="ledger-test-", dir=_place()))
    try:
        with Embedded(home).running() as conninfo:
            yield conninfo
    finally:
        shutil.rmtree(home)


def _place() -> Path | None:
    """Name the file system in memory, where there is one with room; None is wherever temporary files are.

    Each test has a database of hundreds of small files, which a disk takes longer to make than a test to run.
    What is on disk after a crash is tested on servers of their own.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    memory = Path("/dev/shm")  # noqa: S108 - the name within it is as good as any of mkdtemp
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        return None
    of = os.statvfs(memory)
    runs_programs = not of.f_flag & getattr(os, "ST_NOEXEC", 0)
    return memory if runs_programs and of.f_bavail * of.f_frsize >= workers * SERVER_BYTES else None


@pytest.fixture(scope="session")
def administration(server: str) -> Iterator[psycopg.Connection]:
    """Open the one connection that makes and drops databases."""
    with psycopg.connect(server, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(server: str, administration: psycopg.Connection) -> Iterator[str]:
    """Name of a migrated database that nobody is connected to."""
    name = f"ledger_template_{os.getpid()}"
    administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        apply(make_conninfo(server, dbname=name))
        yield name
    finally:
        administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


Fresh = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def fresh_database(server: str, administration: psycopg.Connection, template: str) -> Fresh:
    """Make fresh migrated databases: conninfos of those that last as long as a block."""

    @contextmanager
    def fresh() -> Iterator[str]:
        name = f"ledger_test_{os.getpid()}_{next(_numbers)}"
        made, source = sql.Identifier(name), sql.Identifier(template)
        administration.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, source))
        # A template hands down everything but the rights on the database itself.
        administration.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO ledger_projector").format(made))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(made))

    return fresh


@pytest.fixture
def database(fresh_database: Fresh) -> Iterator[str]:
    """Conninfo of a fresh migrated database; it is dropped afterwards, whoever is still connected."""
    with fresh_database() as conninfo:
        yield conninfo
