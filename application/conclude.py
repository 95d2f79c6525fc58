"""One request -> its outcome, whatever the world does.

The only dispatch to the use cases, and the one place where failures of the world become values; whoever is answered,
and how, is not known here.
"""

import asyncio
from typing import assert_never

from msgspec.structs import replace

from application.announce_outage import AnnounceOutage
from application.check_outage import CheckOutage
from application.failures import Failure, InDoubt
from application.identify_customer import IdentifyCustomer
from application.issue_boleto import IssueBoleto
from application.open_ticket import OpenTicket
from application.outage_ports import OutageRegistry
from application.ports import Alerts, Begun, Calendar, Clock, EffectState, Entry, Erps, Ledger, Observer
from application.shadow import WouldWrite, looked_at_only, read_only
from application.tell_outage import TellOutage
from application.unblock_on_trust import UnblockOnTrust
from application.write_once import write_key
from domain.installation import Installation
from domain.notification import (
    BoletoRequested,
    CustomerLookup,
    OutageAsked,
    TicketRequested,
    UnblockRequested,
    kind_of,
)
from domain.outcome import BoletosIssued, Failed, NotOffered, Outcome, Paused, Shadowed

LOOK_BACK_S = 3.0
"""for finding out what an earlier attempt asked of the ERP, however little time is left"""

LAST_STEPS_S = 1.0
"""of what is left, for telling a customer of an outage that is known already when the ERP goes on thinking"""


class Conclude:
    def __init__(
        self,
        ledger: Ledger,
        *,
        erps: Erps,
        outages: OutageRegistry,
        calendar: Calendar,
        clock: Clock,
        alerts: Alerts,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._erps = erps
        self._outages = outages
        self._calendar = calendar
        self._clock = clock
        self._alerts = alerts
        self._observer = observer

    async def __call__(self, entry: Entry, installation: Installation, *, budget_s: float) -> Outcome:
        """Within `budget_s`, unless an earlier attempt began to write: that is told, late, paused or not.

        A failure while an outage reaches everybody tells of the outage.
        """
        registry = looked_at_only(self._outages) if installation.policies.shadow else self._outages
        announce = AnnounceOutage(registry=registry, clock=self._clock, installation=installation, entry=entry)
        outcome = await self._attempt(entry, installation, registry, announce, budget_s)
        if isinstance(outcome, Failed):
            return replace(outcome, told=await announce.in_place_of_an_answer())
        return outcome

    async def _attempt(
        self,
        entry: Entry,
        installation: Installation,
        registry: OutageRegistry,
        announce: AnnounceOutage,
        budget_s: float,
        *,
        has_written: bool = False,
    ) -> Outcome:
        """`has_written`: the ERP is known to have answered this one's write; its answer is to be told."""
        policies = installation.policies
        paused = policies.paused or kind_of(entry.notification) in policies.paused_operations
        if paused or budget_s < LOOK_BACK_S:
            if await self._begun_write(entry) is not None:
                budget_s = max(budget_s, LOOK_BACK_S)
            elif paused:
                return Paused()
        if budget_s <= 0:
            return Failed(cause="deadline.waited_too_long")
        try:
            async with asyncio.timeout(budget_s):
                until = self._clock.monotonic() + budget_s - min(LAST_STEPS_S, budget_s / 4)
                return await self._use_case(entry, installation, registry, announce, until)
        except WouldWrite as write:
            return Shadowed(operation=write.operation)
        except TimeoutError:
            begun = await self._begun_write(entry)
            if begun is not None and begun.state is EffectState.DONE and not has_written:
                return await self._attempt(entry, installation, registry, announce, LOOK_BACK_S, has_written=True)
            return Failed(cause="deadline.erp_too_slow", write_in_doubt=begun is not None)
        except InDoubt as failure:
            return Failed(cause=failure.cause, write_in_doubt=True)
        except Failure as failure:
            return Failed(cause=failure.cause)
        except Exception as fault:  # noqa: BLE001  # our own fault is no reason to leave a customer stuck
            self._observer.crashed(entry, fault)
            return Failed(cause="ponte.fault", write_in_doubt=await self._begun_write(entry) is not None)

    async def report(self, installation: Installation, outcome: Outcome) -> None:
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

    async def _use_case(
        self,
        entry: Entry,
        installation: Installation,
        registry: OutageRegistry,
        announce: AnnounceOutage,
        until: float,
    ) -> Outcome:
        policies = installation.policies
        erp = read_only(self._erps(installation)) if policies.shadow else self._erps(installation)
        check = CheckOutage(erp=erp, registry=registry, clock=self._clock, installation=installation, until=until)
        match entry.notification:
            case CustomerLookup() as request:
                return await IdentifyCustomer(erp=erp, check_outage=check, announce=announce)(request, policies)
            case BoletoRequested() as request:
                return await IssueBoleto(erp=erp, calendar=self._calendar, clock=self._clock)(request, installation)
            case UnblockRequested() as request:
                return await UnblockOnTrust(erp=erp, journal=self._ledger, entry=entry)(request, policies)
            case TicketRequested() as request:
                use_case = OpenTicket(
                    erp=erp,
                    clock=self._clock,
                    journal=self._ledger,
                    entry=entry,
                    check_outage=check,
                    announce=announce,
                )
                return await use_case(request, policies)
            case OutageAsked() as request:
                return await TellOutage(erp=erp, check_outage=check, announce=announce)(request, policies)
            case _:
                assert_never(entry.notification)

    async def _begun_write(self, entry: Entry) -> Begun | None:
        return await self._ledger.recall(entry, write_key(entry))
