"""The configuration as a file: without secrets, and read back with care."""

import json
import re
from typing import Any

import httpx
from msgspec.structs import replace

from domain.installation import FlowKey, IdentityPolicy, Policies
from entrypoints.http.console.setup_copy import FORMAT, TOLD_MAX
from tests.entrypoints.console.setting_up import ROOM, SettingUp, wrong_fields
from tests.entrypoints.fakes import INSTALLATION

POLICIES = Policies(
    reply_deadline_s=12.5,
    identity=IdentityPolicy.DOCUMENT_AND_PHONE,
    outage_message="Volta às {{resolution_time_hour}}.",
    erp_per_minute=90,
    boleto_banks=("001", "237"),
    daily_digest=True,
)


async def exported(setup: SettingUp) -> dict[str, Any]:
    answer = await setup.get("exportar")
    assert answer.headers["content-disposition"].startswith("attachment")
    return dict(json.loads(answer.content))


async def bring_in(setup: SettingUp, content: bytes, **fields: str) -> httpx.Response:
    data = {"_csrf": await setup.browser.csrf(), **fields}
    files = {"file": ("copy.json", content, "application/json")}
    return await setup.browser.http.post(f"{ROOM}/importar", data=data, files=files)


async def test_what_leaves_holds_neither_secrets_nor_whose_it_is(setup: SettingUp) -> None:
    await setup.keep(INSTALLATION)
    text = json.dumps(await exported(setup))

    for private in ("erp-token", "huggy-token", "webhook-key", "flow-key", "1001", "avisos@", "Exemplo", "erp.example"):
        assert private not in text


async def test_rules_and_flows_come_back_and_whether_it_is_live_does_not(setup: SettingUp) -> None:
    await setup.keep(replace(INSTALLATION, policies=POLICIES))
    copy = json.dumps(await exported(setup)).encode()
    await setup.keep(replace(INSTALLATION, flows={}, policies=Policies(paused=True)))

    assert (await bring_in(setup, copy)).status_code == 303
    kept = await setup.kept()
    assert (kept.policies, kept.flows) == (replace(POLICIES, paused=True), {})
    await bring_in(setup, copy, with_flows="true")
    assert (await setup.kept()).flows == INSTALLATION.flows
    assert [what for what, _ in await setup.audit()] == ["Importou uma configuração"] * 2


async def refused(setup: SettingUp, content: bytes | dict[str, Any]) -> str:
    """The sentence about a file that is not taken."""
    await setup.keep(INSTALLATION)
    answer = await bring_in(setup, content if isinstance(content, bytes) else json.dumps(content).encode())
    assert answer.status_code == 422, content
    assert (await setup.kept()) == INSTALLATION
    (sentence,) = wrong_fields(answer).values()
    assert "s3cr3t" not in answer.text
    return sentence


NO_CONFIGURATION: tuple[tuple[bytes, str], ...] = (
    (b"", "Escolha o arquivo"),
    (b"<html>", "não é uma configuração"),
    (b"\xff", "não é uma configuração"),
    (b"[" * 5000, "não é uma configuração"),
    (b"[]", "não é uma configuração"),
    (b"{}", "não é uma configuração"),
    (b'{"format": "other"}', "outra versão"),
    (b" " * 70_000, "grande demais"),
)
OUTAGE_MESSAGE = "policies.outage_message (Mensagem de falha massiva)"
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"huggy_token": "s3cr3t"}, "huggy_token: não faz parte da configuração; tire do arquivo."),
    ({"flow": {}}, "flow: não faz parte da configuração; talvez seja flows."),
    ({"policies": ["s3cr3t"]}, "policies: use nomes e valores, como em um arquivo exportado."),
    ({"flows": {"auxiliar": "1"}}, "flows.auxiliar: não existe; talvez seja auxiliary."),
    ({"flows": {"auxiliary": "s3cr3t"}}, "flows.auxiliary (flow auxiliar): use só o número do flow, como 259215."),
    ({"policies": {"keep_day": 9}}, "policies.keep_day: este Ponte não tem esta regra; talvez seja keep_days."),
    ({"policies": {"x" * 50: 9}}, f"policies.{'x' * 40}…: este Ponte não tem esta regra; tire do arquivo."),
    ({"policies": {"keep_days": -1}}, "policies.keep_days (Guardar os eventos por): use um número inteiro maior que zero, até 86400."),
    ({"policies": {"timezone": "s3cr3t"}}, "policies.timezone (Fuso horário): use um fuso da base IANA, como America/Sao_Paulo ou America/Manaus."),
    ({"policies": {"daily_digest": {"s3cr3t": 1}}}, "policies.daily_digest (Resumo diário por e-mail): use true ou false."),
    ({"policies": {"boleto_banks": ["001", "s3cr3t"]}}, "policies.boleto_banks (Bancos dos seus boletos), 2º da lista: use, separados por vírgula, códigos de banco de três dígitos, como 001, 237."),
    ({"policies": {"outage_message": [1]}}, f"{OUTAGE_MESSAGE}: use um texto."),
    ({"policies": {"outage_message": "s3cr3t" * 200}}, f"{OUTAGE_MESSAGE}: a mensagem pode ter até 1000 caracteres."),
    ({"policies": {"outage_message": "{{s3cr3t}}"}}, f"{OUTAGE_MESSAGE}: só existem as variáveis {{{{resolution_time_hour}}}}, {{{{protocol}}}} e {{{{cause}}}}: confira o que está entre chaves."),
)  # fmt: skip


async def test_a_file_that_is_no_configuration_is_refused_in_a_sentence(setup: SettingUp) -> None:
    for content, words in NO_CONFIGURATION:
        assert words in await refused(setup, content)


async def test_what_is_wrong_in_a_configuration_is_named_with_what_would_be_right_and_without_its_value(
    setup: SettingUp,
) -> None:
    for wrong, sentence in WRONG:
        assert await refused(setup, {"format": FORMAT, **wrong}) == sentence


async def test_all_that_is_wrong_is_told_at_once_as_far_as_anybody_reads(setup: SettingUp) -> None:
    three = {"flows": {"auxiliary": "abc"}, "policies": {"keep_days": "x", "invoices_max": 1, "identity": 1}}
    many = {"policies": {f"no_{number}": 1 for number in range(3000)}}

    told, cut = await refused(setup, {"format": FORMAT, **three}), await refused(setup, {"format": FORMAT, **many})
    assert re.findall(r"(?:flows|policies)\.\w+", told) == [
        "flows.auxiliary", "policies.keep_days", "policies.identity"
    ]  # fmt: skip
    assert cut.count("policies.") == TOLD_MAX
    assert cut.endswith("E há mais, depois destes.")


async def test_a_flow_may_be_written_as_a_number_and_left_empty(setup: SettingUp) -> None:
    await setup.keep(replace(INSTALLATION, flows={}))
    content = {"format": FORMAT, "flows": {FlowKey.AUXILIARY: 259215, FlowKey.BOLETOS_NONE: ""}}

    assert (await bring_in(setup, json.dumps(content).encode(), with_flows="true")).status_code == 303
    assert (await setup.kept()).flows == {FlowKey.AUXILIARY: "259215"}


async def test_the_page_is_there(setup: SettingUp) -> None:
    page = await setup.get("copiar")

    assert page.status_code == 200
    assert f"{ROOM}/exportar" in page.text
