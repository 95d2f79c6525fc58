"""A process of ours that takes one JSON line and answers with one: the load generator and the stand-ins."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Self

import msgspec
import uvloop

Answer = Callable[[dict[str, Any]], Awaitable[object]]


class Child:
    """`python -m <module>`, asked over its standard input; ended with the block."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, **question: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended before it answered; its words are above")
        return msgspec.json.decode(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def answer_lines(answer: Answer) -> None:
    """The life of such a process: until its standard input ends."""
    uvloop.run(_answer_lines(answer))


async def _answer_lines(answer: Answer) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        told = await answer(msgspec.json.decode(line))
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()
