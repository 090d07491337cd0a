"""A TCP proxy before PostgreSQL that decides what becomes of an append's COMMIT, as failing networks do."""

from __future__ import annotations

import enum
import socket
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from psycopg import conninfo as libpq

_APPEND, _COMMIT = b"COPY ledger.event", b"COMMIT"
_COMMITTED = b"COMMIT\0"
"""The tag with which the server says that it is done."""
_SYNC = b"S\0\0\0\4"
"""Ends a pipeline: the server sends its replies."""


class Fate(enum.Enum):
    """What becomes of a COMMIT and of its connection."""

    PASSES = enum.auto()
    REPLY_IS_LOST = enum.auto()
    """It is carried out, but the connection is gone before the client hears of it."""
    IS_LOST = enum.auto()
    """It never arrives; the connection is gone on both sides."""
    IS_LATE = enum.auto()
    """The client loses its connection; the server gets the COMMIT a while later."""
    IS_HELD = enum.auto()
    """It arrives when `release` is called."""


class Proxy:
    """Listens on a port of its own. Use it as a context manager; `conninfo` leads through it."""

    def __init__(self, conninfo: str) -> None:
        self._server = libpq.conninfo_to_dict(conninfo)
        self._closed = False
        self.late_seconds = 0.5
        """How late a COMMIT is that is late."""
        self._fates: deque[Fate] = deque()
        self._released = threading.Event()
        self._held = threading.Event()
        self._links: list[_Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.conninfo = libpq.make_conninfo(
            conninfo, host="127.0.0.1", port=self.port, sslmode="disable", gssencmode="disable"
        )
        self.met: list[Fate] = []
        """What became of each COMMIT so far that was not to pass."""
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def commits(self, *fates: Fate) -> None:
        """Decide what becomes of the next COMMITs; those after them pass."""
        self._fates.extend(fates)

    def wait_held(self) -> None:
        """Wait until a COMMIT is held."""
        assert self._held.wait(10)

    def release(self) -> None:
        """Let the COMMIT pass that is held."""
        self._released.set()

    def close_door(self) -> None:
        """Turn away everybody who connects, until `open_door`."""
        self._closed = True

    def open_door(self) -> None:
        """Let everybody in again."""
        self._closed = False

    def cut(self) -> None:
        """Cut every connection."""
        for link in self._links:
            link.cut()

    def fate(self) -> Fate:
        """Decide about the COMMIT that has just come."""
        fate = self._fates.popleft() if self._fates else Fate.PASSES
        if fate is not Fate.PASSES:
            self.met.append(fate)
        if fate is Fate.IS_HELD:
            self._held.set()
            self._released.wait(30)
        return fate

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                if self._closed:
                    client.close()
                else:
                    self._links.append(_Link(self, client, self._connect()))

    def _connect(self) -> socket.socket:
        host, port = str(self._server["host"]), self._server.get("port") or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return server


class _Link:
    """One connection: a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._appends = False
        self._swallow = False
        for pump in (self._to_server, self._to_client):
            threading.Thread(target=pump, name="proxy link", daemon=True).start()

    def cut(self) -> None:
        """Cut both sides."""
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def _to_server(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(1 << 16):
                self._appends = self._appends or _APPEND in data
                if self._appends and _COMMIT in data:
                    self._appends = False
                    if not self._passes(data):
                        return
                self._server.sendall(data)
        self.cut()

    def _passes(self, data: bytes) -> bool:
        """Tell whether the COMMIT in these bytes goes its way; if not, all is done here."""
        fate = self._proxy.fate()
        if fate is Fate.IS_LOST:
            self.cut()
        elif fate is Fate.IS_LATE:
            self._swallow = True
            self._client.shutdown(socket.SHUT_RDWR)
            threading.Event().wait(self._proxy.late_seconds)
            self._server.sendall(data + _SYNC)
        elif fate is Fate.REPLY_IS_LOST:
            self._swallow = True
        return fate not in (Fate.IS_LOST, Fate.IS_LATE)

    def _to_client(self) -> None:
        swallowed = b""
        with suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self._swallow:
                    swallowed += data
                    if _COMMITTED in swallowed:
                        break
                else:
                    self._client.sendall(data)
        self.cut()
