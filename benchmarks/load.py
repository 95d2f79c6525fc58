"""The load generator: an HTTP/1.1 client on raw sockets in a process of its own, so that it takes little from the
server's core.

A question is a `Volley`; the answer a `Landed`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from benchmarks.child import answer_lines
from benchmarks.notifications import delivery

PATIENCE_S = 120.0


class Target(Struct, frozen=True, kw_only=True):
    """Where an installation's deliveries go."""

    path: str
    company_id: str


class Volley(Struct, frozen=True, kw_only=True):
    """Numbers `first … first + count - 1` over the targets in turn; `per_second` None: as fast as answers come."""

    port: int
    targets: Sequence[Target]
    first: int
    count: int
    connections: int
    per_second: float | None = None


class Landed(Struct, frozen=True, kw_only=True):
    """Per number, on the machine's monotonic clock; a paced delivery counts from when it was due."""

    sent_at: list[float]
    answered_at: list[float]
    refused: int

    @property
    def took_s(self) -> list[float]:
        return [after - before for before, after in zip(self.sent_at, self.answered_at, strict=True)]

    @property
    def per_second(self) -> float:
        return len(self.sent_at) / (max(self.answered_at) - min(self.sent_at))


class _Connection(asyncio.Protocol):
    """One request at a time; reads an answer that tells its length."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""
        self._status: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        length_at = head.index(b"content-length:") + 15
        length = int(head[length_at : head.find(b"\r\n", length_at) if b"\r\n" in head[length_at:] else None])
        if len(self._received) < head_end + 4 + length:
            return
        self._received = b""
        if self._status is not None and not self._status.done():
            self._status.set_result(head[9:12])

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._status is not None and not self._status.done():
            self._status.set_exception(ConnectionError("the server hung up"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def exchange(self, request: bytes) -> bytes:
        """The status of the answer."""
        assert self._transport is not None
        self._status = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._status


class _Run:
    def __init__(self, volley: Volley) -> None:
        self._volley = volley
        self._requests = deque(enumerate(_request(volley, offset) for offset in range(volley.count)))
        self._sent_at = [0.0] * volley.count
        self._answered_at = [0.0] * volley.count
        self._refused = 0
        self._begun = 0.0

    async def fire(self) -> Landed:
        loop = asyncio.get_running_loop()
        opened = [
            (await loop.create_connection(_Connection, "127.0.0.1", self._volley.port))[1]
            for _ in range(min(self._volley.connections, self._volley.count))
        ]
        self._begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*map(self._work, opened))
        finally:
            for connection in opened:
                connection.close()
        return Landed(sent_at=self._sent_at, answered_at=self._answered_at, refused=self._refused)

    async def _work(self, connection: _Connection) -> None:
        pace = self._volley.per_second
        while self._requests:
            offset, request = self._requests.popleft()
            due = time.monotonic()
            if pace is not None:
                due = self._begun + offset / pace
                await asyncio.sleep(due - time.monotonic())
            self._sent_at[offset] = due
            status = await connection.exchange(request)
            self._answered_at[offset] = time.monotonic()
            self._refused += status[:1] != b"2"


def _request(volley: Volley, offset: int) -> bytes:
    number = volley.first + offset
    target = volley.targets[number % len(volley.targets)]
    body = delivery(number, target.company_id)
    head = f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{volley.port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _fire(question: dict[str, Any]) -> Landed:
    return await _Run(msgspec.convert(question, Volley)).fire()


if __name__ == "__main__":
    answer_lines(_fire)
