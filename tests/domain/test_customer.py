import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customer import Contract, ContractStatus, choose_contract, greeting_name, in_force
from domain.tax_id import Cnpj
from tests.domain.builders import contract, customer

HOME = contract("20743", number="0020743", plan="Fibra 500MB", district="Centro")
OFFICE = contract("31002", number="0031002", plan="Fibra 300MB", district="Jardim América")
GONE = contract("100", status=ContractStatus.CANCELLED)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("1", HOME),
        ("2", OFFICE),
        ("2.", OFFICE),
        ("2️⃣", OFFICE),
        ("２", OFFICE),
        ("o segundo", OFFICE),
        ("Contrato 1", HOME),
        ("a primeira opção", HOME),
        ("dois", OFFICE),
        ("20743", HOME),
        ("0020743", HOME),
        ("00000031002", OFFICE),
        ("quero o contrato 31002 por favor", OFFICE),
        ("500", HOME),
        ("fibra 300", OFFICE),
        ("jardim america", OFFICE),
        ("o do Centro", HOME),
    ],
)
def test_an_answer_that_names_one_contract_is_understood(answer: str, meant: object) -> None:
    assert choose_contract([OFFICE, GONE, HOME], answer) == meant


@pytest.mark.parametrize("answer", ["", "3", "0", "fibra", "não sei", "99999", "centro e jardim", "1 2", "os dois"])
def test_an_answer_that_names_none_or_several_chooses_none(answer: str) -> None:
    assert choose_contract([HOME, OFFICE], answer) is None


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("é o do Centro", HOME),
        ("a do Centro", HOME),
        ("no Centro", HOME),
        ("na Jardim América", OFFICE),
        ("quero o da Jardim América", OFFICE),
        ("quanto ao do Centro", HOME),
        ("sobre o contrato do Centro", HOME),
        ("para o contrato 2", OFFICE),
        ("o plano de 300", OFFICE),
        ("opção número 2", OFFICE),
        ("opção n° 2", OFFICE),
        ("nº 2", OFFICE),
    ],
)
def test_the_small_words_around_an_answer_do_not_hide_it(answer: str, meant: object) -> None:
    assert choose_contract([HOME, OFFICE], answer) == meant


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (1, "um uma primeiro primeira"),
        (2, "dois duas segundo segunda"),
        (3, "três terceiro terceira"),
        (4, "quatro quarto quarta"),
        (5, "cinco quinto quinta"),
    ],
)
def test_the_first_five_positions_may_be_said_in_words(position: int, words: str) -> None:
    listed = [contract(str(number), plan="") for number in range(101, 107)]
    assert {choose_contract(listed, word) for word in words.split()} == {listed[position - 1]}


SMALL = [contract("2", plan="Casa 300"), contract("7", plan="Loja 500")]
ROUND = [contract("12", plan="Fibra 500"), contract("500", plan="Fibra 300")]


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("contrato 2", "2"),
        ("quero o contrato número 2", "2"),
        ("contrato de número 2", "2"),
        ("contrato nº 2", "2"),
        ("contrato n° 2", "2"),
        ("contrato n. 2", "2"),
        ("contrato n.º 2", "2"),
        ("contrato, o 2", "7"),
        ("Contrato 7, por favor", "7"),
        ("contrato 1", "2"),
        ("2", "7"),
        ("o 2", "7"),
        ("7", "7"),
    ],
)
def test_a_small_number_is_a_position_unless_it_is_called_a_contract(answer: str, meant: str) -> None:
    chosen = choose_contract(SMALL, answer)
    assert chosen is not None
    assert chosen.id == meant


@pytest.mark.parametrize("answer", ["500", "fibra 500", "500 mega", "plano 500"])
@pytest.mark.parametrize("others", [[], [contract("600", plan="Fibra 100")]], ids=["of two", "of three"])
def test_a_number_that_names_one_contract_and_describes_another_chooses_neither(
    answer: str, others: list[Contract]
) -> None:
    assert choose_contract([*ROUND, *others], answer) is None


@pytest.mark.parametrize("answer", ["20743", "0020743", "contrato 20743", "777", "contrato 777", "é o 777"])
def test_a_contract_is_named_by_its_number_or_by_the_id_that_the_erp_gives_it(answer: str) -> None:
    listed = [contract("777", number="0020743"), contract("888", number="0031002")]
    assert choose_contract(listed, answer) == listed[0]


def test_a_number_that_is_called_a_contract_is_no_plan() -> None:
    assert choose_contract(ROUND, "contrato 500") == ROUND[1]


def test_a_single_contract_needs_no_answer() -> None:
    assert choose_contract([HOME, GONE], "qualquer coisa") == HOME


def test_without_contracts_there_is_nothing_to_choose() -> None:
    assert choose_contract([], "1") is None


def test_cancelled_contracts_are_listed_only_when_there_is_no_other() -> None:
    assert in_force([GONE, HOME]) == (HOME,)
    assert in_force([GONE]) == (GONE,)


@given(st.permutations([HOME, OFFICE, contract("9"), contract("10")]))
def test_the_list_has_the_same_order_however_the_erp_orders_it(contracts: list[object]) -> None:
    assert [each.id for each in in_force(contracts)] == ["9", "10", "20743", "31002"]  # type: ignore[arg-type]


@given(st.permutations([contract("9", number="77"), contract("8", number="77"), contract("10", number="077")]))
def test_contracts_of_one_number_have_the_same_order_too(contracts: list[object]) -> None:
    assert [each.id for each in in_force(contracts)] == ["10", "8", "9"]  # type: ignore[arg-type]


@pytest.mark.parametrize("number", ["", "---", "000"])
@pytest.mark.parametrize("answer", ["0", "00", "---"])
def test_a_contract_without_a_number_of_its_own_is_meant_by_no_zero(number: str, answer: str) -> None:
    assert choose_contract([HOME, contract("7", number=number, plan="")], answer) is None


@given(st.text())
def test_any_answer_is_read_without_an_error_and_only_a_listed_contract_is_chosen(answer: str) -> None:
    assert choose_contract([HOME, OFFICE, GONE], answer) in {None, HOME, OFFICE}


def test_a_number_without_end_is_read_without_an_error_too() -> None:
    assert choose_contract([HOME, OFFICE], "9" * 10_000) is None


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("ANA MARIA DA SILVA", "Ana"),
        ("JOSE  *VIP*", "Jose"),
        ("TESTE", ""),
        ("CLIENTE 123", ""),
        ("CONSUMIDOR FINAL", ""),
        ("USUARIO 2", ""),
        ("Usuário 2", ""),
        ("SEM NOME", ""),
        ("NOME SOBRENOME", ""),
        ("*** Carlos", ""),
        ("", ""),
        ("J SILVA", ""),
    ],
)
def test_only_a_name_that_one_would_say_is_used_as_a_greeting(name: str, greeted: str) -> None:
    assert greeting_name(customer(name=name)) == greeted


def test_a_company_is_not_greeted_by_a_first_name() -> None:
    assert greeting_name(customer(name="PADARIA CENTRAL LTDA", tax_id=Cnpj(characters="12ABC34501DE35"))) == ""


def test_nothing_personal_stands_in_a_repr() -> None:
    shown = repr(customer(HOME, phones=("11987654321",)))
    for secret in ("ANA", "52998224725", "987654321", "Centro", "Fibra"):
        assert secret not in shown
