"""The flows of a company, to choose from. No source tells of such a list: it is asked for, and done without.

Whatever comes back that is not surely a list of flows counts as "there is none", so that ids are typed instead.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from adapters.huggy import mishaps
from application.console_ports import FlowChoice
from domain.identifiers import FlowId
from domain.installation import Installation

PAGE, PAGES_MAX = 20, 25
"""Huggy gives lists in pages of twenty, the first of which is number 0"""
CALL_S = 5.0
_NAMES = ("name", "title", "label")
_NAME_MAX = 120


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
        try:
            async with asyncio.timeout(self._call_s):
                return await self._all(installation)
        except (*mishaps.LOST, _NoList):
            return None

    async def _all(self, installation: Installation) -> Sequence[FlowChoice]:
        found: dict[FlowId, FlowChoice] = {}
        for page in range(PAGES_MAX):
            listed = _read(await self._page(installation, page))
            new = {each.id: each for each in listed if each.id not in found}
            found |= new
            if len(listed) < PAGE or not new:  # an API that knows no pages gives the same list again
                break
        return tuple(found.values())

    async def _page(self, installation: Installation, page: int) -> bytes:
        headers = httpx.Headers(
            {
                "Authorization": f"Bearer {installation.huggy_token.reveal()}",
                "Accept": "application/json",
                "Accept-Language": "pt-br",
                "Content-Type": "application/json",
            },
            encoding="utf-8",
        )
        url = f"{self._base_url}/companies/{quote(installation.company_id, safe='')}/flows?page={page}"
        answer = await self._http.send(self._http.build_request("GET", url, headers=headers, timeout=self._call_s))
        if mishaps.of_status(answer.status_code, writes=False) is not None:
            raise _NoList
        return answer.content


class _NoList(Exception):
    """What came back is no list of flows."""


def _read(body: bytes) -> list[FlowChoice]:
    try:
        answer: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _NoList from None
    listed = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        raise _NoList
    return [_flow(each) for each in listed]


def _flow(item: Any) -> FlowChoice:
    flow_id = item.get("id") if isinstance(item, dict) else None
    if isinstance(flow_id, bool) or not isinstance(flow_id, int | str) or not str(flow_id).strip():
        raise _NoList
    names = (item.get(key) for key in _NAMES)
    name = next((name.strip() for name in names if isinstance(name, str) and name.strip()), "")
    return FlowChoice(id=FlowId(str(flow_id).strip()), name=name[:_NAME_MAX])
