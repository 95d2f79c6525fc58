"""Notification -> outcome -> route -> what happens in the chat: whatever fails, it ends in the auxiliary flow."""

from contextlib import suppress

from msgspec import Struct

from application.conclude import Conclude
from application.failures import Failure, Unavailable
from application.perform import Perform
from application.ports import Alerts, Chats, Clock, Conclusion, Entry, Erps, Installations, Journal, Observer
from application.recording import Recording
from application.trail import Gathering, gather, note
from domain.action import Route
from domain.installation import Installation, Policies
from domain.outcome import Outcome
from domain.routing import route, tag_of, to_auxiliary
from domain.trail import OK, Ending, cause_of

RESERVE_S = 3.0
"""of the reply deadline, kept for telling the customer and starting the flow; a quarter of a short deadline"""
GIVE_UP_AFTER_S = 24 * 3600.0
"""after so long without Huggy nobody waits in the chat any more"""
GIVEN_UP = "chat.given_up"
SHADOW = "chat.shadow"
"""nothing was to be done in the chat"""


def time_to_ask_s(policies: Policies) -> float:
    """From the acknowledgement, until the ERP must have answered: later than that the customer would be told too late."""
    deadline_s = policies.reply_deadline_s
    return deadline_s - min(RESERVE_S, deadline_s / 4)


class PutOff(Struct, frozen=True, kw_only=True):
    """Huggy can't be reached now: the notification is not finished, and is gone on with later."""

    again_after_s: float


class HandleNotification:
    """Returns what its chat's mailbox holds next (None: nothing) once the notification is finished, else `PutOff`."""

    def __init__(
        self,
        *,
        installations: Installations,
        journal: Journal,
        conclude: Conclude,
        erps: Erps,
        chats: Chats,
        clock: Clock,
        alerts: Alerts,
        observer: Observer,
    ) -> None:
        self._installations = installations
        self._journal = journal
        self._conclude = conclude
        self._erps = erps
        self._chats = chats
        self._clock = clock
        self._alerts = alerts
        self._observer = observer

    async def __call__(self, entry: Entry, *, last_call: bool = False) -> Entry | PutOff | None:
        """`last_call`: it has waited in vain, and nothing more is asked of the ERP."""
        with gather(self._clock) as gathering:
            installation = await self._installations.get(entry.installation_id)
            if installation is None:
                return await self._journal.finish_entry(entry)
            recording = Recording(self._journal, entry)
            outcome, planned = entry.outcome, entry.route
            if outcome is None or planned is None:
                outcome = await self._outcome(entry, installation, last_call=last_call)
                planned = route(outcome, installation)
                recording.conclude(Conclusion(outcome=outcome, route=planned))
                await self._conclude.report(installation, outcome)
                note(f"decision.{tag_of(outcome)}", cause_of(outcome) or OK)
            try:
                ending = await self._perform(recording, entry, installation, outcome, planned)
            except Failure as failure:
                note("put_off", failure.cause)
                await self._alerts.raise_alert(installation.id, failure.cause, failure.detail)
                if entry.age_s < GIVE_UP_AFTER_S:
                    await self._keep(recording, gathering)
                    return PutOff(again_after_s=failure.retry_after_s or _patience_s(entry.age_s))
                ending = Ending(flow=GIVEN_UP, cause=failure.cause)
            self._observer.finished(entry, outcome)
            note(f"ended.{ending.flow}", ending.cause or OK)
            return await recording.end(ending, gathering.trail())

    async def _keep(self, recording: Recording, gathering: Gathering) -> None:
        with suppress(Unavailable):
            await recording.put_off(gathering.trail())

    async def _perform(
        self, recording: Recording, entry: Entry, installation: Installation, outcome: Outcome, planned: Route
    ) -> Ending:
        if installation.policies.shadow:
            return Ending(flow=SHADOW)
        perform = Perform(
            recording=recording,
            chat=self._chats(installation),
            erps=self._erps,
            clock=self._clock,
            alerts=self._alerts,
            installation=installation,
        )
        try:
            return await perform(entry, outcome, planned)
        except Failure:
            raise
        except Exception as fault:  # noqa: BLE001  # our own fault is no reason to leave a customer stuck
            self._observer.crashed(entry, fault)
            return await perform(entry, outcome, Route(terminal=to_auxiliary(installation)), cause="ponte.fault")

    async def _outcome(self, entry: Entry, installation: Installation, *, last_call: bool) -> Outcome:
        budget_s = 0.0 if last_call else time_to_ask_s(installation.policies) - entry.age_s
        return await self._conclude(entry, installation, budget_s=budget_s)


def _patience_s(age_s: float) -> float:
    """The older, the rarer: a second at first, half a minute at most."""
    return min(30.0, max(1.0, age_s / 4))
