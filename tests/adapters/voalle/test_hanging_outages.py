"""The ERP's outage call hangs, over real HTTP: customers are still told what was known a minute ago."""

import ssl
import time

from adapters.fence.local import LocalFence
from adapters.memory.clock import SetClock
from adapters.voalle.access_points import WAITED_FOR_S
from adapters.voalle.build import voalle_erp
from adapters.web.client import open_http
from domain.installation import Policies
from domain.tax_id import Cpf
from entrypoints.sandbox.city import start_city
from tests.adapters.voalle.test_contract import NOW, TODAY, access, hosts


async def test_while_the_outage_call_hangs_customers_are_told_what_was_known_a_minute_ago() -> None:
    clock = SetClock(NOW)
    async with start_city(TODAY, clock=lambda: NOW) as city:
        http = open_http(tls=ssl.create_default_context(), max_connections=8)
        erp = voalle_erp(
            access(city, third_party=True),
            Policies(erp_timeout_s=WAITED_FOR_S * 3),
            http,
            clock,
            fences=lambda _: LocalFence(concurrency=4, per_minute=None),
            private_hosts=hosts(city),
        )
        try:
            gabriel = await erp.customers.find(Cpf(digits=city.people["gabriel"].tax_id))
            assert gabriel is not None
            before = await erp.outages.affecting(gabriel)
            city.faults.set("erp", "hang")
            clock.advance(70)
            asked_at = time.monotonic()
            told = await erp.outages.affecting(gabriel)
            assert time.monotonic() - asked_at < WAITED_FOR_S * 2
            assert told.outages == before.outages != ()
            assert told.unaffected == frozenset()
        finally:
            city.faults.set("erp", None)
            await http.aclose()
