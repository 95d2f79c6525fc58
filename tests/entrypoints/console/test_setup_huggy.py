"""The step "Huggy": the connection, and everything that is pasted into Huggy."""

from datetime import UTC, datetime

from msgspec.structs import replace

from domain.huggy_access import connected
from domain.identifiers import CompanyId, InstallationId, Secret
from entrypoints.sandbox.accounts import ADMIN
from tests.entrypoints.console.setting_up import BLANK, ROOM, SettingUp, text_of, wrong_fields


async def test_all_that_is_pasted_stands_ready_with_the_guides_explanations(setup: SettingUp) -> None:
    page = await setup.get("huggy")
    text = text_of(page)

    assert 'data-copy="http://ponte.example/webhooks/huggy/webhook-key"' in page.text
    for ready in ("CONTRATO", "{{contrato}}", "Segunda via de boleto", "Consultar Cliente", "{{descricao}}"):
        assert f'data-copy="{ready}"' in page.text
    for words in (
        "Notificar App em cada ponto do flow onde serão feitas consultas",
        "Nome da notificação",
        "Abrir Solicitação de Suporte",
        "2_VIA_BOLETO",
        "DESBLOQUEAR_CONTRATO",
        "todas as letras em maiúsculo",
        "Clique em + Adicionar",
        "adicione a ação Notificar App logo após o envio da pergunta",
        "a primeira ação precisa ser enviar pergunta",
        "salve o seu flow!",
        "Ainda não confirmado pela Huggy",
    ):
        assert words in text
    assert setup.stage.huggy.token not in page.text


async def test_a_confirmed_webhook_shows_as_one(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), webhook_token=Secret(value="pinned-t0ken")))
    page = await setup.get("huggy")

    assert "Confirmado pela Huggy" in text_of(page)
    assert "validar o endereço de novo" in text_of(page)
    assert "pinned-t0ken" not in page.text


async def test_a_confirmed_token_can_be_forgotten_so_that_the_next_one_is_taken(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), webhook_token=Secret(value="pinned-t0ken")))
    answer = await setup.post("huggy/esquecer-token")
    page = await setup.get("huggy")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOM}/huggy")
    assert (await setup.kept()).webhook_token is None
    for words in ("Token do webhook esquecido", "clique para validar o endereço de novo", "Ainda não confirmado"):
        assert words in text_of(page)
    assert "Esquecer o token" not in text_of(page)
    assert await setup.audit() == [("Esqueceu o token do webhook", {"token do webhook": "alterado"})]


async def test_a_token_is_forgotten_by_nobody_elses_page(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), webhook_token=Secret(value="pinned-t0ken")))
    answer = await setup.post("huggy/esquecer-token", _csrf="of another page")

    assert answer.status_code == 403
    assert (await setup.kept()).webhook_token == Secret(value="pinned-t0ken")


async def test_forgetting_where_nothing_was_confirmed_changes_nothing(setup: SettingUp) -> None:
    assert (await setup.post("huggy/esquecer-token")).status_code == 303
    assert await setup.audit() == []


async def test_a_typed_token_is_tried_and_takes_the_place_of_the_one_before(setup: SettingUp) -> None:
    before = replace(
        await setup.kept(),
        huggy_token=Secret(value="old"),
        huggy_refresh_token=Secret(value="refresh"),
        huggy_expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    await setup.keep(before)
    token = setup.stage.huggy.token
    answer = await setup.post("huggy", name="Novo nome", company_id="1001", huggy_token=token)
    kept = await setup.kept()

    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOM}/huggy")
    assert (kept.name, kept.huggy_token.reveal()) == ("Novo nome", token)
    assert (kept.huggy_refresh_token, kept.huggy_expires_at) == (None, None)
    assert await setup.audit() == [
        ("Configurou a conexão com a Huggy", {"nome": "alterado", "token da Huggy": "alterado"})
    ]


async def test_a_token_that_huggy_refuses_is_told_and_kept_only_if_asked_for(setup: SettingUp) -> None:
    refused = await setup.post("huggy", name="Nome", company_id="1001", huggy_token="hunter2-wrong")
    text = text_of(refused)

    assert refused.status_code == 422
    assert "A Huggy recusou o acesso" in text
    assert "hunter2" not in refused.text
    assert (await setup.kept()).name == BLANK.name
    carried = refused.text.partition('name="carried" value="')[2].partition('"')[0]
    await setup.post("huggy", name="Nome", company_id="1001", carried=carried, anyway="true")
    assert (await setup.kept()).huggy_token.reveal() == "hunter2-wrong"


async def test_the_test_renews_an_access_that_huggy_refuses_and_sends_nobody_to_sign_in_for_nothing(
    setup: SettingUp,
) -> None:
    accounts = setup.stage.huggy.accounts
    code = Secret(value=accounts.code_for(ADMIN))
    grant = await setup.stage.accounts.exchange(code, redirect_uri=accounts.redirect_uri)
    before = connected(await setup.kept(), grant)
    await setup.keep(before)
    accounts.revoke_access()
    answer = await setup.ask("huggy/testar")

    assert "O acesso foi renovado, e a Huggy o aceitou." in text_of(answer)
    kept = await setup.kept()
    assert accounts.agent(kept.huggy_token.reveal()) == ADMIN
    assert kept.huggy_token.reveal() not in answer.text


async def test_a_typed_token_is_judged_by_itself_whatever_the_one_before_could_be_renewed_to(setup: SettingUp) -> None:
    accounts = setup.stage.huggy.accounts
    code = Secret(value=accounts.code_for(ADMIN))
    grant = await setup.stage.accounts.exchange(code, redirect_uri=accounts.redirect_uri)
    before = connected(await setup.kept(), grant)
    await setup.keep(before)
    refused = await setup.post("huggy", name="Nome", company_id="1001", huggy_token="hunter2-wrong")

    assert "A Huggy recusou o acesso" in text_of(refused)
    assert await setup.kept() == before


async def test_a_company_that_the_token_is_not_of_is_told(setup: SettingUp) -> None:
    refused = await setup.post("huggy", name="Nome", company_id="4242")

    assert refused.status_code == 422
    assert "não é desta empresa" in text_of(refused)


async def test_bad_input_is_refused_at_its_field(setup: SettingUp) -> None:
    await setup.keep(
        replace(BLANK, id=InstallationId("inst-2"), company_id=CompanyId("2002"), webhook_key=Secret(value="k2"))
    )
    fine = {"name": "Nome", "company_id": "1001", "huggy_token": ""}
    for field, typed, words in (
        ("name", "", "Informe o nome"),
        ("name", "x" * 121, "até 120"),
        ("company_id", "", "só números"),
        ("company_id", "10a", "só números"),
        ("company_id", "１００１", "só números"),
        ("company_id", "../1", "só números"),
        ("company_id", "2002", "já tem uma instalação"),
        ("huggy_token", "a b", "copie de novo"),
        ("huggy_token", "tоken", "copie de novo"),
    ):
        answer = await setup.post("huggy", **{**fine, field: typed})

        assert answer.status_code == 422, (field, typed)
        assert list(wrong_fields(answer)) == [field]
        assert words in wrong_fields(answer)[field]


async def test_an_agent_cannot_move_an_installation_to_another_company(setup: SettingUp) -> None:
    agent = setup.another_browser()
    await agent.as_agent(ADMIN)
    page = await agent.get(f"{ROOM}/huggy")
    assert 'name="company_id"' not in page.text

    csrf = page.text.partition('name="_csrf" value="')[2].partition('"')[0]
    fields = {"_csrf": csrf, "name": "Nome", "company_id": "9999"}
    assert (await agent.http.post(f"{ROOM}/huggy", data=fields)).status_code == 303
    kept = await setup.kept()
    assert (kept.company_id, kept.name) == ("1001", "Nome")


async def test_a_name_is_shown_as_text(setup: SettingUp) -> None:
    await setup.post("huggy", name="<b>Provedor</b> & Cia", company_id="1001")
    page = await setup.get("huggy")

    assert "<b>Provedor" not in page.text
    assert (await setup.kept()).name == "<b>Provedor</b> & Cia"


async def test_the_connection_is_tried_again(setup: SettingUp) -> None:
    fragment = await setup.ask("huggy/testar")
    page = await setup.post("huggy/testar")

    for tried in (fragment, page):
        assert "A Huggy aceitou o acesso." in text_of(tried)
        assert "Lista de flows" in text_of(tried)
    assert "<html" not in fragment.text
