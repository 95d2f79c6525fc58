"""How the simulated platform delivers notifications to an app: handshake, envelope, repetition until it is accepted.

Sources: the platform's page on webhooks for handshake and envelope, public client code for the answer (the token as plain
text). The number and pace of repetitions are not public: chosen here.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from entrypoints.sandbox.faults import FaultName, Faults

RETRY_DELAYS_S = (0.5, 1, 2, 4, 8)
EVENT = "notifyApp"


class HandshakeRefused(Exception):
    """The webhook's address did not answer 200 with the token."""


class Deliveries:
    """Sends each notification in a task of its own. `statuses` is how each attempt was answered, oldest first; None: not."""

    def __init__(
        self, http: httpx.AsyncClient, faults: Faults, *, token: str, retry_delays_s: Sequence[float] = RETRY_DELAYS_S
    ) -> None:
        self._http = http
        self._faults = faults
        self._token = token
        self._retry_delays_s = retry_delays_s
        self._url: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: asyncio.Event | None = None
        self.statuses: list[int | None] = []

    async def connect(self, url: str) -> None:
        """Saves the webhook's address, after the handshake. `HandshakeRefused` leaves the old address in place."""
        try:
            answer = await self._http.post(url, json={"token": self._token, "validToken": True})
        except httpx.HTTPError as error:
            raise HandshakeRefused(f"no answer: {type(error).__name__}") from error
        if answer.status_code != 200 or answer.text.strip() != self._token:
            raise HandshakeRefused(f"status {answer.status_code}, not the token as text")
        self._url = url

    def send(self, item: Mapping[str, Any]) -> None:
        """Delivers one notification, soon; without a webhook it is lost."""
        if self._url is None:
            return
        task = asyncio.create_task(self._deliver(self._url, item))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Returns when every notification was accepted or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, url: str, item: Mapping[str, Any]) -> None:
        envelope = {"time": int(time.time()), "token": self._token, "messages": {EVENT: [item]}}
        fault = self._faults.active("webhook")
        if fault is not None:
            self._faults.used("webhook")
        if fault is not None and fault.name is FaultName.DUPLICATE:
            await asyncio.gather(self._repeat(url, envelope), self._repeat(url, envelope))
            return
        if fault is not None and self._held is None:
            await self._overtaken(fault.seconds)
        await self._repeat(url, envelope)
        if self._held is not None:
            self._held.set()

    async def _overtaken(self, seconds: float) -> None:
        self._held = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._held.wait()
        self._held = None

    async def _repeat(self, url: str, envelope: Mapping[str, Any]) -> None:
        for delay_s in (*self._retry_delays_s, None):
            status = await self._post(url, envelope)
            self.statuses.append(status)
            if delay_s is None or (status is not None and 200 <= status < 300):
                return
            await asyncio.sleep(delay_s)

    async def _post(self, url: str, envelope: Mapping[str, Any]) -> int | None:
        try:
            return (await self._http.post(url, json=envelope)).status_code
        except httpx.HTTPError:
            return None
