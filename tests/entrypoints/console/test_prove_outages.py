"""The outages page: what stands, who was told, and what is declared, corrected, closed and tried out by hand."""

from datetime import timedelta
from html import unescape

import httpx
import pytest

from application.failures import Unavailable
from domain.identifiers import ChatId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId, Reach, Scope, Source
from tests.domain.builders import contract, customer
from tests.entrypoints.console.proving import ROOM, Proving
from tests.entrypoints.console.stage import Stage, errors_in
from tests.entrypoints.fakes import INSTALLATION

PAGE = f"{ROOM}/rede-off"
CPF = "529.982.247-25"


@pytest.fixture
async def proving(stage: Stage, http: httpx.AsyncClient) -> Proving:
    made = Proving(stage, http)
    await made.begin(outage_message_enabled=True)
    return made


async def seen(proving: Proving, path: str = PAGE) -> str:
    answer = await proving.browser.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def open_one(proving: Proving, **fields: str) -> DeclaredOutage:
    answer = await proving.browser.post(PAGE, **{"reach": "all", **fields})
    assert (answer.status_code, answer.headers.get("location")) == (303, PAGE), errors_in(answer)
    return (await proving.stage.database.outages.standing(INSTALLATION.id))[-1]


async def of_erp(proving: Proving) -> DeclaredOutage:
    now = proving.stage.clock.now()
    told = DeclaredOutage(
        id=OutageId("erp-1"),
        source=Source.ERP,
        scope=Scope(reach=Reach.ACCESS_POINT, names=("OLT 3",)),
        started_at=now - timedelta(minutes=5),
        expires_at=now + timedelta(hours=2),
        reported_as="7",
    )
    await proving.stage.database.outages.change(INSTALLATION.id, told.id, lambda _: told)
    return told


async def test_an_outage_is_opened_by_hand_and_shown_in_the_words_of_the_customer(proving: Proving) -> None:
    at = proving.stage.clock.now() + timedelta(hours=2)
    outage = await open_one(proving, reach="district", names="Centro, Vila Nova", predicted=f"{at:%d/%m %H:%M}", cause="rompimento de fibra")  # fmt: skip
    assert outage.scope == Scope(reach=Reach.DISTRICT, names=("Centro", "Vila Nova"))
    page = await seen(proving)
    assert "Falha aberta: quem escrever a partir de agora é avisado." in page
    assert "1 falha aberta" in page
    assert "Nos bairros centro e vila nova" in page.replace("Centro", "centro").replace("Vila Nova", "vila nova")
    assert "Aberta à mão" in page
    assert "Motivo: rompimento de fibra. Previsão de retorno:" in page
    assert await proving.audit() == ["Abriu uma falha massiva"]


async def test_who_was_told_is_counted_live(proving: Proving) -> None:
    outage = await open_one(proving)
    mark = (await seen(proving)).split("visto=")[1].split('"')[0]
    assert (await proving.browser.get(f"{PAGE}/agora?visto={mark}")).status_code == 204
    told = Outage(id=outage.id)
    for number in range(3):
        chat, key = ChatId(str(number)), NotificationKey(f"n-{number}")
        await proving.stage.database.outages.tell(INSTALLATION.id, chat, told, key, closes=number == 0)
    changed = await proving.browser.get(f"{PAGE}/agora?visto={mark}")
    assert "<dt>Avisados</dt><dd>3</dd>" in changed.text
    assert "<dd>1</dd>" in changed.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reach": "city", "names": " , "}, "pelo menos um nome"),
        ({"reach": "lua", "names": "x"}, "pelo menos um nome"),
        ({"reach": "all", "names": "Centro"}, "para toda a rede, deixe em branco"),
        ({"reach": "all", "predicted": "logo"}, "18:30"),
        ({"reach": "all", "predicted": "01/01/2020 10:00"}, "já passou"),
        ({"reach": "all", "cause": "{{nome}}"}, "sem chaves"),
        ({"reach": "all", "protocol": "9" * 61}, "até 60"),
        ({"reach": "all", "expires": "ontem"}, "18:30"),
    ],
)
async def test_what_cannot_be_understood_is_told_at_its_field_and_kept_as_typed(
    proving: Proving, fields: dict[str, str], words: str
) -> None:
    answer = await proving.browser.post(PAGE, **fields)
    assert answer.status_code == 422
    assert words.casefold() in errors_in(answer).casefold()
    assert all(f'value="{text.strip()}"' in unescape(answer.text) for name, text in fields.items() if name != "reach")
    assert await proving.stage.database.outages.standing(INSTALLATION.id) == []


async def test_a_correction_changes_what_was_typed_anew_and_leaves_the_rest(proving: Proving) -> None:
    outage = await open_one(proving, reach="contracts", names="20743", cause="fibra", protocol="42")
    page = await seen(proving, f"{PAGE}/{outage.id}")
    assert 'value="20743"' in page
    answer = await proving.browser.post(
        f"{PAGE}/{outage.id}",
        reach="contracts",
        names="20743",
        predicted="",
        cause="energia",
        protocol="42",
        expires="",
    )
    assert answer.status_code == 303
    (kept,) = await proving.stage.database.outages.standing(INSTALLATION.id)
    assert (kept.cause, kept.protocol, kept.scope) == ("energia", "42", outage.scope)


async def test_a_place_becomes_the_whole_network_only_when_its_name_is_taken_away(proving: Proving) -> None:
    outage = await open_one(proving, reach="district", names="Centro")
    refused = await proving.browser.post(f"{PAGE}/{outage.id}", reach="all", names="Centro")
    assert refused.status_code == 422
    assert "para toda a rede, deixe em branco" in errors_in(refused)
    assert (await proving.stage.database.outages.standing(INSTALLATION.id))[0].scope == outage.scope
    assert (await proving.browser.post(f"{PAGE}/{outage.id}", reach="all", names="")).status_code == 303
    assert (await proving.stage.database.outages.standing(INSTALLATION.id))[0].scope.reach is Reach.ALL


async def test_a_prediction_that_has_passed_may_stand_while_something_else_is_corrected(proving: Proving) -> None:
    at = proving.stage.clock.now() + timedelta(hours=1)
    outage = await open_one(proving, predicted=f"{at:%d/%m %H:%M}")
    proving.stage.clock.advance(3 * 3600)
    assert "A previsão passou" in await seen(proving)
    answer = await proving.browser.post(
        f"{PAGE}/{outage.id}", reach="all", predicted=f"{at:%d/%m %H:%M}", cause="fibra"
    )
    assert answer.status_code == 303, errors_in(answer)


async def test_a_closed_outage_moves_to_the_earlier_ones(proving: Proving) -> None:
    outage = await open_one(proving)
    assert (await proving.browser.post(f"{PAGE}/{outage.id}/encerrar")).status_code == 303
    page = await seen(proving)
    assert "Nenhuma falha aberta" in page
    assert "Encerrada" in page
    assert "Salvar" not in await seen(proving, f"{PAGE}/{outage.id}")
    assert (await proving.audit())[0] == "Encerrou uma falha massiva"


async def test_an_outage_of_the_erp_can_be_closed_and_not_corrected(proving: Proving) -> None:
    outage = await of_erp(proving)
    page = await seen(proving, f"{PAGE}/{outage.id}")
    assert "Informada pelo ERP" in page
    assert "corrigidos por lá" in page
    refused = await proving.browser.post(f"{PAGE}/{outage.id}", reach="all")
    assert refused.status_code == 422
    assert (await proving.browser.post(f"{PAGE}/{outage.id}/encerrar")).status_code == 303
    assert await proving.stage.database.outages.standing(INSTALLATION.id) == []


@pytest.mark.parametrize("method", ["get", "post"])
async def test_there_is_no_page_for_an_outage_that_does_not_exist(proving: Proving, method: str) -> None:
    answer = await getattr(proving.browser, method)(f"{PAGE}/nenhuma")
    assert answer.status_code == 404


async def test_a_customer_is_tried_by_document_and_hears_nothing(proving: Proving) -> None:
    proving.world.add(customer(contract("20743", district="Centro"), contract("20801", district="Vila Nova")))
    await open_one(proving, reach="district", names="centro")
    answer = await proving.browser.post(f"{PAGE}/testar", document=CPF)
    page = unescape(answer.text)
    assert "Este cliente seria avisado pela falha no bairro centro." in page
    assert "Contrato atingido: 20743. Aberta à mão." in page
    assert "Identificamos uma falha" in page
    assert await proving.stage.database.outages.told(INSTALLATION.id) == {}


async def test_a_customer_elsewhere_an_unknown_one_and_a_silent_erp_are_told_apart(proving: Proving) -> None:
    async def tried(document: str = CPF) -> str:
        return unescape((await proving.browser.post(f"{PAGE}/testar", document=document)).text)

    assert "Cliente não encontrado." in await tried()
    proving.world.add(customer())
    assert "Este cliente não seria avisado." in await tried()
    proving.world.fail("find", Unavailable("erp.timeout"))
    assert "O ERP demorou demais para responder." in await tried()


async def test_with_the_message_off_that_is_said_first(stage: Stage, http: httpx.AsyncClient) -> None:
    silent = Proving(stage, http)
    await silent.begin(outage_message_enabled=False)
    silent.world.add(customer())
    assert "está desligada" in await seen(silent)
    await open_one(silent)
    assert "Falha aberta. A mensagem está desligada: no primeiro contato, ninguém é avisado." in await seen(silent)
    assert "Mas a mensagem está desligada" in unescape((await silent.browser.post(f"{PAGE}/testar", document=CPF)).text)


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_correction_promises_a_second_notice_only_where_there_are_notices(
    stage: Stage, http: httpx.AsyncClient, *, enabled: bool
) -> None:
    proving = Proving(stage, http)
    await proving.begin(outage_message_enabled=enabled)
    outage = await open_one(proving)
    await seen(proving)
    await proving.browser.post(f"{PAGE}/{outage.id}", reach="all", cause="fibra")
    page = await seen(proving)
    assert "Falha corrigida." in page
    assert ("é avisado de novo se escrever" in page) is enabled


async def test_the_message_is_shown_as_it_is_typed(proving: Proving) -> None:
    at = proving.stage.clock.now() + timedelta(hours=1)
    shown = await proving.browser.post(f"{PAGE}/previa", predicted=f"{at:%d/%m %H:%M}", cause="fibra")
    assert "Motivo: fibra." in shown.text
    assert "<html" not in shown.text
    wrong = await proving.browser.post(f"{PAGE}/previa", predicted="nunca")
    assert "18:30" in unescape(wrong.text)
