"""The only loop that talks to the customer: the steps of a route, in order, each at most as often as it may be.

Each step has a key that the journal remembers, so that a crash in the middle resumes instead of repeating. Huggy has no
idempotency key; where nobody can tell whether a step happened, a message is sent again (better twice than never) and a
flow is not started again (never twice).
"""

import asyncio
from typing import assert_never

from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from application.ports import Alerts, Begun, Chat, Clock, EffectState, Entry, Erps
from application.recording import Recording
from domain.action import (
    Action,
    LeaveNote,
    LeaveToAgent,
    Message,
    Remark,
    Route,
    Say,
    SayCode,
    SendFile,
    SendPdf,
    StartFlow,
    Terminal,
)
from domain.identifiers import EffectKey, NotificationKey
from domain.installation import FlowKey, Installation
from domain.notification import Situation
from domain.outcome import Outcome
from domain.routing import for_agent, to_auxiliary
from domain.trail import Ending, planned_ending

REREAD_AFTER_S = 5.0
"""after so long an agent may have taken the chat: look again before a flow is started in it"""
PDFS_TIMEOUT_S = 10.0
"""for fetching all PDFs of one answer: meanwhile the customer waits for the flow"""
GIVES_WAY_AFTER_S = 120.0
"""an answer so old that Huggy still won't take gives way to the auxiliary flow; until then it is worth the wait, and so is
a look at who has the chat"""
SAID_AGAIN, SAID_ONCE_MORE = b"again", b"once more"
"""what is noted with the intent of a message that is sent a second time, and a third"""
CLOSED_BEFORE, NO_FLOW, IN_DOUBT = "chat.closed", "chat.no_flow", "chat.in_doubt"
_NOT_OURS = {Situation.WITH_AGENT: planned_ending(LeaveToAgent()), Situation.CLOSED: CLOSED_BEFORE}
"""how a chat's turn ends that somebody else ended meanwhile"""


class Perform:
    """How the chat's turn ended. `Unavailable` when Huggy can't be reached now: call again later, with the same entry, and
    it goes on.

    One for each attempt at an entry. The last step is in the recording, and has to be ended with it.
    """

    def __init__(
        self, *, recording: Recording, chat: Chat, erps: Erps, clock: Clock, alerts: Alerts, installation: Installation
    ) -> None:
        self._recording = recording
        self._chat = chat
        self._erps = erps
        self._clock = clock
        self._alerts = alerts
        self._installation = installation
        self._left_for_pdfs_s = PDFS_TIMEOUT_S
        self._seen = Situation.UNKNOWN
        self._looked_at = 0.0
        self._alerted = set[str]()

    async def __call__(self, entry: Entry, outcome: Outcome, route: Route, *, cause: str | None = None) -> Ending:
        """`cause`: why this route is taken in place of another one."""
        ending = await self._walk(entry, outcome, route)
        return Ending(flow=ending.flow, cause=cause or ending.cause)

    async def _walk(self, entry: Entry, outcome: Outcome, route: Route) -> Ending:
        await self._look(entry)
        refused: str | None = None
        try:
            await self._tell(entry, outcome, route)
        except Rejected as failure:
            await self._alert(failure)
            refused = failure.cause
            route = Route(terminal=to_auxiliary(self._installation))
        if not await self._is_ours(entry):
            return Ending(flow=_NOT_OURS[self._seen], cause=refused)
        ending = await self._end(entry, route.terminal)
        return Ending(flow=ending.flow, cause=ending.cause or refused)

    async def _tell(self, entry: Entry, outcome: Outcome, route: Route) -> None:
        """The remarks, as long as nobody else has the chat; an agent who has it reads the rest as notes."""
        patient = entry.age_s < GIVES_WAY_AFTER_S
        for index, remark in enumerate(route.remarks):
            if not await self._is_ours(entry):
                break
            await self._remark(entry, step_key(entry.notification.key, index), remark, patient=patient)
        if self._seen is Situation.WITH_AGENT:
            await self._leave_notes(entry, for_agent(route, outcome))

    async def _leave_notes(self, entry: Entry, route: Route) -> None:
        """All but what was said to the customer. What an agent read the customer has not."""
        for index, note in enumerate(route.remarks):
            said = await self._recording.recall(step_key(entry.notification.key, index))
            if said is None or said.state is not EffectState.DONE:
                await self._remark(entry, note_key(entry.notification.key, index), note, patient=True)

    async def _is_ours(self, entry: Entry) -> bool:
        """Looked at again after a while, with all that was said on record. Who took the chat keeps it."""
        if self._seen not in _NOT_OURS and self._clock.monotonic() - self._looked_at > REREAD_AFTER_S:
            await self._recording.settle()
            await self._look(entry)
        return self._seen not in _NOT_OURS

    async def _look(self, entry: Entry) -> None:
        self._seen = await self._situation(entry)
        self._looked_at = self._clock.monotonic()

    async def _situation(self, entry: Entry) -> Situation:
        """A look that fails must not keep the answer from the customer; a late answer waits until it can look, but not for
        ever."""
        try:
            return await self._chat.situation(entry.notification.chat)
        except Failure as failure:
            if isinstance(failure, Unavailable) and REREAD_AFTER_S < entry.age_s < GIVES_WAY_AFTER_S:
                raise
            return Situation.UNKNOWN

    async def _remark(self, entry: Entry, key: EffectKey, remark: Remark, *, patient: bool) -> None:
        """At most twice: after a doubt once more, and only when the journal could record that. Where a second process died
        over it, a third time.

        Not `patient`: what Huggy does not take now is `Rejected`.
        """
        begun = await self._recording.begin(key)
        if begun.state is EffectState.DONE:
            return
        if begun.state is EffectState.DOUBTFUL:
            if (again := _once_more(begun, entry)) is None:
                self._recording.step_happened(key)
                return
            await self._recording.forget(key)
            await self._recording.begin(key, again)
        try:
            await self._say(entry, remark)
        except (InDoubt, Unintelligible):
            if begun.state is EffectState.FRESH:
                raise  # it will be said once more
        except Failure as failure:
            await self._recording.forget(key)
            if patient:
                raise
            raise Rejected(failure.cause, failure.detail) from failure
        self._recording.step_happened(key)

    async def _say(self, entry: Entry, remark: Remark) -> None:
        match remark:
            case Say() | SayCode() | LeaveNote():
                await self._chat.perform(entry.notification.chat, remark)
            case SendPdf():
                await self._send_pdf(entry, remark)
            case _:
                assert_never(remark)

    async def _send_pdf(self, entry: Entry, pdf: SendPdf) -> None:
        content = await self._fetch(pdf)
        if content is not None and await self._is_sent(entry, pdf, content):
            return
        if pdf.otherwise is not None:
            await self._chat.perform(entry.notification.chat, Say(message=pdf.otherwise))
        elif pdf.only_way:
            raise Rejected("invoice.no_way_to_pay", "neither its PDF nor a link")

    async def _is_sent(self, entry: Entry, pdf: SendPdf, content: bytes) -> bool:
        """False: surely not, and something else may do it too."""
        file = SendFile(name=pdf.name, content=content, caption=pdf.caption)
        try:
            await self._chat.perform(entry.notification.chat, file)
        except Rejected:  # "Arquivo inválido"
            return False
        except Unavailable as failure:
            if pdf.otherwise is None or isinstance(failure, InDoubt):
                raise
            return False
        return True

    async def _fetch(self, pdf: SendPdf) -> bytes | None:
        if self._left_for_pdfs_s <= 0:
            return None
        began_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._left_for_pdfs_s):
                return await self._erps(self._installation).billing.pdf(pdf.invoice_id)
        except (Failure, TimeoutError):
            return None
        finally:
            self._left_for_pdfs_s -= self._clock.monotonic() - began_at

    async def _end(self, entry: Entry, terminal: Terminal) -> Ending:
        """Ends the chat's turn as planned; where Huggy refuses that, in the auxiliary flow."""
        key = entry.notification.key
        if entry.outcome is not None and await self._recording.recall(auxiliary_key(key)) is not None:
            return await self._end_in_auxiliary(entry)  # Huggy refused the other one in an earlier attempt
        try:
            return await self._once(entry, EffectKey(f"{key}:end"), terminal)
        except Rejected as failure:
            await self._alert(failure)
            if isinstance(terminal, StartFlow) and terminal.flow is FlowKey.AUXILIARY:
                return await self._apologise(entry, failure)
            ending = await self._end_in_auxiliary(entry)
            return Ending(flow=ending.flow, cause=failure.cause)

    async def _end_in_auxiliary(self, entry: Entry) -> Ending:
        try:
            return await self._once(entry, auxiliary_key(entry.notification.key), to_auxiliary(self._installation))
        except Rejected as failure:
            await self._alert(failure)
            return await self._apologise(entry, failure)

    async def _once(self, entry: Entry, key: EffectKey, terminal: Terminal) -> Ending:
        """Never twice: after a doubt the customer is told to write again, should nothing come."""
        begun = await self._recording.begin(key)
        if begun.state is EffectState.DONE:
            return Ending(flow=planned_ending(terminal))
        doubt: Failure | None = None
        if begun.state is EffectState.DOUBTFUL:
            doubt = InDoubt("huggy.flow_in_doubt", "begun before a crash")
        else:
            try:
                await self._chat.perform(entry.notification.chat, terminal)
            except (InDoubt, Unintelligible) as failure:
                doubt = failure
            except Failure:
                await self._recording.forget(key)
                raise
        ending = Ending(flow=planned_ending(terminal)) if doubt is None else await self._own_up(entry, doubt)
        self._recording.step_happened(key)
        return ending

    async def _own_up(self, entry: Entry, doubt: Failure) -> Ending:
        await self._alert(doubt)
        await self._last_words(entry, Say(message=Message(key=IN_DOUBT)))
        return Ending(flow=IN_DOUBT, cause=doubt.cause)

    async def _apologise(self, entry: Entry, failure: Rejected) -> Ending:
        await self._last_words(entry, Say(message=Message(key=NO_FLOW)))
        return Ending(flow=NO_FLOW, cause=failure.cause)

    async def _last_words(self, entry: Entry, action: Action) -> None:
        """Where they are all that the customer gets, they wait for Huggy like everything else."""
        try:
            await self._chat.perform(entry.notification.chat, action)
        except (InDoubt, Rejected, Unintelligible) as failure:
            await self._alert(failure)

    async def _alert(self, failure: Failure) -> None:
        """Once for each cause: one refusal may stop several steps, and is one event in trouble."""
        if failure.cause in self._alerted:
            return
        self._alerted.add(failure.cause)
        await self._alerts.raise_alert(self._installation.id, failure.cause, failure.detail)


def _once_more(begun: Begun, entry: Entry) -> bytes | None:
    """What is noted of the next try; None: it was tried often enough."""
    if not begun.note:
        return SAID_AGAIN
    return SAID_ONCE_MORE if begun.note == SAID_AGAIN and entry.resumed else None


def step_key(key: NotificationKey, index: int) -> EffectKey:
    """Of what a route says at this place."""
    return EffectKey(f"{key}:{index}")


def note_key(key: NotificationKey, index: int) -> EffectKey:
    """Of the note that an agent reads in place of it."""
    return EffectKey(f"{key}:{index}:note")


def auxiliary_key(key: NotificationKey) -> EffectKey:
    """Of the auxiliary flow in place of what Huggy refused."""
    return EffectKey(f"{key}:aux")
