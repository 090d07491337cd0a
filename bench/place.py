"""Where a benchmark runs: a PostgreSQL of its own, a migrated database, the service in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import conninfo as libpq

import ledger_migrations
from ledger.embedded import Embedded
from ledger_api import keys

BOOK = "bench"
_START_SECONDS_MAX = 30


class Service(NamedTuple):
    """A running service: its port, the head of every request to it, and its process id."""

    port: int
    headers: dict[str, str]
    pid: int


@contextmanager
def server() -> Iterator[str]:
    """Start a fresh PostgreSQL in a temporary folder; gives its conninfo."""
    named = os.environ.get("LEDGER_TEST_DATABASE_URL")
    if named:
        yield named
        return
    with (
        tempfile.TemporaryDirectory(prefix="ledger-bench-") as home,
        Embedded(Path(home)).running() as conninfo,
    ):
        yield conninfo


@contextmanager
def database(conninfo: str, name: str, *, migrated: bool = True) -> Iterator[str]:
    """Make a database on it, and drop it afterwards; gives its conninfo."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        conn.execute(f'CREATE DATABASE "{name}"'.encode())
    own = libpq.make_conninfo(conninfo, dbname=name)
    if migrated:
        ledger_migrations.apply(own)
    try:
        yield own
    finally:
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


_SERVE = """\
import sys
from ledger.settings import read_settings
from ledger_api.server import run
run(read_settings(), sys.argv[1], port=int(sys.argv[2]))
"""


@contextmanager
def service(conninfo: str, port: int) -> Iterator[Service]:
    """Start the real service on a database, with a key that may post and read."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        _, key = keys.create(
            conn,
            book=None,
            principal="bench",
            scopes=["post", "govern", "read", "admin"],
            sources=["/bench*"],
        )
    process = subprocess.Popen([sys.executable, "-c", _SERVE, conninfo, str(port)], stdout=subprocess.DEVNULL)
    try:
        _await(port, "/readyz")
        yield Service(port, {"authorization": f"Bearer {key}"}, process.pid)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def application(name: str, port: int) -> Iterator[int]:
    """Start one of `bench.empty`'s applications under the same server with the same settings."""
    options = "--no-access-log --no-proxy-headers --no-server-header --loop uvloop --http httptools"
    command = ["-m", "uvicorn", f"bench.empty:{name}", "--port", str(port), *options.split()]
    command += ["--log-level", "error"]
    process = subprocess.Popen([sys.executable, *command])
    try:
        _await(port, "/docs" if name == "app" else "/")
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _await(port: int, path: str) -> None:
    until = time.monotonic() + _START_SECONDS_MAX
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
