"""Telling a chat of an outage: in the provider's words, and once as long as the prediction stays the same."""

from zoneinfo import ZoneInfo

from application.check_outage import standing_outages
from application.failures import Failure
from application.outage_ports import OutageRegistry
from application.ports import Clock, Entry
from domain.installation import Installation
from domain.notification import CustomerLookup, Notification, OutageAsked, TicketRequested
from domain.outage import Outage, affecting, spoken_prediction, tell
from domain.outage_scope import reaching_all


class AnnounceOutage:
    """To the chat of one entry."""

    def __init__(self, *, registry: OutageRegistry, clock: Clock, installation: Installation, entry: Entry) -> None:
        self._registry = registry
        self._clock = clock
        self._installation = installation
        self._entry = entry

    def words(self, outage: Outage) -> str:
        return tell(self._installation.policies.outage_message, outage, now=self._clock.now(), zone=self._zone)

    def back_at(self, outage: Outage) -> str:
        return spoken_prediction(outage.predicted_at, now=self._clock.now(), zone=self._zone)

    async def is_first(self, outage: Outage, *, closes: bool = False) -> bool:
        """Whether this chat was not told of the outage with this prediction before; from now on it was.

        Asked again for the same entry, after a crash, it says the same. Where it can't be recorded it is the first
        time: better told twice than never. A request that names no chat is always the first.
        """
        chat_id = self._entry.notification.chat.id
        if not chat_id:
            return True
        try:
            return await self._registry.tell(
                self._installation.id, chat_id, outage, self._entry.notification.key, closes=closes
            )
        except Failure:
            return True

    async def in_place_of_an_answer(self) -> str:
        """What to say while nobody can tell who the customer is, or what came of their request: of an outage that
        reaches everybody. Empty: there is none, or they know."""
        if not _is_told(self._entry.notification, self._installation):
            return ""
        standing = await standing_outages(self._registry, self._installation)
        for_all = [outage for each in standing if (outage := reaching_all(each))]
        told = affecting(for_all, (), now=self._clock.now())
        return self.words(told[0]) if told and await self.is_first(told[0]) else ""

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._installation.policies.timezone)


def _is_told(request: Notification, installation: Installation) -> bool:
    """Who asks for support, or whether there is an outage, is told of one whatever the provider wants told at contact."""
    return isinstance(request, TicketRequested | OutageAsked) or (
        isinstance(request, CustomerLookup) and installation.policies.outage_message_enabled
    )
