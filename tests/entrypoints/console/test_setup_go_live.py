"""The way from nothing to live: what is missing, a test of everything, and the switch."""

from html import escape
from typing import Any

from msgspec.structs import replace

from domain.identifiers import Secret
from domain.installation import FlowKey, Installation, Policies
from domain.readiness import missing
from entrypoints.http.console.setup_go_live import INCOMPLETE, LIVE, PAUSED, PAUSED_SHADOW, SHADOW, state_of
from entrypoints.http.console.setup_steps import STEPS, progress_of
from tests.entrypoints.console.setting_up import BLANK, ROOM, SettingUp, text_of
from tests.entrypoints.fakes import INSTALLATION

READY = replace(INSTALLATION, policies=Policies(paused=True))


def test_an_installation_is_incomplete_paused_in_shadow_or_live() -> None:
    def with_policies(**set_to: Any) -> Installation:
        return replace(READY, policies=Policies(**set_to))

    assert state_of(BLANK) is INCOMPLETE
    assert state_of(READY) is PAUSED
    assert state_of(with_policies(shadow=True)) is SHADOW
    assert state_of(with_policies(shadow=True, paused=True)) is PAUSED_SHADOW
    assert state_of(with_policies()) is LIVE


def test_progress_counts_everything_that_is_needed() -> None:
    assert (progress_of(READY).done, progress_of(READY).is_ready) == (16, True)
    blank = progress_of(replace(BLANK, huggy_token=Secret(value="")))
    assert (blank.done, blank.total) == (2, 16)
    assert blank.open_steps == {"erp", "flows", "huggy"}


async def test_what_is_missing_leads_to_the_field_where_it_is_given(setup: SettingUp) -> None:
    page = await setup.get("ativar")
    lacks = missing(await setup.kept())

    assert len(lacks) == 13
    for lack in lacks:
        before, _, _ = page.text.partition(f">{escape(lack.message)}<")
        step, _, field = before.rpartition('href="')[2].rstrip('"').partition("#")
        assert f'id="{field}"' in (await setup.browser.get(step)).text, lack.key
    assert "Ativar o atendimento" not in page.text


async def test_every_step_shows_the_steps_and_how_far_it_is(setup: SettingUp) -> None:
    for step in STEPS:
        page = await setup.get(step.slug)

        assert page.status_code == 200
        assert page.text.count("<h1>") == 1
        assert f'href="{ROOM}/{step.slug}" aria-current="step"' in page.text
        assert '<progress id="prontidao" value="3" max="16">' in page.text
        assert "style=" not in page.text
        assert "<script>" not in page.text


async def test_nothing_goes_live_before_it_is_complete(setup: SettingUp) -> None:
    for action in ("live", "shadow", "", "dance"):
        answer = await setup.post("ativar", action=action)

        assert answer.status_code == 422
        assert (await setup.kept()).policies == Policies(paused=True)
    assert await setup.audit() == []


async def test_a_complete_one_goes_live_and_into_shadow_and_is_paused(setup: SettingUp) -> None:
    await setup.keep(READY)
    states = []
    for action in ("live", "shadow", "pause", "live"):
        assert (await setup.post("ativar", action=action)).status_code == 303
        states.append(state_of(await setup.kept()))

    assert states == [LIVE, SHADOW, PAUSED_SHADOW, LIVE]
    assert [what for what, _ in await setup.audit()] == [
        "Ativou o atendimento",
        "Pausou o atendimento",
        "Ligou o modo sombra",
        "Ativou o atendimento",
    ]
    assert "a sua integração está ao vivo" in text_of(await setup.get("ativar"))


async def test_shadow_mode_asks_before_it_begins_and_says_that_nobody_is_answered(setup: SettingUp) -> None:
    await setup.keep(READY)
    question = 'value="shadow" aria-describedby="ajuda-sombra" data-confirm="Ligar o modo sombra? Os clientes'
    assert question in (await setup.get("ativar")).text
    await setup.post("ativar", action="shadow")

    words = text_of(await setup.get("ativar"))
    assert "não começa flow: quem espera o Ponte fica sem resposta." in words
    assert "flow auxiliar" not in words


async def test_everything_is_tried_at_once(setup: SettingUp) -> None:
    await setup.post("erp", **setup.erp_fields())
    fragment = await setup.ask("ativar/testar")
    page = await setup.post("ativar/testar")

    for name in ("Nome (DNS)", "Porta", "Token e PBX", "Resposta do ERP", "Acesso à Huggy", "Lista de flows"):
        assert name in text_of(fragment)
        assert name in text_of(page)


async def test_a_new_installation_becomes_live_by_its_pages_alone(setup: SettingUp) -> None:
    listed = [str(flow_id) for flow_id in setup.stage.huggy.flows]
    await setup.post("erp", **setup.erp_fields())
    await setup.post("flows", **{f"flow.{key}": flow_id for key, flow_id in zip(FlowKey, listed * 9, strict=False)})
    page = await setup.get("ativar")
    assert "Tudo preenchido" in text_of(page)
    await setup.post("ativar", action="live")

    assert state_of(await setup.kept()) is LIVE
