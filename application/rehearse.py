"""A request worked out without a chat: what would be said, and which flow would start, step by step.

Nothing is sent, and the ERP is only read: where the use case comes to a write it stops there. Only for a write that was
ordered for this one run it goes on; then the request is kept in the journal like any other, so that the ERP is asked
once however often the order is repeated.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import assert_never

from msgspec.structs import replace

from application.conclude import Conclude
from application.failures import Failure, Unavailable
from application.handle_notification import time_to_ask_s
from application.perform import PDFS_TIMEOUT_S
from application.ports import (
    Arrival,
    Begun,
    Clock,
    Conclusion,
    EffectState,
    Entry,
    Erps,
    Journal,
    Ledger,
    Operation,
    Render,
)
from application.trail import gather, note
from domain.action import LeaveNote, Remark, Say, SayCode, SendPdf, Terminal
from domain.identifiers import EffectKey, Personal, ProtocolNumber
from domain.installation import Installation
from domain.notification import WRITES, Notification, kind_of
from domain.outcome import Outcome, Shadowed, TicketOpened, TicketRefused, UnblockDenied, UnblockGranted, WhyNoTicket
from domain.routing import route, tag_of, to_auxiliary
from domain.trail import OK, Trail, cause_of
from domain.trust_unblock import UnblockRefusal

NO_NUMBER_YET = ProtocolNumber("(o número que o ERP der)")


class BubbleKind(StrEnum):
    TEXT = "text"
    CODE = "code"
    FILE = "file"
    NOTE = "note"
    """read by agents alone"""


class Bubble(Personal, frozen=True, kw_only=True):
    """One message in a chat; of a file `text` is what stands below it."""

    safe = ("kind",)

    kind: BubbleKind
    text: str
    file: str = ""


class Turn(Personal, frozen=True, kw_only=True):
    """What the customer would get."""

    safe = ("outcome", "terminal")

    outcome: Outcome
    said: tuple[Bubble, ...]
    terminal: Terminal


class Rehearsal(Personal, frozen=True, kw_only=True):
    safe = ("turn", "seq")

    turn: Turn
    either: tuple[Turn, ...] = ()
    """where it stopped before a write: what would follow the ERP's yes, and its no"""
    trail: Trail
    seq: int | None = None
    """of the entry under which a real write is kept; None: there was none"""


class Rehearse:
    """To be called on the loop on which ERPs are asked."""

    def __init__(
        self,
        *,
        journal: Journal,
        conclude_over: Callable[[Ledger], Conclude],
        erps: Erps,
        clock: Clock,
        render: Render,
    ) -> None:
        self._journal = journal
        self._conclude_over = conclude_over
        self._erps = erps
        self._clock = clock
        self._render = render

    async def __call__(
        self, notification: Notification, installation: Installation, *, writes: bool = False
    ) -> Rehearsal:
        """As if the installation were live: a pause is left out of account. `writes`: the ERP may be asked for the change
        that this request is about; the same request again, by its key, asks nothing more."""
        writes = writes and kind_of(notification) in WRITES
        policies = replace(installation.policies, paused=False, paused_operations=(), shadow=not writes)
        live = replace(installation, policies=policies)
        with gather(self._clock) as gathering:
            entry = await self._kept(notification, live) if writes else self._unkept(notification, live)
            outcome = entry.outcome or await self._concluded(
                entry, live, ledger=self._journal if writes else _Scratch()
            )
            turn = await self._turn(outcome, live)
            trail = gathering.trail()
        if not writes:
            either = [await self._turn(each, live) for each in _answers(outcome)]
            return Rehearsal(turn=turn, either=tuple(either), trail=trail)
        if entry.outcome is None:
            with suppress(Unavailable):  # what the ERP did is true even while it can't be recorded
                concluded = Conclusion(outcome=outcome, route=route(outcome, live))
                await self._journal.finish_entry(entry, concluded=concluded, trail=trail)
        return Rehearsal(turn=turn, trail=trail, seq=entry.seq)

    async def _kept(self, notification: Notification, installation: Installation) -> Entry:
        arrival = Arrival(notification=notification, raw=b"{}")
        return await self._journal.record(installation.id, arrival, window_s=installation.policies.dedupe_window_s)

    def _unkept(self, notification: Notification, installation: Installation) -> Entry:
        return Entry(
            seq=0,
            installation_id=installation.id,
            notification=notification,
            accepted_at=self._clock.now(),
            age_s=0,
            resumed=False,
        )

    async def _concluded(self, entry: Entry, installation: Installation, *, ledger: Ledger) -> Outcome:
        budget_s = time_to_ask_s(installation.policies)
        outcome = await self._conclude_over(ledger)(entry, installation, budget_s=budget_s)
        note(f"decision.{tag_of(outcome)}", cause_of(outcome) or OK)
        return outcome

    async def _turn(self, outcome: Outcome, installation: Installation) -> Turn:
        planned = route(outcome, installation)
        said: list[Bubble] = []
        for remark in planned.remarks:
            bubble = await self._bubble(remark, installation)
            if bubble is not None:
                said.append(bubble)
            elif isinstance(remark, SendPdf) and remark.only_way:
                return Turn(outcome=outcome, said=tuple(said), terminal=to_auxiliary(installation))
        return Turn(outcome=outcome, said=tuple(said), terminal=planned.terminal)

    async def _bubble(self, remark: Remark, installation: Installation) -> Bubble | None:
        """None: nothing would be said."""
        match remark:
            case Say(message=message):
                return Bubble(kind=BubbleKind.TEXT, text=self._render(message))
            case SayCode(code=code):
                return Bubble(kind=BubbleKind.CODE, text=code)
            case LeaveNote(message=message):
                return Bubble(kind=BubbleKind.NOTE, text=self._render(message))
            case SendPdf(name=name, caption=caption, otherwise=link):
                if await self._has_pdf(remark, installation):
                    return Bubble(kind=BubbleKind.FILE, text=self._render(caption), file=name)
                return Bubble(kind=BubbleKind.TEXT, text=self._render(link)) if link else None
            case _:
                assert_never(remark)

    async def _has_pdf(self, pdf: SendPdf, installation: Installation) -> bool:
        try:
            async with asyncio.timeout(PDFS_TIMEOUT_S):
                return await self._erps(installation).billing.pdf(pdf.invoice_id) is not None
        except (Failure, TimeoutError):
            return False


class _Scratch:
    """A ledger of what never happens: the ERP behind it refuses every change."""

    async def begin(self, entry: Entry, key: EffectKey, note: bytes = b"") -> Begun:
        return Begun(state=EffectState.FRESH, note=note)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        return None

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        """There is nothing to keep."""

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """Nothing was kept."""


def _answers(outcome: Outcome) -> Sequence[Outcome]:
    """What the ERP may say to the write before which a rehearsal stopped."""
    match outcome:
        case Shadowed(operation=Operation.UNBLOCK):
            granted = UnblockGranted(protocol=NO_NUMBER_YET, until=None)
            return granted, UnblockDenied(reason=UnblockRefusal.REFUSED_BY_ERP)
        case Shadowed():
            return TicketOpened(protocol=NO_NUMBER_YET), TicketRefused(reason=WhyNoTicket.REFUSED_BY_ERP)
        case _:
            return ()
