"""The mail server of `PONTE_SMTP_URL`.

`smtp://` goes over to TLS where the server offers it, `smtps://` speaks TLS from the start. A password goes over TLS
alone, except to this very machine. `?from=` names the sender; without it, it is the user, if that is an address.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from application.failures import Failure, Rejected, Unavailable
from application.ports import Clock
from domain.identifiers import Personal, Secret
from domain.notice import Letter

COMMAND_TIMEOUT_S = 15.0
LETTER_TIMEOUT_S = 60.0
"""for a whole letter, with connecting and signing in"""
PORT, TLS_PORT = 587, 465

SAFE_LOCALLY = ("127.0.0.1", "::1", "localhost")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)


class MailServer(Personal, frozen=True, kw_only=True):
    host: str
    port: int
    tls_at_once: bool
    user: str
    password: Secret
    sender: str


def read_mail_server(url: Secret) -> MailServer:
    """What the settings have found to be `smtp://` or `smtps://` with a host."""
    parts = urlsplit(url.reveal())
    tls_at_once = parts.scheme == "smtps"
    host, user = parts.hostname or "", unquote(parts.username or "")
    offered = (parse_qs(parts.query).get("from", [""])[0].strip(), user, f"ponte@{host}")
    return MailServer(
        host=host,
        port=parts.port or (TLS_PORT if tls_at_once else PORT),
        tls_at_once=tls_at_once,
        user=user,
        password=Secret(value=unquote(parts.password or "")),
        sender=next((address for address in offered if _is_address(address)), "ponte@localhost"),
    )


class SmtpPost:
    """Implements `application.notice_ports.Post`; one connection a letter. No failure holds what the server said: it may quote
    addresses."""

    def __init__(self, server: MailServer, *, tls: ssl.SSLContext, clock: Clock) -> None:
        self._server = server
        self._tls = tls
        self._clock = clock

    async def send(self, letter: Letter, *, reference: str) -> None:
        """A mail program that gets two letters of one reference sees that they are the same."""
        if not _is_address(letter.recipient):
            raise Rejected("mail.address_unusable")
        message = self._message(letter, reference)
        with _failures():
            async with self._connected() as line:
                await line.send_message(message, sender=self._server.sender, recipients=[letter.recipient])

    async def try_out(self) -> None:
        """Connects and signs in, and sends nothing. Raises as `send` does."""
        with _failures():
            async with self._connected():
                pass

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        server = self._server
        line = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls_at_once,
            tls_context=self._tls,
            timeout=COMMAND_TIMEOUT_S,
            local_hostname=server.sender.partition("@")[2],
        )
        try:
            async with asyncio.timeout(LETTER_TIMEOUT_S):
                await line.connect()
                if server.user:
                    if line.get_transport_info("sslcontext") is None and server.host not in SAFE_LOCALLY:
                        raise Unavailable("mail.tls", "the server offers no TLS, so it gets no password")
                    await self._sign_in(line)
                yield line
            with suppress(Exception):  # whatever it says to a goodbye, it took what it took
                await line.quit()
        finally:
            line.close()

    async def _sign_in(self, line: aiosmtplib.SMTP) -> None:
        try:
            await line.login(self._server.user, self._server.password.reveal())
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            raise
        except aiosmtplib.SMTPException:
            raise Unavailable("mail.login_refused") from None

    def _message(self, letter: Letter, reference: str) -> EmailMessage:
        message = EmailMessage(policy=WIRE)
        message["From"] = Address("Ponte", addr_spec=self._server.sender)
        message["To"] = Address(addr_spec=letter.recipient)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{reference}@{self._server.sender.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _is_address(text: str) -> bool:
    if not _ADDRESS.fullmatch(text):
        return False
    try:
        Address(addr_spec=text)
    except (ValueError, IndexError):  # what the headers of a mail do not take: dots in a row, …
        return False
    return True


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as refusal:
        if all(refused.code >= 500 for refused in refusal.recipients):
            raise Rejected("mail.recipient_refused") from None
        raise Unavailable("mail.deferred") from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _failure(error) from None


def _failure(error: Exception) -> Failure:
    if _is_tls(error):
        return Unavailable("mail.tls")
    match error:
        case aiosmtplib.SMTPDataError(code=code) if code >= 500:
            return Rejected("mail.refused", f"code {code}")
        case aiosmtplib.SMTPSenderRefused(code=code) if code >= 500:
            return Unavailable("mail.refused", f"code {code}")
        case aiosmtplib.SMTPSenderRefused(code=code) | aiosmtplib.SMTPDataError(code=code):
            return Unavailable("mail.deferred", f"code {code}")
        case TimeoutError():
            return Unavailable("mail.timeout")
        case _:
            return Unavailable("mail.unreachable")


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
