"""The ERP's third-party API: more than the PBX tells, for providers that give it an integrator's credentials.

Source of paths, bodies and fields: vendor documentation and public client code.
"""

import asyncio

from adapters.voalle.exchange import MAX_ANSWER, Answer, VoalleExchange, refusal_of
from adapters.voalle.in_flight import InFlight
from adapters.voalle.token import VoalleToken
from adapters.voalle.verdicts import Envelope, read_envelope
from adapters.voalle.wire import CONTRACT_ID, CONTRACT_ROWS, TOTAL_ROWS, Fields, path_part, rows, written_id
from application.failures import Rejected, Unavailable, Unintelligible
from application.unsent import before_sending
from domain.identifiers import ContractId, CustomerId, InvoiceId

PAGE_SIZE, MAX_PAGES = 100, 20
MAX_PDF = 15 * 1024 * 1024
"""bytes; the port's promise"""
_PDF_TYPES = frozenset({"application/pdf", "application/octet-stream", "application/x-pdf", "binary/octet-stream"})


class VoalleThirdParty:
    def __init__(self, *, exchange: VoalleExchange, api_url: str, token: VoalleToken) -> None:
        self._exchange = exchange
        self._url = f"{api_url}/external/integrations/thirdparty"
        self._token = token
        self._reads: InFlight[Envelope] = InFlight()

    async def sign_in(self) -> None:
        """Nothing is read."""
        await self._token.get()

    async def person(self, document: str) -> object:
        """The person of a document; None: there is none."""
        return (await self._shared_read("people", "GET", f"people/txid/{path_part(document)}")).or_nobody()

    async def contracts(self, document: str) -> list[Fields]:
        """All contracts of a document, whatever their status.

        Documents disagree on whether pages count from 0 or from 1: page 0 is asked for when the others hold too few.
        """
        found, total = await self._contract_page(document, 1)
        for page in range(2, min(-(-total // PAGE_SIZE), MAX_PAGES) + 1):
            found += (await self._contract_page(document, page))[0]
        if len(found) < total:
            found += (await self._contract_page(document, 0))[0]
        if len(found) < total:
            raise Unintelligible("erp.pages", "fewer contracts than the ERP counts")
        return found

    async def _contract_page(self, document: str, page: int) -> tuple[list[Fields], int]:
        body = {"txId": document, "onlyActiveContracts": False, "page": page, "pageSize": PAGE_SIZE}
        response = (await self._shared_read("contracts", "POST", "contract/getpaged", json=body)).or_nobody()
        found = rows(response, what="contracts", under=CONTRACT_ROWS, item=CONTRACT_ID)
        total = Fields(response).integer(TOTAL_ROWS) if isinstance(response, dict) else None
        return found, len(found) if total is None else total

    async def open_titles(self, document: str) -> object:
        """Open and overdue titles and those due next month, of all contracts; they do not name their contract."""
        path = f"getopentitlesbytxid/{path_part(document)}"
        return (await self._shared_read("titles", "GET", path)).or_none_found()

    async def contract_billets(self, contract_id: ContractId) -> object:
        """The titles of one contract, without amounts."""
        path = f"getcontractbillets/{path_part(contract_id)}"
        return (await self._shared_read("contract_billets", "GET", path)).or_none_found()

    async def billet_link(self, title_id: InvoiceId) -> str:
        """A signed address that ends some day: to be sent, not kept."""
        response = (await self._read("link", "GET", f"GetBilletLink/{path_part(title_id)}")).or_refused()
        return Fields(response).text(("link",)) if isinstance(response, dict) else ""

    async def billet_pdf(self, title_id: InvoiceId) -> bytes:
        path = f"GetBillet/{path_part(title_id)}"
        answer = await self._request("pdf", "GET", path, max_bytes=MAX_PDF)
        if answer.status in _ENVELOPED:
            raise refusal_of(answer)
        if answer.content_type in _PDF_TYPES and answer.body.startswith(b"%PDF"):
            return answer.body
        # A paid or cancelled title is answered with a page or an envelope.
        raise Unintelligible("erp.not_a_pdf", f"{len(answer.body)} bytes")

    async def open_solicitation(self, *, client_id: CustomerId, contract_id: ContractId, description: str) -> Envelope:
        """A write. `response` holds `protocol`."""
        body = {
            "description": description,
            "clientId": written_id(client_id),
            "contractId": written_id(contract_id),
            "contractServiceTagId": "",
            "close": False,
        }
        answer = await self._request("open_solicitation", "POST", "opensolicitation", json=body, writes=True)
        return _envelope(answer, writes=True)

    async def solicitations(self, client_id: CustomerId) -> object:
        path = f"solicitationlist/{path_part(client_id)}"
        return (await self._read("solicitation_list", "GET", path, params={"allAssignments": "False"})).or_none_found()

    async def access_point(self, contract_id: ContractId) -> object:
        """The state of the access point behind a contract; None: it has none."""
        path = f"getaccesspointstatusbycontract/{path_part(contract_id)}"
        return (await self._shared_read("access_point", "GET", path)).or_none_found()

    async def _shared_read(self, operation: str, method: str, path: str, *, json: object = None) -> Envelope:
        """Equal reads at the same moment are one call.

        Whoever reads back a write of theirs may so get an answer from just before it, and learns nothing from it then.
        """
        return await self._reads.share(
            f"{method} {path} {json}", lambda: self._read(operation, method, path, json=json), what=operation
        )

    async def _read(
        self, operation: str, method: str, path: str, *, json: object = None, params: dict[str, str] | None = None
    ) -> Envelope:
        """One budget for the token and the call: the caller may have another source to fall back on."""
        try:
            async with asyncio.timeout(self._exchange.timeout_s):
                return _envelope(await self._request(operation, method, path, json=json, params=params))
        except TimeoutError:
            raise Unavailable("erp.timeout") from None

    async def _request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: object = None,
        params: dict[str, str] | None = None,
        writes: bool = False,
        max_bytes: int = MAX_ANSWER,
    ) -> Answer:
        """The answer. A refused token is renewed once: whatever was asked for with it was not done."""
        for _ in range(2):
            with before_sending():
                token = await self._token.get()
            answer = await self._exchange.send(
                operation,
                method,
                f"{self._url}/{path}",
                headers={"Authorization": f"Bearer {token.reveal()}"},
                json=json,
                params=params,
                writes=writes,
                accept=_ENVELOPED | {401},
                max_bytes=max_bytes,
            )
            if answer.status != 401:
                return answer
            self._token.drop(token)
        raise Rejected("erp.unauthorized", "HTTP 401")


_ENVELOPED = frozenset({400, 404})
"""statuses that carry the same envelope as 200 does; a wrong path is a 404 without it"""


def _envelope(answer: Answer, *, writes: bool = False) -> Envelope:
    if answer.status not in _ENVELOPED:
        return read_envelope(answer.json())
    try:
        envelope = read_envelope(answer.json())
    except Unintelligible:
        raise refusal_of(answer, writes=writes) from None
    reason = envelope.reason or ("not found" if answer.status == 404 else "bad request")
    return Envelope(success=False, reason=reason)
