"""`billing-ledger serve`: the service itself."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ledger_api.cli.output import Json

HOST, PORT = "127.0.0.1", 8000


class LogLevel(Enum):
    """How much is logged."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def register(to: typer.Typer) -> None:
    """Add the command."""
    to.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; only this machine reaches the default.")
    ] = HOST,
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = PORT,
    home: Annotated[Path | None, typer.Option(help="Data folder of the embedded PostgreSQL.")] = None,
    log_level: Annotated[
        LogLevel,
        typer.Option(help="The least that is logged, to standard error; info has a line for every read."),
    ] = LogLevel.INFO,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
    json: Json = False,
) -> None:
    """Serve the ledger over HTTP until it is told to stop (Ctrl-C)."""
    from ledger.errors import ConfigurationError  # noqa: PLC0415
    from ledger_api import server  # noqa: PLC0415
    from ledger_api.cli.connecting import use_home  # noqa: PLC0415
    from ledger_api.cli.runtime import runtime  # noqa: PLC0415

    use_home(home)
    if until_eof:
        _stop_at_end_of_input()
    with runtime() as found:
        try:
            server.run(
                found.settings,
                found.conninfo,
                host,
                port,
                announce=_announce_json if json else _announce,
                log_level=log_level.value,
            )
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _announce(url: str) -> None:
    print(f"Serving at {url} (API documentation at {url}/docs). Stop with Ctrl-C.", flush=True)


def _announce_json(url: str) -> None:
    print(f'{{"url":"{url}"}}', flush=True)


def _stop_at_end_of_input() -> None:
    """End this process when whoever started it lets go of our standard input, even by being killed."""
    import os  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import sys  # noqa: PLC0415
    import threading  # noqa: PLC0415

    standard_input = sys.stdin.fileno()

    def wait() -> None:
        # Not through sys.stdin: a daemon thread that holds its lock aborts the interpreter at its end.
        while os.read(standard_input, 1 << 10):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="until-eof", daemon=True).start()
