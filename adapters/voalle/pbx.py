"""The ERP's PBX API and its "API events": what the token and the PBX name of the ERP's own screens open.

Source of paths and fields: public client code that calls real ERP hosts. That `{segment}` is the PBX name of the
parameters is inferred; the setting `pbx_segment` overrides it.
"""

from urllib.parse import quote

from adapters.voalle.exchange import VoalleExchange
from adapters.voalle.in_flight import InFlight
from adapters.voalle.verdicts import refusal, says_not_found
from adapters.voalle.wire import path_part, written_id
from application.failures import Rejected
from domain.identifiers import ContractId, CustomerId, Secret


class VoallePbx:
    """Answers are returned decoded and otherwise as they came; one that says no is `Rejected`."""

    def __init__(
        self, *, exchange: VoalleExchange, url: str, segment: str, token: Secret, validate_as_json: bool = False
    ) -> None:
        self._exchange = exchange
        self._events = f"{url}/pbx/pbx/events/{quote(segment, safe='')}"
        self._api = f"{url}/api/api/events"
        self._token = token
        self._validate_as_json = validate_as_json
        self._validations: InFlight[object] = InFlight()

    async def client_validate(self, document: str) -> object:
        """The clients of a document (digits, or the characters of an alphanumeric CNPJ).

        The phone is never sent along: with one, the ERP may answer with another person.
        """
        return await self._validations.share(document, lambda: self._client_validate(document), what="client_validate")

    async def _client_validate(self, document: str) -> object:
        body = {"codigo": document, "token": self._token.reveal()}
        url = f"{self._events}/CLIENT_VALIDATE"
        if self._validate_as_json:
            sent = await self._exchange.send("client_validate", "POST", url, json=body)
        else:
            sent = await self._exchange.send("client_validate", "POST", url, form=body)
        answer = sent.json()
        reason = refusal(answer)
        if reason is None:
            return answer
        if says_not_found(reason):
            return None
        raise Rejected("erp.refused")

    async def unblock_contract(self, contract_id: ContractId) -> object:
        """`{"return": true, "protocol": …}`; a write."""
        body = {"data_unblock_contract": contract_id, "token": self._token.reveal()}
        answer = await self._exchange.send(
            "unblock", "POST", f"{self._events}/UNBLOCK_CONTRACT", form=body, writes=True
        )
        return answer.json()

    async def billets(self, contract_id: ContractId) -> object:
        """The open boletos of a contract. The flags' names suggest "all, not only open"; both are sent as seen."""
        body = {"data_billets_from_contract": contract_id, "data_billets_filter": False, "get_all_billets": False}
        return await self._read("billets", "POST", "get_billets_from_contract", json=body)

    async def open_solicitation(self, client_id: CustomerId, description: str) -> object:
        """`{"protocol": …}` or `{"status": "ERROR", "message": …}`; a write."""
        answer = await self._exchange.send(
            "open_solicitation",
            "POST",
            f"{self._api}/open_solicitation",
            headers=self._headers(),
            json={"client_id": written_id(client_id), "description": description},
            writes=True,
        )
        return answer.json()

    async def solicitations(self, client_id: CustomerId) -> object:
        return await self._read("solicitation_list", "GET", f"solicitation_list/{path_part(client_id)}")

    async def _read(self, operation: str, method: str, path: str, json: object = None) -> object:
        sent = await self._exchange.send(operation, method, f"{self._api}/{path}", headers=self._headers(), json=json)
        answer = sent.json()
        if refusal(answer) is not None:
            raise Rejected("erp.refused")
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Authorization-Token": self._token.reveal()}
