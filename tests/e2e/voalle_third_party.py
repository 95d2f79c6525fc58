"""Stand-ins for Voalle's API for third parties: the sign-in on one port, the API on another, one envelope for all."""

import json
import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from tests.e2e.books import Agreement, Bill, Books, Subscriber
from tests.e2e.documents import PDF, barcode, punctuated
from tests.e2e.upstream import Handler, Refusal, Stage, Upstream, json_body
from tests.e2e.voalle_shapes import PLAIN, Style

T = TypeVar("T")
_PREFIX = "/external/integrations/thirdparty"


class VoalleSignIn(Upstream):
    """Hands out bearer tokens for an integrator's credentials."""

    def __init__(self, stage: Stage, *, client_id: str, client_secret: str, syndata: str) -> None:
        super().__init__(stage)
        self.tokens: set[str] = set()
        self._expected = {
            "grant_type": "client_credentials",
            "scope": "syngw",
            "client_id": client_id,
            "client_secret": client_secret,
            "syndata": syndata,
        }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/connect/token", "sign_in.token", self._token)]

    async def _token(self, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            raise Refusal(415, {"error": "invalid_request"}, f"sent as {request.content_type}")
        if dict(parse_qsl((await request.read()).decode())) != self._expected:
            raise Refusal(400, {"error": "invalid_client"}, "with other credentials than the integrator's")
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        answer = {"access_token": token, "expires_in": 3600, "token_type": "Bearer", "scope": "syngw"}
        return web.json_response(answer)


class VoalleThirdParty(Upstream):
    """The same books as the PBX stand-in, behind bearer tokens and the `success` envelope."""

    def __init__(self, stage: Stage, books: Books, sign_in: VoalleSignIn) -> None:
        super().__init__(stage)
        self.books = books
        self.style: Style = PLAIN
        self._sign_in = sign_in

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        known: tuple[tuple[str, str, str, Handler], ...] = (
            ("GET", "/people/txid/{document}", "tp.person", self._person),
            ("POST", "/contract/getpaged", "tp.contracts", self._contracts),
            ("GET", "/getopentitlesbytxid/{document}", "tp.open_titles", self._open_titles),
            ("GET", "/getcontractbillets/{contract}", "tp.billets", self._billets),
            ("GET", "/GetBillet/{bill}", "tp.pdf", self._pdf),
            ("GET", "/GetBilletLink/{bill}", "tp.link", self._link),
            ("POST", "/contracts/unlock/{contract}", "tp.unblock", self._unblock),
            ("POST", "/opensolicitation", "tp.open", self._open),
            ("GET", "/solicitationlist/{client}", "tp.cases", self._cases),
            ("GET", "/getaccesspointstatusbycontract/{contract}", "tp.access_point", self._access_of_contract),
            ("GET", "/getaccesspointstatusbyclient/{client}", "tp.access_point", self._access_of_client),
        )
        return [(method, _PREFIX + path, name, self._signed_in(handler)) for method, path, name, handler in known]

    def refusal_of_strangers(self) -> Refusal:
        return Refusal(404, {"success": False, "messages": "Not Found"}, "a path that does not exist")

    def _signed_in(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or token not in self._sign_in.tokens:
                raise Refusal(401, "", "")
            return await handler(request)

        return checked

    async def _person(self, request: web.Request) -> web.Response:
        subscriber = self.books.subscribers.get(request.match_info["document"])
        if subscriber is None:
            return self._envelope(
                None, success=False, messages=[{"message": "Pessoa não encontrada", "type": "Warning"}]
            )
        return self._envelope(
            {
                "id": self.style.id(subscriber.client),
                "name": subscriber.name,
                "name2": "",
                "txId": punctuated(subscriber.tax_id),
                "email": "cliente@cliente.example",
                "status": 1,
                "phone": "",
                "cellPhone": subscriber.phone,
                "birthDate": "1990-01-31T00:00:00",
                "mainAddress": {"street": subscriber.agreements[0].street, "number": "10", "city": "São Paulo"},
                "titles": [],
            }
        )

    async def _contracts(self, request: web.Request) -> web.Response:
        known = {"txId", "txIdType", "contractNumber", "onlyActiveContracts", "page", "pageSize"}
        sent = json_body(request, await request.read(), allowed=frozenset(known))
        subscriber = self.books.subscribers.get(str(sent.get("txId", "")))
        first = sent.get("page", 1) in {0, 1}
        held = subscriber.agreements if subscriber and first else []
        if sent.get("onlyActiveContracts"):
            held = [agreement for agreement in held if agreement.status not in {4, 9}]
        items = [self._contract(subscriber, agreement) for agreement in held if subscriber]
        page = {
            "data": items,
            "totalRecords": len(items),
            "page": sent.get("page", 1),
            "pageSize": 100,
            "totalPages": 1,
        }
        return self._envelope(page | {"totalizers": None})

    def _contract(self, subscriber: Subscriber, held: Agreement) -> dict[str, Any]:
        return {
            "id": self.style.id(held.number),
            "contractNumber": held.paper_number,
            "contractStatus": held.status,
            "collectionDay": 10,
            "clientInformation": {"clientTxId": subscriber.tax_id, "name": subscriber.name, "email": ""},
            "servicesInformation": [{"amount": 99.9}],
        }

    async def _open_titles(self, request: web.Request) -> web.Response:
        subscriber = self.books.subscribers.get(request.match_info["document"])
        bills = [bill for held in subscriber.agreements for bill in held.bills] if subscriber else []
        return self._envelope([self._title(bill) for bill in bills])

    def _title(self, bill: Bill) -> dict[str, Any]:
        amount = float(bill.amount)
        return {
            "id": self.style.id(bill.number),
            "billet": {
                "bankTitleNumber": str(bill.number),
                "barcode": barcode(bill.line) if len(bill.line) == 47 else "",
                "typefulLine": bill.line,
                "pixQRCode": bill.pix,
                "title": bill.title,
                "expirationDate": self.style.date(bill.due_on),
                "amount": {"value": amount, "finalValue": amount, "discount": 0.0, "fine": 0.0, "interest": 0.0},
            },
        }

    async def _billets(self, request: web.Request) -> web.Response:
        _, held = self._agreement(request)
        return self._envelope(
            [
                {
                    "id": self.style.id(bill.number),
                    "title": bill.title,
                    "expirationDate": self.style.date(bill.due_on),
                    "parcel": 1,
                    "typefulLine": bill.line,
                    "link": bill.link,
                    "pixQRCode": bill.pix,
                }
                for bill in held.bills
            ]
        )

    async def _pdf(self, request: web.Request) -> web.Response:
        self._bill(request)
        return web.Response(body=PDF, content_type="application/pdf")

    async def _link(self, request: web.Request) -> web.Response:
        return self._envelope({"link": self._bill(request).link})

    async def _unblock(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body and json.loads(body) != {}:
            raise Refusal(400, {"success": False, "messages": "body"}, "an unlock with a body")
        protocol = self._found(lambda: self.books.unblock(request.match_info["contract"]))
        if protocol is None:
            return self._envelope(None, success=False, messages=[{"message": "Limite atingido", "type": "Error"}])
        return self._envelope({"protocol": protocol})

    async def _open(self, request: web.Request) -> web.Response:
        known = {"description", "clientId", "contractId", "contractServiceTagId", "close"}
        sent = json_body(request, await request.read(), allowed=frozenset(known))
        subscriber = self._found(lambda: self.books.by_client(str(sent.get("clientId", ""))))
        number = int(sent["contractId"]) if sent.get("contractId") else None
        protocol = self.books.open_ticket(subscriber, str(sent.get("description", "")), number)
        return self._envelope({"status": "OK", "protocol": protocol})

    async def _cases(self, request: web.Request) -> web.Response:
        subscriber = self._found(lambda: self.books.by_client(request.match_info["client"]))
        items = [
            {
                "assignmentId": self.style.id(index + 1),
                "protocol": case.protocol,
                "title": case.title,
                "status": case.status,
                "team": "Suporte",
                "sectorArea": "N1",
                "beginningData": self.style.instant(case.opened_at),
                "finalData": None,
            }
            for index, case in enumerate(subscriber.cases)
        ]
        return self._envelope({"data": items, "totalRecords": len(items), "page": 1, "pageSize": 100, "totalPages": 1})

    async def _access_of_contract(self, request: web.Request) -> web.Response:
        subscriber, _ = self._agreement(request)
        return self._envelope(self._access(subscriber))

    async def _access_of_client(self, request: web.Request) -> web.Response:
        subscriber = self._found(lambda: self.books.by_client(request.match_info["client"]))
        return self._envelope([self._access(subscriber)])

    def _access(self, subscriber: Subscriber) -> dict[str, Any]:
        trouble = subscriber.trouble
        maintenance = trouble and {
            "title": "Rompimento de fibra",
            "protocol": trouble.protocol,
            "finalDate": self.style.instant(trouble.predicted_at),
        }
        title = subscriber.access_point or f"OLT {subscriber.client}"
        return {"title": title, "inMaintenance": trouble is not None, "maintenance": maintenance, "active": True}

    def _agreement(self, request: web.Request) -> tuple[Subscriber, Agreement]:
        return self._found(lambda: self.books.agreement(request.match_info["contract"]))

    def _bill(self, request: web.Request) -> Bill:
        number = request.match_info["bill"]
        for subscriber in self.books.subscribers.values():
            for held in subscriber.agreements:
                for bill in held.bills:
                    if str(bill.number) == number:
                        return bill
        raise Refusal(404, {"success": False, "messages": "Título não encontrado"}, "an unknown invoice")

    @staticmethod
    def _found(look: Callable[[], T]) -> T:
        try:
            return look()
        except KeyError:
            raise Refusal(404, {"success": False, "messages": "Não encontrado"}, "an unknown id") from None

    def _envelope(self, response: object, *, success: bool = True, messages: object = None) -> web.Response:
        said = messages if messages is not None else self.style.messages
        return web.json_response(
            {
                "success": success,
                "messages": said,
                "response": response,
                "dataResponseType": "string",
                "elapsedTime": None,
            }
        )
