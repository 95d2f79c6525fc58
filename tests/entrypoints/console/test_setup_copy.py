"""The configuration as a file: without secrets, and read back with care."""

import json
from typing import Any

import httpx
from msgspec.structs import replace

from domain.installation import FlowKey, IdentityPolicy, Policies
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


async def test_anything_else_is_refused_in_a_sentence(setup: SettingUp) -> None:
    await setup.keep(INSTALLATION)
    fine = await exported(setup)

    def with_policies(**policies: Any) -> bytes:
        return json.dumps({**fine, "policies": policies}).encode()

    for content in (
        b"",
        b"<html>",
        b"\xff",
        b"[" * 5000,
        b"{}",
        json.dumps({**fine, "format": "other"}).encode(),
        json.dumps({**fine, "huggy_token": "x"}).encode(),
        json.dumps({**fine, "flows": {"no_such": "1"}}).encode(),
        json.dumps({**fine, "flows": {FlowKey.AUXILIARY: "abc"}}).encode(),
        with_policies(no_such="1"),
        with_policies(timezone="São Paulo"),
        with_policies(invoices_max=-1),
        with_policies(outage_message="{{hora}}"),
        json.dumps(fine).encode() + b" " * 70_000,
    ):
        answer = await bring_in(setup, content)

        assert answer.status_code == 422, content[:60]
        assert set(wrong_fields(answer)) == {"file"}
    assert (await setup.kept()) == INSTALLATION


async def test_the_page_is_there(setup: SettingUp) -> None:
    page = await setup.get("copiar")

    assert page.status_code == 200
    assert f"{ROOM}/exportar" in page.text
