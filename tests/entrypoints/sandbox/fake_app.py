"""An app at the other end of the webhook: it takes notifications, says one thing and starts the flow that it was told to."""

from typing import Any

import httpx
from litestar import Litestar, Request, Response, post

from entrypoints.sandbox.city import City
from entrypoints.sandbox.huggy import Huggy


class FakeApp:
    def __init__(self, huggy: Huggy) -> None:
        self.envelopes: list[dict[str, Any]] = []
        self.handshake_answer = huggy.webhook_token
        self.refuse_next: list[int] = []
        """statuses for the next deliveries, in place of 200"""
        self.flow_for: dict[str, int] = {}
        """event -> the flow that is started"""
        self._huggy = huggy

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for envelope in self.envelopes for items in envelope["messages"].values() for item in items]

    def asgi(self) -> Litestar:
        @post("/hook", status_code=200)
        async def hook(request: Request[Any, Any, Any]) -> Response[str]:
            body = await request.json()
            if body.get("validToken"):
                return Response(self.handshake_answer, media_type="text/plain")
            if self.refuse_next:
                return Response("", status_code=self.refuse_next.pop(0))
            self.envelopes.append(body)
            for items in body["messages"].values():
                for item in items:
                    await self._react(item)
            return Response("")

        return Litestar([hook], openapi_config=None, logging_config=None)

    async def _react(self, item: dict[str, Any]) -> None:
        flow_id = self.flow_for.get(item["event"])
        if flow_id is None:
            return
        chat = f"{self._huggy.api_url}/companies/{item['company']['id']}/chats/{item['chat']['id']}"
        async with httpx.AsyncClient(headers=bearer(self._huggy), trust_env=False) as http:
            (await http.post(f"{chat}/messages", json={"text": f"resposta a {item['event']}"})).raise_for_status()
            (await http.post(f"{chat}/flow", json={"flowId": flow_id})).raise_for_status()


def bearer(huggy: Huggy) -> dict[str, str]:
    return {"Authorization": f"Bearer {huggy.token}", "Accept": "application/json"}


def happy_provider(app: FakeApp, city: City) -> None:
    """Every wish is granted."""
    app.flow_for = {
        "CONSULTAR_CLIENTE": city.flow_ids["customer_found"],
        "2_VIA_BOLETO": city.flow_ids["boletos_found"],
        "DESBLOQUEAR_CONTRATO": city.flow_ids["unblock_granted"],
        "ABRIR_SOLICITACAO": city.flow_ids["ticket_opened"],
    }
