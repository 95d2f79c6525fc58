"""A database with every secret and every piece of personal data in each place that could hold one."""

from msgspec.structs import replace

from application.ports import Arrival, Conclusion
from domain.action import Message, Route, Say, StartFlow
from domain.identifiers import ChatId, NotificationKey
from domain.installation import FlowKey
from domain.notification import ChatRef, NotForUs, TicketRequested
from domain.outcome import CustomerInOutage
from tests.adapters.storage.files import ServedFile
from tests.contracts.installations import FIRST
from tests.contracts.journal import EFFECT, HERE, head
from tests.contracts.outages import OUTAGE

SECRETS = (
    b"52998224725",
    b"529.982.247-25",
    b"Zulmira",
    b"98765",
    b"erp-token-1",
    b"erp-secret-1",
    b"huggy-token-1",
    b"webhook-key-1",
    b"flow-key-1",
    b"pinned-token",
)


async def fill(file: ServedFile) -> None:
    """Puts every secret and every piece of personal data in each place that could hold one."""
    await file.installations.save(FIRST)
    await file.installations.pin_webhook_token(FIRST.id, "pinned-token")
    notification = TicketRequested(
        key=NotificationKey("n-1"),
        chat=ChatRef(id=ChatId("55501"), phone="+55 11 98765-4321"),
        document="529.982.247-25",
        description="Zulmira, CPF 52998224725, sem internet",
    )
    arrival = Arrival(notification=notification, raw=b'{"name": "Zulmira", "cpf": "52998224725"}')
    await file.journal.accept(HERE, [arrival], window_s=60)
    entry = await head(file)
    await file.journal.begin(entry, EFFECT, b"before: Zulmira 52998224725")
    route = Route(
        remarks=(Say(message=Message(key="customer.found", values={"name": "Zulmira"})),),
        terminal=StartFlow(flow=FlowKey.CUSTOMER_FOUND, flow_id=None),
    )
    outcome = CustomerInOutage(first_name="Zulmira", contracts=(), told="Zulmira", back_at="", protocol=None)
    await file.journal.conclude(entry, Conclusion(outcome=outcome, route=route))
    await file.journal.keep_unknown(HERE, NotForUs(reason="event_unknown"), b'{"cpf": "52998224725"}')
    outage = replace(OUTAGE, cause="poste na rua da Zulmira, (11) 98765-4321")
    await file.outages.change(HERE, outage.id, lambda _: outage)
