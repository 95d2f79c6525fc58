"""The flows of a company, to choose from; where there is no such list, ids are typed instead."""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import httpx

from adapters.huggy import mishaps
from adapters.huggy.headers import headers_for
from adapters.huggy.listing import NoList, read_all
from application.console_ports import FlowChoice
from domain.identifiers import FlowId
from domain.installation import Installation

CALL_S = 5.0


class HuggyFlowLists:
    """Implements `application.console_ports.FlowLists`, over the client that all installations share."""

    def __init__(self, *, http: httpx.AsyncClient, base_url: str, call_s: float = CALL_S) -> None:
        """`call_s` bounds all pages together."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._call_s = call_s

    async def __call__(self, installation: Installation) -> Sequence[FlowChoice] | None:
        if not (installation.huggy_token and installation.company_id.strip()):
            return None
        url = f"{self._base_url}/companies/{quote(installation.company_id, safe='')}/flows"
        headers = headers_for(installation.huggy_token)

        async def ask(page: int) -> bytes:
            request = self._http.build_request("GET", f"{url}?page={page}", headers=headers, timeout=self._call_s)
            answer = await self._http.send(request)
            if mishaps.of_status(answer.status_code, writes=False) is not None:
                raise NoList
            return answer.content

        try:
            async with asyncio.timeout(self._call_s):
                return tuple(FlowChoice(id=FlowId(each.id), name=each.name) for each in await read_all(ask))
        except (*mishaps.LOST, NoList):
            return None
