"""The step "Flows": chosen from Huggy's list, or typed where there is none."""

from msgspec.structs import replace

from domain.identifiers import FlowId, Secret
from domain.installation import FlowKey
from entrypoints.http.console.setup_flows import EXPLAINED
from entrypoints.sandbox.faults import Faults
from tests.entrypoints.console.setting_up import ROOM, SettingUp, text_of, wrong_fields
from tests.entrypoints.fakes import INSTALLATION


def chosen(flows: dict[FlowKey, str]) -> dict[str, str]:
    return {f"flow.{key}": flow_id for key, flow_id in flows.items()}


async def list_of(setup: SettingUp) -> list[str]:
    return [str(flow_id) for flow_id in setup.stage.huggy.flows]


async def test_every_outcome_is_explained_in_the_words_of_the_guide(setup: SettingUp) -> None:
    text = text_of(await setup.get("flows"))

    assert tuple(EXPLAINED) == tuple(FlowKey)
    for words in (
        "Cliente cadastrado no sistema",
        "a primeira ação dele precisa ser “enviar pergunta”",
        "Desbloqueio liberado no sistema",
        "fique travado no chat",
    ):
        assert words in text


async def test_flows_are_chosen_from_huggys_list(setup: SettingUp) -> None:
    page = await setup.get("flows")
    listed = await list_of(setup)
    assert page.text.count("<select") == 9
    assert all(f'<option value="{flow_id}"' in page.text for flow_id in listed)

    answer = await setup.post("flows", **chosen(dict(zip(FlowKey, listed * 9, strict=False))))
    assert answer.headers["location"] == f"{ROOM}/rede-off"
    assert set((await setup.kept()).flows) == set(FlowKey)


async def test_before_huggy_is_connected_the_way_there_is_shown(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), huggy_token=Secret(value="")))
    page = await setup.get("flows")
    assert f'<a href="{ROOM}/huggy">conecte a Huggy primeiro (passo 5)</a>' in page.text
    assert "não pôde ser lida" not in text_of(page)


async def test_where_there_is_no_list_the_numbers_are_typed(setup: SettingUp, faults: Faults) -> None:
    faults.set("lists", "404")
    page = await setup.get("flows")
    assert "A lista de flows não pôde ser lida da Huggy: digite o número" in text_of(page)
    assert "<select" not in page.text

    for typed in ("abc", "12 3", "-1", "１２", "9" * 19, "{{flow}}"):
        wrong = await setup.post("flows", **chosen({FlowKey.AUXILIARY: typed}))
        assert wrong.status_code == 422
        assert wrong_fields(wrong) == {"flow.auxiliary": "Digite só o número do flow, como 259215."}
    answer = await setup.post("flows", **chosen({FlowKey.AUXILIARY: " 259215 "}))
    assert answer.headers["location"] == f"{ROOM}/flows"
    assert (await setup.kept()).flows == {FlowKey.AUXILIARY: "259215"}
    assert "Flows por escolher: 8." in text_of(await setup.get("flows"))


async def test_a_flow_that_is_not_in_the_list_is_refused_unless_it_was_chosen_before(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), flows={FlowKey.AUXILIARY: FlowId("777")}))
    page = await setup.get("flows")
    assert "777 (não está na lista da Huggy)" in text_of(page)

    wrong = await setup.post("flows", **chosen({FlowKey.AUXILIARY: "777", FlowKey.BOLETOS_FOUND: "778"}))
    assert wrong_fields(wrong) == {"flow.boletos_found": "Escolha um flow da lista."}
    assert (await setup.post("flows", **chosen({FlowKey.AUXILIARY: "777"}))).status_code == 303


async def test_a_company_that_serves_customers_keeps_a_flow_for_everything(setup: SettingUp) -> None:
    live = replace(INSTALLATION, huggy_token=(await setup.kept()).huggy_token)
    await setup.keep(live)
    flows = {**live.flows, FlowKey.AUXILIARY: FlowId("")}
    answer = await setup.post("flows", **chosen({key: str(flow) for key, flow in flows.items()}))

    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {"flow.auxiliary"}
    assert (await setup.kept()).flows == live.flows


async def test_a_choice_is_noted_with_what_was_before(setup: SettingUp, faults: Faults) -> None:
    faults.set("lists", "404")
    await setup.post("flows", **chosen({FlowKey.AUXILIARY: "1"}))
    await setup.post("flows", **chosen({FlowKey.AUXILIARY: "2"}))

    assert (await setup.audit())[0] == ("Escolheu os flows", {"flow: flow auxiliar": "de 1 para 2"})
