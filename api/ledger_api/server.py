"""Serving over HTTP: one process, one event loop, stopped without losing an answer."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ledger.errors import Malformed
from ledger.settings import Settings
from ledger_api.app import LedgerApp, create_app
from ledger_api.edge import SECURITY_HEADERS
from ledger_api.logs import configure
from ledger_api.problems import PROBLEM_JSON, problem_body
from ledger_api.sending import Gathered, Turn

BACKLOG_CONNECTIONS = 2_048
"""Connections that may wait to be accepted."""

Announce = Callable[[str], None]


def run(
    settings: Settings,
    conninfo: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    announce: Announce | None = None,
    log_level: str = "info",
) -> None:
    """Serve until SIGTERM or SIGINT; then answer what is under way, stop everything, and return.

    `announce` is told the address once requests are taken (by default it is printed). Port 0 takes a free
    one. `log_level` is the least that is logged: info has a line for every read.

    Raises what kept it from starting: `OSError` for an address that is taken, a `ConfigurationError` for a
    database that cannot be used.
    """
    configure(log_level)
    listener = listen(host, port)
    app = create_app(settings, conninfo)
    config = uvicorn.Config(
        app,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=type("ServingProtocol", (Protocol,), {"turn": Turn()}),
        proxy_headers=False,  # nobody is believed about whose request it is but the key in it
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.drain_seconds_max,
    )
    try:
        Server(config, app, announce or _print).run(sockets=[listener])
    except SystemExit:
        if app.startup_error is not None:
            raise app.startup_error from None
        raise
    finally:
        listener.close()


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP, which answers with a problem even where a request cannot be parsed."""

    turn: Turn
    """Of the server's event loop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a connection: what is answered within one turn of the event loop is sent together."""
        super().connection_made(Gathered(transport, self.turn))

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, and close the connection: where the next one begins is unknown."""
        status, body = problem_body(Malformed("request_malformed", msg), "")
        head = [
            b"HTTP/1.1 %d Bad Request" % status,
            b"content-type: " + PROBLEM_JSON.encode(),
            b"content-length: %d" % len(body),
            b"connection: close",
            *(b"%b: %b" % header for header in SECURITY_HEADERS),
        ]
        self.transport.write(b"\r\n".join([*head, b"", body]))
        self.transport.close()


class Server(uvicorn.Server):
    """Uvicorn, which says where it listens, ends streams before it waits for requests, and then returns."""

    def __init__(self, config: uvicorn.Config, app: LedgerApp, announce: Announce) -> None:
        super().__init__(config)
        self._app = app
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take requests, then say so."""
        await super().startup(sockets)
        if self.started:
            tune_garbage_collection()
            for listener in sockets or []:
                host, port = listener.getsockname()[:2]
                self._announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, end streams, answer what is under way, then stop the application."""
        self._app.drain()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT.

        Unlike uvicorn's own, this does not raise it again: whoever called `run` has things to stop too.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)


def listen(host: str, port: int) -> socket.socket:
    """Bind the address to serve at; port 0 takes a free one. Raises `OSError` when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


def tune_garbage_collection() -> None:
    """Let the collector look at what requests make only, and less often: a twelfth of the time is saved.

    What start-up made stays for good, so it is taken out of every later collection; and a request makes many
    objects that reference counting frees at once, which the default threshold of 700 takes for garbage to be.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _print(url: str) -> None:
    print(f"listening on {url}", flush=True)
