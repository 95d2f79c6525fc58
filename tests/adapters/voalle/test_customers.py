import asyncio
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from application.failures import Rejected, Unavailable, Unintelligible
from domain.customer import ContractStatus
from domain.tax_id import Cnpj
from tests.adapters.voalle.scripted import (
    CONTRACTS,
    CPF,
    PERSON,
    TOKEN,
    VALIDATE,
    ScriptedErp,
    enveloped,
    recorded,
    says,
)


def client(ident: object = 12345, document: object = "529.982.247-25", **fields: object) -> dict[str, object]:
    return {"client_id": ident, "client_name": "FULANO", "client_tx_id": document, **fields}


def known_to_both() -> ScriptedErp:
    erp = ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    erp.on(PERSON, recorded("person_by_txid"))
    erp.on(CONTRACTS, recorded("contracts_paged"))
    return erp


async def test_a_document_is_sent_as_digits_in_a_form_with_the_token_and_never_a_phone() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    await erp.build().customers.find(CPF)
    request = erp.sent(VALIDATE)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {"codigo": ["52998224725"], "token": ["pbx-token"]}


async def test_the_body_may_be_json_and_the_pbx_name_another() -> None:
    erp = ScriptedErp()
    erp.on("/pbx/pbx/events/PBX Matriz/2/CLIENT_VALIDATE", recorded("client_validate"))
    await erp.build({"pbx_segment": "PBX Matriz/2", "validate_body": "json"}).customers.find(CPF)
    (request,) = erp.requests
    assert request.url.raw_path == b"/pbx/pbx/events/PBX%20Matriz%2F2/CLIENT_VALIDATE"
    assert msgspec.json.decode(request.content) == {"codigo": "52998224725", "token": "pbx-token"}


async def test_the_pbx_alone_tells_customer_plan_and_unblocks_but_neither_status_nor_street() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    found = await erp.build().customers.find(CPF)
    assert found is not None
    assert (found.id, found.name, found.tax_id, found.phones) == ("12345", "FULANO DE TAL", CPF, ())
    (contract,) = found.contracts
    assert (contract.id, contract.number, contract.plan) == ("20743", "20743", "PLANO 500MB")
    assert (contract.status, contract.district) == (ContractStatus.UNKNOWN, "")
    assert contract.unblock_attempts == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"clients": []},
        {"clients": None},
        {},
        [],
        None,
        {"success": True, "response": None},
        {"status": "ERROR", "message": "Cliente não encontrado"},
        {"message": "Nenhum registro: cliente nao cadastrado"},
        {"authentication_problems": 0, "resolution_time": None, "resolution_time_hour": "23", "status": "not_found_client"},
    ],
)  # fmt: skip
async def test_nobody_is_told_in_several_ways(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says(answer))
    assert await erp.build().customers.find(CPF) is None


@pytest.mark.parametrize(
    "words",
    [
        "Cliente não encontrado",
        "Cliente não localizado",
        "CPF não cadastrado",
        "O cliente não existe",
        "Documento inexistente",
        "Client not found",
        "client_not_found",
    ],
)
async def test_nobody_is_understood_in_each_wording_that_is_known(words: str) -> None:
    erp = ScriptedErp()
    for name in ("messages", "message", "mensagem", "msg", "error", "reason", "motivo"):
        erp.on(VALIDATE, says({"status": "ERROR", name: words}))
        assert await erp.build().customers.find(CPF) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"message": "alguma coisa"},
        {"clients": "12345"},
        {"clients": [12345]},
        {"clients": [{"client_name": "FULANO"}]},
        {"clients": [client(document=None)]},
        {"clients": [client(document="***.982.247-**")]},
        {"clients": [client(ident=None)]},
        {"clients": [client(contracts_info=[{"address": "RUA X, 10"}])]},
        {"clients": [client(contracts_info=[{"id": None}])]},
        {"data": {"authentication_problems": 1, "status": "client_found"}},
        "ok",
    ],
)
async def test_an_answer_in_another_shape_is_never_nobody(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says(answer))
    with pytest.raises(Unintelligible) as caught:
        await erp.build().customers.find(CPF)
    assert "FULANO" not in str(caught.value)
    assert "982" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"status": "ERROR", "message": "Token inválido"}, "erp.unauthorized"),
        ({"status": "erro", "message": "Não autorizado"}, "erp.unauthorized"),
        ({"status": "ERROR", "message": "Unauthorized"}, "erp.unauthorized"),
        ({"success": False, "message": "Acesso negado"}, "erp.unauthorized"),
        ({"success": False, "message": "Usuário sem permissão"}, "erp.unauthorized"),
        ({"status": "ERROR", "message": "Falha interna"}, "erp.refused"),
        ({"success": False, "messages": [{"message": "Falha", "type": "Error"}]}, "erp.refused"),
    ],
)
async def test_a_refusal_inside_http_200_is_never_nobody(answer: object, cause: str) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says(answer))
    with pytest.raises(Rejected) as caught:
        await erp.build().customers.find(CPF)
    assert caught.value.cause == cause


async def test_a_client_of_another_document_is_not_our_customer() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client(document="111.444.777-35")]}))
    assert await erp.build().customers.find(CPF) is None


async def test_among_several_clients_the_one_of_the_document_is_taken() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client(1, "111.444.777-35"), client(2, None), client(3)]}))
    found = await erp.build().customers.find(CPF)
    assert found is not None
    assert found.id == "3"


async def test_an_alphanumeric_cnpj_is_matched_by_its_letters() -> None:
    cnpj = Cnpj(characters="12ABC34501DE35")
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client(document="12.abc.345/01DE-35")]}))
    found = await erp.build().customers.find(cnpj)
    assert found is not None
    assert b"codigo=12ABC34501DE35" in erp.sent(VALIDATE).content


async def test_a_document_sent_as_a_number_has_lost_only_its_zeros() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client(document=52998224725)]}))
    assert await erp.build().customers.find(CPF) is not None


@pytest.mark.parametrize(
    "answer", [client(), [client()], {"client": client()}, {"success": True, "data": {"clients": [client()]}}]
)
async def test_a_client_is_found_wherever_the_answer_keeps_it(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says(answer))
    assert await erp.build().customers.find(CPF) is not None


async def test_records_kept_twice_are_one_customer_with_each_contract_once_and_its_own_record() -> None:
    erp = ScriptedErp()
    one = client(1, contracts_info=[{"id": 10}, {"id": "10"}, {"id": 11}], contracts_id=[10, 11, 12])
    other = client("2", contracts_info={"a": {"id": 11}, "b": {"id": 20}}, contracts_id=None)
    erp.on(VALIDATE, says({"clients": [one, other]}))
    found = await erp.build().customers.find(CPF)
    assert found is not None
    assert found.id == "1"
    assert [(contract.id, contract.customer_id) for contract in found.contracts] == [
        ("10", "1"),
        ("11", "1"),
        ("12", "1"),
        ("20", "2"),
    ]


async def test_camel_case_is_read_as_snake_case_is() -> None:
    erp = ScriptedErp()
    contract = {"id": 20743, "description": "PLANO 500MB", "unblockAttemptCount": "1"}
    row = {"clientId": 12345, "clientName": "FULANO", "clientTxId": "52998224725", "contractsInfo": [contract]}
    erp.on(VALIDATE, says({"clients": row}))
    found = await erp.build().customers.find(CPF)
    assert found is not None
    assert found.contracts[0].unblock_attempts == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1, ContractStatus.ACTIVE),
        (2, ContractStatus.ACTIVE),
        (3, ContractStatus.ACTIVE),
        (4, ContractStatus.CANCELLED),
        (5, ContractStatus.SUSPENDED),
        (6, ContractStatus.BLOCKED),
        ("6", ContractStatus.BLOCKED),
        (7, ContractStatus.BLOCKED_BY_PROVIDER),
        (9, ContractStatus.CANCELLED),
        ("Bloqueio Financeiro", ContractStatus.BLOCKED),
        ("Normal", ContractStatus.ACTIVE),
        ("Demonstração", ContractStatus.ACTIVE),
        ("CORTESIA", ContractStatus.ACTIVE),
        ("Cancelado", ContractStatus.CANCELLED),
        ("Suspenso", ContractStatus.SUSPENDED),
        ("Bloqueio Administrativo", ContractStatus.BLOCKED_BY_PROVIDER),
        ("Encerrado", ContractStatus.CANCELLED),
        (8, ContractStatus.UNKNOWN),
        (0, ContractStatus.UNKNOWN),
        ("Novo", ContractStatus.UNKNOWN),
        (None, ContractStatus.UNKNOWN),
    ],
)
async def test_a_status_is_known_or_unknown_and_never_guessed(code: object, status: ContractStatus) -> None:
    erp = known_to_both()
    page = {"data": [{"id": 20743, "contractNumber": "0020743", "contractStatus": code}], "totalRecords": 1}
    erp.on(CONTRACTS, enveloped(page))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert found.contracts[0].status is status


async def test_both_sources_together_know_what_each_lacks() -> None:
    found = await known_to_both().build_both().customers.find(CPF)
    assert found is not None
    assert found.phones == ("(11) 98765-4321", "(11) 3003-1000")
    (contract,) = found.contracts
    assert (contract.id, contract.number, contract.customer_id) == ("20743", "0020743", "12345")
    assert (contract.status, contract.plan) == (ContractStatus.BLOCKED, "PLANO 500MB")
    assert contract.unblock_attempts == 0


@pytest.mark.parametrize(("by_pbx", "name"), [("ANA", "ANA"), (None, "BEATRIZ")])
async def test_the_name_is_the_pbxs_or_else_the_third_partys(by_pbx: str | None, name: str) -> None:
    erp = known_to_both()
    erp.on(VALIDATE, says({"clients": [{**client(), "client_name": by_pbx}]}))
    erp.on(PERSON, enveloped({"id": 12345, "name": "BEATRIZ", "txId": "52998224725"}))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert found.name == name


async def test_of_a_person_kept_twice_the_first_record_is_taken_with_the_phones_of_both() -> None:
    erp = known_to_both()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    person = {"name": "FULANO", "txId": "52998224725"}
    erp.on(PERSON, enveloped([{**person, "id": 1, "phone": "11 1"}, {**person, "id": 2, "phone": "11 2"}]))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert (found.id, found.phones) == ("1", ("11 1", "11 2"))


async def test_a_customer_that_only_one_source_knows_is_found() -> None:
    erp = known_to_both()
    erp.on(PERSON, says({"success": False, "messages": "", "response": None}, 404))
    only_pbx = await erp.build_both().customers.find(CPF)
    erp.on(PERSON, recorded("person_by_txid"))
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    only_third_party = await erp.build_both().customers.find(CPF)
    assert only_pbx is not None
    assert only_third_party is not None
    assert only_third_party.contracts[0].status is ContractStatus.BLOCKED


@pytest.mark.parametrize("away", [httpx.ConnectError("no"), httpx.Response(503), httpx.ReadTimeout("slow")])
async def test_a_better_source_that_is_away_does_not_lose_the_customer(away: httpx.Response | Exception) -> None:
    erp = known_to_both()
    erp.on(PERSON, away)
    with capture_logs() as logs:
        found = await erp.build_both().customers.find(CPF)
    assert [(log["event"], log["source"]) for log in logs] == [("erp.source_failed", "third_party")]
    assert found is not None
    assert found.contracts[0].status is ContractStatus.UNKNOWN


async def test_the_third_party_answers_when_the_pbx_is_away() -> None:
    erp = known_to_both()
    erp.on(VALIDATE, httpx.Response(502))
    with capture_logs() as logs:
        assert await erp.build_both().customers.find(CPF) is not None
    assert [(log["event"], log["source"]) for log in logs] == [("erp.source_failed", "pbx")]


@pytest.mark.parametrize("away", [VALIDATE, PERSON, TOKEN])
async def test_nobody_takes_the_word_of_both_sources(away: str) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    erp.on(PERSON, recorded("person_unknown"))
    erp.on(CONTRACTS, enveloped({"data": [], "totalRecords": 0}))
    assert await erp.build_both().customers.find(CPF) is None
    erp.on(away, httpx.Response(503))
    with pytest.raises(Unavailable):
        await erp.build_both().customers.find(CPF)


@pytest.mark.parametrize(
    "reply",
    [
        says({"success": False, "messages": [{"message": "Erro interno", "type": "Error"}], "response": None}),
        says({"success": False, "messages": "", "response": None}, 400),
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(403),
    ],
)
async def test_a_refusal_of_the_third_party_is_never_nobody_and_keeps_nobody_out_whom_the_pbx_knows(
    reply: httpx.Response,
) -> None:
    erp = known_to_both()
    erp.on(PERSON, reply)
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert {contract.status for contract in found.contracts} == {ContractStatus.UNKNOWN}
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    with pytest.raises(Rejected):
        await erp.build_both().customers.find(CPF)


async def test_a_person_of_another_document_is_not_our_customer() -> None:
    erp = known_to_both()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    erp.on(PERSON, enveloped({"id": 1, "name": "OUTRO", "txId": "111.444.777-35"}))
    assert await erp.build_both().customers.find(CPF) is None


async def test_an_unknown_document_may_be_refused_without_a_word() -> None:
    erp = known_to_both()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    for path in (PERSON, CONTRACTS):
        erp.on(path, says({"success": False, "messages": None, "response": None}))
    assert await erp.build_both().customers.find(CPF) is None


async def test_a_person_without_an_id_is_not_understood() -> None:
    erp = known_to_both()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    erp.on(PERSON, enveloped({"id": None, "name": "FULANO", "txId": "52998224725"}))
    with pytest.raises(Unintelligible):
        await erp.build_both().customers.find(CPF)


@pytest.mark.parametrize(
    ("codes", "cities"), [([1, 4], ["NATAL", ""]), ([1, 6], ["", ""]), ([4], [""])], ids=["one", "two", "none"]
)
async def test_the_home_of_a_person_is_that_of_the_only_contract_that_is_not_cancelled(
    codes: list[int], cities: list[str]
) -> None:
    erp = known_to_both()
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    home = {"city": "NATAL", "neighborhood": "CENTRO"}
    erp.on(PERSON, enveloped({"id": 12345, "name": "ANA", "txId": "52998224725", "mainAddress": home}))
    rows = [{"id": number, "contractStatus": code} for number, code in enumerate(codes, start=1)]
    erp.on(CONTRACTS, enveloped({"data": rows, "totalRecords": len(rows)}))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert [contract.city for contract in found.contracts] == cities


async def test_a_contract_of_another_document_is_left_out() -> None:
    erp = known_to_both()
    row = {"id": 99, "contractNumber": "99", "clientInformation": {"clientTxId": "11144477735"}}
    erp.on(CONTRACTS, enveloped({"data": [row], "totalRecords": 1}))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    assert [contract.id for contract in found.contracts] == ["20743"]


def paged(total: int, first: int) -> ScriptedErp:
    """A third party with `total` contracts, its pages counted from `first`."""
    erp = known_to_both()

    async def page(request: httpx.Request) -> httpx.Response:
        asked = msgspec.json.decode(request.content)
        start = (asked["page"] - first) * asked["pageSize"]
        found = range(max(start, 0), min(start + asked["pageSize"], total)) if start >= 0 else ()
        data = [{"id": number, "contractNumber": f"{number:07d}", "contractStatus": 1} for number in found]
        return enveloped({"data": data, "totalRecords": total, "page": asked["page"]})

    erp.on(CONTRACTS, page)
    return erp


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("total", [1, 100, 101, 250])
async def test_all_pages_of_contracts_are_walked_whether_counted_from_zero_or_one(total: int, first: int) -> None:
    found = await paged(total, first).build_both().customers.find(CPF)
    assert found is not None
    assert len(found.contracts) == total + 1


async def test_contracts_are_asked_for_by_document_whatever_their_status() -> None:
    erp = known_to_both()
    await erp.build_both().customers.find(CPF)
    assert msgspec.json.decode(erp.sent(CONTRACTS).content) == {
        "txId": "52998224725",
        "onlyActiveContracts": False,
        "page": 1,
        "pageSize": 100,
    }


async def test_a_list_that_never_ends_is_not_walked_for_ever() -> None:
    erp = paged(100_000, 1)
    erp.on(VALIDATE, recorded("client_validate_nobody"))
    with pytest.raises(Unintelligible) as caught:
        await erp.build_both().customers.find(CPF)
    assert caught.value.cause == "erp.pages"
    assert erp.count(CONTRACTS) <= 21


async def test_equal_look_ups_at_the_same_moment_are_one_call() -> None:
    erp, asked_of, gate = ScriptedErp(), asyncio.Event(), asyncio.Event()

    async def slowly(_: httpx.Request) -> httpx.Response:
        asked_of.set()
        await gate.wait()
        return recorded("client_validate")

    erp.on(VALIDATE, slowly)
    customers = erp.build().customers
    asked = [asyncio.create_task(customers.find(CPF)) for _ in range(3)]
    await asked_of.wait()
    asked[0].cancel()
    gate.set()
    found = await asyncio.gather(*asked[1:])
    assert erp.count(VALIDATE) == 1
    assert all(found)
    await customers.find(CPF)
    assert erp.count(VALIDATE) == 2
