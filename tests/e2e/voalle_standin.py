"""A stand-in for Voalle's PBX API and its `api/events` family, written from public client code that calls them."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.e2e.books import Agreement, Books, Subscriber
from tests.e2e.documents import punctuated
from tests.e2e.upstream import Handler, Refusal, Stage, Upstream, json_body
from tests.e2e.voalle_shapes import PLAIN, Style, camel

_DOCUMENT = re.compile(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_FORM = "application/x-www-form-urlencoded"


class VoalleStandIn(Upstream):
    """One provider's ERP behind its PBX token. `segment` is the PBX name."""

    def __init__(self, stage: Stage, books: Books, *, token: str, segment: str = "default") -> None:
        super().__init__(stage)
        self.books = books
        self.style: Style = PLAIN
        self._token = token
        self._segment = segment

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        pbx, events = "/pbx/pbx/events/{segment}", "/api/api/events"
        return [
            ("POST", f"{pbx}/CLIENT_VALIDATE", "pbx.validate", self._validate),
            ("POST", f"{pbx}/UNBLOCK_CONTRACT", "pbx.unblock", self._unblock),
            ("POST", f"{events}/get_billets_from_contract", "pbx.billets", self._billets),
            ("GET", f"{events}/get_billets_from_contract", "pbx.billets", self._billets),
            ("GET", f"{events}/solicitation_list/{{client}}", "pbx.cases", self._cases),
            ("POST", f"{events}/open_solicitation", "pbx.open", self._open),
            ("POST", f"{events}/open_solicitation_crm", "pbx.open", self._open),
            ("POST", f"{events}/open_solicitation_sac", "pbx.open", self._open),
        ]

    def refusal_of_strangers(self) -> Refusal:
        return Refusal(404, {"message": "Missing Controller"}, "a path that does not exist")

    async def _validate(self, request: web.Request) -> web.Response:
        sent = await self._authorised_body(request, allowed=frozenset({"codigo", "callerid", "token"}), form_only=False)
        document, caller = str(sent.get("codigo", "")), str(sent.get("callerid", ""))
        if document and not _DOCUMENT.fullmatch(document):
            raise Refusal(400, {"message": "codigo"}, "a document that is not plain")
        if caller and (not caller.isdigit() or len(caller) > 11):
            raise Refusal(400, {"message": "callerid"}, "a phone with its country code or punctuation")
        subscriber = self.books.subscribers.get(document)
        if subscriber is None:
            absent: dict[str, dict[str, Any]] = {"empty": {"clients": []}, "missing": {}, "null": {"clients": None}}
            return self._answer(absent[self.style.not_found])
        client = self._client(subscriber)
        answer: dict[str, Any] = {"clients": client if self.style.wrap == "single" else [client]}
        if self.style.outage_at == "answer":
            answer |= self._outage(subscriber)
        return self._answer(camel(answer) if self.style.camel_clients else answer)

    def _client(self, subscriber: Subscriber) -> dict[str, Any]:
        outage = self._outage(subscriber)
        return {
            "client_id": self.style.id(subscriber.client),
            "client_name": subscriber.name,
            "client_tx_id": punctuated(subscriber.tax_id),
            "client_birth_date": "1990-01-31",
            "contracts_id": [self.style.id(held.number) for held in subscriber.agreements],
            "contracts_info": [
                self._contract(held) | (outage if self.style.outage_at == "contract" else {})
                for held in subscriber.agreements
            ],
        } | (outage if self.style.outage_at == "client" else {})

    def _contract(self, held: Agreement) -> dict[str, Any]:
        return {
            "id": self.style.id(held.number),
            "address": f"{held.street}, 10 - {held.district}",
            "description": held.plan,
            "contract_type": "Residencial",
            "approval_date": "2024-02-01",
            "unblock_attempt_count": held.attempts,
        }

    def _outage(self, subscriber: Subscriber) -> dict[str, Any]:
        trouble = subscriber.trouble
        if trouble is None:
            return {}
        return {
            "authentication_problems": 1,
            "resolution_time": trouble.hours_left,
            "resolution_time_hour": f"{trouble.predicted_at:%H}",
            "protocol": trouble.protocol,
        }

    async def _unblock(self, request: web.Request) -> web.Response:
        sent = await self._authorised_body(
            request, allowed=frozenset({"data_unblock_contract", "token"}), form_only=True
        )
        try:
            protocol = self.books.unblock(str(sent.get("data_unblock_contract", "")))
        except KeyError:
            raise Refusal(404, {"return": False}, "an unknown contract") from None
        return self._answer({"return": False} if protocol is None else {"return": True, "protocol": int(protocol)})

    async def _billets(self, request: web.Request) -> web.Response:
        self._check_header(request)
        allowed = frozenset({"data_billets_from_contract", "data_billets_filter", "get_all_billets"})
        sent = json_body(request, await request.read(), allowed=allowed)
        try:
            _, held = self.books.agreement(str(sent.get("data_billets_from_contract", "")))
        except KeyError:
            return self._answer({"status": "ERROR", "message": "Contrato não encontrado"})
        return self._answer(self.style.wrapped(self._bills(held)))

    def _bills(self, held: Agreement) -> list[dict[str, Any]]:
        keys = ("expiration_date", "typeful_line", "pix_qr_code") if self.style.snake_bills else (
            "expirationDate", "typefulLine", "pixQRCode",
        )  # fmt: skip
        due, line, pix = keys
        return [
            {
                "id": self.style.id(bill.number),
                "title": bill.title,
                due: self.style.date(bill.due_on),
                "parcel": 1,
                line: bill.line,
                "link": bill.link,
                pix: bill.pix,
            }
            for bill in held.bills
        ]

    async def _cases(self, request: web.Request) -> web.Response:
        self._check_header(request)
        try:
            subscriber = self.books.by_client(request.match_info["client"])
        except KeyError:
            return self._answer({"data": []})
        return self._answer(
            {
                "data": [
                    {
                        "assignment_id": self.style.id(index + 1),
                        "title": case.title,
                        "protocol": case.protocol,
                        "status": case.status,
                        "team": "Suporte",
                        "sector_area": "Suporte N1",
                        "beginning_date": self.style.instant(case.opened_at),
                        "final_date": None,
                    }
                    for index, case in enumerate(subscriber.cases)
                ]
            }
        )

    async def _open(self, request: web.Request) -> web.Response:
        self._check_header(request)
        allowed = frozenset({"client_id", "description", "contract_service_tag_id"})
        sent = json_body(request, await request.read(), allowed=allowed)
        if not str(sent.get("description", "")).strip():
            return self._answer({"status": "ERROR", "message": "Descrição obrigatória"})
        try:
            subscriber = self.books.by_client(str(sent.get("client_id", "")))
        except KeyError:
            return self._answer({"status": "ERROR", "message": "Cliente não encontrado"})
        protocol = self.books.open_ticket(subscriber, str(sent["description"]))
        return self._answer({"protocol": protocol if self.style.text_ids else int(protocol)})

    def _answer(self, value: object) -> web.Response:
        text = json.dumps(value, ensure_ascii=False)
        return web.Response(text=f"\r\n  {text}\n\n" if self.style.padded else text, content_type="application/json")

    def _check_header(self, request: web.Request) -> None:
        if request.headers.get("Authorization-Token") != self._token:
            raise Refusal(
                401, {"status": "ERROR", "message": "Token inválido"}, "without the Authorization-Token header"
            )

    async def _authorised_body(
        self, request: web.Request, *, allowed: frozenset[str], form_only: bool
    ) -> Mapping[str, Any]:
        if request.match_info["segment"] != self._segment:
            raise Refusal(404, {"message": "PBX não encontrado"}, "under another PBX name")
        body = await request.read()
        if request.content_type == _FORM:
            sent: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True))
            if strange := set(sent) - allowed:
                raise Refusal(400, {"error": "unknown field"}, f"unknown fields {sorted(strange)}")
        elif form_only:
            raise Refusal(415, {"message": "form"}, f"sent as {request.content_type}")
        else:
            sent = json_body(request, body, allowed=allowed)
        if sent.get("token") != self._token:
            raise Refusal(401, {"message": "Token inválido"}, "without the token in its body")
        return sent
