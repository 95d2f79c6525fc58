import asyncio
from urllib.parse import parse_qs

import httpx
import pytest

from application.failures import InDoubt, Rejected, Unavailable, Unintelligible
from domain.identifiers import InvoiceId
from domain.installation import Policies
from tests.adapters.voalle.scripted import (
    API,
    THIRD_PARTY,
    TOKEN,
    ScriptedErp,
    contract,
    customer,
    new_ticket,
    recorded,
    says,
)

POINT = f"{API}/getaccesspointstatusbycontract/20743"
OTHER_POINT = f"{API}/getaccesspointstatusbycontract/20744"
OPEN_THERE = f"{API}/opensolicitation"


def token(value: str, expires_in: object = 3600) -> httpx.Response:
    return says({"access_token": value, "expires_in": expires_in, "token_type": "Bearer", "scope": "syngw"})


def working() -> ScriptedErp:
    erp = ScriptedErp()
    erp.on(TOKEN, token("t-1"), token("t-2"))
    for path in (POINT, OTHER_POINT):
        erp.on(path, recorded("access_point_up"))
    return erp


def bearers(erp: ScriptedErp) -> list[str]:
    return [request.headers["authorization"] for request in erp.requests if "authorization" in request.headers]


async def test_the_token_is_asked_for_with_the_integrators_credentials_on_its_own_port() -> None:
    erp = working()
    await erp.build_both().outages.affecting(customer())
    asked, call = erp.requests
    assert str(asked.url) == "https://erp.provedor.example:45700/connect/token"
    assert parse_qs(asked.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["syngw"],
        "client_id": ["integrator"],
        "client_secret": ["s3cret"],
        "syndata": ["tenant-key"],
    }
    assert call.url.port == 45715
    assert call.headers["authorization"] == "Bearer t-1"


async def test_signing_in_asks_for_a_token_and_reads_nothing() -> None:
    erp = working()
    (sign_in,) = erp.build_both().sign_ins.values()
    await sign_in()
    await sign_in()
    assert [request.url.path for request in erp.requests] == [TOKEN]


async def test_credentials_that_are_refused_are_told_by_signing_in() -> None:
    erp = ScriptedErp()
    erp.on(TOKEN, says({"error": "invalid_client"}, status=400))
    (sign_in,) = erp.build_both().sign_ins.values()
    with pytest.raises(Rejected) as refused:
        await sign_in()
    assert refused.value.cause == "erp.unauthorized"


async def test_the_addresses_of_both_services_may_be_set() -> None:
    erp = working()
    settings = {**THIRD_PARTY, "auth_url": "https://auth.example/", "api_url": "https://api.example:8443"}
    await erp.build(settings).outages.affecting(customer())
    assert [request.url.netloc for request in erp.requests] == [b"auth.example", b"api.example:8443"]


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "syndata"])
async def test_without_all_credentials_the_third_party_is_left_alone(missing: str) -> None:
    erp = working()
    settings = {name: value for name, value in THIRD_PARTY.items() if name != missing}
    await erp.build(settings).outages.affecting(customer())
    assert erp.requests == []


async def test_a_token_is_kept_until_a_minute_before_it_ends() -> None:
    erp = working()
    outages = erp.build_both().outages
    await outages.affecting(customer())
    erp.clock.advance(3539)
    await outages.affecting(customer())
    assert erp.count(TOKEN) == 1
    erp.clock.advance(1)
    await outages.affecting(customer(contract("20744")))
    assert bearers(erp) == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]


async def test_calls_at_the_same_moment_share_one_renewal() -> None:
    erp, all_asked = working(), asyncio.Event()

    async def slowly(_: httpx.Request) -> httpx.Response:
        await all_asked.wait()
        return token("t-1")

    erp.on(TOKEN, slowly)
    contracts = [contract(ident) for ident in ("20743", "20744", "20745")]
    for each in contracts:
        erp.on(f"{API}/getaccesspointstatusbycontract/{each.id}", recorded("access_point_up"))
    asked = asyncio.gather(erp.build_both().outages.affecting(customer(*contracts)))
    asyncio.get_running_loop().call_soon(all_asked.set)
    await asked
    assert (erp.count(TOKEN), len(erp.requests)) == (1, 4)


async def test_a_failed_renewal_is_tried_again_by_the_next_call() -> None:
    erp = working()
    erp.on(TOKEN, httpx.Response(503), token("t-2"))
    billing = erp.build_both().billing
    with pytest.raises(Unavailable):
        await billing.pdf(InvoiceId("77"))
    with pytest.raises(Rejected) as caught:
        await billing.pdf(InvoiceId("77"))
    assert caught.value.cause == "erp.not_found"


async def test_a_refused_token_is_dropped_and_the_call_made_once_more() -> None:
    erp = working()
    erp.on(POINT, httpx.Response(401), recorded("access_point_up"))
    await erp.build_both().outages.affecting(customer())
    assert bearers(erp) == ["Bearer t-1", "Bearer t-2"]


async def test_a_write_with_a_refused_token_is_made_once_more_for_nothing_was_done() -> None:
    erp = working()
    erp.on(OPEN_THERE, httpx.Response(401), recorded("opensolicitation"))
    await erp.build_both().tickets.open(new_ticket("20743"))
    assert erp.count(OPEN_THERE) == 2


async def test_a_second_refusal_is_final() -> None:
    erp = working()
    erp.on(POINT, httpx.Response(401))
    with pytest.raises(Rejected) as caught:
        await erp.build_both().outages.affecting(customer())
    assert caught.value.cause == "erp.unauthorized"
    assert erp.count(POINT) == 2


@pytest.mark.parametrize("reply", [says({"error": "invalid_client"}, 400), httpx.Response(401), httpx.Response(403)])
async def test_wrong_credentials_are_told_as_such(reply: httpx.Response) -> None:
    erp = working()
    erp.on(TOKEN, reply)
    with pytest.raises(Rejected) as caught:
        await erp.build_both().outages.affecting(customer())
    assert caught.value.cause == "erp.unauthorized"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [{}, [], {"access_token": ""}, {"access_token": "t"}, {"access_token": "t", "expires_in": "soon"}]
)
async def test_a_token_in_another_shape_is_not_understood(answer: object) -> None:
    erp = working()
    erp.on(TOKEN, says(answer))
    with pytest.raises(Unintelligible):
        await erp.build_both().outages.affecting(customer())


async def test_a_token_that_lasts_no_minute_is_used_once() -> None:
    erp = working()
    erp.on(TOKEN, token("t-1", "30"), token("t-2", 30))
    outages = erp.build_both().outages
    await outages.affecting(customer())
    await outages.affecting(customer(contract("20744")))
    assert bearers(erp) == ["Bearer t-1", "Bearer t-2"]


async def test_a_hanging_third_party_leaves_the_way_to_the_pbx_free() -> None:
    erp, hanging = working(), asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        hanging.set()
        await asyncio.Event().wait()
        raise AssertionError

    erp.on(f"{API}/getopentitlesbytxid/52998224725", hang)
    erp.on(f"{API}/getcontractbillets/20743", hang)
    erp.on("/api/api/events/get_billets_from_contract", says([]))
    ports = erp.build(THIRD_PARTY, Policies(erp_timeout_s=0.2, erp_concurrency=1))
    assert list(await ports.billing.open_invoices(customer(), contract())) == []
    assert hanging.is_set()


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "messages": None, "response": None},
        {"success": "true", "messages": "", "response": []},
        {"success": True, "messages": "Sucess", "response": None},
        {"success": True, "messages": [{"message": "ok", "type": "Success"}], "response": None},
        {"success": False, "messages": "Ponto de acesso não encontrado", "response": None},
        {"success": False, "messages": [{"message": "Contrato inexistente", "type": "Warn"}], "response": None},
        [],
    ],
)
async def test_messages_come_in_four_kinds_and_none_breaks_the_reading(answer: object) -> None:
    erp = working()
    erp.on(POINT, says(answer))
    assert (await erp.build_both().outages.affecting(customer())).outages == ()


async def test_an_answer_that_has_a_response_and_does_not_say_whether_it_succeeded_did() -> None:
    erp = working()
    erp.on(POINT, says({"response": {"title": "OLT", "active": False}}))
    assert len((await erp.build_both().outages.affecting(customer())).outages) == 1


async def test_a_list_without_an_envelope_is_the_response() -> None:
    erp = working()
    erp.on(POINT, says([{"title": "OLT", "active": False}]))
    assert len((await erp.build_both().outages.affecting(customer())).outages) == 1


async def test_the_words_of_a_refusal_count_for_more_than_its_status() -> None:
    erp = working()
    erp.on(POINT, says({"success": False, "messages": "Contrato inexistente", "response": None}, 400))
    assert (await erp.build_both().outages.affecting(customer())).outages == ()
    erp.on(POINT, says({"success": False, "messages": "Erro interno", "response": None}, 404))
    with pytest.raises(Rejected):
        await erp.build_both().outages.affecting(customer())


async def test_a_read_that_was_dropped_is_made_once_more_and_one_that_failed_is_in_no_doubt() -> None:
    erp = working()
    pdf = httpx.Response(200, headers={"content-type": "application/pdf"}, content=b"%PDF-1.7")
    erp.on(f"{API}/GetBillet/77", httpx.ReadError(""), pdf)
    assert await erp.build_both().billing.pdf(InvoiceId("77")) == b"%PDF-1.7"
    erp.on(f"{API}/GetBillet/77", httpx.Response(503))
    with pytest.raises(Unavailable) as caught:
        await erp.build_both().billing.pdf(InvoiceId("77"))
    assert not isinstance(caught.value, InDoubt)


@pytest.mark.parametrize("messages", [None, "", [], "Erro interno"])
async def test_a_refusal_without_a_known_reason_is_never_nothing(messages: object) -> None:
    erp = working()
    erp.on(POINT, says({"success": False, "messages": messages, "response": None}))
    with pytest.raises(Rejected) as caught:
        await erp.build_both().outages.affecting(customer())
    assert caught.value.cause == "erp.refused"


@pytest.mark.parametrize("answer", [{}, {"success": None}, {"success": "maybe"}, {"error": "x"}, "ok", None])
async def test_another_envelope_is_not_understood(answer: object) -> None:
    erp = working()
    erp.on(POINT, says(answer))
    with pytest.raises(Unintelligible):
        await erp.build_both().outages.affecting(customer())
