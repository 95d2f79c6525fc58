"""Rede Off as customers meet it: what is known, and who is told what, once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from application.failures import Unavailable
from application.outage_ports import Told
from application.shadow import looked_at_only
from domain.action import CloseChat
from domain.identifiers import ChatId, ProtocolNumber
from domain.installation import FlowKey, Policies
from domain.notification import ChatRef
from domain.outage import Outage
from domain.outage_scope import Reach, Scope
from domain.outcome import (
    BoletosIssued,
    CustomerFound,
    CustomerInOutage,
    Failed,
    NoOpenBoleto,
    Shadowed,
    TicketNotNeeded,
    TicketOpened,
    UnblockDenied,
)
from tests.application.office import CHAT, NOON, Office, boleto, lookup, ticket, unblock
from tests.application.outage_office import (
    AT_SIX,
    BY_POINT,
    CLOSES,
    TELLS,
    Broken,
    Hanging,
    Slow,
    an_office,
    declare,
    declared,
    said,
    standing,
    with_registry,
)
from tests.domain.builders import contract, customer

# --- what is known ----------------------------------------------------------------------------------------------


async def test_a_customer_is_told_of_what_people_declared_though_the_erp_knows_of_nothing() -> None:
    office = an_office()
    await declare(office, declared(cause="rompimento de fibra"))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert said(office) == [outcome.told]
    assert outcome.told.endswith("Motivo: rompimento de fibra. Previsão de retorno: 18h. Protocolo: 77.")
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_an_erp_that_fails_is_no_reason_not_to_tell_what_is_known() -> None:
    office = an_office()
    await declare(office, declared(Scope(reach=Reach.DISTRICT, names=("centro",))))
    office.world.fail("affecting", Unavailable("erp.timeout"))
    assert isinstance(await office.receive(lookup()), CustomerInOutage)


async def test_an_erp_that_hangs_is_no_reason_not_to_tell_what_is_known() -> None:
    office = an_office(replace(TELLS, reply_deadline_s=0.4))
    office.erp = replace(office.erp, outages=Hanging())
    await declare(office, declared())
    assert isinstance(await office.receive(lookup()), CustomerInOutage)


async def test_an_erp_that_took_nearly_all_the_time_for_the_customer_is_not_waited_for_again() -> None:
    office = an_office()
    office.erp = replace(office.erp, customers=Slow(office, 16.9), outages=Hanging())
    await declare(office, declared())
    assert isinstance(await office.receive(lookup()), CustomerInOutage)


async def test_a_registry_that_fails_is_no_reason_not_to_tell_what_the_erp_tells() -> None:
    office = with_registry(an_office(), Broken(clock=Office().clock))
    office.world.outages.append(replace(BY_POINT, protocol=ProtocolNumber("99")))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert "Protocolo: 99." in outcome.told


async def test_an_outage_that_is_closed_or_has_expired_is_told_to_nobody_who_still_waits() -> None:
    office = an_office()
    await declare(office, declared(), declared(ident="o-2", expires_at=NOON + timedelta(hours=1)))
    await office.accept(lookup())
    await declare(office, declared(ended_at=NOON))
    office.clock.advance(3600)
    await office.installations.save(replace(office.installation, policies=replace(TELLS, reply_deadline_s=7200)))
    await office.work()
    assert isinstance(office.notebook.finished_with[-1], CustomerFound)


async def test_of_two_outages_the_one_with_the_earliest_prediction_is_told() -> None:
    office = an_office()
    await declare(office, declared(predicted_at=AT_SIX + timedelta(hours=1)), declared(ident="o-2", protocol=None))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert (outcome.back_at, outcome.protocol) == ("18h", None)


async def test_the_customers_own_protocol_goes_before_that_of_the_outage() -> None:
    office = an_office()
    await declare(office, declared(predicted_at=NOON + timedelta(hours=1)))
    office.world.outages.append(replace(BY_POINT, protocol=ProtocolNumber("99")))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert (outcome.back_at, outcome.protocol) == ("13h", "99")


@pytest.mark.parametrize(
    ("zone", "back_at"), [("America/Sao_Paulo", "amanhã (24/11), às 00h30"), ("America/Rio_Branco", "22h30")]
)
async def test_half_past_midnight_told_before_midnight_is_tomorrow_where_it_is(zone: str, back_at: str) -> None:
    office = an_office(replace(TELLS, timezone=zone))
    office.clock.advance((11 * 60 + 50) * 60)
    at = datetime(2026, 11, 24, 0, 30, tzinfo=ZoneInfo("America/Sao_Paulo"))
    await declare(office, declared(predicted_at=at, expires_at=at))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert f"Previsão de retorno: {back_at}." in outcome.told


@pytest.mark.parametrize(("predicted_at", "said"), [(NOON, "nova previsão em análise"), (None, "ainda sem previsão")])
async def test_a_past_prediction_is_no_promise_and_an_unknown_one_is_said_to_be_unknown(
    predicted_at: datetime | None, said: str
) -> None:
    office = an_office()
    await declare(office, declared(predicted_at=predicted_at))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert f"Previsão de retorno: {said}." in outcome.told


# --- told once ----------------------------------------------------------------------------------------------------


async def test_a_chat_is_told_once_and_again_when_the_prediction_changes() -> None:
    office = an_office()
    await declare(office, declared())
    for number in range(3):
        await office.receive(lookup(key=f"n-{number}"))
    assert office.said_keys == ["outage.told"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND] * 3

    await declare(office, declared(predicted_at=AT_SIX + timedelta(hours=1)))
    await office.receive(lookup(key="n-9"))
    assert [text.endswith("18h. Protocolo: 77.") for text in said(office)] == [True, False]


async def test_a_chat_that_was_told_is_closed_again_without_the_words() -> None:
    office = an_office(CLOSES)
    await declare(office, declared())
    await office.receive(lookup())
    office.chat.situations.clear()
    await office.receive(lookup(key="n-2"))
    assert office.said_keys == ["outage.told"]
    assert office.chat.terminals(CHAT.id) == [CloseChat()] * 2
    assert await office.outages.told(office.installation.id) == {"o-1": Told(chats=1, closed=1)}


async def test_after_a_crash_the_same_notification_tells_what_it_was_about_to_tell() -> None:
    office = an_office()
    await declare(office, declared())
    await office.accept(lookup())
    told = Outage(id="o-1", predicted_at=AT_SIX)
    await office.outages.tell(office.installation.id, CHAT.id, told, lookup().key, closes=False)
    await office.work()
    assert office.said_keys == ["outage.told"]


async def test_where_it_can_not_be_recorded_it_is_told_rather_twice_than_never() -> None:
    office = with_registry(an_office(), Broken(clock=Office().clock))
    office.world.outages.append(BY_POINT)
    await office.receive(lookup())
    await office.receive(lookup(key="n-2"))
    assert office.said_keys == ["outage.told"] * 2


async def test_a_request_that_names_no_chat_is_always_told() -> None:
    office = an_office()
    await declare(office, declared())
    for number in range(2):
        request = lookup(key=f"n-{number}", chat=ChatRef(id=ChatId("")))
        await office.accept(request)
        await office.work(ChatId(""))
        outcome = office.notebook.finished_with[-1]
        assert isinstance(outcome, CustomerInOutage)
        assert not outcome.again
    assert await office.outages.told(office.installation.id) == {}


async def test_only_one_of_two_contracts_is_reached_so_it_is_named_and_the_chat_goes_on() -> None:
    office = an_office(CLOSES, customer(contract("1"), contract("2")))
    await declare(office, declared(Scope(reach=Reach.CONTRACTS, names=("2",))))
    await office.receive(lookup())
    assert said(office)[1].startswith("A falha atinge só o contrato 2;")
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert await office.outages.told(office.installation.id) == {"o-1": Told(chats=1, closed=0)}


# --- tickets, boletos, unblocks -----------------------------------------------------------------------------------


async def test_a_ticket_asked_for_in_an_outage_gets_its_protocol_and_no_second_one_is_opened() -> None:
    office = an_office(Policies())
    await declare(office, declared())
    outcome = await office.receive(ticket())
    assert isinstance(outcome, TicketNotNeeded)
    assert outcome.protocol == "77"
    assert office.world.writes == []
    assert office.flows == [FlowKey.TICKET_REFUSED]


async def test_whoever_asked_for_a_ticket_was_told_and_is_told_again_only_if_they_ask_again() -> None:
    office = an_office()
    await declare(office, declared())
    await office.receive(ticket())
    await office.receive(lookup(key="n-2"))
    assert office.said_keys == ["outage.told"]
    await office.receive(ticket(key="n-3"))
    assert office.said_keys == ["outage.told"] * 2


async def test_a_ticket_about_a_contract_that_the_outage_spares_is_opened() -> None:
    office = an_office(TELLS, customer(contract("1"), contract("2")))
    await declare(office, declared(Scope(reach=Reach.CONTRACTS, names=("2",))))
    assert isinstance(await office.receive(ticket(contract="1")), TicketOpened)
    assert isinstance(await office.receive(ticket(contract="2", key="n-2")), TicketNotNeeded)


async def test_boleto_and_unblock_work_in_an_outage_as_ever() -> None:
    office = an_office()
    await declare(office, declared())
    assert isinstance(await office.receive(boleto()), BoletosIssued | NoOpenBoleto)
    assert isinstance(await office.receive(unblock(key="n-2")), UnblockDenied)
    assert "outage.told" not in office.said_keys


# --- nobody can tell who the customer is --------------------------------------------------------------------------


async def test_a_look_up_that_failed_tells_of_an_outage_that_reaches_everybody_once() -> None:
    office = an_office()
    await declare(office, declared())
    office.world.fail("find", Unavailable("erp.timeout"), Unavailable("erp.timeout"))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, Failed)
    assert outcome.told in said(office)
    await office.receive(lookup(key="n-2"))
    assert office.said_keys == ["outage.told"]
    assert office.flows == [FlowKey.AUXILIARY] * 2


async def test_a_ticket_that_failed_tells_of_it_whatever_is_told_at_contact() -> None:
    office = an_office(Policies())
    await declare(office, declared())
    office.world.fail("find", Unavailable("erp.timeout"), Unavailable("erp.timeout"))
    assert await office.receive(lookup()) == Failed(cause="erp.timeout")
    outcome = await office.receive(ticket(key="n-2"))
    assert isinstance(outcome, Failed)
    assert outcome.told


async def test_a_failure_tells_nothing_of_an_outage_that_may_be_elsewhere_nor_of_one_when_asked_for_a_boleto() -> None:
    office = an_office()
    await declare(office, declared(Scope(reach=Reach.CITY, names=("Contagem",))))
    office.world.fail("find", *[Unavailable("erp.timeout")] * 3)
    assert await office.receive(lookup()) == Failed(cause="erp.timeout")
    await declare(office, declared())
    assert await office.receive(boleto(key="n-2")) == Failed(cause="erp.timeout")
    assert await office.receive(unblock(key="n-3")) == Failed(cause="erp.timeout")


async def test_who_waited_too_long_for_the_erp_is_told_of_it_too() -> None:
    office = an_office()
    await declare(office, declared())
    await office.accept(lookup())
    office.clock.advance(60)
    await office.work()
    outcome = office.notebook.finished_with[-1]
    assert isinstance(outcome, Failed)
    assert outcome.told


async def test_in_shadow_mode_nothing_is_kept_of_whom_it_would_have_told() -> None:
    office = an_office(replace(TELLS, shadow=True))
    await declare(office, declared())
    office.world.outages.append(BY_POINT)
    assert isinstance(await office.receive(lookup()), CustomerInOutage)
    assert [each.id for each in await standing(office)] == ["o-1"]
    assert await office.outages.told(office.installation.id) == {}
    await declare(office, declared(ended_at=NOON))
    office.world.outages.clear()
    assert isinstance(await office.receive(ticket(key="n-2")), Shadowed)
    office.clock.advance(13 * 3600)
    assert list(await looked_at_only(office.outages).lapsing()) == []
