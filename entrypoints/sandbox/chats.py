"""A chat on the simulated platform: what was said in it, which flow ran, and who has to speak next."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

_ZONE = ZoneInfo("America/Sao_Paulo")


class Situation(StrEnum):
    """Source: seen live in public client code."""

    AUTO = "auto"
    QUEUED = "wait_for_chat"
    WITH_AGENT = "in_chat"
    CLOSED = "finishing"


class Kind(StrEnum):
    MESSAGE = "message"
    FLOW = "flow"
    QUEUED = "queued"
    AGENT = "agent"
    CLOSED = "closed"


class Who(StrEnum):
    CUSTOMER = "customer"
    FLOW = "flow"
    APP = "app"


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the transcript: a message, or something that happened to the chat."""

    seq: int
    kind: Kind
    sent_at: str
    who: Who | None = None
    text: str = ""
    file: str = ""
    """the address of the file, when there is one"""
    internal: bool = False
    flow_id: int | None = None
    flow_name: str = ""


class Awaits(StrEnum):
    CUSTOMER = "customer"
    APP = "app"
    NOBODY = "nobody"


class Place(NamedTuple):
    """A step in a flow."""

    flow_id: int
    section: str
    step: int

    def next(self) -> "Place":
        return self._replace(step=self.step + 1)


class Contact(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    phone: str
    """with the country's code, as the channel gives it: `+5511987654321`"""


class Chat:
    """`quiet` is set while nothing more comes by itself: the customer has to speak, an agent has it, or it ended."""

    def __init__(self, *, chat_id: int, contact: Contact, channel_uuid: str) -> None:
        self.id = chat_id
        self.contact = contact
        self.channel_uuid = channel_uuid
        self.situation = Situation.AUTO
        self.transcript: list[Entry] = []
        self.variables = {
            "SYSTEM.CHAT_ID": str(chat_id),
            "SYSTEM.CLIENT_NAME": contact.name,
            "SYSTEM.CLIENT_FIRST_NAME": contact.name.split(" ")[0],
            "SYSTEM.CLIENT_NUMBER": contact.phone,
        }
        self.workflow_step: int | None = None
        self.created_at = wall_time()
        self.waits_at: Place | None = None
        self.quiet = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self.situation is not Situation.CLOSED

    @property
    def messages(self) -> list[Entry]:
        return [entry for entry in self.transcript if entry.kind is Kind.MESSAGE]

    @property
    def flows_started(self) -> list[int]:
        return [entry.flow_id for entry in self.transcript if entry.flow_id is not None]

    def customer_says(self, text: str) -> None:
        self._note(Kind.MESSAGE, who=Who.CUSTOMER, text=text)

    def flow_says(self, text: str) -> None:
        self._note(Kind.MESSAGE, who=Who.FLOW, text=text)

    def app_says(self, text: str, *, file: str = "", internal: bool = False) -> Entry:
        return self._note(Kind.MESSAGE, who=Who.APP, text=text, file=file, internal=internal)

    def flow_started(self, flow_id: int, name: str) -> None:
        self.situation = Situation.AUTO
        self._note(Kind.FLOW, flow_id=flow_id, flow_name=name)

    def fill(self, variables: Mapping[str, str]) -> None:
        self.variables |= variables

    def awaits(self, who: Awaits, place: Place | None = None) -> None:
        """Who has to speak next; `place` is the step that takes the customer's answer."""
        self.waits_at = place
        if who is Awaits.APP:
            self.quiet.clear()
        else:
            self.quiet.set()

    def to_queue(self) -> None:
        self._leave_flow(Situation.QUEUED, Kind.QUEUED)

    def agent_takes(self) -> None:
        self._leave_flow(Situation.WITH_AGENT, Kind.AGENT)

    def close(self) -> None:
        self._leave_flow(Situation.CLOSED, Kind.CLOSED)

    def _leave_flow(self, situation: Situation, kind: Kind) -> None:
        self.situation = situation
        self._note(kind)
        self.awaits(Awaits.NOBODY)

    def _note(
        self,
        kind: Kind,
        *,
        who: Who | None = None,
        text: str = "",
        file: str = "",
        internal: bool = False,
        flow_id: int | None = None,
        flow_name: str = "",
    ) -> Entry:
        entry = Entry(
            seq=len(self.transcript) + 1,
            kind=kind,
            sent_at=wall_time(),
            who=who,
            text=text,
            file=file,
            internal=internal,
            flow_id=flow_id,
            flow_name=flow_name,
        )
        self.transcript.append(entry)
        return entry


def wall_time() -> str:
    """`YYYY-MM-DD HH:MM:SS`, no zone: the platform's way of writing times."""
    return f"{datetime.fromtimestamp(time.time(), _ZONE):%Y-%m-%d %H:%M:%S}"
