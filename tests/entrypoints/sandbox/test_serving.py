import asyncio

import httpx
from litestar import Litestar, get

from entrypoints.sandbox.serving import running


@get("/", sync_to_thread=False)
def root() -> str:
    return "here"


async def test_answers_are_dated_when_they_are_given_and_not_when_the_server_started(http: httpx.AsyncClient) -> None:
    async with running(Litestar([root])) as url, asyncio.timeout(10):
        first = (await http.get(url)).headers["date"]
        while (await http.get(url)).headers["date"] == first:
            pass
