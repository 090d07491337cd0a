"""Mail over TLS and with a login, to a real mail server; and what never leaves when something is wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.errors import Unavailable
from ledger_api import mail
from ledger_api.mail import Mail, read_mail

HOST, USER, PASSWORD = "127.0.0.1", "ledger", "pass:word/1"
TO = "alice@example.com"


pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
"""The test's server asks for a login on a connection that is TLS from its start, which it does not count."""


class Server:
    """Takes letters from whoever logs in, and remembers the passwords that it was told."""

    def __init__(self) -> None:
        self.letters: list[Envelope] = []
        self.told: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.letters.append(envelope)
        return "250 taken"

    def log_in(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, said: object
    ) -> AuthResult:
        assert isinstance(said, LoginPassword)
        self.told.append(said.password)
        right = (said.login, said.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # the server says so: 235, or 535


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of this machine, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust that certificate, as a machine does whose administrator added it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this machine for another one, to which nothing is sent without TLS."""
    monkeypatch.setattr(mail, "_LOCAL", ())


@contextmanager
def listening(server: Server, *, scheme: str, certificate: Path | None) -> Iterator[Mail]:
    """Let a server listen with TLS from the start (smtps), TLS begun when asked (smtp), or none."""
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    from_start = scheme == "smtps"
    controller = Controller(
        server, hostname=HOST, port=port, authenticator=server.log_in, auth_required=True,
        auth_require_tls=not from_start and certificate is not None,
        ssl_context=context if from_start else None, tls_context=None if from_start else context,
        require_starttls=not from_start and certificate is not None,
    )  # fmt: skip
    controller.start()
    try:
        yield client(scheme, port)
    finally:
        controller.stop()


def client(scheme: str, port: int, password: str = "pass%3Aword%2F1") -> Mail:  # noqa: S107 - of a test
    """Read the settings as they are set: a password is escaped in an address."""
    url = f"{scheme}://{USER}:{password}@{HOST}:{port}"
    found = read_mail({"BILLING_LEDGER_SMTP_URL": url, "BILLING_LEDGER_SMTP_FROM": "billing@example.com"})
    assert found is not None
    return found


@pytest.mark.usefixtures("trusted", "elsewhere")
@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_letter_goes_through_tls_with_a_login(certificate: Path, scheme: str) -> None:
    server = Server()
    with listening(server, scheme=scheme, certificate=certificate) as sender:
        sender.send(TO, "Ο κωδικός σας", "Ο κωδικός σας είναι 123456.\n")  # noqa: RUF001 - Greek
    (letter,) = server.letters
    assert (letter.mail_from, letter.rcpt_tos) == ("billing@example.com", [TO])
    assert server.told == [PASSWORD.encode()]


@pytest.mark.usefixtures("trusted", "elsewhere")
@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_wrong_password_sends_nothing_and_is_not_repeated(certificate: Path, scheme: str) -> None:
    server = Server()
    with (
        listening(server, scheme=scheme, certificate=certificate) as sender,
        pytest.raises(Unavailable, match="SMTPAuthenticationError") as caught,
    ):
        client(scheme, sender.port, "wrong").send(TO, "Code", "123456")
    assert not server.letters
    assert not any(word in str(caught.value) for word in ("wrong", TO, "123456"))


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_server_that_nobody_vouches_for_is_told_nothing(certificate: Path, scheme: str) -> None:
    server = Server()
    with (
        listening(server, scheme=scheme, certificate=certificate) as sender,
        pytest.raises(Unavailable, match="SSLCertVerificationError"),
    ):
        sender.send(TO, "Code", "123456")
    assert (server.told, server.letters) == ([], [])


@pytest.mark.usefixtures("elsewhere")
def test_nothing_is_sent_in_the_clear_to_another_machine() -> None:
    server = Server()
    with (
        listening(server, scheme="smtp", certificate=None) as sender,
        pytest.raises(Unavailable, match="SMTPNotSupportedError"),
    ):
        sender.send(TO, "Code", "123456")
    assert (server.told, server.letters) == ([], [])
