"""A real mail server on this machine, and the letters that it was handed."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


class Box:
    """What a mail server was handed."""

    def __init__(self) -> None:
        self.letters: list[Envelope] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            return f"550 no mail for {envelope.rcpt_tos[0]}"
        self.letters.append(envelope)
        return "250 taken"

    def code(self) -> str:
        """Read the code out of the last letter."""
        found = re.search(rb"Your code is ([0-9]{6})\.", self.letters[-1].original_content or b"")
        assert found
        return found[1].decode()


@contextmanager
def delivering(box: Box) -> Iterator[None]:
    """Let a mail server put letters into a box, and services that start know it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BILLING_LEDGER_SMTP_URL", f"smtp://127.0.0.1:{port}")
            patch.setenv("BILLING_LEDGER_SMTP_FROM", "billing@example.com")
            yield
    finally:
        controller.stop()
