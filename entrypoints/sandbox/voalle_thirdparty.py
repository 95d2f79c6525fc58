"""The simulated ERP's third-party API and the server that gives its tokens.

Sources: vendor documentation and public client code. Chosen here, because no source tells: the shape of `maintenance` and of
the answer of `contracts/unlock`, and the plan as `description` in `servicesInformation`.
"""

import secrets
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from entrypoints.sandbox.records import STATUS_WORDS, Contract, Person, Records, Ticket, Title
from entrypoints.sandbox.slips import slip_pdf
from entrypoints.sandbox.strictness import Connection, Refused, VendorRequest, form_fields, json_fields, took_effect

LIFETIME_S = 3600
_ID = (int, str)


class IntegratorAccess:
    """The provider's integrator user, and the tokens that are good now."""

    def __init__(self, *, client_id: str, client_secret: str, syndata: str) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.syndata = syndata
        self.portal_url = ""
        self._tokens: set[str] = set()

    def new_token(self) -> str:
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return token

    def admits(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and token in self._tokens

    def expire_tokens(self) -> None:
        self._tokens.clear()


@post("/connect/token", status_code=200)
async def connect_token(request: VendorRequest, access: NamedDependency[IntegratorAccess]) -> dict[str, Any]:
    names = ("grant_type", "scope", "client_id", "client_secret", "syndata")
    fields = await form_fields(request, dict.fromkeys(names, str))
    if fields["grant_type"] != "client_credentials":
        raise Refused(400, {"error": "unsupported_grant_type"})
    if fields["scope"] != "syngw":
        raise Refused(400, {"error": "invalid_scope"})
    if (fields["client_id"], fields["client_secret"]) != (access.client_id, access.client_secret):
        raise Refused(400, {"error": "invalid_client"})
    if fields["syndata"] != access.syndata:
        raise Refused(401, {"error": "unauthorized"})
    return {"access_token": access.new_token(), "expires_in": LIFETIME_S, "token_type": "Bearer", "scope": "syngw"}


def require_bearer(connection: Connection, _: object) -> None:
    access: IntegratorAccess = connection.app.state.access
    if not access.admits(connection.headers.get("authorization", "")):
        raise Refused(401, _refused("Unauthorized"))


class ThirdParty(Controller):
    path = "/external/integrations/thirdparty"
    guards = [require_bearer]

    @get("/people/txid/{tax_id:str}")
    async def person(self, tax_id: FromPath[str], records: NamedDependency[Records]) -> dict[str, Any]:
        person = records.person(tax_id=tax_id)
        return _envelope(_person(person)) if person else _refused("Pessoa não encontrada")

    @post("/contract/getpaged", status_code=200)
    async def contracts(self, request: VendorRequest, records: NamedDependency[Records]) -> dict[str, Any]:
        text = ("contractNumber", "serviceProductCode", "contractTypeCode", "companyPlaceTxId")
        optional = {**dict.fromkeys(text, str), "txIdType": int, "onlyActiveContracts": bool}
        fields = await json_fields(request, {"txId": str, "page": int, "pageSize": int}, optional)
        if fields["page"] < 1 or fields["pageSize"] < 1:
            raise Refused(400, _refused("page e pageSize começam em 1"))
        person = records.person(tax_id=fields["txId"])
        if person is None or fields.get("txIdType", _tax_id_type(person)) != _tax_id_type(person):
            return _page([], fields["page"], fields["pageSize"])
        found = [
            _contract(person, contract)
            for contract in person.contracts
            if contract.in_operation or not fields.get("onlyActiveContracts")
            if fields.get("contractNumber", "") in ("", contract.number)
        ]
        return _page(found, fields["page"], fields["pageSize"])

    @get("/getopentitlesbytxid/{tax_id:str}")
    async def open_titles(self, tax_id: FromPath[str], records: NamedDependency[Records]) -> dict[str, Any]:
        person = records.person(tax_id=tax_id)
        if person is None:
            return _refused("Pessoa não encontrada")
        return _envelope([_open_title(title, person) for contract in person.contracts for title in contract.titles])

    @get("/getcontractbillets/{contract_id:str}")
    async def billets(
        self, contract_id: FromPath[str], records: NamedDependency[Records], access: NamedDependency[IntegratorAccess]
    ) -> dict[str, Any]:
        contract = records.contract(contract_id)
        if contract is None:
            return _refused("Contrato não encontrado")
        shown = [
            {
                "id": title.id,
                "title": title.name,
                "expirationDate": f"{title.due_on:%Y-%m-%dT00:00:00}",
                "parcel": parcel,
                "typefulLine": title.digitable_line,
                "link": f"{access.portal_url}/financial_receivable_titles/boletos/{title.id}",
                "pixQRCode": title.pix_code,
            }
            for parcel, title in enumerate(contract.titles, start=1)
        ]
        return _envelope(shown, kind="List<ThirdPartyIntegrationService+TitleBillet>")

    @get("/GetBillet/{title_id:str}")
    async def billet(self, title_id: FromPath[str], records: NamedDependency[Records]) -> Response[Any]:
        title = records.title(title_id)
        if title is None:
            return Response(_refused("Título não encontrado"), media_type="application/json")
        return Response(slip_pdf(title), media_type="application/pdf")

    @get("/GetBilletLink/{title_id:str}")
    async def billet_link(
        self, title_id: FromPath[str], records: NamedDependency[Records], access: NamedDependency[IntegratorAccess]
    ) -> dict[str, Any]:
        if records.title(title_id) is None:
            return _refused("Título não encontrado")
        return _envelope({"link": f"{access.portal_url}/financial_receivable_titles/boletos/{title_id}"})

    @post("/contracts/unlock/{number:str}", status_code=200)
    async def unlock(
        self, request: VendorRequest, number: FromPath[str], records: NamedDependency[Records]
    ) -> dict[str, Any]:
        if await request.body():
            await json_fields(request, {})
        contract = records.contract_by_number(number)
        if contract is None:
            return _refused("Contrato não encontrado")
        protocol = records.unblock(contract)
        if protocol is None:
            return _refused("Desbloqueio não permitido")
        took_effect(request)
        return _envelope({"protocol": protocol})

    @post("/opensolicitation", status_code=200)
    async def open_solicitation(self, request: VendorRequest, records: NamedDependency[Records]) -> dict[str, Any]:
        fields = await json_fields(
            request,
            {"description": str, "clientId": int, "contractId": int},
            {"contractServiceTagId": _ID, "close": bool},
        )
        person = records.person(client_id=fields["clientId"])
        if person is None or fields["contractId"] not in [contract.id for contract in person.contracts]:
            return _refused("Cliente ou contrato não encontrado")
        if not fields["description"].strip():
            return _refused("Descrição obrigatória")
        ticket = records.open_ticket(person, fields["description"], fields["contractId"])
        took_effect(request)
        return _envelope({"status": "OK", "protocol": ticket.protocol})

    @get("/solicitationlist/{client_id:int}")
    async def solicitations(
        self, request: VendorRequest, client_id: FromPath[int], records: NamedDependency[Records]
    ) -> dict[str, Any]:
        if request.query_params.get("allAssignments", "False") not in ("True", "False"):
            raise Refused(400, _refused("allAssignments é True ou False"))
        person = records.person(client_id=client_id)
        shown = [_solicitation(ticket) for ticket in (person.tickets if person else [])]
        return _page(shown, 1, max(1, len(shown)))

    @get("/getaccesspointstatusbycontract/{contract_id:str}")
    async def access_point(self, contract_id: FromPath[str], records: NamedDependency[Records]) -> dict[str, Any]:
        contract = records.contract(contract_id)
        if contract is None:
            return _refused("Contrato não encontrado")
        outage = contract.maintenance
        maintenance = outage and {
            "protocol": outage.protocol,
            "beginningDate": f"{outage.began_at:%Y-%m-%dT%H:%M:%S}",
            "finalDate": f"{outage.predicted_at:%Y-%m-%dT%H:%M:%S}",
        }
        return _envelope(
            {
                "title": f"OLT {contract.district}",
                "inMaintenance": outage is not None,
                "maintenance": maintenance,
                "active": True,
            }
        )


def _envelope(response: object, kind: str = "string") -> dict[str, Any]:
    return {"success": True, "messages": None, "response": response, "dataResponseType": kind, "elapsedTime": None}


def _refused(message: str) -> dict[str, Any]:
    messages = [{"message": message, "code": "", "type": "Error"}]
    return {"success": False, "messages": messages, "response": None, "dataResponseType": "string", "elapsedTime": None}


def _page(rows: list[dict[str, Any]], page: int, size: int) -> dict[str, Any]:
    return _envelope(
        {
            "data": rows[(page - 1) * size : page * size],
            "totalRecords": len(rows),
            "page": page,
            "pageSize": size,
            "totalPages": -(-len(rows) // size),
            "totalizers": None,
        }
    )


def _tax_id_type(person: Person) -> int:
    return 1 if person.is_company else 2


def _person(person: Person) -> dict[str, Any]:
    home = person.contracts[0]
    return {
        "id": person.id,
        "name": person.name,
        "name2": "",
        "txId": person.printed_tax_id,
        "email": "",
        "status": True,
        "phone": "",
        "cellPhone": person.phone,
        "birthDate": f"{person.born_on:%Y-%m-%dT00:00:00}" if person.born_on else None,
        "mainAddress": {"street": home.street, "neighborhood": home.district},
        "titles": [],
    }


def _contract(person: Person, contract: Contract) -> dict[str, Any]:
    return {
        "id": contract.id,
        "contractNumber": contract.number,
        "contractStatus": int(contract.status),
        "contractStatusDescription": STATUS_WORDS[contract.status],
        "collectionDay": 10,
        "clientInformation": {"clientTxId": person.printed_tax_id, "name": person.name, "email": ""},
        "servicesInformation": [{"amount": float(contract.monthly), "description": contract.plan}],
    }


def _open_title(title: Title, person: Person) -> dict[str, Any]:
    return {
        "id": title.id,
        "billet": {
            "bankTitleNumber": str(title.id),
            "barcode": title.barcode,
            "typefulLine": title.digitable_line,
            "pixQRCode": title.pix_code,
            "title": title.name,
            "issueDate": f"{title.issued_on:%Y-%m-%d}",
            "expirationDate": f"{title.due_on:%Y-%m-%d}",
            "processingDate": f"{title.issued_on:%Y-%m-%d}",
            "amount": {
                "value": float(title.value),
                "finalValue": float(title.final_value),
                "discount": 0.0,
                "fine": float(title.fine),
                "interest": float(title.interest),
            },
        },
        "client": {"id": person.id, "name": person.name},
        "companyPlace": {},
        "bank": {},
        "collectionType": {},
    }


def _solicitation(ticket: Ticket) -> dict[str, Any]:
    return {
        "assignmentId": ticket.id,
        "protocol": ticket.protocol,
        "title": ticket.title,
        "status": "Abertura",
        "team": "Suporte",
        "sectorArea": "Atendimento",
        "beginningData": f"{ticket.opened_at:%Y-%m-%dT%H:%M:%S}",
        "finalData": None,
    }
