"""One event again: the same notification under the key of its next time, accepted and worked like any other."""

from enum import StrEnum

import msgspec
from msgspec import Struct

from application.history import Event, History
from application.ports import Arrival, Engine, Lane, Mailbox
from domain.identifiers import InstallationId, NotificationKey
from domain.notification import WRITES
from domain.resend_key import TIMES_MAX, Lineage


class Resent(Struct, frozen=True, kw_only=True, tag="resent"):
    key: NotificationKey


class AlreadyResent(Struct, frozen=True, kw_only=True, tag="already_resent"):
    """Somebody else did, or an earlier click."""


class NeedsConfirmation(Struct, frozen=True, kw_only=True, tag="needs_confirmation"):
    """So many of them would ask the ERP to change something once more."""

    writes: int


class WhyNotResent(StrEnum):
    GONE = "gone"
    UNFINISHED = "unfinished"
    """it, or its last repetition, is still at work"""
    ANSWERED_TO_FLOW = "answered_to_flow"
    """a flow asked and has its answer; nobody would hear another one"""
    TOO_OFTEN = "too_often"


class NotResent(Struct, frozen=True, kw_only=True, tag="not_resent"):
    reason: WhyNotResent


Answer = Resent | AlreadyResent | NeedsConfirmation | NotResent


class Resend:
    def __init__(self, *, history: History, mailbox: Mailbox, engine: Engine) -> None:
        self._history = history
        self._mailbox = mailbox
        self._engine = engine

    async def __call__(
        self, installation_id: InstallationId, seq: int, *, seen: int, confirmed: bool = False
    ) -> Answer:
        """`seen` is how many times the event had been sent when it was decided to send it again, the first time
        included: of equal clicks, and of two people who decide the same, one does it.

        `Unavailable`: nothing was sent.
        """
        event = await self._history.event(installation_id, seq)
        if event is None:
            return NotResent(reason=WhyNotResent.GONE)
        last = event.chain[-1]
        number = Lineage(last.key, last.seq).number
        if number > seen:
            return AlreadyResent()
        if (reason := _why_not(event, number)) is not None:
            return NotResent(reason=reason)
        if event.row.kind in WRITES and not confirmed:
            return NeedsConfirmation(writes=1)
        key = Lineage(event.row.key, event.row.seq).key(number + 1)
        notification = msgspec.structs.replace(event.notification, key=key)
        receipt = await self._mailbox.accept(
            installation_id, [Arrival(notification=notification, raw=event.raw)], window_s=0
        )
        if not receipt.accepted:
            return AlreadyResent()
        self._engine.wake(Lane(installation_id=installation_id, chat_id=notification.chat.id))
        return Resent(key=key)


def _why_not(event: Event, number: int) -> WhyNotResent | None:
    if event.row.shell == "flow":
        return WhyNotResent.ANSWERED_TO_FLOW
    if any(each.waiting for each in event.chain):
        return WhyNotResent.UNFINISHED
    return WhyNotResent.TOO_OFTEN if number >= TIMES_MAX else None
