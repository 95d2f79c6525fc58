"""The little city: the simulated Huggy and ERP of one provider, with its people, running together."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

from entrypoints.sandbox.deliveries import RETRY_DELAYS_S
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.huggy import Huggy
from entrypoints.sandbox.huggy_server import running_huggy
from entrypoints.sandbox.people import inhabitants
from entrypoints.sandbox.provider_flows import FLOW_IDS, PROVIDER_FLOWS, WELCOME
from entrypoints.sandbox.records import Person, Records
from entrypoints.sandbox.voalle import Voalle, running_voalle

ZONE = ZoneInfo("America/Sao_Paulo")


class City:
    """Everything an installation of Ponte needs to know of its provider, and everyone who may write to it."""

    flow_ids: Mapping[str, int] = FLOW_IDS
    """flow key -> the id of its flow"""

    def __init__(self, huggy: Huggy, voalle: Voalle, faults: Faults) -> None:
        self.huggy = huggy
        self.voalle = voalle
        self.faults = faults
        self.company_id = huggy.company_id

    @property
    def people(self) -> Mapping[str, Person]:
        return {person.key: person for person in self.voalle.records.people}

    def phone(self, key: str) -> str:
        """A person's phone as the channel gives it."""
        return whatsapp(self.people[key])

    async def connect_webhook(self, url: str) -> None:
        """Saves the app's webhook at Huggy: handshake, then deliveries. `HandshakeRefused` when the app does not play."""
        await self.huggy.deliveries.connect(url)


def local_now() -> datetime:
    return datetime.fromtimestamp(time.time(), ZONE)


def whatsapp(person: Person) -> str:
    return f"+55{person.phone}"


@asynccontextmanager
async def start_city(
    today: date,
    *,
    clock: Callable[[], datetime] = local_now,
    retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
) -> AsyncGenerator[City]:
    """Runs until the block ends. Invoices fall due around `today`; the outage and the open ticket lie around `clock()`."""
    faults = Faults()
    records = Records(inhabitants(today, clock()), clock)
    names = {whatsapp(person): person.name.title() for person in records.people}
    async with (
        running_voalle(records, faults) as voalle,
        running_huggy(PROVIDER_FLOWS, WELCOME, faults, names=names, retry_delays_s=retry_delays_s) as huggy,
    ):
        yield City(huggy, voalle, faults)
