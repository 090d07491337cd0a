"""The postmaster as a process: whether it lives, why it died, and how it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from ledger.embedded.programs import Programs, environment
from ledger.errors import ConfigurationError

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The servers that this process started: as their parent it has to take note when they die."""

LOG_BYTES_MAX = 16 * 2**20
"""The server's log is set aside (one older one is kept) when it has grown to this at a start."""


class Postmaster(NamedTuple):
    """A running server: its process, and the data it serves."""

    pid: int
    data: Path

    @property
    def alive(self) -> bool:
        """Tell whether the process is there and is this server: a number may have gone to another process."""
        child = _children.get(self.pid)
        if child is None:
            return str(self.data) in _command_line(self.pid)
        if child.poll() is None:
            return True
        del _children[self.pid]
        return False

    @property
    def ready(self) -> bool:
        """Tell whether it says itself that it accepts connections."""
        lines = _pid_file(self.data)
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it does not know itself."""
        lines = _pid_file(self.data)
        return int(lines[3]) if len(lines) > 3 else 0

    def stop(self, seconds_max: float) -> None:
        """Stop it (open transactions are rolled back, all else is written), and wait until it is gone."""
        for number, patience in ((signal.SIGINT, seconds_max), (signal.SIGQUIT, 10.0)):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while self.alive:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.01)
            else:
                return
        raise ConfigurationError(f"the embedded PostgreSQL (process {self.pid}) does not stop")


def postmaster_of(data: Path) -> Postmaster | None:
    """Find the server that runs on the data; None when none does, whatever a left `postmaster.pid` says."""
    lines = _pid_file(data)
    if not lines or not lines[0].isdigit():
        return None
    found = Postmaster(int(lines[0]), data)
    return found if found.alive else None


def launch(programs: Programs, data: Path, options: list[str], log_file: Path) -> Postmaster:
    """Start a server in a session of its own, so that Ctrl-C in our terminal is ours alone."""
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
        log_file.replace(log_file.with_suffix(".log.1"))
    with log_file.open("ab") as output:
        child = subprocess.Popen(
            programs.command("postgres", *options),
            env=environment(),
            **programs.identity,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            cwd="/",
        )
    _children[child.pid] = child
    return Postmaster(child.pid, data)


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _command_line(pid: int) -> str:
    """Tell the command line of a process; "" when there is none or it is a zombie."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return shown.stdout.decode(errors="replace")
