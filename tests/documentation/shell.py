"""One shell for one page: its blocks run in it in order, as a reader would paste them."""

from __future__ import annotations

import os
import secrets
import selectors
import shlex
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

BLOCK_SECONDS_MAX = 60
"""How long one block may take; a page that needs longer is no page to read."""
STOP_SECONDS_MAX = 30
PORT_IN_DOCS = "8000"
"""The port that the documentation uses. Here a free one takes its place, so that runs do not meet."""


class Shell:
    """A bash that ends with the first command that fails. Use it as a context manager."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._port = _free_port()
        self._folder = folder
        self._environment = {**environment, "LC_ALL": "C.UTF-8"}
        self._serving: list[subprocess.Popen[bytes]] = []
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(folder / "errors.log").open("wb"),
            cwd=folder, env=self._environment,
        )  # fmt: skip

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._bash.stdin, self._bash.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._bash.wait(STOP_SECONDS_MAX)  # at the end of its input it leaves, and clears up after itself
        except subprocess.TimeoutExpired:
            self._bash.kill()
        for process in reversed(self._serving):
            process.terminate()
            process.wait(STOP_SECONDS_MAX)

    def run(self, text: str) -> str:
        """Run a block and give its standard output. Raises `AssertionError` when a command of it fails."""
        mark = f"--{secrets.token_hex(8)}--"
        assert self._bash.stdin is not None
        block = self._here(text)
        self._bash.stdin.write(f"{{ {block}\n}} </dev/null\necho; echo {mark}\n".encode())
        self._bash.stdin.flush()
        printed = self._read_until(f"\n{mark}\n".encode())
        return printed.replace(str(self._port), PORT_IN_DOCS)

    def run_python(self, text: str) -> str:
        """Run a Python block in a process of its own, with what the shell exported."""
        return self.run(f"python - <<'END_OF_SNIPPET'\n{text}\nEND_OF_SNIPPET")

    def serve(self, text: str) -> None:
        """Start a block that goes on running, and wait until it answers on the port."""
        command = shlex.split(self._here(text))
        if "--port" not in command:
            command += ["--port", str(self._port)]
        self._serving.append(
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=(self._folder / "serve.log").open("wb"), cwd=self._folder, env=self._environment,
            )
        )  # fmt: skip
        deadline = time.monotonic() + BLOCK_SECONDS_MAX
        while not self._answers():
            assert self._serving[-1].poll() is None, (self._folder / "serve.log").read_text()
            assert time.monotonic() < deadline, f"{text.strip()} does not answer"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def _here(self, text: str) -> str:
        return text.strip().replace(f":{PORT_IN_DOCS}", f":{self._port}")

    def _read_until(self, mark: bytes) -> str:
        assert self._bash.stdout is not None
        deadline = time.monotonic() + BLOCK_SECONDS_MAX
        printed = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._bash.stdout, selectors.EVENT_READ)
            while not printed.endswith(mark):
                found = ready.select(max(0, deadline - time.monotonic()))
                assert found, f"not done after {BLOCK_SECONDS_MAX} seconds:\n{self._said(printed)}"
                chunk = os.read(self._bash.stdout.fileno(), 65_536)
                assert chunk, f"a command failed:\n{self._said(printed)}"
                printed += chunk
        return printed.removesuffix(mark).decode()

    def _said(self, printed: bytes) -> str:
        """Give what was printed, and the end of what went to standard error."""
        return f"{printed.decode()}\n{(self._folder / 'errors.log').read_text()[-2_000:]}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
