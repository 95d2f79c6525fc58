"""What a durable accept is compared with: a plain Litestar route handler that decodes a delivery and stores nothing."""

import sys
from typing import Any

import uvicorn
from litestar import Litestar, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct


class Envelope(Struct, frozen=True, kw_only=True):
    time: int
    token: str
    messages: dict[str, list[dict[str, Any]]]


class Counted(Struct, frozen=True, kw_only=True):
    accepted: int


@post("/webhooks/huggy/{key:str}", status_code=200)
async def take(key: FromPath[str], data: JSONBody[Envelope]) -> Counted:  # noqa: ARG001  # a handler that takes it
    return Counted(accepted=sum(map(len, data.messages.values())))


def main() -> None:
    app = Litestar([take], openapi_config=None, logging_config=None)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
