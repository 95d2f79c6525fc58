"""Notification -> use case -> outcome -> route -> what happens in the chat.

The one place that handles failures of the world: whatever fails, the chat ends in the auxiliary flow.
"""

import asyncio
from typing import assert_never

from application.failures import Failure, InDoubt, Unavailable
from application.identify_customer import IdentifyCustomer
from application.issue_boleto import IssueBoleto
from application.open_ticket import OpenTicket
from application.perform import Perform
from application.ports import (
    Alerts,
    Calendar,
    Chats,
    Clock,
    EffectState,
    Entry,
    Erps,
    Installations,
    Journal,
    Observer,
)
from application.shadow import WouldWrite, read_only
from application.unblock_on_trust import UnblockOnTrust
from application.write_once import write_key
from domain.action import Route
from domain.installation import Installation
from domain.notification import BoletoRequested, CustomerLookup, TicketRequested, UnblockRequested
from domain.outcome import BoletosIssued, Failed, NotOffered, Outcome, Paused, Shadowed
from domain.routing import route, to_auxiliary

RESERVE_S = 3.0
"""of the reply deadline, kept for telling the customer and starting the flow; a quarter of a short deadline"""
GIVE_UP_AFTER_S = 24 * 3600.0
"""after so long without Huggy nobody waits in the chat any more"""


class HandleNotification:
    """Returns None when the notification is finished, else the seconds after which to go on with it."""

    def __init__(
        self,
        *,
        installations: Installations,
        journal: Journal,
        erps: Erps,
        chats: Chats,
        calendar: Calendar,
        clock: Clock,
        alerts: Alerts,
        observer: Observer,
    ) -> None:
        self._installations = installations
        self._journal = journal
        self._erps = erps
        self._chats = chats
        self._calendar = calendar
        self._clock = clock
        self._alerts = alerts
        self._observer = observer

    async def __call__(self, entry: Entry) -> float | None:
        installation = await self._installations.get(entry.installation_id)
        if installation is not None:
            outcome, planned = entry.outcome, entry.route
            if outcome is None or planned is None:
                outcome = await self._conclude(entry, installation)
                planned = route(outcome, installation)
                await self._journal.conclude(entry, outcome, planned)
                await self._report(installation, outcome)
            try:
                await self._perform(entry, installation, outcome, planned)
            except Unavailable as failure:
                await self._alerts.raise_alert(installation.id, failure.cause, failure.detail)
                if entry.age_s < GIVE_UP_AFTER_S:
                    return failure.retry_after_s or _patience_s(entry.age_s)
            self._observer.finished(entry, outcome)
        await self._journal.finish_entry(entry)
        return None

    async def _perform(self, entry: Entry, installation: Installation, outcome: Outcome, planned: Route) -> None:
        if installation.policies.shadow:
            return
        perform = Perform(
            journal=self._journal,
            chat=self._chats(installation),
            erps=self._erps,
            clock=self._clock,
            alerts=self._alerts,
            installation=installation,
        )
        try:
            await perform(entry, outcome, planned)
        except Failure:
            raise
        except Exception as fault:  # noqa: BLE001  # our own fault is no reason to leave a customer stuck
            self._observer.crashed(entry, fault)
            await perform(entry, outcome, Route(terminal=to_auxiliary(installation)))

    async def _conclude(self, entry: Entry, installation: Installation) -> Outcome:
        deadline_s = installation.policies.reply_deadline_s
        budget_s = deadline_s - min(RESERVE_S, deadline_s / 4) - entry.age_s
        paused = installation.policies.paused
        if paused or budget_s < RESERVE_S:
            if await self._journal.recall(entry, write_key(entry)) is not None:
                budget_s = max(budget_s, RESERVE_S)  # what was asked of the ERP before a crash is told, late or not
            elif paused:
                return Paused()
        if budget_s <= 0:
            return Failed(cause="deadline.waited_too_long")
        try:
            async with asyncio.timeout(budget_s):
                return await self._use_case(entry, installation)
        except WouldWrite as write:
            return Shadowed(operation=write.operation)
        except TimeoutError:
            return Failed(cause="deadline.erp_too_slow", write_in_doubt=await self._has_begun_to_write(entry))
        except InDoubt as failure:
            return Failed(cause=failure.cause, write_in_doubt=True)
        except Failure as failure:
            return Failed(cause=failure.cause)
        except Exception as fault:  # noqa: BLE001  # our own fault is no reason to leave a customer stuck
            self._observer.crashed(entry, fault)
            return Failed(cause="ponte.fault", write_in_doubt=await self._has_begun_to_write(entry))

    async def _use_case(self, entry: Entry, installation: Installation) -> Outcome:
        policies = installation.policies
        erp = read_only(self._erps(installation)) if policies.shadow else self._erps(installation)
        match entry.notification:
            case CustomerLookup() as request:
                return await IdentifyCustomer(erp=erp, clock=self._clock)(request, policies)
            case BoletoRequested() as request:
                return await IssueBoleto(erp=erp, calendar=self._calendar, clock=self._clock)(request, installation)
            case UnblockRequested() as request:
                return await UnblockOnTrust(erp=erp, journal=self._journal, entry=entry)(request, policies)
            case TicketRequested() as request:
                use_case = OpenTicket(erp=erp, clock=self._clock, journal=self._journal, entry=entry)
                return await use_case(request, policies)
            case _:
                assert_never(entry.notification)

    async def _has_begun_to_write(self, entry: Entry) -> bool:
        begun = await self._journal.recall(entry, write_key(entry))
        return begun is not None and begun.state is EffectState.DOUBTFUL

    async def _report(self, installation: Installation, outcome: Outcome) -> None:
        """What needs the provider's people, by cause; details stay with the notification."""
        match outcome:
            case Failed(cause=cause):
                await self._alerts.raise_alert(installation.id, cause, "")
            case NotOffered(operation=operation):
                await self._alerts.raise_alert(installation.id, "erp.not_offered", operation)
            case BoletosIssued(faults=faults):
                for fault in faults:
                    await self._alerts.raise_alert(installation.id, fault, "")
            case _:
                pass


def _patience_s(age_s: float) -> float:
    """The older, the rarer: a second at first, half a minute at most."""
    return min(30.0, max(1.0, age_s / 4))
