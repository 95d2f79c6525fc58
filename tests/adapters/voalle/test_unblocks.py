from urllib.parse import parse_qs

import httpx
import pytest

from application.failures import InDoubt, Rejected, Unavailable, Unintelligible
from domain.customer import ContractStatus
from domain.identifiers import ProtocolNumber
from domain.trust_unblock import UnblockAnswer, Unblocked, UnblockRefusal, UnblockRefused
from tests.adapters.voalle.scripted import UNBLOCK, ScriptedErp, contract, recorded, says

ACTIVE, BLOCKED, UNKNOWN = ContractStatus.ACTIVE, ContractStatus.BLOCKED, ContractStatus.UNKNOWN


async def unblock(reply: httpx.Response) -> UnblockAnswer:
    erp = ScriptedErp()
    erp.on(UNBLOCK, reply)
    return await erp.build().unblocks.unblock(contract())


async def test_only_the_chosen_contract_is_unblocked_in_a_form() -> None:
    erp = ScriptedErp()
    erp.on(UNBLOCK, recorded("unblock_granted"))
    assert await erp.build().unblocks.unblock(contract()) == Unblocked(protocol=ProtocolNumber("123456"))
    request = erp.sent(UNBLOCK)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {"data_unblock_contract": ["20743"], "token": ["pbx-token"]}


@pytest.mark.parametrize("yes", [True, 1, "true", "1"])
async def test_yes_without_a_protocol_is_granted_too(yes: object) -> None:
    assert await unblock(says({"return": yes, "protocol": None})) == Unblocked(protocol=None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"return": False}, UnblockRefusal.REFUSED_BY_ERP),
        ({"return": 0, "message": "Não possui contrato bloqueado"}, UnblockRefusal.NOT_BLOCKED),
        ({"return": "false", "messages": [{"message": "Limite mensal atingido"}]}, UnblockRefusal.ALREADY_USED),
        ({"return": False, "message": "Quantidade de desbloqueios excedida"}, UnblockRefusal.ALREADY_USED),
        ({"return": False, "message": ["Procure o financeiro"]}, UnblockRefusal.REFUSED_BY_ERP),
    ],
)
async def test_a_refusal_keeps_the_reason_that_the_erp_gives(answer: object, reason: UnblockRefusal) -> None:
    assert await unblock(says(answer)) == UnblockRefused(reason=reason)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("O contrato não está bloqueado", UnblockRefusal.NOT_BLOCKED),
        ("Contrato não bloqueado", UnblockRefusal.NOT_BLOCKED),
        ("O contrato não se encontra bloqueado", UnblockRefusal.NOT_BLOCKED),
        ("Desbloqueio já utilizado", UnblockRefusal.ALREADY_USED),
        ("Desbloqueio já realizado neste mês", UnblockRefusal.ALREADY_USED),
        ("O contrato já foi desbloqueado", UnblockRefusal.ALREADY_USED),
        ("Máximo de desbloqueios atingido", UnblockRefusal.ALREADY_USED),
        ("Desbloqueios esgotados", UnblockRefusal.ALREADY_USED),
        ("Tentativas excedidas", UnblockRefusal.ALREADY_USED),
        ("Quantidade de desbloqueios atingida", UnblockRefusal.ALREADY_USED),
    ],
)
async def test_a_reason_is_understood_in_each_wording_that_is_known(words: str, reason: UnblockRefusal) -> None:
    assert await unblock(says({"return": False, "message": words})) == UnblockRefused(reason=reason)


@pytest.mark.parametrize("answer", [{}, {"return": None}, {"return": "talvez"}, {"protocol": 1}, [], "ok", None])
async def test_another_shape_is_neither_yes_nor_no(answer: object) -> None:
    with pytest.raises(Unintelligible):
        await unblock(says(answer))


@pytest.mark.parametrize(("words", "cause"), [("Token inválido", "erp.unauthorized"), ("Falha", "erp.refused")])
async def test_an_error_is_no_refusal_of_the_unblock(words: str, cause: str) -> None:
    with pytest.raises(Rejected) as caught:
        await unblock(says({"status": "ERROR", "message": words}))
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    "reply", [httpx.Response(500), httpx.Response(504), httpx.ReadTimeout(""), httpx.ReadError("")]
)
async def test_no_answer_leaves_the_unblock_in_doubt_and_it_is_not_repeated(reply: httpx.Response | Exception) -> None:
    erp = ScriptedErp()
    erp.on(UNBLOCK, reply)
    with pytest.raises(InDoubt):
        await erp.build().unblocks.unblock(contract())
    assert erp.count(UNBLOCK) == 1


@pytest.mark.parametrize("reply", [httpx.Response(429), httpx.ConnectError("")])
async def test_what_surely_had_no_effect_is_not_in_doubt(reply: httpx.Response | Exception) -> None:
    erp = ScriptedErp()
    erp.on(UNBLOCK, reply)
    with pytest.raises(Unavailable) as caught:
        await erp.build().unblocks.unblock(contract())
    assert not isinstance(caught.value, InDoubt)
