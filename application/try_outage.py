"""Would this customer be told of an outage, and of which? Asked by the provider's people; nobody is told anything."""

import asyncio
from zoneinfo import ZoneInfo

from application.check_outage import CheckOutage
from application.failures import Unavailable
from application.handle_notification import time_to_ask_s
from application.identify_customer import identify
from application.outage_ports import OutageRegistry
from application.ports import Clock, Erps
from application.shadow import looked_at_only, read_only
from domain.customer import Contract, in_force
from domain.identifiers import ChatId, NotificationKey, Personal
from domain.installation import IdentityPolicy, Installation, Policies
from domain.notification import ChatRef, OutageAsked
from domain.outage import Outage, tell
from domain.outage_scope import DeclaredOutage, OutageId
from domain.outcome import CustomerNotFound, WhyNotFound


class OutageTrial(Personal, frozen=True, kw_only=True):
    safe = ("why_not_found", "contracts", "outage")

    why_not_found: WhyNotFound | None = None
    """None: the customer was found"""
    contracts: tuple[Contract, ...] = ()
    outage: Outage | None = None
    declared: DeclaredOutage | None = None
    """the same in the registry; None: the ERP has told of it just now"""
    words: str = ""
    """the message in which the customer would read of it"""


class TryOutage:
    """To be called on the loop on which ERPs are asked."""

    def __init__(self, *, erps: Erps, outages: OutageRegistry, clock: Clock) -> None:
        self._erps = erps
        self._outages = outages
        self._clock = clock

    async def __call__(self, document: str, installation: Installation) -> OutageTrial:
        """A `Failure` where the ERP can't tell who the customer is."""
        asked = OutageAsked(key=NotificationKey("try"), chat=ChatRef(id=ChatId("")), document=document)
        erp, registry = read_only(self._erps(installation)), looked_at_only(self._outages)
        try:
            async with asyncio.timeout(time_to_ask_s(installation.policies)):
                customer = await identify(asked, erp=erp, policy=IdentityPolicy.DOCUMENT)
                if isinstance(customer, CustomerNotFound):
                    return OutageTrial(why_not_found=customer.why)
                contracts = in_force(customer.contracts)
                check = CheckOutage(erp=erp, registry=registry, clock=self._clock, installation=installation)
                outage = await check(customer, contracts)
        except TimeoutError:
            raise Unavailable("deadline.erp_too_slow") from None
        if outage is None:
            return OutageTrial(contracts=contracts)
        return OutageTrial(
            contracts=contracts,
            outage=outage,
            declared=await registry.get(installation.id, OutageId(outage.id)),
            words=self._words(outage, installation.policies),
        )

    def _words(self, outage: Outage, policies: Policies) -> str:
        return tell(policies.outage_message, outage, now=self._clock.now(), zone=ZoneInfo(policies.timezone))
