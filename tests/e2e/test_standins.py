"""The stand-ins themselves, asked by a plain HTTP client: strict where a vendor is strict, adjustable where it varies."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from stdnum.br import cpf as cpf_oracle

from tests.e2e import documents, upstream
from tests.e2e.books import Agreement, Bill, Books, Case, Subscriber, Trouble, now, today
from tests.e2e.huggy_standin import Company, HuggyStandIn
from tests.e2e.notifications import SHAPES, Asked, Shape
from tests.e2e.upstream import Gate, Stage
from tests.e2e.voalle_shapes import Style
from tests.e2e.voalle_standin import VoalleStandIn
from tests.e2e.voalle_third_party import VoalleSignIn, VoalleThirdParty

AUTHORISED = {"Authorization": "Bearer t-1"}


@pytest.fixture
def books() -> Books:
    return Books(offset=90_000)


@pytest.fixture
def huggy(stage: Stage) -> Iterator[HuggyStandIn]:
    standin = HuggyStandIn(stage).start()
    standin.admit(Company(company_id="1001", token="t-1", flow_ids=frozenset({"11"})))
    yield standin
    standin.stop()


@pytest.fixture
def erp(stage: Stage, books: Books) -> Iterator[VoalleStandIn]:
    standin = VoalleStandIn(stage, books, token="pbx-token")
    yield standin.start()
    standin.stop()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def subscriber(books: Books) -> Subscriber:
    return books.add(bills=[Bill(number=71, due_on=today() + timedelta(days=5))])


def validate(client: httpx.Client, erp: VoalleStandIn, **changed: str) -> httpx.Response:
    sent = {"codigo": "", "token": "pbx-token"} | changed
    return client.post(f"{erp.url}/pbx/pbx/events/default/CLIENT_VALIDATE", data=sent)


# --- documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(0, 5000, 97))
def test_made_documents_are_valid_and_spoiled_ones_are_not(index: int) -> None:
    assert cpf_oracle.is_valid(documents.cpf(index))
    assert not cpf_oracle.is_valid(documents.spoiled(documents.cpf(index)))


def test_a_made_boleto_equals_a_published_one() -> None:
    published = "34191101213456788005871234570001616670000012345"
    made = documents.digitable_line(
        due_on=date(2026, 12, 21), amount=Decimal("123.45"), free="1101234567880057123457000"
    )
    assert made == published
    assert documents.barcode(made) == "34196166700000123451101234567880057123457000"


def test_a_made_pix_code_ends_in_the_checksum_of_the_central_banks_manual() -> None:
    manual = (
        "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
        "5913Fulano de Tal6008BRASILIA62070503***6304"
    )
    assert documents.crc16(manual) == "1D3D"
    made = documents.pix_code(amount=Decimal("99.90"), reference="FAT1")
    assert documents.crc16(made[:-4]) == made[-4:]


# --- Huggy --------------------------------------------------------------------------------------------------------


def test_huggy_keeps_what_happened_in_a_chat_in_order(huggy: HuggyStandIn, client: httpx.Client) -> None:
    chat = f"{huggy.url}/v3/companies/1001/chats/55"
    pdf = base64.b64encode(documents.PDF).decode()
    for path, body in (
        ("messages", {"text": "oi"}),
        ("messages", {"text": "nota", "isInternal": True}),
        ("messages", {"text": "", "fileBase64": pdf, "fileName": "boleto.pdf"}),
        ("flow", {"flowId": 11}),
    ):
        assert client.post(f"{chat}/{path}", json=body, headers=AUTHORISED).status_code == httpx.codes.OK
    assert client.put(f"{chat}/close", headers=AUTHORISED).status_code == httpx.codes.OK
    assert [deed.kind for deed in huggy.chats["55"].deeds] == ["message", "note", "file", "flow", "close"]
    assert client.get(chat, headers=AUTHORISED).json()["situation"] == "finishing"


@pytest.mark.parametrize(
    ("path", "request_", "status"),
    [
        ("chats/55/flow", {"json": {"flowId": 11}}, 401),
        ("chats/55/flow", {"json": {"flowId": 11}, "headers": {"Authorization": "Bearer other"}}, 401),
        ("companies/2/chats/55/flow", {"json": {"flowId": 11}, "headers": AUTHORISED}, 403),
        ("chats/55/flow", {"json": {"flowId": 12}, "headers": AUTHORISED}, 404),
        ("chats/55/flow", {"data": {"flowId": "11"}, "headers": AUTHORISED}, 415),
        ("chats/55/flow", {"json": {"flow": 11}, "headers": AUTHORISED}, 400),
        ("chats/55/messages", {"json": {"text": ""}, "headers": AUTHORISED}, 400),
        ("chats/55/messages", {"json": {"fileBase64": "PGh0bWw+", "fileName": "b.pdf"}, "headers": AUTHORISED}, 400),
        ("chats/55/dance", {"json": {}, "headers": AUTHORISED}, 404),
    ],
)
def test_huggy_refuses_what_the_platform_would_refuse(
    huggy: HuggyStandIn, client: httpx.Client, path: str, request_: dict[str, Any], status: int
) -> None:
    assert client.post(f"{huggy.url}/v3/{path}", **request_).status_code == status
    assert huggy.chats["55"].deeds == []


def test_messages_can_not_be_read_while_a_robot_has_the_chat(huggy: HuggyStandIn, client: httpx.Client) -> None:
    url = f"{huggy.url}/v3/chats/55/messages"
    assert client.get(url, headers=AUTHORISED).status_code == httpx.codes.FORBIDDEN
    huggy.chats["55"].situation = "in_chat"
    assert client.get(url, headers=AUTHORISED).json() == []


# --- Voalle, PBX --------------------------------------------------------------------------------------------------


def test_the_pbx_finds_a_customer_by_form_and_by_json(
    erp: VoalleStandIn, client: httpx.Client, subscriber: Subscriber
) -> None:
    by_form = validate(client, erp, codigo=subscriber.tax_id).json()
    url = f"{erp.url}/pbx/pbx/events/default/CLIENT_VALIDATE"
    by_json = client.post(url, json={"codigo": subscriber.tax_id, "token": "pbx-token"}).json()
    assert by_form == by_json
    assert by_form["clients"][0]["client_tx_id"] == documents.punctuated(subscriber.tax_id)


def test_the_pbx_refuses_strangers(erp: VoalleStandIn, client: httpx.Client, subscriber: Subscriber) -> None:
    plain = subscriber.tax_id
    assert validate(client, erp, codigo=plain, token="other").status_code == httpx.codes.UNAUTHORIZED
    assert validate(client, erp, codigo=documents.punctuated(plain)).status_code == httpx.codes.BAD_REQUEST
    assert validate(client, erp, codigo=plain, callerid="+5511987654321").status_code == httpx.codes.BAD_REQUEST
    assert validate(client, erp, codigo=plain, cpf=plain).status_code == httpx.codes.BAD_REQUEST
    other_segment = f"{erp.url}/pbx/pbx/events/other/CLIENT_VALIDATE"
    sent = {"codigo": plain, "token": "pbx-token"}
    assert client.post(other_segment, data=sent).status_code == httpx.codes.NOT_FOUND
    by_json = client.post(f"{erp.url}/pbx/pbx/events/default/UNBLOCK_CONTRACT", json={"token": "pbx-token"})
    assert by_json.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
    without_header = client.get(f"{erp.url}/api/api/events/solicitation_list/1")
    assert without_header.status_code == httpx.codes.UNAUTHORIZED


def test_each_write_to_the_erp_is_counted(
    erp: VoalleStandIn, books: Books, client: httpx.Client, subscriber: Subscriber
) -> None:
    contract = str(subscriber.agreements[0].number)
    granted = client.post(
        f"{erp.url}/pbx/pbx/events/default/UNBLOCK_CONTRACT",
        data={"data_unblock_contract": contract, "token": "pbx-token"},
    ).json()
    opened = client.post(
        f"{erp.url}/api/api/events/open_solicitation",
        json={"client_id": subscriber.client, "description": "sem sinal"},
        headers={"Authorization-Token": "pbx-token"},
    ).json()
    assert granted["return"] is True
    assert str(opened["protocol"]) == subscriber.cases[0].protocol
    assert [write.kind for write in books.writes_of(subscriber)] == ["unblock", "ticket"]


@pytest.mark.parametrize("wrap", ["list", "data", "billets", "single"])
def test_boletos_come_in_each_wrapping(
    erp: VoalleStandIn, client: httpx.Client, subscriber: Subscriber, wrap: Any
) -> None:
    erp.style = Style(wrap=wrap, text_ids=True, dates="brazilian", snake_bills=True, padded=True)
    answer = client.post(
        f"{erp.url}/api/api/events/get_billets_from_contract",
        json={"data_billets_from_contract": str(subscriber.agreements[0].number)},
        headers={"Authorization-Token": "pbx-token"},
    )
    text = answer.text
    assert subscriber.agreements[0].bills[0].line in text
    assert f"{today() + timedelta(days=5):%d/%m/%Y}" in text
    assert isinstance(answer.json(), list if wrap == "list" else dict)


def test_a_customer_comes_in_each_spelling(
    erp: VoalleStandIn, books: Books, client: httpx.Client, subscriber: Subscriber
) -> None:
    trouble = Trouble(protocol="777", predicted_at=now() + timedelta(hours=2))
    subscriber.trouble = trouble
    erp.style = Style(camel_clients=True, text_ids=True, outage_at="contract")
    found = validate(client, erp, codigo=subscriber.tax_id).json()["clients"][0]
    assert found["clientId"] == str(subscriber.client)
    assert found["contractsInfo"][0]["authenticationProblems"] == 1
    erp.style = Style(not_found="missing")
    assert validate(client, erp, codigo=documents.cpf(4_999)).json() == {}


# --- Voalle, third party ------------------------------------------------------------------------------------------


def test_the_third_party_api_wants_a_token_of_the_sign_in(stage: Stage, books: Books, client: httpx.Client) -> None:
    subscriber = books.add(agreements=[Agreement(number=73, status=6, bills=[Bill(number=74, due_on=today())])])
    subscriber.cases.append(Case(protocol="1", opened_at=now()))
    sign_in = VoalleSignIn(stage, client_id="i", client_secret="s", syndata="d").start()
    api = VoalleThirdParty(stage, books, sign_in).start()
    try:
        base = f"{api.url}/external/integrations/thirdparty"
        assert client.get(f"{base}/people/txid/{subscriber.tax_id}").status_code == httpx.codes.UNAUTHORIZED
        asked = {"grant_type": "client_credentials", "scope": "syngw", "client_id": "i", "syndata": "d"}
        refused = client.post(f"{sign_in.url}/connect/token", data=asked | {"client_secret": "x"})
        assert refused.status_code == httpx.codes.BAD_REQUEST
        token = client.post(f"{sign_in.url}/connect/token", data=asked | {"client_secret": "s"}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}

        def ask(path: str) -> Any:
            return client.get(f"{base}/{path}", headers=headers).json()["response"]

        assert ask(f"people/txid/{subscriber.tax_id}")["id"] == subscriber.client
        assert ask(f"getopentitlesbytxid/{subscriber.tax_id}")[0]["billet"]["amount"]["finalValue"] == 99.9
        assert ask(f"solicitationlist/{subscriber.client}?allAssignments=False")["data"][0]["protocol"] == "1"
        assert ask("getaccesspointstatusbycontract/73")["inMaintenance"] is False
        page = client.post(f"{base}/contract/getpaged", json={"txId": subscriber.tax_id, "page": 1}, headers=headers)
        assert page.json()["response"]["data"][0]["contractNumber"] == "0000073"
        assert client.get(f"{base}/GetBillet/74", headers=headers).content.startswith(b"%PDF-")
        assert client.post(f"{base}/contracts/unlock/0000073", headers=headers).json()["success"] is True
        assert [write.agreement for write in books.writes_of(subscriber)] == [73]
    finally:
        api.stop()
        sign_in.stop()


# --- misbehaviour -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [False, True])
def test_a_dropped_connection_leaves_the_effect_that_was_ordered(
    huggy: HuggyStandIn, client: httpx.Client, effect: bool
) -> None:
    behaviour = upstream.takes_effect_then(upstream.drops) if effect else upstream.drops
    huggy.misbehave("huggy.flow", behaviour, times=1)
    with pytest.raises(httpx.TransportError):
        client.post(f"{huggy.url}/v3/chats/55/flow", json={"flowId": 11}, headers=AUTHORISED)
    assert huggy.chats["55"].flows == (["11"] if effect else [])
    assert client.post(f"{huggy.url}/v3/chats/55/flow", json={"flowId": 11}, headers=AUTHORISED).is_success


def test_a_hanging_operation_never_answers_and_the_others_do(
    erp: VoalleStandIn, client: httpx.Client, subscriber: Subscriber
) -> None:
    erp.misbehave("pbx.validate", upstream.hangs(erp))
    with pytest.raises(httpx.ReadTimeout):
        client.post(f"{erp.url}/pbx/pbx/events/default/CLIENT_VALIDATE", data={}, timeout=0.2)
    listed = client.get(
        f"{erp.url}/api/api/events/solicitation_list/{subscriber.client}", headers={"Authorization-Token": "pbx-token"}
    )
    assert listed.json() == {"data": []}


async def test_a_gate_holds_a_request_until_it_opens(huggy: HuggyStandIn, stage: Stage) -> None:
    gate = Gate(stage)
    huggy.misbehave("huggy.message", gate)
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{huggy.url}/v3/chats/55/messages"
        sending = asyncio.create_task(client.post(url, json={"text": "oi"}, headers=AUTHORISED))
        await asyncio.to_thread(stage.wait_until, lambda: gate.held == 1, "a held request")
        assert huggy.chats["55"].deeds == []
        gate.open()
        assert (await sending).is_success
    assert huggy.chats["55"].said == ["oi"]


# --- notifications ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_carries_what_was_asked(shape: Shape) -> None:
    asked = Asked(
        event="E-1", chat="55", company="1001", token="t", document="doc-1", contract="c-1", description="d-1"
    )
    body = shape(asked)
    for part in ("E-1", "55", "doc-1", "c-1", "d-1"):
        assert part.encode() in body.content
