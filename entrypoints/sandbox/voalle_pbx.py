"""The simulated ERP's PBX events and its "API events": what the integration token of the PBX menu opens.

Sources: public client code for paths, fields and answers. Chosen here, because no source tells: the answer of
`get_billets_from_contract` (the items of the third-party API's `getcontractbillets`, with amounts), the outage fields
of `CLIENT_VALIDATE` (the names of a provider's own service, and `protocol`), the status codes of refusals, and that
contracts which ended are not listed.
"""

import re
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from entrypoints.sandbox.records import Contract, Person, Records, Title
from entrypoints.sandbox.slips import slip_pdf
from entrypoints.sandbox.strictness import (
    FORM,
    Connection,
    Refused,
    VendorRequest,
    content_type,
    form_fields,
    json_fields,
    took_effect,
)

_DOCUMENT = re.compile(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_ID = (int, str)


class PbxAccess:
    """What the provider's admin hands out: the token and the PBX's name; and where this server is reached."""

    def __init__(self, *, token: str, pbx: str) -> None:
        self.token = token
        self.pbx = pbx
        self.url = ""


class PbxEvents(Controller):
    path = "/pbx/pbx/events/{segment:str}"

    @post("/CLIENT_VALIDATE", status_code=200)
    async def client_validate(
        self,
        request: VendorRequest,
        segment: FromPath[str],
        records: NamedDependency[Records],
        access: NamedDependency[PbxAccess],
    ) -> dict[str, Any]:
        read = form_fields if content_type(request) == FORM else json_fields
        fields = await read(request, {"token": str}, {"codigo": str, "callerid": str})
        _admit(access, segment, fields["token"])
        document, phone = fields.get("codigo", ""), fields.get("callerid", "")
        if not document and not phone:
            raise Refused(400, {"message": "codigo or callerid is required"})
        if document and not _DOCUMENT.fullmatch(document):
            raise Refused(400, {"message": "codigo must be digits only"})
        person = records.person(tax_id=document) if document else None
        found = [person] if person else records.by_phone(phone) if not document else []
        return {"clients": [_client(person, records) for person in found]}

    @post("/UNBLOCK_CONTRACT", status_code=200)
    async def unblock_contract(
        self,
        request: VendorRequest,
        segment: FromPath[str],
        records: NamedDependency[Records],
        access: NamedDependency[PbxAccess],
    ) -> dict[str, Any]:
        fields = await form_fields(request, {"token": str, "data_unblock_contract": str})
        _admit(access, segment, fields["token"])
        contract = records.contract(fields["data_unblock_contract"])
        protocol = records.unblock(contract) if contract else None
        if protocol is None:
            return {"return": False}
        took_effect(request)
        return {"return": True, "protocol": int(protocol)}


def require_token_header(connection: Connection, _: object) -> None:
    access: PbxAccess = connection.app.state.access
    if connection.headers.get("authorization-token") != access.token:
        raise Refused(401, {"status": "ERROR", "message": "Token inválido"})


class ApiEvents(Controller):
    path = "/api/api/events"
    guards = [require_token_header]

    @post("/get_billets_from_contract", status_code=200)
    async def billets(
        self, request: VendorRequest, records: NamedDependency[Records], access: NamedDependency[PbxAccess]
    ) -> dict[str, Any]:
        fields = await json_fields(
            request, {"data_billets_from_contract": str}, {"data_billets_filter": bool, "get_all_billets": bool}
        )
        contract = records.contract(fields["data_billets_from_contract"])
        if contract is None:
            return {"status": "ERROR", "message": "Contrato não encontrado"}
        return {"data": [_billet(title, number, access) for number, title in enumerate(contract.titles, start=1)]}

    @post("/open_solicitation", status_code=200)
    async def open_solicitation(self, request: VendorRequest, records: NamedDependency[Records]) -> dict[str, Any]:
        fields = await json_fields(request, {"client_id": _ID, "description": str}, {"contract_service_tag_id": _ID})
        client_id = str(fields["client_id"])
        person = records.person(client_id=int(client_id)) if client_id.isdecimal() else None
        if person is None:
            return {"status": "ERROR", "message": "Cliente não encontrado"}
        if not fields["description"].strip():
            return {"status": "ERROR", "message": "Descrição obrigatória"}
        ticket = records.open_ticket(person, fields["description"])
        took_effect(request)
        return {"status": "OK", "protocol": int(ticket.protocol)}

    @get("/solicitation_list/{client_id:int}")
    async def solicitations(self, client_id: FromPath[int], records: NamedDependency[Records]) -> dict[str, Any]:
        person = records.person(client_id=client_id)
        return {
            "data": [
                {
                    "assignment_id": ticket.id,
                    "title": ticket.title,
                    "protocol": ticket.protocol,
                    "status": "Abertura",
                    "team": "Suporte",
                    "sector_area": "Atendimento",
                    "beginning_date": f"{ticket.opened_at:%Y-%m-%dT%H:%M:%S}",
                    "final_date": None,
                }
                for ticket in (person.tickets if person else [])
            ]
        }


class Slips(Controller):
    """The address that a boleto's link points to."""

    @get("/financial_receivable_titles/boletos/{title_id:str}")
    async def slip(self, title_id: FromPath[str], records: NamedDependency[Records]) -> Response[bytes]:
        title = records.title(title_id)
        if title is None:
            raise Refused(404, {"message": "Boleto não encontrado"})
        return Response(slip_pdf(title), media_type="application/pdf")


def _admit(access: PbxAccess, segment: str, token: str) -> None:
    if token != access.token:
        raise Refused(401, {"message": "Token inválido"})
    if segment != access.pbx:
        raise Refused(400, {"message": "PBX não encontrado"})


def _client(person: Person, records: Records) -> dict[str, Any]:
    contracts = [contract for contract in person.contracts if contract.in_operation]
    return {
        "client_id": person.id,
        "client_name": person.name,
        "client_tx_id": person.printed_tax_id,
        "client_birth_date": f"{person.born_on:%Y-%m-%d}" if person.born_on else None,
        "contracts_id": [contract.id for contract in contracts],
        "contracts_info": [_contract(contract, records) for contract in contracts],
    }


def _contract(contract: Contract, records: Records) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": contract.id,
        "address": f"{contract.street} - {contract.district}",
        "description": contract.plan,
        "contract_type": "FIBRA",
        "approval_date": f"{contract.approved_on:%Y-%m-%d}",
        "unblock_attempt_count": contract.unblock_attempts,
    }
    outage = contract.maintenance
    if outage is None:
        return shown
    return shown | {
        "authentication_problems": 1,
        "resolution_time": outage.hours_left(records.clock()),
        "resolution_time_hour": f"{outage.predicted_at:%H}",
        "protocol": outage.protocol,
    }


def _billet(title: Title, parcel: int, access: PbxAccess) -> dict[str, Any]:
    return {
        "id": title.id,
        "title": title.name,
        "expirationDate": f"{title.due_on:%Y-%m-%dT00:00:00}",
        "parcel": parcel,
        "typefulLine": title.digitable_line,
        "pixQRCode": title.pix_code,
        "link": f"{access.url}/financial_receivable_titles/boletos/{title.id}",
        "amount": {"value": float(title.value), "finalValue": float(title.final_value)},
    }
