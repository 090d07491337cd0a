"""Services on an embedded PostgreSQL of their own, all of them processes that may be killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.api.command import START
from tests.log.posting import SOURCE

from ledger.embedded.process import Postmaster, postmaster_of

_START_SECONDS_MAX = 60
_LOG_SHOWN = 20_000
"""Characters of each log that are shown where a soak fails."""


class Services:
    """`billing-ledger serve`, once for each address, sharing one data folder."""

    def __init__(self, home: Path, count: int) -> None:
        self.home = home
        self.urls = [f"http://127.0.0.1:{port}" for port in _free_ports(count)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        kept = {name: at for name, at in os.environ.items() if not name.startswith(("PG", "DATABASE"))}
        self._environment = {**kept, "BILLING_LEDGER_HOME": str(home)}

    def key(self) -> str:
        """Make a key that may post, govern and read."""
        made = subprocess.run(
            [sys.executable, "-c", START, "key", "create", "soak", "--json",
             *("--scope", "post", "--scope", "govern", "--scope", "read", "--source", SOURCE)],
            env=self._environment, stdout=subprocess.PIPE, check=True, timeout=_START_SECONDS_MAX,
        )  # fmt: skip
        key: str = json.loads(made.stdout)["key"]
        return key

    def start(self, place: int) -> None:
        """Start one service, and wait until it takes requests."""
        port = self.urls[place].rpartition(":")[2]
        with (self.home / f"serve-{place}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", START, "serve", "--json", "--port", port],
                env=self._environment, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._processes[place] = process
        assert process.stdout is not None
        assert process.stdout.readline(), (self.home / f"serve-{place}.log").read_text()[-5_000:]

    def kill(self, place: int) -> None:
        """Kill one service, without a word."""
        process = self._processes[place]
        process.kill()
        process.communicate()

    def kill_database(self) -> None:
        """Kill the postmaster, without a word; the services start it again."""
        postmaster = self._postmaster()
        os.kill(postmaster.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop all services as they are stopped in earnest."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.communicate(timeout=_START_SECONDS_MAX)

    def show_logs(self) -> None:
        """Print the end of everybody's log, for whoever reads a failure."""
        for log in sorted(self.home.glob("*.log")):
            print(f"--- {log.name}", log.read_text(errors="replace")[-_LOG_SHOWN:], sep="\n")

    def _postmaster(self) -> Postmaster:
        deadline = time.monotonic() + _START_SECONDS_MAX
        while (found := postmaster_of(self.home / "postgres" / "data")) is None:
            assert time.monotonic() < deadline, "the database does not come back"
            time.sleep(0.05)
        return found


@contextmanager
def services(count: int) -> Iterator[Services]:
    """Serve on a fresh database while the block lasts."""
    with TemporaryDirectory(prefix="ledger-soak-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        some = Services(home, count)
        try:
            for place in range(count):
                some.start(place)
            yield some
        except BaseException:
            some.show_logs()
            raise
        finally:
            some.stop()


def _free_ports(count: int) -> list[int]:
    """Find ports that nobody uses; all are asked for at once, so that they differ."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
