"""What somebody sends who means no good, or whose program is broken: refused, at little cost, and never our fault."""

from pathlib import Path
from time import thread_time

import pytest
from msgspec.structs import replace

from domain.identifiers import Secret
from entrypoints.http.console import session
from entrypoints.http.console.setup_outage import wrong_message
from entrypoints.sandbox.accounts import ADMIN
from tests.entrypoints.console.setting_up import SettingUp, wrong_fields
from tests.entrypoints.console.stage import Browser, errors_in

URL_ENCODED = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


def part(text: bytes, content_type: str = "text/plain") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="_csrf"\r\nContent-Type: {content_type}\r\n\r\n'
    return head.encode() + text + b"\r\n--b--\r\n"


@pytest.mark.parametrize("path", ["/entrar/operador", "/sair", "/empresas"])
@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (URL_ENCODED, b"a=" + b"a" * session.FORM_MAX),
        (URL_ENCODED, b"a=1&" * (session.FIELDS_MAX + 1)),
        (MULTIPART, part(b"a" * session.FORM_MAX)),
    ],
)
async def test_a_form_that_would_take_its_time_to_read_is_not_read(
    browser: Browser, path: str, headers: dict[str, str], content: bytes
) -> None:
    answer = await browser.http.post(path, headers=headers, content=content)

    assert answer.status_code == 413
    assert "Grande demais" in answer.text


@pytest.mark.parametrize(
    "content",
    [part(b"\xff\xfe"), part(b"a", "text/plain; charset=klingon"), part(b"a")[:40], b"nothing of the kind", b""],
)
async def test_a_form_that_cannot_be_read_is_the_senders_fault(browser: Browser, content: bytes) -> None:
    answer = await browser.http.post("/entrar/operador", headers=MULTIPART, content=content)

    assert 400 <= answer.status_code < 500
    assert "Código do pedido" in answer.text or "Esta página venceu" in answer.text


async def test_the_largest_file_that_may_be_imported_still_fits(setup: SettingUp, tmp_path: Path) -> None:
    files = {"file": ("ponte-configuracao.json", b" " * 64 * 1024, "application/json")}
    answer = await setup.browser.http.post(
        "/i/inst-1/configurar/importar", data={"_csrf": await setup.browser.csrf()}, files=files
    )
    assert answer.status_code == 422


async def test_the_code_of_a_company_is_written_in_one_way(browser: Browser) -> None:
    """Else one company could have several installations."""
    await browser.as_agent(ADMIN)
    answer = await browser.post("/empresas", company_id="001001")

    assert answer.status_code == 422
    assert "código da empresa" in errors_in(answer)


def test_a_message_of_nothing_but_blanks_in_braces_is_read_at_once() -> None:
    """One admin's page must not hold everybody else's up."""
    for message in ("{{" + " " * 990 + "x", "{{ x" * 240, "{" * 990, "{{}" * 300, "{{" + " " * 200_000 + "x"):
        begun = thread_time()
        assert wrong_message(message)
        assert thread_time() - begun < 0.2


def test_blanks_within_the_braces_are_as_good_as_none() -> None:
    assert wrong_message("Volta {{ resolution_time_hour }}, {{protocol\t}}.") == ""


async def test_kept_secrets_do_not_follow_to_another_host(setup: SettingUp) -> None:
    """Nobody who may change the address gets to see by it what is never shown again."""
    secrets = {"client_id": "ponte", "client_secret": "s3cret", "syndata": "syn"}
    access = replace(
        (await setup.kept()).erp, url="https://erp.example.com.br", token=Secret(value="kept"), settings=secrets
    )
    await setup.keep(replace(await setup.kept(), erp=access))
    fields = setup.erp_fields(erp_token="", client_id="ponte")
    for more in ({}, {"anyway": "true"}, {"anyway": "true", "erp_token": "new"}):
        answer = await setup.post("erp", **{**fields, **more})
        assert wrong_fields(answer).keys() == {"erp_token", "client_secret", "syndata"} - more.keys()
        assert "outro endereço" in answer.text
    assert (await setup.kept()).erp == access

    moved = await setup.post("erp", **fields | {"erp_token": "new", "drop_third_party": "true", "anyway": "true"})
    assert moved.status_code == 303
    kept = (await setup.kept()).erp
    assert (kept.token.reveal(), kept.settings) == ("new", {})


async def test_kept_secrets_stay_where_the_host_does(setup: SettingUp) -> None:
    await setup.post("erp", **setup.erp_fields())
    before = await setup.kept()
    answer = await setup.post("erp", **setup.erp_fields(erp_token="", erp_url=f"{setup.voalle.url}/login?x=1"))
    assert answer.status_code == 303
    assert (await setup.kept()).erp == before.erp
