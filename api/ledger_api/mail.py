"""Sending mail to customers: through the mail server that the settings name, or not at all."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ledger.errors import ConfigurationError, Unavailable

URL_VARIABLE = "BILLING_LEDGER_SMTP_URL"
FROM_VARIABLE = "BILLING_LEDGER_SMTP_FROM"
SEND_SECONDS_MAX = 10
"""How long a mail server may take to accept a message."""
_LOCAL = ("127.0.0.1", "::1", "localhost")


class Mail(NamedTuple):
    """A mail server. `smtps` speaks TLS from the start; `smtp` begins it, but for one on this machine."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None
    sender: str

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message to the mail server. Blocking; raises `Unavailable` when it does not take it."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message.set_content(text)
        try:
            with self._connected() as server:
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            # What the server said may repeat the address: none of it goes any further.
            raise Unavailable(f"the mail server did not take the message: {type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.scheme == "smtps":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SEND_SECONDS_MAX, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=SEND_SECONDS_MAX)
        if self.host not in _LOCAL:
            server.starttls(context=context)
        return server


def read_mail(environ: Mapping[str, str] = os.environ) -> Mail | None:
    """Read which mail server to use, None when none is named. Raises `ConfigurationError` for a wrong one."""
    url = environ.get(URL_VARIABLE)
    if not url:
        return None
    sender = environ.get(FROM_VARIABLE)
    try:
        parts = urlsplit(url)
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigurationError(
            f"{URL_VARIABLE} is no address of a mail server: smtp://user:password@host:587"
        )
    if not sender or "@" not in sender:
        raise ConfigurationError(f"{FROM_VARIABLE} names the address that mail comes from")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Mail(parts.scheme, parts.hostname, port, user, password, sender)
