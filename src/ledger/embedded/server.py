"""The life of the embedded server: started by the first user, shared by all, stopped by the last.

In the data folder, `lock` is held for the moments in which somebody starts or stops the server, and `users`
is held shared by everybody who uses it: who can have it alone is the last. The kernel drops both when a
process dies in whatever way, so a kill leaves nothing to clean up; a server that lost its last user that
way is found running by the next one. PostgreSQL's own `postmaster.pid` is read here and never written nor
deleted: only PostgreSQL knows when that is safe.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from ledger.database import check_server
from ledger.embedded.cluster import (
    SUPERUSER,
    ensure_cluster,
    ensure_password,
    socket_fits,
    start_options,
    write_private,
)
from ledger.embedded.process import Postmaster, launch, postmaster_of
from ledger.embedded.programs import prepare
from ledger.errors import ConfigurationError

log = logging.getLogger(__name__)

HOME_VARIABLE = "BILLING_LEDGER_HOME"
DATABASE = "ledger"

START_SECONDS_MAX = 300
"""How long to wait until the server accepts connections: recovery replays up to max_wal_size."""
STOP_SECONDS_MAX = 60
"""How long a fast stop may take before the server is told to stop at once (its next start then recovers)."""
REMAINS_SECONDS_MAX = 30
"""How long the processes of a killed server may hold its shared memory before we give up."""
PORT_SECONDS_MAX = 2
"""How long a killed server may hold the port of the last time before another one is taken."""
WATCH_SECONDS = 0.25
"""How often a user looks whether the server still lives."""
_REMAINS = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_PORT_TAKEN = "could not create any TCP/IP sockets"


class Embedded:
    """The embedded server of one data folder; every instance, in whatever process, is one user of it."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = (home or Path(os.environ.get(HOME_VARIABLE) or ".billing-ledger")).absolute()
        self._place = self.home / "postgres"
        self._log = self.home / "postgres.log"
        self._users: int | None = None
        self._postmaster: Postmaster | None = None

    @contextmanager
    def running(self) -> Iterator[str]:
        """Use the server for a while: gives its conninfo, which holds no password but names a passfile.

        While used, the server is started again whenever it dies. Raises `ConfigurationError` when it cannot
        be started or runs with settings that could lose data.
        """
        conninfo = self.start()
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), name="embedded-watch", daemon=True)
        watch.start()
        try:
            yield conninfo
        finally:
            done.set()
            watch.join()
            self.stop()

    def start(self) -> str:
        """Become a user of the server, and start it if it does not run (or no longer); gives its conninfo."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.home / ".gitignore").write_text("*\n", encoding="ascii")
            with self._alone():
                if self._users is None:
                    self._users = os.open(self.home / "users", os.O_RDWR | os.O_CREAT, 0o600)
                    fcntl.flock(self._users, fcntl.LOCK_SH)
                try:
                    return self._ensure_running()
                except BaseException:
                    self._leave()
                    raise
        except OSError as error:
            raise ConfigurationError(f"the data folder {self.home} cannot be used: {error}") from error

    def stop(self) -> None:
        """Stop being a user; the last one stops the server. Does nothing when not a user."""
        if self._users is not None:
            with self._alone():
                self._leave()

    def _leave(self) -> None:
        """Let go of `users`, and stop the server when nobody else holds it; `lock` is held meanwhile."""
        if self._users is None:
            return
        try:
            if _taken_alone(self._users):
                postmaster = postmaster_of(self._data) or self._postmaster
                if postmaster is not None and postmaster.alive:
                    postmaster.stop(STOP_SECONDS_MAX)
        finally:
            os.close(self._users)
            self._users = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold `lock`: nobody else starts or stops the server meanwhile."""
        descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + START_SECONDS_MAX + STOP_SECONDS_MAX
        try:
            while not _taken_alone(descriptor):
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"another process is starting or stopping {self.home} for minutes"
                    )
                time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    @property
    def _data(self) -> Path:
        return self._place.resolve() / "data"

    def _ensure_running(self) -> str:
        """Find the server, or start it; tries again for as long as what hinders it is known to pass."""
        deadline = time.monotonic() + REMAINS_SECONDS_MAX
        port = 0
        while True:
            logged = self._log.stat().st_size if self._log.exists() else 0
            found = postmaster_of(self._data)
            started = found is None
            self._postmaster = found = found or self._launch(port or self._port())
            connection = self._connected(found)
            if connection is not None:
                with connection:
                    self._check(connection)
                state = json.dumps({"pid": found.pid, "port": found.port})
                write_private(self.home / "state.json", f"{state}\n")
                return self._conninfo(found.port, DATABASE)
            reason = self._log_after(logged)
            if _PORT_TAKEN in reason:
                port = _free_port()
            elif started and not any(sign in reason for sign in _REMAINS):
                raise ConfigurationError(f"the embedded PostgreSQL does not start: {reason or self._log}")
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"the embedded PostgreSQL dies again and again: {reason or self._log}"
                )
            time.sleep(0.1)

    def _connected(self, found: Postmaster) -> psycopg.Connection[TupleRow] | None:
        """Connect as soon as the server takes connections; None when it dies before that."""
        deadline = time.monotonic() + START_SECONDS_MAX
        trouble = "it is still starting"
        while found.alive:
            if found.ready:
                try:
                    return psycopg.connect(self._conninfo(found.port, "postgres"), autocommit=True)
                except psycopg.OperationalError as error:  # it may be dying: seen when it was killed just now
                    trouble = str(error)
                    if "authentication failed" in trouble:
                        raise ConfigurationError(
                            f"{self.home / 'password'} is not the password of {self._data}"
                        ) from error
            if time.monotonic() > deadline:
                raise ConfigurationError(f"no answer from the embedded PostgreSQL: {trouble}")
            time.sleep(0.01)
        return None

    def _check(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Refuse a server that could lose data; make our database on the first start."""
        check_server(connection)
        if connection.execute("SHOW data_checksums").fetchone() != ("on",):
            raise ConfigurationError(f"{self._data} has no checksums: run pg_checksums --enable on it")
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    def _launch(self, port: int) -> Postmaster:
        programs, place = prepare(self.home)
        password_file = self.home / "password"
        if (place / "data").exists() and not password_file.exists():
            raise ConfigurationError(
                f"{password_file} is missing; put it back: the database knows no other one"
            )
        data = ensure_cluster(programs, place, ensure_password(password_file))
        sockets = place / "run"
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            os.chown(sockets, place.stat().st_uid, -1)
        return launch(programs, data, start_options(data, sockets, port), self._log)

    def _port(self) -> int:
        """Choose the port of the last time if nobody took it: who knows the old conninfo finds us again."""
        try:
            port = int(json.loads((self.home / "state.json").read_text(encoding="utf-8"))["port"])
        except (FileNotFoundError, ValueError, KeyError):
            return _free_port()
        deadline = time.monotonic() + PORT_SECONDS_MAX
        while not _is_free(port):
            if time.monotonic() > deadline:
                return _free_port()
            time.sleep(0.05)
        return port

    def _log_after(self, offset: int) -> str:
        """Tell what the server wrote into its log since it was so long."""
        with self._log.open("rb") as file:
            file.seek(min(offset, self._log.stat().st_size))
            lines = file.read().decode(errors="replace").splitlines()
        return " ".join(line.partition("] ")[2].strip() or line for line in lines[-4:])

    def _conninfo(self, port: int, database: str) -> str:
        sockets = self._place.resolve() / "run"
        return make_conninfo(
            host=str(sockets) if socket_fits(sockets, port) else "127.0.0.1",
            port=port,
            user=SUPERUSER,
            dbname=database,
            passfile=str(self.home / "password"),
        )

    def _watch(self, done: threading.Event) -> None:
        """Start the server again whenever it dies, until done."""
        while not done.wait(WATCH_SECONDS):
            if self._postmaster is not None and not self._postmaster.alive:
                log.warning("the embedded PostgreSQL died; starting it again")
                try:
                    self.start()
                except ConfigurationError:
                    log.exception("the embedded PostgreSQL could not be started again; trying on")


def _taken_alone(descriptor: int) -> bool:
    """Take a lock file for ourselves, and tell whether we got it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
