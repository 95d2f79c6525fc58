"""A server that sends everybody elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ANSWER = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nno"


class Server:
    """Remembers the head of each request; sends everybody elsewhere, with a cookie."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.url = ""
        self.connections = 0
        self._open = 0
        self._changed = asyncio.Condition()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._count(1)
        while head := (await _head(reader)).decode():
            self.heads.append(head)
            writer.write(ANSWER)
        writer.close()
        await self._count(-1)

    async def nobody(self) -> None:
        """Returns once no connection is open any more."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self._open == 0)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self._open += change
            self._changed.notify_all()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def serve_elsewhere() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.take, "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
