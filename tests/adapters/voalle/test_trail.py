"""What the trail of a notification tells of its calls to the ERP: enough to see what went wrong, and nobody's data."""

import asyncio

import httpx
import msgspec
import pytest

from adapters.voalle.exchange import MAX_ANSWER
from adapters.voalle.shown import shown_answer
from application.failures import Failure
from application.trail import gather
from domain.redaction import LARGEST_BODY
from domain.trail import SHARED, Trail
from tests.adapters.voalle.scripted import (
    CONTRACTS,
    CPF,
    PERSON,
    UNBLOCK,
    VALIDATE,
    ScriptedErp,
    contract,
    recorded,
    says,
)

SECRETS = ("52998224725", "529.982.247-25", "FULANO", "RUA X", "pbx-token", "1990-01-31", "s3cret", "t-1", "tenant-key")


def told(trail: Trail) -> str:
    text = msgspec.json.encode(trail.steps).decode()
    assert not [secret for secret in SECRETS if secret in text]
    return text


async def test_a_call_is_told_with_its_request_its_answer_and_what_may_be_seen_of_them() -> None:
    script = ScriptedErp()
    script.on(VALIDATE, recorded("client_validate"))
    with gather(script.clock) as gathering:
        await script.build().customers.find(CPF)
        trail = gathering.trail()

    (step,) = trail.steps
    assert (step.what, step.ended) == ("erp.client_validate", "ok")
    assert step.request == f'POST {VALIDATE}\n{{"codigo": "99999999999", "token": "aaa-aaaaa"}}'
    assert step.answer is not None
    assert step.answer.startswith("HTTP 200 ")
    assert '"contracts_id": [20743]' in step.answer
    assert '"approval_date": "2024-02-01"' in step.answer
    told(trail)


async def test_a_failure_is_told_with_its_cause_and_its_answer() -> None:
    script = ScriptedErp()
    script.on(UNBLOCK, says({"error": "CPF 529.982.247-25 de FULANO, token pbx-token"}, 500))
    with gather(script.clock) as gathering:
        with pytest.raises(Failure):
            await script.build().unblocks.unblock(contract())
        trail = gathering.trail()

    assert [(step.what, step.ended) for step in trail.steps] == [("erp.unblock", "erp.http_5xx")]
    assert "HTTP 500" in told(trail)


async def test_no_document_stands_in_the_path_that_is_told_and_no_credential_in_the_form() -> None:
    script = ScriptedErp()
    script.on(VALIDATE, recorded("client_validate"))
    script.on(PERSON, recorded("person_by_txid"))
    script.on(CONTRACTS, recorded("contracts_paged"))
    with gather(script.clock) as gathering:
        await script.build_both().customers.find(CPF)
        trail = gathering.trail()

    assert {"erp.token", "erp.people", "erp.contracts"} <= {step.what for step in trail.steps}
    assert "/people/txid/99999999999" in told(trail)


async def test_an_answer_that_another_chats_call_brought_is_told_as_shared() -> None:
    script = ScriptedErp()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def later(_: httpx.Request) -> httpx.Response:
        asked.set()
        await answer.wait()
        return recorded("client_validate")

    script.on(VALIDATE, later)
    erp = script.build()

    async def look() -> Trail:
        with gather(script.clock) as gathering:
            await erp.customers.find(CPF)
            return gathering.trail()

    first = asyncio.create_task(look())
    await asked.wait()
    second = asyncio.create_task(look())
    await asyncio.sleep(0)
    answer.set()

    assert [(step.what, step.ended) for step in (await first).steps] == [("erp.client_validate", "ok")]
    assert [(step.what, step.ended) for step in (await second).steps] == [("erp.client_validate", SHARED)]
    assert script.count(VALIDATE) == 1


def test_of_a_very_large_answer_the_size_is_told_and_nothing_is_kept() -> None:
    told = shown_answer(200, "application/json", b"x" * (LARGEST_BODY + 1))

    assert told() == f"HTTP 200 application/json\n{LARGEST_BODY + 1} bytes"
    assert LARGEST_BODY < MAX_ANSWER
