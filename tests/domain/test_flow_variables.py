from datetime import date

from hypothesis import given

from domain.flow_variables import variables_of
from domain.identifiers import ProtocolNumber
from domain.outcome import CustomerFound, CustomerInOutage, Outcome, UnblockGranted
from domain.routing import route
from tests.domain import outcomes as make
from tests.domain.builders import contract, installation


@given(make.outcomes)
def test_every_variable_is_flat_text_with_a_value(outcome: Outcome) -> None:
    for name, value in variables_of(outcome).items():
        assert name.isascii()
        assert name == name.lower()
        assert value


@given(make.outcomes)
def test_the_flow_that_is_started_is_given_the_variables_of_its_outcome(outcome: Outcome) -> None:
    terminal = route(outcome, installation()).terminal
    assert getattr(terminal, "variables", {}) == variables_of(outcome)


def test_contracts_are_counted_and_numbered_as_in_the_list() -> None:
    found = CustomerFound(first_name="", contracts=(contract("1"), contract("2", number="0002")))
    assert variables_of(found) == {"contratos": "2", "contrato_1": "1", "contrato_2": "0002"}


def test_an_outage_names_hour_and_protocol() -> None:
    told = CustomerInOutage(first_name="Ana", contracts=(), told="…", protocol=ProtocolNumber("77"), back_at="18h")
    assert variables_of(told) == {
        "cliente_nome": "Ana",
        "contratos": "0",
        "protocolo": "77",
        "resolution_time_hour": "18h",
    }


def test_an_unblock_names_its_last_day() -> None:
    granted = UnblockGranted(protocol=None, until=date(2026, 11, 25))
    assert variables_of(granted) == {"desbloqueio_ate": "25/11/2026"}
