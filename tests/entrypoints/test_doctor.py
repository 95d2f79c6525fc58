import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.world import World, memory_erp
from adapters.web.probe import Fault, Layer, Reached
from application.failures import Failure, Rejected, Unavailable
from application.ports import Erps, Installations
from domain.customer import Customer
from domain.identifiers import CompanyId, CustomerId, InstallationId, Secret
from domain.installation import ErpAccess, Installation
from domain.tax_id import Cpf
from entrypoints import doctor
from entrypoints.connections import AskHuggy, Probe, try_huggy
from entrypoints.reply import CommandFailed, Reply, WrongUsage
from entrypoints.settings import Settings, SettingsError, read_settings
from tests.entrypoints.fakes import INSTALLATION, no_renewal

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = read_settings({"PONTE_SECRET_KEYS": Fernet.generate_key().decode()})


def answering(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, headers={"date": "Mon, 23 Nov 2026 12:00:01 GMT"})


def refusing(host: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == host:
            raise httpx.ConnectError("secret words")
        return answering(request)

    return answer


def reaching(fault: Fault | None = None) -> Probe:
    async def reach(_: ErpAccess) -> Sequence[Reached]:
        return [Reached(layer=Layer.DNS, ms=2), Reached(layer=Layer.TCP, ms=5, fault=fault)]

    return reach


class Accounts:
    """Only what is asked here."""

    def __init__(self, answer: bool | Failure | None) -> None:
        self._answer = answer

    async def belongs_to(self, token: Secret, company_id: CompanyId) -> bool:
        """None: it never tells."""
        if self._answer is None:
            await asyncio.Event().wait()
        if isinstance(self._answer, Failure):
            raise self._answer
        return bool(self._answer)


def huggy_that_says(answer: bool | Failure | None) -> doctor.OpenHuggy:
    async def no_list(_: Installation) -> None:
        return None

    @asynccontextmanager
    async def open_huggy(settings: Settings) -> AsyncIterator[AskHuggy]:
        yield partial(try_huggy, accounts=Accounts(answer), flow_lists=no_list, renew=no_renewal)  # type: ignore[arg-type]

    return open_huggy


def opening(*kept: Installation, error: Exception | None = None) -> doctor.OpenInstallations:
    @asynccontextmanager
    async def open_installations(settings: Settings) -> AsyncIterator[Installations]:
        if error:
            raise error
        installations = MemoryInstallations()
        for installation in kept:
            await installations.save(installation)
        yield installations

    return open_installations


async def diagnose(
    *,
    settings: Settings = SETTINGS,
    problem: str | None = None,
    open_installations: doctor.OpenInstallations | None = None,
    mail_problem: str | Exception | None = None,
    answer: Callable[[httpx.Request], httpx.Response] = answering,
    takes_us: bool | Failure | None = True,
    fault: Fault | None = None,
    now: datetime = NOW,
) -> Reply:
    async def try_mail(settings: Settings) -> str | None:
        if isinstance(mail_problem, Exception):
            raise mail_problem
        return mail_problem

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await doctor.diagnose(
            settings,
            database_problem=lambda _: problem,
            mail_problem=try_mail,
            open_installations=open_installations or opening(INSTALLATION),
            open_huggy=huggy_that_says(takes_us),
            probe=reaching(fault),
            http=http,
            clock=SetClock(now),
        )


def failed(reply: Reply) -> list[str]:
    return [line.removeprefix("falha  ") for line in reply.lines if line.startswith("falha  ")]


async def test_when_all_is_well_each_check_says_ok() -> None:
    reply = await diagnose()

    assert reply.ok
    assert [line.partition(":")[0] for line in reply.lines] == [
        "ok     configuração",
        "ok     banco de dados",
        "ok     chaves",
        "ok     Huggy",
        "ok     relógio",
        "ok     Huggy da instalação inst-1",
        "ok     ERP da instalação inst-1",
    ]


def test_wrong_settings_are_a_failed_check_each() -> None:
    reply = doctor.wrong_settings(SettingsError("PONTE_PORT: use um número", "PONTE_LOG_FORMAT: use json"))

    assert not reply.ok
    assert failed(reply) == ["configuração: PONTE_PORT: use um número", "configuração: PONTE_LOG_FORMAT: use json"]


@pytest.mark.parametrize("error", [None, CommandFailed("rode `ponte migrate`")])
async def test_a_database_of_another_version_is_told_with_what_to_do_and_the_keys_are_not_suspected(
    error: Exception | None,
) -> None:
    reply = await diagnose(problem="rode `ponte migrate`", open_installations=opening(INSTALLATION, error=error))

    assert not reply.ok
    assert failed(reply) == ["banco de dados: rode `ponte migrate`", "chaves: não conferido: primeiro o banco"]


async def test_missing_keys_are_told_with_how_to_get_one_whatever_the_database_is_like() -> None:
    (line,) = failed(await diagnose(settings=read_settings({})))
    _, beside_the_database = failed(await diagnose(settings=read_settings({}), problem="rode `ponte migrate`"))

    assert "ponte keys new" in line
    assert beside_the_database == line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommandFailed("as chaves não abrem os segredos"), "as chaves não abrem os segredos"),
        (Unavailable("storage.failed"), "storage.failed"),
        (RuntimeError("token hunter2"), "RuntimeError"),
    ],
)
async def test_secrets_that_do_not_open_point_to_the_keys(error: Exception, words: str) -> None:
    (line,) = failed(await diagnose(open_installations=opening(error=error)))

    assert line == f"chaves: {words}; confira PONTE_SECRET_KEYS"


async def test_a_side_that_does_not_answer_is_told_without_the_errors_words() -> None:
    (huggy,) = failed(await diagnose(answer=refusing("api.huggy.app")))
    (erp,) = failed(await diagnose(fault=Fault.REFUSED))

    assert huggy.startswith("Huggy: não responde (ConnectError)")
    assert erp.startswith("ERP da instalação inst-1: A porta está fechada")
    assert "secret" not in huggy + erp


MANY = [
    replace(INSTALLATION, id=InstallationId(f"inst-{n}"), webhook_key=Secret(value=f"key-{n}")) for n in range(1, 30)
]


async def test_every_installations_erp_is_checked() -> None:
    reply = await diagnose(open_installations=opening(*MANY), fault=Fault.REFUSED)

    assert len(failed(reply)) == 29


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unavailable("huggy.unauthorized", "huggy-token"), "A Huggy recusou o acesso: entre de novo"),
        (False, "Este acesso não é desta empresa"),
    ],
)
async def test_every_installations_access_to_huggy_is_checked_as_the_console_does(
    answer: bool | Failure, words: str
) -> None:
    lines = failed(await diagnose(open_installations=opening(*MANY), takes_us=answer))

    assert len(lines) == 29
    assert lines[0].startswith(f"Huggy da instalação inst-1: {words}")
    assert "huggy-token" not in str(lines)


async def test_an_installation_that_was_never_connected_to_huggy_is_told() -> None:
    blank = replace(INSTALLATION, huggy_token=Secret(value=""))
    (line,) = failed(await diagnose(open_installations=opening(blank)))

    assert line == "Huggy da instalação inst-1: Conecte com a Huggy primeiro."


async def test_an_access_that_can_not_be_looked_at_after_all_is_told_and_the_other_checks_go_on() -> None:
    def gone(settings: Settings) -> AbstractAsyncContextManager[AskHuggy]:
        raise CommandFailed("o banco não responde")

    findings = await doctor.check_accesses([INSTALLATION], SETTINGS, gone)

    assert [(each.check, each.ok, each.note) for each in findings] == [
        ("Huggy das instalações", False, "não conferido: o banco não responde")
    ]


async def test_a_huggy_that_never_answers_holds_the_doctor_up_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "HUGGY_S", 0)
    lines = failed(await diagnose(open_installations=opening(*MANY), takes_us=None))

    assert len(lines) == 29
    assert all("A Huggy não respondeu a tempo" in line for line in lines)


async def test_where_huggy_cannot_be_reached_that_is_told_once() -> None:
    reply = await diagnose(
        open_installations=opening(*MANY), answer=refusing("api.huggy.app"), takes_us=Unavailable("huggy.unreachable")
    )

    assert [line.partition(":")[0] for line in failed(reply)] == ["Huggy"]


@pytest.mark.parametrize("away", [timedelta(minutes=2), timedelta(minutes=-2)])
async def test_a_clock_far_from_another_machines_is_wrong(away: timedelta) -> None:
    (line,) = failed(await diagnose(now=NOW + away))

    assert line.startswith("relógio: está errado")


WITH_MAIL = replace(SETTINGS, smtp_url=Secret(value="smtp://user:hunter2@mail.example:587"))


async def test_a_mail_server_is_checked_where_one_is_set() -> None:
    fine, without = await diagnose(settings=WITH_MAIL), await diagnose()

    assert "ok     e-mail" in fine.lines
    assert not any("e-mail" in line for line in without.lines)


@pytest.mark.parametrize(
    ("problem", "words"),
    [("O servidor de e-mail recusou usuário ou senha", "recusou usuário"), (RuntimeError("hunter2"), "RuntimeError")],
)
async def test_a_mail_server_that_does_not_take_us_is_told_without_its_password(
    problem: str | Exception, words: str
) -> None:
    (line,) = failed(await diagnose(settings=WITH_MAIL, mail_problem=problem))

    assert line.startswith("e-mail: ")
    assert words in line
    assert "PONTE_SMTP_URL" in line
    assert "hunter2" not in line


def test_a_clock_that_was_never_set_is_wrong_even_with_nothing_to_compare_it_to() -> None:
    assert not doctor.check_clock(datetime(1970, 1, 1, tzinfo=UTC), None).ok
    assert doctor.check_clock(NOW, None).ok


# --- one installation


DOCUMENT = "529.982.247-25"


ANA = Customer(id=CustomerId("1"), name="Ana Souza", tax_id=Cpf(digits="52998224725"))


@pytest.fixture
def world() -> World:
    world = World(now=NOW)
    world.add(ANA)
    return world


async def try_out(
    world: World, document: str | None, fault: Fault | None = None, *, takes_us: bool | Failure | None = True
) -> Reply:
    @asynccontextmanager
    async def open_erps(settings: Settings) -> AsyncIterator[Erps]:
        yield lambda _: memory_erp(world)

    return await doctor.try_installation(
        INSTALLATION,
        SETTINGS,
        document=document,
        open_huggy=huggy_that_says(takes_us),
        open_erps=open_erps,
        probe=reaching(fault),
    )


async def test_an_installation_is_tried_by_its_access_to_huggy_and_by_one_lookup(world: World) -> None:
    reply = await try_out(world, DOCUMENT)

    assert reply.ok
    assert [line.partition(":")[0] for line in reply.lines] == [
        "ok     Acesso à Huggy",
        "ok     Lista de flows",
        "ok     ERP, Nome (DNS)",
        "ok     ERP, Porta",
        "ok     ERP, Token e PBX",
        "ok     ERP, Resposta do ERP",
    ]
    assert "ok     ERP, Porta: 5 ms" in reply.lines
    assert "Ana" not in str(reply)


async def test_without_a_document_the_credentials_are_tried_and_nothing_is_claimed(world: World) -> None:
    fine = await try_out(world, None)
    world.fail("find", Rejected("erp.unauthorized", "Ana"))
    wrong = await try_out(world, None)

    assert fine.ok
    assert any("Para ter certeza" in line for line in fine.lines)
    (line,) = failed(wrong)
    assert line.startswith("ERP, Token e PBX: O ERP recusou o token")
    assert "Ana" not in str(wrong)


async def test_a_token_that_huggy_refuses_is_told_and_the_erp_is_tried_all_the_same(world: World) -> None:
    reply = await try_out(world, DOCUMENT, takes_us=Unavailable("huggy.unauthorized", "huggy-token"))

    assert not reply.ok
    (line,) = failed(reply)
    assert line.startswith("Acesso à Huggy: A Huggy recusou o acesso: entre de novo")
    assert any(line.startswith("ok     ERP, Resposta do ERP") for line in reply.lines)
    assert "huggy-token" not in str(reply)


async def test_an_erp_that_cannot_be_reached_is_not_asked(world: World) -> None:
    reply = await try_out(world, DOCUMENT, Fault.CERTIFICATE_EXPIRED)

    (line,) = failed(reply)
    assert line.startswith("ERP, Porta: O certificado venceu")
    assert len(reply.lines) == 4


async def test_a_document_that_is_none_is_wrong_usage(world: World) -> None:
    with pytest.raises(WrongUsage):
        await try_out(world, "529.982.247-26")
