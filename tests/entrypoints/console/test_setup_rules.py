"""The step "Regras": every policy has its place, and only what was changed is written."""

import json
import re
from html import unescape
from typing import Any

import httpx
import pytest
from msgspec.structs import asdict, replace

from domain.installation import FlowStart, IdentityPolicy, Policies
from entrypoints.http.console.setup_rule_fields import GROUPS, OUTAGE_RULES, RULES, Rule, written
from entrypoints.http.console.setup_rules import NOT_READY
from entrypoints.policies import POLICY_NAMES, with_policies
from tests.entrypoints.console.setting_up import SettingUp, text_of, wrong_fields
from tests.entrypoints.fakes import INSTALLATION


def test_no_policy_is_forgotten_and_none_is_asked_twice() -> None:
    asked = [rule.name for group in GROUPS for rule in group.rules] + [rule.name for rule in OUTAGE_RULES]

    assert sorted(asked) == sorted(POLICY_NAMES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_each_policy_says_what_it_is_what_it_does_and_what_it_would_be(rule: Rule) -> None:
    assert rule.label[0].isupper()
    assert rule.help.endswith(".")
    assert rule.default
    kinds = {bool: "switch", FlowStart: "choice", IdentityPolicy: "choice"}
    value = getattr(Policies(), rule.name)
    assert rule.kind == kinds.get(type(value), rule.kind)
    assert (rule.kind == "number") == (rule.name == "erp_per_minute" or type(value) in (int, float))


def test_what_a_field_shows_is_read_back_as_it_was() -> None:
    odd = Policies(reply_deadline_s=12.5, erp_per_minute=60, boleto_banks=("001", "237"), paused=True)
    fields = [
        (name, written(value).replace(",", ".") if RULES[name].kind == "number" else written(value))
        for name, value in asdict(odd).items()
        if name in RULES
    ]

    assert with_policies(Policies(), fields) == odd


async def fields_of(setup: SettingUp, **changed: Any) -> dict[str, Any]:
    """The form as the page gives it, with some of it changed; None: unticked or left out."""
    return form_in(await setup.get("regras"), **changed)


def form_in(page: httpx.Response, **changed: Any) -> dict[str, Any]:
    found = re.search(r'name="shown" value="([^"]*)"', page.text)
    assert found
    shown = unescape(found[1])
    fields: dict[str, Any] = {}
    for name, text in json.loads(shown).items():
        if RULES[name].kind == "several":
            fields[name] = [part for part in text.split(", ") if part]
        elif RULES[name].kind != "switch" or text == "true":
            fields[name] = text
    fields |= {"shown": shown, **changed}
    return {name: value for name, value in fields.items() if value is not None}


async def test_the_page_shows_what_is_set_with_its_default(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), policies=Policies(reply_deadline_s=12.5, timezone="America/Eirunepe")))
    page = await setup.get("regras")

    assert 'name="reply_deadline_s" aria-describedby="ajuda-reply_deadline_s "' in page.text
    assert 'value="12,5"' in page.text
    assert "Padrão: 20 segundos." in text_of(page)
    assert '<option value="America/Eirunepe" selected>' in page.text


async def test_what_was_changed_is_written_and_noted(setup: SettingUp) -> None:
    changed = await fields_of(
        setup,
        reply_deadline_s="12,5",
        erp_per_minute="60",
        identity="document_and_phone",
        boleto_banks="001, 237",
        shadow="true",
        paused_operations=["ticket_requested", "unblock_requested"],
    )
    answer = await setup.post("regras", **changed)

    assert answer.status_code == 303
    assert (await setup.kept()).policies == Policies(
        reply_deadline_s=12.5,
        erp_per_minute=60,
        identity=IdentityPolicy.DOCUMENT_AND_PHONE,
        boleto_banks=("001", "237"),
        shadow=True,
        paused=True,
        paused_operations=("ticket_requested", "unblock_requested"),
    )
    ((what, details),) = await setup.audit()
    assert what == "Mudou as regras"
    assert details["Prazo da resposta"] == "de 20 para 12,5"
    assert details["Modo sombra"] == "de não para sim"
    assert "Aceitar boleto sem valor" not in details


async def test_an_empty_field_goes_back_to_its_default(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), policies=Policies(invoices_max=9, paused=True)))
    await setup.post("regras", **await fields_of(setup, invoices_max=""))

    assert (await setup.kept()).policies == Policies(paused=True)


async def test_a_page_that_stood_open_does_not_undo_what_others_did(setup: SettingUp) -> None:
    await setup.keep(replace(await setup.kept(), policies=Policies(paused=True)))
    page = await setup.get("regras")
    await setup.keep(replace(await setup.kept(), policies=Policies(shadow=True, paused=True, outage_closes_chat=True)))
    await setup.post("regras", **form_in(page, invoices_max="5"))

    assert (await setup.kept()).policies == Policies(invoices_max=5, shadow=True, paused=True, outage_closes_chat=True)


async def test_bad_values_are_refused_each_at_its_field(setup: SettingUp) -> None:
    bad = {
        "reply_deadline_s": "0",
        "erp_concurrency": "2,5",
        "erp_timeout_s": "nan",
        "dedupe_window_s": "-1",
        "timezone": "São Paulo",
        "identity": "phone",
        "flow_start": "nenhum",
        "keep_days": "muitos",
    }
    answer = await setup.post("regras", **await fields_of(setup, **bad))

    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == set(bad)
    said = wrong_fields(answer)
    assert said["erp_concurrency"] == "Chamadas ao mesmo tempo: use um número inteiro maior que zero, até 86400."
    assert said["keep_days"] == "Guardar os eventos por: use um número inteiro maior que zero, até 86400."
    assert "</svg> Use um número inteiro maior que zero, até 86400." in " ".join(answer.text.split())
    assert 'value="2,5"' in answer.text
    assert (await setup.kept()).policies == Policies(paused=True)


async def test_a_form_that_was_tampered_with_is_read_as_far_as_it_goes(setup: SettingUp) -> None:
    answer = await setup.post("regras", shown="{", invoices_max="4", paused_operations="everything", paused="true")

    assert answer.status_code == 303
    assert (await setup.kept()).policies == Policies(invoices_max=4, paused=True)


async def test_nothing_leaves_the_pause_before_it_is_complete(setup: SettingUp) -> None:
    refused = await setup.post("regras", **await fields_of(setup, paused=None))
    assert wrong_fields(refused) == {"paused": f"Atendimento pausado: {NOT_READY[:1].lower()}{NOT_READY[1:]}"}
    assert (await setup.kept()).policies.paused

    await setup.keep(replace(INSTALLATION, policies=Policies(paused=True)))
    assert (await setup.post("regras", **await fields_of(setup, paused=None))).status_code == 303
    assert not (await setup.kept()).policies.paused
