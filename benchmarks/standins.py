"""Huggy and Voalle as minimal servers in one process, written from public descriptions of both: they answer what one
lookup asks of them, and remember when each request came and when it was answered."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from benchmarks.child import answer_lines
from benchmarks.notifications import number_of_chat, number_of_document

PATIENCE_S = 300.0


class Trouble(Struct, frozen=True, kw_only=True):
    """One ERP in a mass outage: slow, only so many calls at once, one in so many fails, and it tells of the outage."""

    erp_s: float
    at_once: int
    fails_one_in: int


class Manners(Struct, frozen=True, kw_only=True):
    """How both answer from now on, by PBX name where ERPs differ. `hanging`: no answer before the manners change."""

    erp_s: float = 0
    huggy_s: float = 0
    hanging: frozenset[str] = frozenset()
    troubled: Mapping[str, Trouble] = {}


class Seen(Struct, kw_only=True):
    """What one notification led to; moments on the machine's monotonic clock."""

    erp_at: float = 0
    """when the ERP was first asked"""
    flow_at: float = 0
    """when the flow was asked for"""
    upstream_s: float = 0
    """how long the ERP and Huggy took for all answers but the flow's"""
    calls: int = 0
    told: bool = False
    """whether the chat got the outage message"""
    flow: int = 0


class _TroubledErp:
    """Works on so many calls at once, whether or not somebody still waits for them; the others stand in line."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._free_at = [0.0] * trouble.at_once
        self._calls = 0
        self._asked_now = 0
        self.most_at_once = 0

    def take(self, now: float) -> tuple[float, bool]:
        """How long the answer takes, and whether it is a failure."""
        self._calls += 1
        self._asked_now += 1
        self.most_at_once = max(self.most_at_once, self._asked_now)
        begins = max(now, min(self._free_at))
        self._free_at[self._free_at.index(min(self._free_at))] = begins + self._trouble.erp_s
        hold_s = begins + self._trouble.erp_s - now
        asyncio.get_running_loop().call_later(hold_s, self._answered)
        return hold_s, self._calls % self._trouble.fails_one_in == 0

    def _answered(self) -> None:
        self._asked_now -= 1


class StandIns:
    def __init__(self) -> None:
        self.manners = Manners()
        self.seen: dict[int, Seen] = {}
        self._troubled: dict[str, _TroubledErp] = {}
        self._awaited: set[int] = set()
        """notifications whose flow somebody waits for"""
        self._reached = asyncio.Event()
        self._held: list[Callable[[], None]] = []

    async def answer(self, question: dict[str, Any]) -> object:
        match question["do"]:
            case "listen":
                server = await asyncio.get_running_loop().create_server(lambda: _Served(self), "127.0.0.1", 0)
                return server.sockets[0].getsockname()[1]
            case "behave":
                self.manners = msgspec.convert(question["manners"], Manners)
                self._troubled = {pbx: _TroubledErp(trouble) for pbx, trouble in self.manners.troubled.items()}
                self._let_go()
                return None
            case "most_at_once":
                return {pbx: erp.most_at_once for pbx, erp in self._troubled.items()}
            case "forget":
                self.seen.clear()
                return None
            case "await_flows":
                return await self._await_flows(question["numbers"])
            case _:
                return {str(number): seen for number, seen in self.seen.items()}

    async def _await_flows(self, numbers: Sequence[int]) -> bool:
        """Whether all these notifications led to a flow in time."""
        self._awaited = {number for number in numbers if number not in self.seen or not self.seen[number].flow_at}
        self._reached.clear()
        if not self._awaited:
            return True
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._reached.wait()
        except TimeoutError:
            return False
        return True

    def hold(self, write: Callable[[], None], hold_s: float | None) -> None:
        """Writes after so many seconds; None: when the manners change."""
        if hold_s is None:
            self._held.append(write)
        elif hold_s:
            asyncio.get_running_loop().call_later(hold_s, write)
        else:
            write()

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for write in held:
            write()

    def take(self, path: str, body: bytes) -> tuple[float | None, bytes, Seen]:
        """How long to hold the answer (None: until the manners change), the answer with its head, and where to note
        it."""
        now = time.monotonic()
        parts = path.split("/")
        if parts[1] == "pbx":
            document = parse_qs(body.decode())["codigo"][0]
            seen = self._seen(number_of_document(document))
            seen.erp_at = seen.erp_at or now
            if troubled := self._troubled.get(parts[4]):
                hold_s, fails = troubled.take(now)
                return hold_s, _FAILURE if fails else _ok(_customer(document, outage=True)), seen
            hangs = parts[4] in self.manners.hanging
            return None if hangs else self.manners.erp_s, _ok(_customer(document)), seen
        number = number_of_chat(parts[5])
        seen = self._seen(number)
        if parts[-1] == "flow":
            seen.flow_at = now
            seen.flow = int(msgspec.json.decode(body)["flowId"])
            self._awaited.discard(number)
            if not self._awaited:
                self._reached.set()
        seen.told = seen.told or _OUTAGE_WORDS in body
        return self.manners.huggy_s, _ok(_CHAT if len(parts) == 6 else b"{}"), seen

    def _seen(self, number: int) -> Seen:
        seen = self.seen.setdefault(number, Seen())
        seen.calls += 1
        return seen


class _Served(asyncio.Protocol):
    """A kept connection; requests tell their length."""

    def __init__(self, standins: StandIns) -> None:
        self._standins = standins
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end]
        length_at = head.lower().find(b"content-length:")
        length = int(head[length_at + 15 :].split(b"\r\n", 1)[0]) if length_at >= 0 else 0
        if len(self._received) < head_end + 4 + length:
            return
        body = self._received[head_end + 4 :]
        self._received = b""
        self._answer(head.split(b" ", 2)[1].decode(), body)

    def _answer(self, path: str, body: bytes) -> None:
        began = time.monotonic()
        hold_s, answer, seen = self._standins.take(path, body)

        def write() -> None:
            if not seen.flow_at:
                seen.upstream_s += time.monotonic() - began
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(answer)

        self._standins.hold(write, hold_s)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_CHAT = b'{"id":1,"agentId":null,"contactId":9,"situation":"auto","channel":"whatsapp-enterprise","closedAt":null}'


_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
_OUTAGE_WORDS = b"falha na rede"
"""of the message that providers begin with"""


def _ok(body: bytes) -> bytes:
    return _HEAD % len(body) + body


def _customer(document: str, *, outage: bool = False) -> bytes:
    """With two contracts, so that the chat gets a list: four upstream calls a lookup, five in an outage."""
    contracts = [
        {"id": number, "description": "FIBRA 600", "address": "Rua das Flores, 10 - Centro", "unblock_attempt_count": 0}
        for number in (1, 2)
    ]
    client = {
        "client_id": 7,
        "client_name": "Zuleide Quaresma",
        "client_tx_id": document,
        "contracts_id": [1, 2],
        "contracts_info": contracts,
        "authentication_problems": outage,
    }
    return msgspec.json.encode({"clients": [client]})


if __name__ == "__main__":
    answer_lines(StandIns().answer)
