import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from domain.installation import FlowStart, IdentityPolicy, Policies
from entrypoints.policies import POLICY_NAMES, WrongPolicy, with_policies


def read(name: str, text: str) -> object:
    return getattr(with_policies(Policies(), [(name, text)]), name)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("reply_deadline_s", "12.5", 12.5),
        ("timezone", "America/Manaus", "America/Manaus"),
        ("identity", "document_and_phone", IdentityPolicy.DOCUMENT_AND_PHONE),
        ("outage_message_enabled", "true", True),
        ("outage_closes_chat", "1", True),
        ("shadow", "false", False),
        (
            "outage_message",
            "Volta às {{resolution_time_hour}}, sem falta",
            "Volta às {{resolution_time_hour}}, sem falta",
        ),
        ("invoices_max", "5", 5),
        ("flow_start", "contact", FlowStart.CONTACT),
        ("ticket_reuse_h", "0", 0.0),
        ("erp_per_minute", "60", 60),
        ("boleto_banks", "001, 237,", ("001", "237")),
        ("pix_keys", "avisos@provedor.example", ("avisos@provedor.example",)),
        ("pix_keys", "529.982.247-25, +55 11 98765-4321", ("52998224725", "+5511987654321")),
        ("pix_hosts", "Pix.Banco.com.br", ("pix.banco.com.br",)),
    ],
)
def test_each_policy_is_read_as_its_type(name: str, text: str, value: object) -> None:
    assert read(name, text) == value


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_an_empty_value_goes_back_to_the_default(name: str) -> None:
    changed = with_policies(Policies(invoices_max=9, erp_per_minute=60, boleto_banks=("001",)), [(name, " ")])

    assert getattr(changed, name) == getattr(Policies(), name)


def test_what_is_not_written_stays() -> None:
    current = Policies(invoices_max=9, paused=True)

    assert with_policies(current, [("paused", "false")]) == Policies(invoices_max=9)
    assert with_policies(current, []) == current


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("outage_closes_chat", "talvez", "true ou false"),
        ("identity", "phone", "document ou document_and_phone"),
        ("flow_start", "nenhum", "chat ou chat_with_variables ou contact"),
        ("invoices_max", "2.5", "um número inteiro maior que zero, até 86400"),
        ("keep_days", "86401", "um número inteiro maior que zero, até 86400"),
        ("invoices_max", "0", "um número inteiro maior que zero"),
        ("erp_concurrency", "-1", "um número inteiro maior que zero"),
        ("reply_deadline_s", "nan", "um número maior que zero"),
        ("reply_deadline_s", "inf", "um número maior que zero"),
        ("erp_timeout_s", "1e9", "um número maior que zero, até 86400"),
        ("dedupe_window_s", "-1", "um número a partir de zero, até 86400"),
        ("timezone", "São Paulo", "America/Sao_Paulo"),
        ("paused_operations", "boleto_requested, boleto", "customer_lookup, boleto_requested"),
        ("timezone", "../etc/localtime", "America/Sao_Paulo"),
        ("boleto_banks", "001, banco do brasil", "“banco do brasil”; use, separados por vírgula, códigos de banco"),
        ("boleto_banks", "1", "três dígitos, como 001, 237"),
        ("pix_hosts", "isto não é um host!!", "como pix.seubanco.com.br"),
        ("pix_hosts", "https://pix.seubanco.com.br", "sem https:// nem barra"),
        ("pix_keys", "banco do brasil", "como financeiro@provedor.com.br"),
        ("cor", "azul", ", ".join(POLICY_NAMES)),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name: str, text: str, allowed: str) -> None:
    with pytest.raises(WrongPolicy) as refused:
        read(name, text)

    assert name in str(refused.value)
    assert allowed in str(refused.value)


@given(st.sampled_from(POLICY_NAMES), st.text())
def test_whatever_is_written_is_read_or_refused_and_touches_one_policy_alone(name: str, text: str) -> None:
    try:
        changed = asdict(with_policies(Policies(), [(name, text)]))
    except WrongPolicy:
        return
    del changed[name]

    assert changed.items() <= asdict(Policies()).items()
