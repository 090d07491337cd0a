"""To a ledger over HTTP: the one at an address, or a service of our own for as long as a command runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from ledger.embedded import HOME_VARIABLE
from ledger.errors import ConfigurationError
from ledger_api import keys
from ledger_api.cli.runtime import OWNER, Runtime, runtime
from ledger_api.client import Client

KEY_VARIABLE = "BILLING_LEDGER_KEY"
STOP_SECONDS_MAX = 60
"""How long a service of our own may take to answer what is under way when it is told to stop."""
_QUIETLY = ("--json", "--until-eof", "--log-level", "warning")
"""How our own service runs: its log shares the terminal with our progress, so it only says what is wrong."""
_START = "import sys; from ledger_api.cli import main; sys.exit(main())"


class Wants(NamedTuple):
    """What a key is for: one book, a principal's name, to read, and to post as some sources, in a role.

    With `persons` it may see and change who a customer is.
    """

    book: str
    principal: str
    sources: Sequence[str] = ()
    role: str | None = None
    persons: bool = False


@contextmanager
def connected(url: str | None, key: str | None, wants: Wants) -> Iterator[Client]:
    """Connect to the ledger at `url`, or without one to a service of our own on the configured database.

    Raises `ConfigurationError` when neither will do.
    """
    if url is None:
        with runtime() as found, own_service() as service, temporary_key(found, wants) as made:
            yield Client(service.url, made)
        return
    key = key or os.environ.get(KEY_VARIABLE)
    if not key:
        raise ConfigurationError(f"a ledger at an address wants an API key: --key, or {KEY_VARIABLE}")
    yield Client(url, key)


class Service(NamedTuple):
    """A service in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def own_service(host: str = "127.0.0.1", port: int = 0) -> Iterator[Service]:
    """Run a service in a process of its own, on a free port unless one is named.

    It ends with us, however we end: it stops when its standard input does, which is a pipe that we hold.
    """
    where = ["--host", host, "--port", str(port)]
    command = [sys.executable, "-c", _START, "serve", *where, *_QUIETLY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            line = b"" if process.stdout is None else process.stdout.readline()
            if not line:
                raise ConfigurationError("the service did not start")
            yield Service(str(orjson.loads(line)["url"]), process)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def temporary_key(found: Runtime, wants: Wants) -> Iterator[str]:
    """Make an API key that works for as long as the block lasts."""
    id_, key = make_key(found, wants)
    try:
        yield key
    finally:
        with found.connect(OWNER) as connection:
            keys.revoke(connection, id_)


def make_key(found: Runtime, wants: Wants) -> tuple[str, str]:
    """Make an API key: its id, and the key itself. Who acts in a role does not govern what that may."""
    scopes = [keys.READ]
    if wants.sources:
        scopes += [keys.POST] if wants.role else [keys.POST, keys.GOVERN]
    scopes += [keys.PERSON] if wants.persons else []
    with found.connect(OWNER) as connection:
        return keys.create(
            connection, book=wants.book, principal=wants.principal, scopes=scopes, sources=wants.sources,
            role=wants.role,
        )  # fmt: skip


def use_home(home: Path | None) -> None:
    """Let a data folder named on the command line be that of this process and of those it starts."""
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home.absolute())
