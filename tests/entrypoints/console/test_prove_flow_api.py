"""The page of the flow API: everything to copy, nothing invented, keys changed on demand."""

from html import unescape

import httpx
import msgspec
import pytest

from domain.flow_answer import KEYS, RESULTS, FlowOperation
from entrypoints.http.console.flow_api_page import RESULTS as WORDS
from entrypoints.http.console.flow_api_page import STEPS
from tests.entrypoints.console.proving import ROOM, Proving
from tests.entrypoints.console.stage import Stage

PAGE = f"{ROOM}/api"


@pytest.fixture
async def proving(stage: Stage, http: httpx.AsyncClient) -> Proving:
    made = Proving(stage, http)
    await made.begin()
    return made


async def test_every_operation_has_its_address_its_body_and_every_key_with_an_example(proving: Proving) -> None:
    page = unescape((await proving.browser.get(PAGE)).text)
    for operation in FlowOperation:
        assert f"http://ponte.example/flow/flow-key/{operation}" in page
        assert STEPS[operation].body in page
        for key in KEYS[operation]:
            assert key.name in page
            assert key.example in page
            assert key.meaning in page


@pytest.mark.parametrize("operation", list(FlowOperation))
def test_a_ready_made_body_is_a_flat_object_of_texts(operation: FlowOperation) -> None:
    body = msgspec.json.decode(STEPS[operation].body, type=dict[str, str])
    assert body["cpf_cnpj"] == "{{cpf_cnpj}}"
    assert ("descricao" in body) == (operation is FlowOperation.TICKET)
    assert set(STEPS[operation].results) <= set(RESULTS)


def test_every_result_has_words() -> None:
    assert set(WORDS) == set(RESULTS)


async def test_a_key_is_changed_on_demand_and_noted(proving: Proving) -> None:
    await proving.browser.post(f"{PAGE}/chave", key="flow_api_key")
    await proving.browser.post(f"{PAGE}/chave", key="outage_api_key")
    kept = await proving.installation()
    assert kept.flow_api_key.reveal() != "flow-key"
    assert kept.outage_api_key.reveal() in (await proving.browser.get(PAGE)).text
    assert await proving.audit() == ["Trocou a chave da API de falhas", "Trocou a chave da API do flow"]


async def test_no_other_secret_can_be_changed_here(proving: Proving) -> None:
    before = await proving.installation()
    await proving.browser.post(f"{PAGE}/chave", key="huggy_token")
    assert await proving.installation() == before
