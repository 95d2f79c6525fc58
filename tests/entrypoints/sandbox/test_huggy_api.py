import base64
from typing import Any

import httpx
import pytest

from entrypoints.sandbox.chats import Chat, Situation, Who
from entrypoints.sandbox.city import City
from tests.entrypoints.sandbox.fake_app import bearer

PHONE = "+5511987654321"


@pytest.fixture
def chat(city: City) -> Chat:
    """One that is in its flow and waits for the customer."""
    return city.huggy.customer_writes(PHONE, "oi")


class Api:
    def __init__(self, city: City, http: httpx.AsyncClient, scope: str = "/companies/1001") -> None:
        self._base = f"{city.huggy.api_url}{scope}"
        self._http = http
        self.headers = bearer(city.huggy)

    async def get(self, path: str) -> httpx.Response:
        return await self._http.get(self._base + path, headers=self.headers)

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self._http.post(self._base + path, json=body, headers=self.headers)

    async def put(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self._http.put(self._base + path, json=body, headers=self.headers)


@pytest.fixture
def api(city: City, http: httpx.AsyncClient) -> Api:
    return Api(city, http)


@pytest.mark.parametrize("scope", ["", "/companies/1001"])
async def test_a_chat_is_read_with_and_without_the_company(
    city: City, http: httpx.AsyncClient, chat: Chat, scope: str
) -> None:
    shown = (await Api(city, http, scope).get(f"/chats/{chat.id}")).json()
    assert shown["situation"] == "auto"
    assert shown["lastMessage"]["text"] == chat.messages[-1].text
    assert shown["channels"][0]["uuid"] == chat.channel_uuid


async def test_another_company_is_refused(city: City, http: httpx.AsyncClient, chat: Chat) -> None:
    assert (await Api(city, http, "/companies/1002").get(f"/chats/{chat.id}")).status_code == 403


@pytest.mark.parametrize("authorization", [None, "Bearer outro", "Basic sandbox-huggy-token"])
async def test_without_the_token_nothing_is_done(
    city: City, http: httpx.AsyncClient, chat: Chat, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    url = f"{city.huggy.api_url}/chats/{chat.id}"
    assert (await http.get(url, headers=headers)).status_code == 401
    assert (await http.put(f"{url}/close", headers=headers)).status_code == 401
    assert chat.is_open


async def test_an_unknown_chat_is_not_found(api: Api) -> None:
    assert (await api.get("/chats/1")).status_code == 404
    assert (await api.post("/chats/1/messages", {"text": "oi"})).status_code == 404


async def test_messages_are_forbidden_while_a_flow_runs(api: Api, chat: Chat) -> None:
    assert (await api.get(f"/chats/{chat.id}/messages")).status_code == 403
    chat.agent_takes()
    messages = (await api.get(f"/chats/{chat.id}/messages")).json()
    assert [message["text"] for message in messages] == [message.text for message in chat.messages]


async def test_a_text_is_sent_byte_for_byte_and_a_note_is_internal(api: Api, chat: Chat) -> None:
    await api.post(f"/chats/{chat.id}/messages", {"text": "{{cpf}} *x*", "isInternal": False})
    await api.post(f"/chats/{chat.id}/messages", {"text": "nota", "isInternal": True})
    sent, note = chat.messages[-2:]
    assert (sent.who, sent.text, sent.internal) == (Who.APP, "{{cpf}} *x*", False)
    assert (note.text, note.internal) == ("nota", True)


async def test_a_file_sent_as_base64_can_be_opened_from_the_transcript(
    api: Api, chat: Chat, http: httpx.AsyncClient
) -> None:
    pdf = b"%PDF-1.4 conteudo"
    body = {"text": "", "fileBase64": base64.b64encode(pdf).decode(), "fileName": "boleto.pdf"}
    assert (await api.post(f"/chats/{chat.id}/messages", body)).status_code == 200
    assert chat.messages[-1].file.endswith("/boleto.pdf")
    assert (await http.get(chat.messages[-1].file)).content == pdf


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "x", "html": "x"},
        {"text": 1},
        {"text": "x", "file": "C:/boleto.pdf"},
        {"fileBase64": "data:application/pdf;base64,JVBERi0=", "fileName": "x.pdf"},
        {"fileBase64": base64.b64encode(b"<html>").decode(), "fileName": "x.pdf"},
        {"fileBase64": base64.b64encode(b"%PDF-1.4").decode()},
    ],
)
async def test_messages_that_huggy_does_not_take_are_refused(api: Api, chat: Chat, body: dict[str, Any]) -> None:
    before = len(chat.messages)
    assert (await api.post(f"/chats/{chat.id}/messages", body)).status_code == 400
    assert len(chat.messages) == before


async def test_a_message_as_a_form_is_refused(city: City, http: httpx.AsyncClient, chat: Chat) -> None:
    url = f"{city.huggy.api_url}/chats/{chat.id}/messages"
    assert (await http.post(url, data={"text": "oi"}, headers=bearer(city.huggy))).status_code == 400


@pytest.mark.parametrize("flow_id", [14, "14"])
async def test_a_flow_is_started_with_an_empty_answer(api: Api, chat: Chat, flow_id: int | str) -> None:
    answer = await api.post(f"/chats/{chat.id}/flow", {"flowId": flow_id})
    assert (answer.status_code, answer.content) == (200, b"")
    assert chat.flows_started[-1] == 14


async def test_an_unknown_flow_is_not_found(api: Api, chat: Chat) -> None:
    for flow_id in (99, "x", "²"):
        assert (await api.post(f"/chats/{chat.id}/flow", {"flowId": flow_id})).status_code == 404
    assert chat.flows_started == [10]


async def test_a_closed_chat_takes_nothing_more(api: Api, chat: Chat) -> None:
    answer = await api.put(f"/chats/{chat.id}/close")
    assert (answer.status_code, answer.content) == (200, b"")
    assert chat.situation is Situation.CLOSED
    assert (await api.put(f"/chats/{chat.id}/close", {"sendFeedback": False})).status_code == 400
    assert (await api.post(f"/chats/{chat.id}/flow", {"flowId": 14})).status_code == 400
    assert (await api.post(f"/chats/{chat.id}/messages", {"text": "oi"})).status_code == 400
    assert (await api.get(f"/chats/{chat.id}")).json()["situation"] == "finishing"


async def test_a_workflow_step_is_set_and_removed(api: Api, chat: Chat) -> None:
    assert (await api.put(f"/chats/{chat.id}/workflow", {"stepId": 33239})).content == b""
    assert (await api.get(f"/chats/{chat.id}")).json()["workflowStepID"] == 33239
    await api.put(f"/chats/{chat.id}/workflow", {"stepId": ""})
    assert chat.workflow_step is None
    assert (await api.put(f"/chats/{chat.id}/workflow", {"stepId": "33239"})).status_code == 400


async def test_a_flow_started_for_a_contact_has_its_variables(api: Api, chat: Chat) -> None:
    path = f"/contacts/{chat.contact.id}/execFlow"
    body = {"uuid": chat.channel_uuid, "flowId": 11, "variables": {"desejo": "boleto"}, "whenInAuto": True}
    assert (await api.put(path, body)).json()["chatID"] == chat.id
    assert chat.variables["desejo"] == "boleto"
    assert chat.flows_started == [10, 11]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"uuid": "outro"}, 400), ({"flowId": 99}, 404), ({"whenInAuto": False}, 400), ({"variables": {"x": 1}}, 400)],
)
async def test_a_flow_that_may_not_start_for_a_contact_changes_nothing(
    api: Api, chat: Chat, change: dict[str, Any], status: int
) -> None:
    body = {"uuid": chat.channel_uuid, "flowId": 11, "whenInAuto": True} | change
    assert (await api.put(f"/contacts/{chat.contact.id}/execFlow", body)).status_code == status
    assert chat.flows_started == [10]


async def test_a_contact_without_an_open_chat_gets_a_new_one(api: Api, city: City, chat: Chat) -> None:
    chat.close()
    body = {"uuid": chat.channel_uuid, "flowId": 14}
    opened = (await api.put(f"/contacts/{chat.contact.id}/execFlow", body)).json()["chatID"]
    assert opened != chat.id
    assert city.huggy.chats[opened].flows_started == [14]


async def test_profile_and_flows_are_listed(api: Api, city: City) -> None:
    assert (await api.get("/agents/profile")).json()["id"]
    flows = (await api.get("/flows")).json()
    assert [flow["id"] for flow in flows] == [10, *city.flow_ids.values()]
