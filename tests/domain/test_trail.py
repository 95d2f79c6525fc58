from datetime import date

from domain.action import CloseChat, LeaveToAgent, StartFlow
from domain.identifiers import ChatId, NotificationKey, ProtocolNumber
from domain.installation import FlowKey
from domain.notification import KINDS, WRITES, ChatRef, CustomerLookup, kind_of
from domain.outcome import Failed, NoOpenBoleto, NotOffered, TicketOpened, UnblockGranted
from domain.trail import cause_of, masked_document, planned_ending, protocol_of


def lookup(document: str) -> CustomerLookup:
    return CustomerLookup(key=NotificationKey("n-1"), chat=ChatRef(id=ChatId("1")), document=document)


def test_an_ending_is_named_by_its_flow_or_its_action() -> None:
    assert planned_ending(StartFlow(flow=FlowKey.BOLETOS_FOUND, flow_id=None)) == "boletos_found"
    assert planned_ending(CloseChat()) == "chat.close"
    assert planned_ending(LeaveToAgent()) == "agent.keep"


def test_what_failed_has_a_cause_and_what_was_answered_has_none() -> None:
    assert cause_of(Failed(cause="erp.timeout")) == "erp.timeout"
    assert cause_of(NotOffered(operation="unblock")) == "erp.not_offered"
    assert cause_of(NoOpenBoleto()) is None


def test_the_protocol_is_that_of_the_outcome() -> None:
    assert protocol_of(TicketOpened(protocol=ProtocolNumber("123"))) == "123"
    assert protocol_of(UnblockGranted(protocol=None, until=date(2026, 11, 23))) is None
    assert protocol_of(NoOpenBoleto()) is None


def test_of_a_document_its_last_digits_are_kept() -> None:
    assert masked_document(lookup("529.982.247-25")) == "***.***.***-25"
    assert masked_document(lookup("não sei")) is None


def test_kinds_are_the_tags_of_notifications() -> None:
    assert kind_of(lookup("")) == "customer_lookup"
    assert kind_of(lookup("")) in KINDS
    assert WRITES.issubset(KINDS)
