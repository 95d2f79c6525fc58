"""What the console of a sandbox knows of the city around it, and how it talks there as a customer.

Nothing of this exists where real customers are served.
"""

from typing import Any

import httpx
import msgspec
from msgspec import Struct

from application.failures import Unavailable
from domain.identifiers import InstallationId

QUIET_WITHIN_S = 12.0
"""how long somebody without a script waits for the chat to come to rest"""


class Neighbour(Struct, frozen=True, kw_only=True):
    """Somebody invented, to be played in the chat."""

    key: str
    name: str
    document: str
    phone: str
    """as the channel gives it"""
    story: str
    """what is special about them"""


class Line(Struct, frozen=True, kw_only=True):
    """One line of a transcript, as the simulated Huggy tells it."""

    seq: int
    kind: str
    who: str | None = None
    text: str = ""
    file: str = ""
    internal: bool = False
    flow_id: int | None = None
    flow_name: str = ""
    sent_at: str = ""


class Talk(Struct, frozen=True, kw_only=True):
    """One chat of somebody."""

    chat_id: int
    phone: str
    situation: str
    quiet: bool
    ended: bool
    transcript: tuple[Line, ...]


class Fault(Struct, frozen=True, kw_only=True):
    name: str


class Playground(Struct, frozen=True, kw_only=True):
    http: httpx.AsyncClient
    """to the simulated Huggy; used on the loop of the pages"""
    installation_id: InstallationId
    operator: str
    """whom a newcomer may enter as, without a password"""
    people: tuple[Neighbour, ...]

    def person(self, key: str) -> Neighbour:
        """The first where nobody has that name."""
        return next((each for each in self.people if each.key == key), self.people[0])

    async def talk(self, person: Neighbour) -> Talk | None:
        """Their latest chat; None: they have not written yet."""
        talks = msgspec.convert(await self._ask("GET", "chats"), list[Talk])
        return next((each for each in reversed(talks) if each.phone == person.phone), None)

    async def say(self, person: Neighbour, text: str) -> Talk:
        return msgspec.convert(await self._ask("POST", "chats", {"phone": person.phone, "text": text}), Talk)

    async def at_rest(self, talk: Talk) -> Talk:
        """Once nothing more comes by itself, or after a while."""
        return msgspec.convert(await self._ask("GET", f"chats/{talk.chat_id}?wait_s={QUIET_WITHIN_S:g}"), Talk)

    async def end(self, talk: Talk) -> None:
        await self._ask("POST", f"chats/{talk.chat_id}/close")

    async def fault(self, target: str) -> str:
        """What is broken there; empty: nothing."""
        faults = msgspec.convert(await self._ask("GET", "faults"), dict[str, Fault | None])
        fault = faults.get(target)
        return fault.name if fault else ""

    async def set_fault(self, target: str, fault: str) -> None:
        """As `ponte sandbox --fault target=fault` does; empty mends it."""
        await self._ask("POST", "faults", {target: fault or None})

    async def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self.http.request(method, f"/_sandbox/{path}", json=fields)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("sandbox.gone", type(error).__name__) from None
        return answer.json()
