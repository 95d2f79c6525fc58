"""The post against a real SMTP server on loopback."""

import asyncio
import ssl
from datetime import UTC, datetime

import pytest
import uvloop

from adapters.memory.clock import SetClock
from adapters.notices.smtp import SmtpPost, read_mail_server
from application.failures import Rejected, Unavailable
from domain.identifiers import Secret
from domain.notice import Letter
from tests.adapters.notices.mail_server import PASSWORD, USER, Certificate, serving

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LETTER = Letter(
    recipient="avisos@provedor.example",
    subject="Provedor São João: O ERP não respondeu " + "a tempo " * 10,
    text="Olá!\n\nTudo voltou ao normal.\n.\nUm abraço\n",
)
SIGNED_IN = "avisos%40ponte.example:s3nha%2Bde%2Fteste@"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls"))


def post(url: Secret, tls: ssl.SSLContext | None = None) -> SmtpPost:
    return SmtpPost(read_mail_server(url), tls=tls or ssl.create_default_context(), clock=SetClock(NOON))


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with serving() as server:
        await post(server.url(query="?from=ponte@provedor.example")).send(LETTER, reference="inst-1.7")

    (letter,) = server.letters
    assert server.recipients == [LETTER.recipient]
    assert letter["To"] == LETTER.recipient
    assert letter["From"] == "Ponte <ponte@provedor.example>"
    assert letter["Subject"].strip() == LETTER.subject.strip()
    assert letter["Message-ID"] == "<inst-1.7@provedor.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().replace("\r\n", "\n") == LETTER.text


async def test_tls_is_taken_where_it_is_offered_and_before_the_password_is_told(certificate: Certificate) -> None:
    async with serving(starttls=certificate.server, asks_for_password=True) as server:
        await post(server.url(user=SIGNED_IN), certificate.client).send(LETTER, reference="1")

    assert (server.logins, server.over_tls) == ([(USER, PASSWORD)], [True])
    assert server.letters[0]["From"] == f"Ponte <{USER}>"


async def test_smtps_speaks_tls_from_the_start(certificate: Certificate) -> None:
    async with serving(tls=certificate.server, asks_for_password=True) as server:
        await post(server.url(scheme="smtps", user=SIGNED_IN), certificate.client).send(LETTER, reference="1")

    assert len(server.letters) == 1


def test_the_loop_of_the_product_speaks_tls_too(certificate: Certificate) -> None:
    async def send() -> list[bool]:
        async with serving(starttls=certificate.server) as server:
            await post(server.url(), certificate.client).send(LETTER, reference="1")
        return server.over_tls

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(send()) == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_nobody_vouches_for_gets_neither_letter_nor_password(
    certificate: Certificate, scheme: str
) -> None:
    at_once, offered = (certificate.server, None) if scheme == "smtps" else (None, certificate.server)
    async with serving(asks_for_password=True, tls=at_once, starttls=offered) as server:
        with pytest.raises(Unavailable) as failure:
            await post(server.url(scheme=scheme, user=SIGNED_IN)).send(LETTER, reference="1")

    assert failure.value.cause == "mail.tls"
    assert (server.logins, server.letters) == ([], [])


async def test_a_password_does_not_leave_this_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.notices.smtp.SAFE_LOCALLY", ())
    async with serving(asks_for_password=True) as server:
        with pytest.raises(Unavailable) as failure:
            await post(server.url(user=SIGNED_IN)).send(LETTER, reference="1")

    assert (failure.value.cause, server.logins) == ("mail.tls", [])


@pytest.mark.parametrize("user", ["avisos%40ponte.example:wrong@", "avisos%40ponte.example@"])
async def test_a_wrong_password_is_told_and_may_be_mended(user: str) -> None:
    async with serving(asks_for_password=True) as server:
        with pytest.raises(Unavailable) as failure:
            await post(server.url(user=user)).send(LETTER, reference="1")

    assert failure.value.cause == "mail.login_refused"
    assert "wrong" not in repr(failure.value)
    assert server.letters == []


@pytest.mark.parametrize(("answer", "kind"), [("550 5.1.1 No such user", Rejected), ("451 4.7.1 Later", Unavailable)])
async def test_a_recipient_is_refused_for_good_or_for_now(answer: str, kind: type[Exception]) -> None:
    async with serving() as server:
        server.refuses[LETTER.recipient] = answer
        with pytest.raises(kind) as failure:
            await post(server.url()).send(LETTER, reference="1")

    assert LETTER.recipient not in repr(failure.value)
    assert server.letters == []


@pytest.mark.parametrize(
    ("answer", "cause", "kind"),
    [("554 Spam", "mail.refused", Rejected), ("452 Full", "mail.deferred", Unavailable)],
)
async def test_a_letter_is_refused_for_good_or_for_now(answer: str, cause: str, kind: type[Exception]) -> None:
    async with serving() as server:
        server.refuses_content = answer
        with pytest.raises(kind) as failure:
            await post(server.url()).send(LETTER, reference="1")

    assert getattr(failure.value, "cause", "") == cause


@pytest.mark.parametrize(("answer", "cause"), [("553 Not you", "mail.refused"), ("450 Later", "mail.deferred")])
async def test_a_refused_sender_may_be_mended(answer: str, cause: str) -> None:
    async with serving() as server:
        server.refuses_sender = answer
        with pytest.raises(Unavailable) as failure:
            await post(server.url()).send(LETTER, reference="1")

    assert failure.value.cause == cause


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with serving() as server:
        url = server.url()
    with pytest.raises(Unavailable) as failure:
        await post(url).send(LETTER, reference="1")

    assert failure.value.cause == "mail.unreachable"


async def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.notices.smtp.COMMAND_TIMEOUT_S", 0.05)
    left = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent:
        with pytest.raises(Unavailable) as failure:
            await post(Secret(value=f"smtp://127.0.0.1:{port}")).send(LETTER, reference="1")
        await left.wait()

    assert failure.value.cause == "mail.timeout"


@pytest.mark.parametrize(
    "recipient", ["", "avisos", "a b@x.example", "a@x.example\r\nBcc: b@x.example", "joão@x.example", "a..b@x.example"]
)
async def test_what_is_no_address_is_written_to_by_nobody(recipient: str) -> None:
    async with serving() as server:
        with pytest.raises(Rejected) as failure:
            await post(server.url()).send(Letter(recipient=recipient, subject="s", text="t"), reference="1")

    assert failure.value.cause == "mail.address_unusable"
    assert server.letters == []


async def test_trying_out_signs_in_and_sends_nothing() -> None:
    async with serving(asks_for_password=True) as server:
        await post(server.url(user=SIGNED_IN)).try_out()

    assert (server.logins, server.letters) == ([(USER, PASSWORD)], [])


@pytest.mark.parametrize(
    ("url", "host", "port", "sender"),
    [
        ("smtp://mail.example", "mail.example", 587, "ponte@mail.example"),
        ("smtps://u:p@mail.example", "mail.example", 465, "ponte@mail.example"),
        ("smtp://u%40x.example:p@mail.example:25", "mail.example", 25, "u@x.example"),
        ("smtp://u%40x.example:p@[::1]:25?from=aviso@y.example", "::1", 25, "aviso@y.example"),
        ("smtp://[::1]:25?from=nobody", "::1", 25, "ponte@localhost"),
    ],
)
def test_the_address_of_the_server_says_who_writes(url: str, host: str, port: int, sender: str) -> None:
    server = read_mail_server(Secret(value=url))

    assert (server.host, server.port, server.sender) == (host, port, sender)
    assert "x.example" not in repr(server)
