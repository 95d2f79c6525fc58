"""What a flow that waits for its answer is told, on a provider's world in memory."""

import asyncio
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from adapters.messages.catalog import read_catalog
from application.answer_flow import AnswerFlow, unanswered
from application.failures import InDoubt, Unavailable
from application.ports import Arrival, Conclusion, EffectState, Entry, Operation
from application.write_once import write_key
from domain.action import StartFlow
from domain.customer import ContractStatus, Customer
from domain.flow_answer import FlowOperation, answer_of, planned
from domain.identifiers import ChatId, InstallationId, InvoiceId, NotificationKey, ProtocolNumber
from domain.installation import FlowKey, IdentityPolicy, Policies
from domain.invoice import Invoice
from domain.money import Money
from domain.notification import ChatRef, Notification, OutageAsked
from domain.outage import Outage
from domain.outcome import Failed, Paused, Shadowed, TicketOpened
from domain.tax_id import TaxId
from tests.application.office import CHAT, CPF, NOON, Office, boleto, lookup, ticket, unblock
from tests.domain.builders import contract, customer

LINE = "34191101213456788005871234570001616670000012345"
BLOCKED = contract("20743", status=ContractStatus.BLOCKED, unblock_attempts=0)
KEY = "~flow:1"


def outage_asked(document: str = CPF, which: str = "", key: str = KEY) -> OutageAsked:
    return OutageAsked(key=NotificationKey(key), chat=CHAT, document=document, contract=which)


OPERATION_OF = {
    "customer_lookup": FlowOperation.LOOK_UP,
    "boleto_requested": FlowOperation.BOLETO,
    "unblock_requested": FlowOperation.UNBLOCK,
    "ticket_requested": FlowOperation.TICKET,
    "outage_asked": FlowOperation.OUTAGE,
}


class Desk(Office):
    """An office that flows ask, and wait for its answers."""

    def __init__(self, policies: Policies | None = None, **more: frozenset[Operation]) -> None:
        super().__init__(policies, **more)
        self.answer_flow = self.another_process()

    def another_process(self) -> AnswerFlow:
        return AnswerFlow(
            journal=self.journal,
            conclude=self.conclude,
            clock=self.clock,
            observer=self.notebook,
            render=read_catalog().render,
        )

    async def ask(self, asked: Notification, by: AnswerFlow | None = None) -> dict[str, str]:
        operation = OPERATION_OF[str(asked.__struct_config__.tag)]
        return await (by or self.answer_flow)(operation, Arrival(notification=asked, raw=b"{}"), self.installation)

    async def kept(self, asked: Notification) -> Entry:
        return await self.journal.record(self.installation.id, Arrival(notification=asked, raw=b"{}"), window_s=60)


def desk(*people: Customer, policies: Policies | None = None) -> Desk:
    made = Desk(policies)
    for each in people:
        made.world.add(each)
    return made


def invoice() -> Invoice:
    return Invoice(
        id=InvoiceId("9"),
        due_on=date(2026, 12, 21),
        nominal=Money(12345),
        digitable_line=LINE,
        link="https://erp.example/b/9",
    )


def outage(*contracts: str) -> Outage:
    return Outage(
        id="o1",
        contracts=frozenset(each.id for each in map(contract, contracts)) if contracts else None,
        predicted_at=NOON + timedelta(hours=6),
        protocol=ProtocolNumber("77"),
    )


# --- the operations ---------------------------------------------------------------------------------------------


async def test_a_customer_is_found_and_nothing_is_done_in_the_chat() -> None:
    office = desk(customer(phones=("11987654321",)))
    told = await office.ask(lookup())
    assert told["resultado"] == "customer_found"
    assert told["mensagem"] == "Oi, Ana! Encontrei o seu cadastro."
    assert (told["cliente_nome"], told["contratos"], told["contrato_1"]) == ("Ana", "1", "20743")
    assert told["contratos_lista"] == "1. Contrato 20743 – Plano 500 Mega – Centro"
    assert office.chat.heard(CHAT.id) == []
    assert office.flows == []


async def test_an_answer_is_kept_for_the_audit_and_nobody_works_it_off() -> None:
    office = desk(customer())
    await office.ask(lookup(key=KEY))
    kept = await office.kept(lookup(key=KEY))
    assert kept.outcome == office.notebook.finished_with[-1]
    assert kept.route is not None
    assert isinstance(kept.route.terminal, StartFlow)
    assert kept.route.terminal.flow is FlowKey.CUSTOMER_FOUND
    assert await office.journal.unfinished() == []


async def test_a_boleto_has_its_codes_in_keys_of_their_own() -> None:
    office = desk(customer())
    office.world.invoices[contract().id] = [invoice()]
    told = await office.ask(boleto())
    assert told["resultado"] == "boletos_found"
    assert (told["boleto_1_linha_digitavel"], told["boleto_1_link"]) == (LINE, "https://erp.example/b/9")
    assert told["boleto_2_linha_digitavel"] == ""


async def test_several_contracts_are_a_question() -> None:
    office = desk(customer(contract("1"), contract("2")))
    told = await office.ask(unblock())
    assert told["resultado"] == "escolher_contrato"
    assert told["contratos_lista"].splitlines() == [
        "1. Contrato 1 – Plano 500 Mega – Centro",
        "2. Contrato 2 – Plano 500 Mega – Centro",
    ]
    assert office.world.writes == []


async def test_an_unblock_is_asked_for_once() -> None:
    office = desk(customer(BLOCKED))
    assert (await office.ask(unblock(key=KEY)))["resultado"] == "unblock_granted"
    assert office.world.writes == ["unblock 20743"]


async def test_a_number_that_the_record_does_not_know_sees_nothing_where_the_phone_must_match() -> None:
    policies = Policies(identity=IdentityPolicy.DOCUMENT_AND_PHONE)
    office = desk(customer(phones=("11987654321",)), policies=policies)
    assert (await office.ask(lookup()))["resultado"] == "customer_found"
    nobody = ChatRef(id=ChatId(""))
    assert (await office.ask(lookup(chat=nobody, key="other")))["resultado"] == "customer_not_found"


# --- outages ----------------------------------------------------------------------------------------------------


async def test_whoever_asks_for_an_outage_is_told_whatever_is_told_at_contact() -> None:
    office = desk(customer())
    office.world.outages.append(outage())
    told = await office.ask(outage_asked())
    assert told["resultado"] == "falha_massiva"
    assert (told["protocolo"], told["resolution_time_hour"]) == ("77", "18h")
    assert "18h" in told["mensagem"]
    assert (await office.ask(lookup()))["resultado"] == "customer_found"


async def test_where_there_is_no_outage_the_customer_is_found_and_a_stranger_is_not() -> None:
    office = desk(customer())
    assert (await office.ask(outage_asked()))["resultado"] == "customer_found"
    assert (await office.ask(outage_asked("123.456.789-09", key="~2")))["resultado"] == "customer_not_found"


async def test_an_outage_of_another_contract_than_the_named_one_is_none() -> None:
    office = desk(customer(contract("1"), contract("2")))
    office.world.outages.append(outage("1"))
    assert (await office.ask(outage_asked(which="contrato 2")))["resultado"] == "customer_found"
    assert (await office.ask(outage_asked(which="contrato 1", key="~2")))["resultado"] == "falha_massiva"
    assert (await office.ask(outage_asked(key="~3")))["resultado"] == "falha_massiva"


async def test_a_look_up_tells_an_outage_with_the_customers_keys_where_the_provider_wants_it_told() -> None:
    office = desk(customer(), policies=Policies(outage_message_enabled=True))
    office.world.outages.append(outage())
    for key in ("~1", "~2"):
        told = await office.ask(lookup(key=key))
        assert (told["resultado"], told["contrato_1"], told["protocolo"]) == ("falha_massiva", "20743", "77")
        assert "18h" in told["mensagem"]


# --- failures ---------------------------------------------------------------------------------------------------


async def test_an_erp_that_fails_is_the_auxiliary_flow_and_an_alert() -> None:
    office = desk(customer())
    office.world.fail("find", Unavailable("erp.timeout"))
    told = await office.ask(lookup())
    assert (told["resultado"], told["motivo"]) == ("auxiliary", "erp.timeout")
    assert office.notebook.alerts == ["erp.timeout"]


async def test_a_failure_is_no_answer_to_be_given_again() -> None:
    office = desk(customer())
    office.world.fail("find", Unavailable("erp.timeout"))
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "auxiliary"
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_found"
    office.world.fail("find", Unavailable("erp.timeout"))
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_found"
    trails = office.journal.trails((await office.kept(lookup(key=KEY))).seq)
    assert [trail.steps[-1].ended for trail in trails] == ["erp.timeout", "ok"]


async def test_a_fault_of_our_own_is_the_auxiliary_flow() -> None:
    office = desk(customer())
    office.world.check = _breaks  # type: ignore[method-assign]
    assert (await office.ask(lookup()))["motivo"] == "ponte.fault"
    assert len(office.notebook.faults) == 1


def _breaks(operation: str) -> None:
    raise ZeroDivisionError


async def test_while_paused_everybody_goes_to_the_auxiliary_flow() -> None:
    office = desk(customer(), policies=Policies(paused=True))
    told = await office.ask(lookup(key=KEY))
    assert (told["resultado"], told["motivo"]) == ("auxiliary", "paused")
    assert office.notebook.finished_with == [Paused()]
    office.installation = replace(office.installation, policies=Policies())
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_found"


async def test_in_shadow_mode_nothing_is_written() -> None:
    office = desk(customer(), policies=Policies(shadow=True))
    assert (await office.ask(ticket()))["resultado"] == "auxiliary"
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_found"
    assert office.world.writes == []
    assert Shadowed(operation="ticket") in office.notebook.finished_with


async def test_what_the_erp_does_not_offer_is_the_auxiliary_flow() -> None:
    office = Desk(offers=frozenset({Operation.CUSTOMER}))
    office.world.add(customer())
    assert (await office.ask(ticket()))["motivo"] == "not_offered"


class GoneStorage:
    """Stands in the way of the journal's methods that are named."""

    def __init__(self, office: Desk, *methods: str) -> None:
        for method in methods:
            setattr(office.journal, method, self._fail)

    async def _fail(self, *_: object, **__: object) -> None:
        raise Unavailable("storage.failed")


async def test_without_storage_nothing_is_asked_and_the_flow_is_answered() -> None:
    office = desk(customer(BLOCKED))
    GoneStorage(office, "record")
    told = await office.ask(unblock())
    assert (told["resultado"], told["motivo"]) == ("auxiliary", "storage.failed")
    assert office.notebook.alerts == ["storage.failed"]
    assert office.world.writes == []


async def test_what_was_done_is_told_even_when_it_cannot_be_kept() -> None:
    office = desk(customer(BLOCKED))
    GoneStorage(office, "finish_entry")
    assert (await office.ask(unblock()))["resultado"] == "unblock_granted"


class HangingCustomers:
    """An ERP whose answer waits until it is let go."""

    def __init__(self, office: Desk) -> None:
        self._find = office.erp.customers.find
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        office.erp = replace(office.erp, customers=self)

    async def find(self, tax_id: TaxId) -> Customer | None:
        self.asked += 1
        self.was_asked.set()
        await self.may_answer.wait()
        return await self._find(tax_id)


async def test_an_erp_that_hangs_is_the_auxiliary_flow_in_time() -> None:
    office = desk(customer(), policies=Policies(flow_api_deadline_s=0.2))
    HangingCustomers(office)
    told = await office.ask(lookup())
    assert (told["resultado"], told["motivo"]) == ("auxiliary", "deadline.erp_too_slow")


async def test_a_storage_that_hangs_is_the_auxiliary_flow_in_time() -> None:
    office = desk(customer(), policies=Policies(flow_api_deadline_s=0.05))
    released = asyncio.Event()

    async def hang(installation_id: InstallationId, arrival: Arrival, *, window_s: float) -> Entry:
        await released.wait()
        raise Unavailable("storage.failed")

    office.journal.record = hang  # type: ignore[method-assign]
    assert (await office.ask(lookup()))["motivo"] == "deadline.flow_not_answered"
    assert office.notebook.alerts == ["deadline.flow_not_answered"]
    released.set()


async def test_what_a_flow_did_not_wait_for_is_told_when_it_asks_again() -> None:
    office = desk(customer())
    slow = HangingCustomers(office)
    first = asyncio.create_task(office.ask(lookup(key=KEY)))
    await slow.was_asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    again = asyncio.create_task(office.ask(lookup(key=KEY)))
    await asyncio.sleep(0)
    slow.may_answer.set()
    assert (await again)["resultado"] == "customer_found"
    assert slow.asked == 1


# --- once -------------------------------------------------------------------------------------------------------


async def test_the_same_request_again_has_the_same_answer_and_asks_the_erp_nothing() -> None:
    office = desk(customer(BLOCKED))
    first = await office.ask(unblock(key=KEY))
    office.world.customers.clear()
    assert await office.ask(unblock(key=KEY)) == first
    assert await office.ask(unblock(key=KEY), office.another_process()) == first
    assert office.world.writes == ["unblock 20743"]


async def test_after_the_window_the_same_request_is_a_new_one() -> None:
    office = desk(customer())
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_found"
    office.world.customers.clear()
    office.clock.advance(60)
    assert (await office.ask(lookup(key=KEY)))["resultado"] == "customer_not_found"


async def test_of_fifty_equal_requests_at_once_one_opens_a_ticket_and_all_are_told_its_protocol() -> None:
    office = desk(customer())
    told = await asyncio.gather(*(office.ask(ticket(key=KEY)) for _ in range(50)))
    assert {each["resultado"] for each in told} == {"ticket_opened"}
    assert len({each["protocolo"] for each in told}) == 1
    assert office.world.writes == ["ticket 12345"]


async def test_a_write_without_an_answer_is_read_back_by_the_same_request() -> None:
    office = desk(customer())
    office.world.fail("open!", InDoubt("erp.timeout"))
    office.world.fail("open_tickets", None, Unavailable("erp.timeout"))
    assert (await office.ask(ticket(key=KEY)))["resultado"] == "auxiliary"
    assert office.notebook.alerts == ["erp.write_in_doubt"]
    told = await office.ask(ticket(key=KEY))
    assert (told["resultado"], told["protocolo"]) == ("ticket_opened", "1001")
    assert office.world.writes == ["ticket 12345"]


async def test_a_write_that_a_process_began_before_it_died_is_not_repeated() -> None:
    office = desk(customer(), policies=Policies(flow_api_deadline_s=0.3))
    entry = await office.kept(ticket(key=KEY))
    await office.journal.begin(entry, write_key(entry), b"[]")
    office.journal.crash()
    assert (await office.ask(ticket(key=KEY)))["resultado"] == "auxiliary"
    assert office.world.writes == []


async def test_what_another_process_is_writing_at_this_moment_is_waited_for() -> None:
    office = desk(customer())
    entry = await office.kept(ticket(key=KEY))
    begun = await office.journal.begin(entry, write_key(entry), b"[]")
    assert begun.state is EffectState.FRESH
    slow = HangingCustomers(office)
    second = asyncio.create_task(office.ask(ticket(key=KEY)))
    await slow.was_asked.wait()
    opened = TicketOpened(protocol=ProtocolNumber("4711"))
    await office.journal.conclude(entry, Conclusion(outcome=opened, route=planned(opened, office.installation)))
    slow.may_answer.set()
    told = await second
    assert (told["resultado"], told["protocolo"]) == ("ticket_opened", "4711")
    assert office.world.writes == []


async def test_another_process_that_fails_meanwhile_tells_nothing() -> None:
    office = desk(customer(), policies=Policies(flow_api_deadline_s=0.6))
    entry = await office.kept(ticket(key=KEY))
    await office.journal.begin(entry, write_key(entry), b"[]")
    failed = Failed(cause="erp.timeout", write_in_doubt=True)
    await office.journal.conclude(entry, Conclusion(outcome=failed, route=planned(failed, office.installation)))
    assert (await office.ask(ticket(key=KEY)))["motivo"] == "erp.write_in_doubt"


async def test_every_answer_has_the_keys_of_its_operation() -> None:
    office = desk(customer())
    told = await office.ask(ticket(description=""))
    asked = answer_of(FlowOperation.TICKET, office.notebook.finished_with[-1], office.installation)
    assert list(told) == list(asked.values)
    assert (told["resultado"], told["motivo"]) == ("ticket_refused", "description_missing")


def test_what_could_not_even_be_asked_leads_to_the_auxiliary_flow_in_words_for_a_customer() -> None:
    told = unanswered(FlowOperation.TICKET, "storage.failed", Policies(), read_catalog().render)
    assert told["mensagem"] == "Não consegui concluir o seu pedido por aqui agora."
    assert told["resultado"] == "auxiliary"
