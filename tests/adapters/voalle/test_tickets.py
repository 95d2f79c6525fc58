from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from application.failures import InDoubt, Rejected, Unintelligible
from domain.identifiers import ProtocolNumber
from domain.ticket import Ticket, TicketOpen, TicketRefusedByErp
from tests.adapters.voalle.scripted import (
    API,
    LIST,
    OPEN,
    ScriptedErp,
    contract,
    customer,
    enveloped,
    new_ticket,
    recorded,
    says,
)

OPEN_THERE = f"{API}/opensolicitation"
LIST_THERE = f"{API}/solicitationlist/12345"


@pytest.mark.parametrize(("contract_id", "told"), [(None, ""), ("20743", "\nContrato 20743")])
async def test_a_ticket_is_opened_with_client_and_a_description_that_tells_the_contract(
    contract_id: str | None, told: str
) -> None:
    erp = ScriptedErp()
    erp.on(OPEN, recorded("open_solicitation"))
    answer = await erp.build().tickets.open(new_ticket(contract_id))
    assert answer == TicketOpen(protocol=ProtocolNumber("20261123000017"))
    request = erp.sent(OPEN)
    assert request.headers["authorization-token"] == "pbx-token"
    sent = msgspec.json.decode(request.content)
    assert sent == {"client_id": 12345, "description": f"Sem conexão desde ontem{told}"}


@pytest.mark.parametrize(
    "answer",
    [
        {"protocol": "A-1"},
        {"protocol": "A-1", "data": {"id": 3}},
        {"data": {"protocol": "A-1"}},
        {"status": "OK", "response": {"protocolo": "A-1"}},
    ],
)
async def test_the_protocol_is_found_at_the_top_or_one_level_down(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(OPEN, says(answer))
    assert await erp.build().tickets.open(new_ticket()) == TicketOpen(protocol=ProtocolNumber("A-1"))


async def test_an_error_inside_http_200_is_a_refusal() -> None:
    erp = ScriptedErp()
    erp.on(OPEN, recorded("open_solicitation_error"))
    assert await erp.build().tickets.open(new_ticket()) == TicketRefusedByErp()


async def test_a_refused_token_is_no_refusal_of_the_ticket() -> None:
    erp = ScriptedErp()
    erp.on(OPEN, says({"status": "ERROR", "message": "Token inválido"}))
    with pytest.raises(Rejected):
        await erp.build().tickets.open(new_ticket())


@pytest.mark.parametrize("answer", [{}, {"protocol": None}, {"status": "OK"}, [], "123"])
async def test_an_answer_without_a_protocol_is_not_understood(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(OPEN, says(answer))
    with pytest.raises(Unintelligible) as caught:
        await erp.build().tickets.open(new_ticket())
    assert caught.value.cause == "erp.unknown_ticket"


async def test_a_ticket_of_a_known_contract_goes_to_the_third_party() -> None:
    erp = ScriptedErp()
    erp.on(OPEN_THERE, recorded("opensolicitation"))
    assert await erp.build_both().tickets.open(new_ticket("20743")) == TicketOpen(
        protocol=ProtocolNumber("20261123000018")
    )
    assert msgspec.json.decode(erp.sent(OPEN_THERE).content) == {
        "description": "Sem conexão desde ontem",
        "clientId": 12345,
        "contractId": 20743,
        "contractServiceTagId": "",
        "close": False,
    }


async def test_a_ticket_without_a_contract_goes_to_the_pbx() -> None:
    erp = ScriptedErp()
    erp.on(OPEN, recorded("open_solicitation"))
    await erp.build_both().tickets.open(new_ticket())
    assert erp.count(OPEN) == 1


@pytest.mark.parametrize("status", [200, 400])
async def test_the_third_party_refuses_in_its_envelope(status: int) -> None:
    erp = ScriptedErp()
    messages = [{"message": "Contrato cancelado", "code": "", "type": "Error"}]
    erp.on(OPEN_THERE, says({"success": False, "messages": messages, "response": None}, status))
    assert await erp.build_both().tickets.open(new_ticket("20743")) == TicketRefusedByErp()


async def test_a_ticket_without_an_answer_is_in_doubt_and_opened_nowhere_else() -> None:
    erp = ScriptedErp()
    erp.on(OPEN_THERE, httpx.ReadTimeout(""))
    erp.on(OPEN, recorded("open_solicitation"))
    with pytest.raises(InDoubt):
        await erp.build_both().tickets.open(new_ticket("20743"))
    assert (erp.count(OPEN_THERE), erp.count(OPEN)) == (1, 0)


async def test_a_ticket_of_a_second_record_is_opened_under_that_record() -> None:
    second = msgspec.structs.replace(contract("30"), customer_id="777")
    ticket = msgspec.structs.replace(new_ticket("30"), customer=customer(contract(), second))
    erp = ScriptedErp()
    erp.on(OPEN, recorded("open_solicitation"))
    await erp.build().tickets.open(ticket)
    assert msgspec.json.decode(erp.sent(OPEN).content)["client_id"] == 777


async def test_open_tickets_are_those_not_closed_with_their_time_in_brasilia() -> None:
    erp = ScriptedErp()
    erp.on(LIST, recorded("solicitation_list"))
    assert await erp.build().tickets.open_tickets(customer()) == (
        Ticket(
            protocol=ProtocolNumber("20261120001"),
            opened_at=datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
            title="Sem conexão",
        ),
    )


@pytest.mark.parametrize(
    ("status", "is_open"),
    [
        ("Encerrado", False),
        ("FECHADO", False),
        ("Fechamento", False),
        ("Cancelada", False),
        ("Concluído", False),
        ("Abertura", True),
        ("Aguardando fechamento", True),
        ("Reaberto", True),
        (2, True),
        (None, True),
    ],
)
async def test_a_ticket_is_open_unless_its_state_says_closed(status: object, is_open: bool) -> None:
    erp = ScriptedErp()
    erp.on(LIST, says({"data": [{"protocol": 1, "status": status, "beginning_date": "soon"}]}))
    tickets = await erp.build().tickets.open_tickets(customer())
    assert [ticket.protocol for ticket in tickets] == (["1"] if is_open else [])
    assert all(ticket.opened_at is None for ticket in tickets)


@pytest.mark.parametrize("name", ["data", "response", "solicitations", "solicitationList", "assignments"])
async def test_the_list_of_tickets_is_found_under_each_name_that_is_known(name: str) -> None:
    erp = ScriptedErp()
    erp.on(LIST, says({"total": 1, name: [{"protocolo": 1, "status": "Abertura"}]}))
    assert [ticket.protocol for ticket in await erp.build().tickets.open_tickets(customer())] == ["1"]


async def test_an_open_ticket_without_a_protocol_is_not_told_and_hides_no_other() -> None:
    erp = ScriptedErp()
    erp.on(LIST, says({"data": [{"status": "Abertura"}, {"protocol": 2, "status": "Abertura"}]}))
    assert [ticket.protocol for ticket in await erp.build().tickets.open_tickets(customer())] == ["2"]


@pytest.mark.parametrize("answer", [{"data": []}, [], None, {"data": None}])
async def test_no_tickets_are_no_tickets(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(LIST, says(answer))
    assert list(await erp.build().tickets.open_tickets(customer())) == []


@pytest.mark.parametrize("answer", [{}, {"total": 3}, [1], [{"id": 1}], "none"])
async def test_a_list_in_another_shape_is_never_no_tickets(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(LIST, says(answer))
    with pytest.raises(Unintelligible):
        await erp.build().tickets.open_tickets(customer())


@pytest.mark.parametrize("failing", [503, 403])
async def test_the_third_party_list_is_asked_for_open_ones_and_the_pbx_stands_in(failing: int) -> None:
    erp = ScriptedErp()
    row = {"assignmentId": 9, "protocol": "7", "status": "Andamento", "beginningData": "2026-11-20T09:30:00"}
    erp.on(LIST_THERE, enveloped({"data": [row], "totalRecords": 1}), httpx.Response(failing))
    erp.on(LIST, recorded("solicitation_list"))
    tickets = erp.build_both().tickets
    first = await tickets.open_tickets(customer())
    with capture_logs() as logs:
        second = await tickets.open_tickets(customer())
    assert [(entry["event"], entry["source"]) for entry in logs] == [("erp.source_failed", "third_party")]
    assert erp.sent(LIST_THERE).url.params["allAssignments"] == "False"
    assert [ticket.protocol for ticket in (*first, *second)] == ["7", "20261120001"]


async def test_the_tickets_of_a_customers_own_record_are_read_even_where_no_contract_stands_in_it() -> None:
    elsewhere = msgspec.structs.replace(contract("30"), customer_id="777")
    erp = ScriptedErp()
    erp.on(LIST, says([{"protocol": 1, "status": "Abertura"}]))
    erp.on(LIST.replace("12345", "777"), says([]))
    tickets = await erp.build().tickets.open_tickets(customer(elsewhere))
    assert [ticket.protocol for ticket in tickets] == ["1"]


async def test_the_tickets_of_all_records_of_a_document_are_read() -> None:
    second = msgspec.structs.replace(contract("30"), customer_id="777")
    erp = ScriptedErp()
    erp.on(LIST, says([{"protocol": 1, "status": "Abertura"}]))
    erp.on("/api/api/events/solicitation_list/777", says([{"protocol": 2}, {"protocol": "1"}]))
    tickets = await erp.build().tickets.open_tickets(customer(contract(), second))
    assert [ticket.protocol for ticket in tickets] == ["1", "2"]
