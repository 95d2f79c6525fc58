"""The step "ERP": what is refused, what is tried, what is kept, and what is never shown again."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from msgspec.structs import replace

from domain.identifiers import FlowId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.voalle import Voalle
from tests.adapters.web.certificates import self_signed
from tests.adapters.web.test_probe import closed_port, serving
from tests.entrypoints.console.setting_up import BLANK, CUSTOMER, ROOM, SettingUp, setting_up, text_of, wrong_fields
from tests.entrypoints.console.stage import Stage


async def test_what_was_typed_is_tried_and_kept_and_the_page_comes_back(setup: SettingUp) -> None:
    answer = await setup.post("erp", **setup.erp_fields(document=CUSTOMER))
    kept = await setup.kept()

    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOM}/erp?tentar")
    assert (kept.erp.url, kept.erp.pbx, kept.email) == (setup.voalle.url, setup.voalle.pbx, "avisos@provedor.com.br")
    assert kept.erp.token.reveal() == setup.voalle.token
    page = await setup.get("erp?tentar")
    assert "Salvo, e o teste passou." in text_of(page)
    assert 'hx-trigger="load"' in page.text


async def test_the_page_tells_where_everything_is_found_in_the_words_of_the_guide(setup: SettingUp) -> None:
    text = text_of(await setup.get("erp"))

    for words in (
        "Rotina Suíte e identifique a API PBX Token",
        "“Token de integrações” nos parâmetros do menu PBX",
        "https://cliente.synsuite.com.br ou https://erp.cliente.com.br",
        "Configurações / Parâmetros > Menu PBX > Nome",
        "Para o envio de informações importantes",
        "Usuário integrador",
    ):
        assert words in text


BAD = (
    ("erp_url", "", "Informe o endereço"),
    ("erp_url", "https://еrp.example.com.br", "(posição 9)"),
    ("erp_url", "https://erp\u200b.example.com.br", "(posição 12)"),
    ("erp_url", "http://erp.example.com.br", "Use https"),
    ("erp_url", "ftp://erp.example.com.br", "começar com https"),
    ("erp_url", "https://10.0.0.7", "rede interna"),
    ("erp_url", "https://localhost", "rede interna"),
    ("erp_url", "https://user:pass@erp.example.com.br", "usuário e senha"),
    ("erp_url", "isto não é", "posição"),
    ("erp_url", "erp example", "Não parece um endereço"),
    ("erp_token", "", "Token de integrações"),
    ("erp_token", "abc\u200bdef", "posição 4"),
    ("erp_token", "abc def", "posição 4"),
    ("erp_token", "tоken", "posição 2"),
    ("erp_pbx", " ", "nome do PBX"),
    ("email", "", "Informe o e-mail."),
    ("email", "avisos@", "válido"),
    ("email", "a@b", "válido"),
    ("email", "a@b.c, d@e.f", "válido"),
    ("email", "a b@provedor.com.br", "válido"),
    ("email", "a" * 300 + "@provedor.com.br", "válido"),
    ("document", "529.982.247-26", "CPF ou CNPJ"),
    ("document", "{{cpf}}", "CPF ou CNPJ"),
    ("client_id", "ponte", "informe os três"),
    ("client_secret", "s3cret", "informe os três"),
)


async def test_bad_input_is_refused_at_its_field_with_what_to_do(setup: SettingUp) -> None:
    for field, typed, words in BAD:
        answer = await setup.post("erp", **setup.erp_fields(**{field: typed}))
        wrong = wrong_fields(answer)

        assert answer.status_code == 422, (field, typed)
        assert words in " ".join(wrong.values()), (field, typed)
        assert "Salvar mesmo assim" not in answer.text
        if "três" not in words:
            assert set(wrong) == {field}, typed
            assert f'id="erro-{field}"' in answer.text
            assert 'aria-invalid="true"' in answer.text
    assert (await setup.kept()).erp == BLANK.erp


async def test_what_was_typed_stays_on_the_page_and_secrets_do_not(setup: SettingUp) -> None:
    answer = await setup.post("erp", **setup.erp_fields(email="avisos", erp_token="hunter2-t0ken"))

    assert f'value="{setup.voalle.url}"' in answer.text
    assert 'value="avisos"' in answer.text
    assert "hunter2" not in answer.text


async def test_a_secret_that_was_typed_beside_a_mistake_need_not_be_typed_again(setup: SettingUp) -> None:
    refused = await setup.post("erp", **setup.erp_fields(email="avisos"))
    again = await setup.post("erp", **setup.erp_fields(erp_token="", carried=carried_in(refused)))

    assert again.status_code == 303
    assert (await setup.kept()).erp.token.reveal() == setup.voalle.token


async def test_what_one_page_took_along_is_good_for_no_other_installation(setup: SettingUp, stage: Stage) -> None:
    refused = await setup.post("erp", **setup.erp_fields(email="avisos"))
    await setup.keep(replace(BLANK, id="inst-2", webhook_key=Secret(value="other-key")))
    fields = {**setup.erp_fields(erp_token=""), "carried": carried_in(refused), "_csrf": await setup.browser.csrf()}
    answer = await setup.browser.http.post("/i/inst-2/configurar/erp", data=fields)

    assert set(wrong_fields(answer)) == {"erp_token"}


async def test_what_was_not_taken_along_by_us_is_nothing(setup: SettingUp) -> None:
    for carried in ("x", "gAAAAA", "não"):
        answer = await setup.post("erp", **setup.erp_fields(erp_token="", carried=carried))

        assert set(wrong_fields(answer)) == {"erp_token"}


def carried_in(page: httpx.Response) -> str:
    found = re.search(r'name="carried" value="([^"]+)"', page.text)
    assert found, "nothing is taken along"
    return found[1]


# --- what the test says


async def refused(setup: SettingUp, **fields: str) -> str:
    """What the page says; it was not saved, and may be saved all the same."""
    answer = await setup.post("erp", **setup.erp_fields(**fields))
    text = text_of(answer)

    assert answer.status_code == 422
    assert "Ainda não foi salvo" in text
    assert "Salvar mesmo assim" in text
    assert (await setup.kept()).erp == BLANK.erp
    return text


async def test_a_wrong_token_is_told(setup: SettingUp) -> None:
    assert "O ERP recusou o token" in await refused(setup, erp_token="another-token")


async def test_a_wrong_pbx_name_is_told(setup: SettingUp) -> None:
    assert "confira o nome do PBX" in await refused(setup, erp_pbx="outro")


async def test_an_erp_that_answers_wrongly_is_told_in_a_sentence_of_its_own(setup: SettingUp, faults: Faults) -> None:
    for fault, words in {
        "html": "Veio uma página em vez de dados",
        "broken_json": "Veio uma página em vez de dados",
        "500": "erro interno",
        "429": "mais devagar",
        "wrong_token": "O ERP recusou o token",
    }.items():
        faults.set("erp", fault)

        assert words in await refused(setup), fault


async def test_an_erp_that_does_not_answer_is_told(setup: SettingUp, faults: Faults) -> None:
    await setup.keep(replace(await setup.kept(), policies=replace(BLANK.policies, erp_timeout_s=0.2)))
    faults.set("erp", "hang")

    assert "não respondeu a tempo" in await refused(setup)


@asynccontextmanager
async def at_the_pages(stage: Stage, voalle: Voalle, port: int) -> AsyncIterator[SettingUp]:
    async with setting_up(stage, voalle, f"127.0.0.1:{port}") as opened:
        yield opened


async def test_a_closed_port_is_told(stage: Stage, voalle: Voalle) -> None:
    port = closed_port()
    async with at_the_pages(stage, voalle, port) as setup:
        assert "A porta está fechada" in await refused(setup, erp_url=f"https://127.0.0.1:{port}")


async def test_a_self_signed_certificate_is_told(stage: Stage, voalle: Voalle, tmp_path: Path) -> None:
    async with serving(tls=self_signed(tmp_path)) as port, at_the_pages(stage, voalle, port) as setup:
        text = await refused(setup, erp_url=f"https://127.0.0.1:{port}")

    assert "assinado pelo próprio servidor" in text


async def test_a_port_without_tls_is_told(stage: Stage, voalle: Voalle) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(talk) as port, at_the_pages(stage, voalle, port) as setup:
        assert "Nesta porta não há https" in await refused(setup, erp_url=f"https://127.0.0.1:{port}")


async def test_third_party_credentials_are_tried_too(setup: SettingUp) -> None:
    access = ErpAccess(
        kind=ErpKind.VOALLE,
        url="",
        token=Secret(value=""),
        settings={"auth_url": setup.voalle.auth_url, "api_url": setup.voalle.api_url},
    )
    await setup.keep(replace(await setup.kept(), erp=access))
    integrator = setup.voalle.integrator
    given = {"client_id": integrator.client_id, "syndata": integrator.syndata}

    wrong = await setup.post("erp", **setup.erp_fields(**given, client_secret="wrong"))
    assert wrong.status_code == 422
    assert "confira client_id e client_secret" in text_of(wrong)
    assert "recusou o token" not in text_of(wrong)

    fine = await setup.post("erp", **setup.erp_fields(**given, client_secret=integrator.client_secret))
    assert fine.status_code == 303
    kept = (await setup.kept()).erp.settings
    assert kept == {**access.settings, **given, "client_secret": integrator.client_secret}
    page = await setup.get("erp")
    for secret in (integrator.client_secret, integrator.syndata, setup.voalle.token):
        assert secret not in page.text

    await setup.post("erp", **setup.erp_fields(drop_third_party="true"))
    assert (await setup.kept()).erp.settings == access.settings


# --- saving


async def test_an_admin_may_save_what_does_not_work_now(setup: SettingUp, faults: Faults) -> None:
    faults.set("erp", "500")
    page = await setup.post("erp", **setup.erp_fields())
    answer = await setup.post("erp", **setup.erp_fields(erp_token="", carried=carried_in(page), anyway="true"))

    assert answer.status_code == 303
    assert (await setup.kept()).erp.token.reveal() == setup.voalle.token
    assert "Salvo sem passar no teste" in text_of(await setup.get("erp"))


async def test_what_cannot_be_right_is_not_saved_all_the_same(setup: SettingUp) -> None:
    answer = await setup.post("erp", **setup.erp_fields(erp_url="http://erp.example.com.br", anyway="true"))

    assert answer.status_code == 422
    assert (await setup.kept()).erp == BLANK.erp


async def test_a_secret_left_empty_stays(setup: SettingUp) -> None:
    await setup.post("erp", **setup.erp_fields())
    answer = await setup.post("erp", **setup.erp_fields(erp_token="", email="outro@provedor.com.br"))
    kept = await setup.kept()

    assert answer.status_code == 303
    assert (kept.erp.token.reveal(), kept.email) == (setup.voalle.token, "outro@provedor.com.br")


async def test_saving_one_step_keeps_what_another_saved_meanwhile(setup: SettingUp) -> None:
    kept = await setup.kept()
    await setup.keep(
        replace(kept, flows={FlowKey.AUXILIARY: FlowId("19")}, policies=replace(kept.policies, shadow=True))
    )
    await setup.post("erp", **setup.erp_fields())
    kept = await setup.kept()

    assert kept.flows == {FlowKey.AUXILIARY: "19"}
    assert kept.policies.shadow


async def test_a_change_is_noted_by_the_names_of_its_fields_alone(setup: SettingUp) -> None:
    await setup.post("erp", **setup.erp_fields())
    ((what, details),) = await setup.audit()

    assert what == "Configurou o ERP"
    assert details == dict.fromkeys(("endereço do ERP", "token do ERP", "PBX", "e-mail"), "alterado")
    await setup.post("erp", **setup.erp_fields())
    assert len(await setup.audit()) == 1


async def test_the_saved_connection_is_tried_again_as_a_fragment_and_as_a_page(setup: SettingUp) -> None:
    await setup.post("erp", **setup.erp_fields())

    fragment = await setup.ask("erp/testar", document=CUSTOMER)
    page = await setup.post("erp/testar", document=CUSTOMER)
    wrong = await setup.ask("erp/testar", document="1")

    assert "Cliente encontrado" in text_of(fragment)
    assert "<html" not in fragment.text
    assert "Cliente encontrado" in text_of(page)
    assert "<html" in page.text
    assert "não é um CPF ou CNPJ" in text_of(wrong)
    assert re.search(r"\d+ ms", text_of(fragment))
    assert "529" not in text_of(fragment)
