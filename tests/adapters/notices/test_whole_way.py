"""From an alert to a mail: a real file, a real mail server, and a clock that is set."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.clock import SetClock
from adapters.notices.alerts import CountedAlerts
from adapters.notices.smtp import SmtpPost, read_mail_server
from adapters.notices.words import letters
from adapters.storage.database import ServedDatabase, serve_database
from adapters.storage.migrate import upgrade
from application.send_notices import SendNotices
from application.tell_of_problems import TellOfProblems
from application.tell_people import TellPeople
from domain.identifiers import Secret
from domain.problem import OVER_AFTER
from tests.adapters.notices.mail_server import PASSWORD, MailServer, serving
from tests.application.people import NOON, People
from tests.contracts.installations import FIRST

PERSONAL = ("529.982.247-25", "52998224725", "Ana Souza", "+55 11 98765-4321", "t0ken-5f0c")


class Ponte:
    """What a working process runs in rounds, in the hands of a test."""

    def __init__(self, database: ServedDatabase, clock: SetClock, url: Secret) -> None:
        self.database = database
        self.clock = clock
        self.alerts = CountedAlerts(clock)
        tell = TellPeople(
            installations=database.installations,
            notices=database.notices,
            clock=clock,
            write=letters("https://ponte.example"),
            sends=True,
        )
        self._watch = TellOfProblems(
            problems=database.problems, installations=database.installations, clock=clock, tell=tell
        )
        post = SmtpPost(read_mail_server(url), tls=ssl.create_default_context(), clock=clock)
        self._send = SendNotices(notices=database.notices, post=post, clock=clock)

    async def round(self, after_s: float = 0) -> None:
        self.clock.advance(after_s)
        await self.alerts.write(self.database.problems)
        await self._watch()
        await self._send()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServedDatabase]:
    url = f"sqlite:///{tmp_path}/ponte.db"
    upgrade(url)
    key = Secret(value=Fernet.generate_key().decode())
    database = serve_database(url, keys=[key], clock=SetClock(NOON), on_fatal=lambda: None)
    yield database
    database.close()


async def working(database: ServedDatabase, url: Secret) -> Ponte:
    await database.installations.save(FIRST)
    return Ponte(database, SetClock(NOON), url)


def subjects(server: MailServer) -> list[str]:
    return [str(letter["Subject"]) for letter in server.letters]


async def test_five_hundred_equal_failures_are_one_mail_and_one_all_clear(database: ServedDatabase) -> None:
    async with serving() as server:
        ponte = await working(database, server.url())
        for number in range(500):
            await ponte.alerts.raise_alert(FIRST.id, "erp.timeout", f"HTTP {number}")
            if number % 50 == 0:
                await ponte.round(after_s=1)
        for _ in range(5):
            await ponte.round(after_s=OVER_AFTER.total_seconds() / 3)

    assert subjects(server) == [
        "Provedor Exemplo: o ERP demorou demais para responder",
        "Provedor Exemplo: resolvido – o ERP demorou demais para responder",
    ]
    assert server.recipients == [FIRST.email] * 2
    assert "Ocorrências: 500" in server.letters[1].get_content()


async def test_while_the_mail_server_is_down_notices_wait_and_then_arrive(database: ServedDatabase) -> None:
    async with serving() as gone:
        port = gone.port
    ponte = await working(database, gone.url())
    await ponte.alerts.raise_alert(FIRST.id, "erp.timeout", "")
    await ponte.round()
    (waiting,) = await database.notices.recent(FIRST.id)
    assert (waiting.failure, waiting.sent_at) == ("mail.unreachable", None)

    async with serving(port=port) as server:
        await ponte.round(after_s=60)
    (sent,) = await database.notices.recent(FIRST.id)
    assert (len(server.letters), sent.failure, sent.sent_at) == (1, "", ponte.clock.now())


async def test_a_wrong_password_is_shown_with_the_notice_and_told_to_nobody(database: ServedDatabase) -> None:
    async with serving(asks_for_password=True) as server:
        ponte = await working(database, server.url(user=f"ponte:{PASSWORD[::-1].replace('/', '')}@"))
        await ponte.alerts.raise_alert(FIRST.id, "erp.timeout", "")
        await ponte.round()

    (waiting,) = await database.notices.recent(FIRST.id)
    assert waiting.failure == "mail.login_refused"
    assert waiting.next_try_at is not None
    assert server.letters == []


async def test_a_recipient_that_is_refused_is_shown_and_not_tried_again(database: ServedDatabase) -> None:
    async with serving() as server:
        server.refuses[FIRST.email] = "550 5.1.1 No such user"
        ponte = await working(database, server.url())
        await ponte.alerts.raise_alert(FIRST.id, "erp.timeout", "")
        await ponte.round()
        server.refuses.clear()
        await ponte.round(after_s=300)

    (refused,) = await database.notices.recent(FIRST.id)
    assert (refused.failure, refused.next_try_at, refused.tries) == ("mail.recipient_refused", None, 1)
    assert server.letters == []


@given(
    alerts=st.lists(
        st.tuples(
            st.sampled_from([*PERSONAL, "erp.timeout", "erp.52998224725", "huggy.refused", "erp.ana_souza"]),
            st.sampled_from(PERSONAL),
        ),
        min_size=1,
        max_size=6,
    )
)
async def test_no_mail_holds_what_came_with_an_alert(alerts: list[tuple[str, str]]) -> None:
    people, counted = People(), CountedAlerts(SetClock(NOON))
    await people.installations.save(FIRST)
    tell = TellPeople(
        installations=people.installations,
        notices=people.notices,
        clock=people.clock,
        write=letters("https://ponte.example"),
        sends=True,
    )
    watch = TellOfProblems(problems=people.problems, installations=people.installations, clock=people.clock, tell=tell)
    for cause, detail in alerts:
        await counted.raise_alert(FIRST.id, cause, detail)
    await counted.write(people.problems)
    for _ in range(2):
        await watch()
        await people.send()
        people.clock.advance(OVER_AFTER.total_seconds())

    assert len(people.post.took) == 2 * len(await people.problems.of(FIRST.id))
    for _, letter in people.post.took:
        for personal in (*PERSONAL, "ana_souza"):
            assert personal not in letter.subject + letter.text
