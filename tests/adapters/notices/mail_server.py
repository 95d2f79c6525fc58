"""A real SMTP server on loopback that keeps what it took, and refuses what it is told to refuse."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.clock.system import SystemClock
from domain.identifiers import Secret

USER, PASSWORD = "avisos@ponte.example", "s3nha+de/teste"


class Certificate:
    """Of 127.0.0.1, signed by itself: `server` shows it, `client` trusts it."""

    def __init__(self, directory: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = SystemClock().now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = directory / "certificate.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(path)
        self.client = ssl.create_default_context(cafile=str(path))


class MailServer:
    """`refuses`: recipients, each with its answer; `refuses_content`: the answer to every letter."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.over_tls: list[bool] = []
        self.refuses: dict[str, str] = {}
        self.refuses_sender = ""
        self.refuses_content = ""
        self.port = 0
        self.arrived = asyncio.Event()

    def url(self, *, scheme: str = "smtp", user: str = "", query: str = "") -> Secret:
        return Secret(value=f"{scheme}://{user}127.0.0.1:{self.port}{query}")

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses_sender:
            return self.refuses_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses_content:
            return self.refuses_content
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        self.recipients += envelope.rcpt_tos
        self.over_tls.append(session.ssl is not None)
        self.arrived.set()
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == (USER, PASSWORD), handled=False)


@asynccontextmanager
async def serving(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    asks_for_password: bool = False,
    port: int = 0,
) -> AsyncIterator[MailServer]:
    """`starttls`: TLS is offered; `tls`: it is spoken from the start. At the end nobody listens on its port any more."""
    server = MailServer()
    dialogues: list[SMTP] = []

    def dialogue() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what aiosmtpd thinks of passwords without TLS
            begun = SMTP(
                server,
                hostname="mail.example",
                tls_context=starttls,
                auth_required=asks_for_password,
                auth_require_tls=False,
                authenticator=server.authenticate,
                enable_SMTPUTF8=False,
            )
        dialogues.append(begun)
        return begun

    listening = await asyncio.get_running_loop().create_server(dialogue, "127.0.0.1", port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        ends = [each._handler_coroutine for each in dialogues if each._handler_coroutine is not None]
        await asyncio.gather(*ends, return_exceptions=True)
        for each in dialogues:
            if each.transport is not None:
                each.transport.close()
        await asyncio.sleep(0)
