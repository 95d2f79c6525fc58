from collections.abc import Callable
from datetime import date

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from application.failures import Rejected, Unavailable, Unintelligible
from application.ports import Operation
from domain.identifiers import InvoiceId
from domain.money import Money
from tests.adapters.voalle.scripted import (
    API,
    BILLETS,
    CONTRACT_BILLETS,
    TITLES,
    ScriptedErp,
    contract,
    customer,
    enveloped,
    recorded,
    says,
)

LINE = "23793.38128 60007.827136 95000.063305 9 84410000009990"
BILLET = {"id": 77, "typefulLine": LINE, "expirationDate": "2026-08-10T00:00:00"}
PDF = f"{API}/GetBillet/77"
LINK = f"{API}/GetBilletLink/77"


async def pbx_invoices(answer: object) -> list[str]:
    """Their ids, as the ERP wrote them."""
    erp = ScriptedErp()
    erp.on(BILLETS, says(answer))
    found = await erp.build().billing.open_invoices(customer(), contract())
    assert all(invoice.id.startswith("pbx:") for invoice in found)
    return [invoice.id.removeprefix("pbx:") for invoice in found]


def with_third_party() -> ScriptedErp:
    erp = ScriptedErp()
    erp.on(TITLES, recorded("open_titles"))
    erp.on(CONTRACT_BILLETS, recorded("contract_billets"))
    return erp


async def test_the_pbx_is_asked_for_one_contract_by_its_id_as_text() -> None:
    erp = ScriptedErp()
    erp.on(BILLETS, says([]))
    await erp.build().billing.open_invoices(customer(), contract())
    request = erp.sent(BILLETS)
    assert request.headers["authorization-token"] == "pbx-token"
    assert msgspec.json.decode(request.content) == {
        "data_billets_from_contract": "20743",
        "data_billets_filter": False,
        "get_all_billets": False,
    }


@pytest.mark.parametrize(
    "answer",
    [
        [BILLET],
        BILLET,
        {"billets": [BILLET]},
        {"boletos": BILLET},
        {"data": [BILLET]},
        {"titles": [BILLET]},
        {"success": True, "messages": None, "response": {"data": [BILLET]}},
        {"status": "OK", "link": None, "data": [BILLET]},
        {"1": BILLET},
        [BILLET, {**BILLET, "id": "77"}],
        {"billets": [{"title_id": 77, "linha_digitavel": LINE, "vencimento": "10/08/2026"}]},
    ],
)
async def test_the_pbx_list_is_found_in_every_likely_shape(answer: object) -> None:
    assert await pbx_invoices(answer) == ["77"]


@pytest.mark.parametrize(
    "name", ["billets", "billetList", "boletos", "titles", "títulos", "faturas", "invoices", "data", "response"]
)
async def test_the_pbx_list_is_found_under_each_name_that_is_known(name: str) -> None:
    assert await pbx_invoices({"total": 1, name: [BILLET]}) == ["77"]


@pytest.mark.parametrize(
    ("names", "value", "attribute", "read"),
    [
        ("id title_id billet_id financial_receivable_title_id id_titulo titulo_id", 78, "id", "pbx:78"),
        ("title titulo", "FAT 9", "reference", "FAT 9"),
        ("typeful_line linha_digitavel digitable_line digitavel", LINE, "digitable_line", LINE),
        ("barcode bar_code codigo_barras codigo_de_barras", "237", "barcode", "237"),
        ("pix_qr_code pix qr_code pix_code pix_copia_cola pix_copia_e_cola codigo_pix", "0002", "pix_code", "0002"),
        ("link url link_boleto boleto_link billet_link", "https://x.example", "link", "https://x.example"),
        ("expiration_date due_date vencimento data_vencimento", "2026-08-10", "due_on", date(2026, 8, 10)),
        ("original_value title_amount value amount valor", 99.9, "nominal", Money(9990)),
        ("final_value balance valor_final saldo", 102.15, "payable", Money(10215)),
    ],
)
async def test_an_invoice_is_read_whichever_of_the_known_names_its_fields_have(
    names: str, value: object, attribute: str, read: object
) -> None:
    for name in names.split():
        erp = ScriptedErp()
        erp.on(BILLETS, says([{"billet": {}, name: value}]))
        (invoice,) = await erp.build().billing.open_invoices(customer(), contract())
        assert getattr(invoice, attribute) == read, name


@pytest.mark.parametrize("answer", [[], None, {"data": []}, {"billets": None}, {"success": True, "response": []}])
async def test_an_explicit_nothing_is_no_invoice(answer: object) -> None:
    assert await pbx_invoices(answer) == []


@pytest.mark.parametrize("answer", [{}, {"total": 0}, {"data": "x"}, [{"id": 77}], ["77"], "none"])
async def test_another_shape_is_never_no_invoice(answer: object) -> None:
    with pytest.raises(Unintelligible) as caught:
        await pbx_invoices(answer)
    assert caught.value.cause == "erp.unknown_invoice"


async def test_an_error_inside_http_200_is_never_no_invoice() -> None:
    with pytest.raises(Rejected):
        await pbx_invoices({"status": "ERROR", "message": "Contrato não encontrado"})


OVER = [
    "Paga",
    "pago",
    "Cancelada",
    "CANCELADO",
    "Quitado",
    "Baixada",
    "Título pago",
    "TITULO_PAGO",
    "Pagamento confirmado",
    "Renegociada",
    "Liquidado",
    "Liquidação",
    "Recebido",
    "Substituído",
    "Estornada",
    "Boleto baixado por substituição",
    "Pago, aguardando baixa",
    "Não pago - cancelado",
    "Quitado sem juros",
    "Baixado por falta de pagamento",
]
OPEN = [
    "Em aberto",
    "Vencida",
    "Não pago",
    "NAO_PAGO",
    "Não-paga",
    "Ainda não foi recebido",
    "A receber",
    "A pagar",
    "A ser pago",
    "Título recebível",
    "Aguardando liquidação",
    "Aguardando pagamento",
    "Pagamento pendente",
    "Pagamento não confirmado",
    "Pagamento em atraso",
    "Liquidação pendente",
    "Pago parcialmente",
    "Pagamento estornado",
    "Em aberto (renegociação)",
    "Vencida e não liquidada",
    "Registrado",
    1,
    None,
]


@pytest.mark.parametrize("status", OVER)
async def test_what_is_paid_replaced_or_cancelled_is_left_out(status: str) -> None:
    assert await pbx_invoices([{**BILLET, "status": status}]) == []


@pytest.mark.parametrize("status", OPEN)
async def test_what_is_open_or_overdue_stays(status: object) -> None:
    assert await pbx_invoices([{**BILLET, "status": status}]) == ["77"]


@given(
    st.sampled_from(["pago", "paga", "cancelado", "quitada", "baixado", "renegociada", "liquidado", "recebida"]),
    st.sampled_from(["não", "ainda não foi", "sem ser", "aguardando confirmação de"]),
    st.sampled_from(["", "título ", "vencido e "]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
async def test_a_word_for_what_is_over_counts_only_where_nothing_before_it_takes_it_back(
    over: str, not_yet: str, about: str, written: Callable[[str], str]
) -> None:
    assert await pbx_invoices([{**BILLET, "status": written(f"{about}{over}")}]) == []
    assert await pbx_invoices([{**BILLET, "status": written(f"{about}{not_yet} {over}")}]) == ["77"]


@pytest.mark.parametrize(
    "contradicting",
    [
        {"finished": True},
        {"renegotiated": 1},
        {"deleted": "true"},
        {"balance": 0},
        {"saldo": "0,00", "final_value": 102.15},
        {"amount": {"value": 99.9, "finalValue": 0}},
        {"billet": {"status": "Paga"}},
        {"billet": {"deleted": True}},
        {"billet": {"amount": {"finalValue": 0}}},
        {"situacao": "Paga"},
    ],
)
async def test_an_invoice_that_is_called_open_is_left_out_where_another_field_says_otherwise(
    contradicting: dict[str, object],
) -> None:
    assert await pbx_invoices([{**BILLET, "status": "Em aberto", **contradicting}]) == []


@pytest.mark.parametrize(
    "agreeing",
    [
        {"finished": False, "renegotiated": 0, "deleted": None},
        {"balance": 99.9},
        {"final_value": 102.15, "balance": "?"},
    ],
)
async def test_an_invoice_stays_where_no_other_field_speaks_against_it(agreeing: dict[str, object]) -> None:
    assert await pbx_invoices([{**BILLET, "status": "Em aberto", **agreeing}]) == ["77"]


@pytest.mark.parametrize(
    ("title", "billet"),
    [
        ({"finished": True}, {}),
        ({"status": "Renegociada"}, {}),
        ({}, {"status": "Baixado"}),
        ({}, {"amount": {"value": 99.9, "finalValue": 0}}),
    ],
)
async def test_a_title_of_the_third_party_is_open_only_where_both_lists_have_it_so(
    title: dict[str, object], billet: dict[str, object]
) -> None:
    for titles, billets in ((title, billet), (billet, title)):
        erp = with_third_party()
        erp.on(TITLES, enveloped([{"id": 77, **titles, "billet": {"typefulLine": LINE}}]))
        erp.on(CONTRACT_BILLETS, enveloped([{**BILLET, **billets}]))
        assert list(await erp.build_both().billing.open_invoices(customer(), contract())) == []


@pytest.mark.parametrize("empty", [None, "", " "])
async def test_what_is_told_at_the_top_is_not_lost_to_an_empty_field_further_down(empty: object) -> None:
    erp = ScriptedErp()
    nested = {"typefulLine": empty, "expirationDate": empty, "amount": {"value": empty, "finalValue": 102.15}}
    erp.on(BILLETS, says([{**BILLET, "value": 99.9, "billet": nested}]))
    (invoice,) = await erp.build().billing.open_invoices(customer(), contract())
    assert (invoice.digitable_line, invoice.due_on) == (LINE, date(2026, 8, 10))
    assert (invoice.nominal, invoice.payable) == (Money(9990), Money(10215))


@pytest.mark.parametrize(
    ("fields", "nominal", "payable"),
    [
        ({}, None, None),
        ({"value": "99,90"}, 9990, None),
        ({"valor": 99.9, "balance": "102.15"}, 9990, 10215),
        ({"amount": 99.9, "final_value": 102.15}, 9990, 10215),
        ({"amount": {"value": 99.9, "finalValue": 102.15}}, 9990, 10215),
        ({"billet": {"amount": {"value": 99.9, "finalValue": 102.15}}}, 9990, 10215),
    ],
)
async def test_amounts_are_read_wherever_they_stand(
    fields: dict[str, object], nominal: int | None, payable: int | None
) -> None:
    erp = ScriptedErp()
    erp.on(BILLETS, says([{**BILLET, **fields}]))
    (invoice,) = await erp.build().billing.open_invoices(customer(), contract())
    assert invoice.nominal == (None if nominal is None else Money(nominal))
    assert invoice.payable == (None if payable is None else Money(payable))


async def test_codes_stay_as_the_erp_gave_them() -> None:
    erp = ScriptedErp()
    pix = "00020126 Pix  Code"
    snake = {"id": 1, "typeful_line": LINE, "bar_code": "237", "pix_qr_code": pix, "url": "https://x.example/b"}
    erp.on(BILLETS, says({"billets": [snake]}))
    (invoice,) = await erp.build().billing.open_invoices(customer(), contract())
    assert (invoice.digitable_line, invoice.barcode) == (LINE, "237")
    assert (invoice.pix_code, invoice.link) == (pix, "https://x.example/b")
    assert invoice.contract_id == "20743"


async def test_an_invoice_without_an_id_has_the_same_made_one_at_every_look() -> None:
    nameless = {"typefulLine": LINE, "expirationDate": "2026-08-10"}
    first = await pbx_invoices([nameless, {**nameless, "expirationDate": "2026-09-10"}])
    assert len(set(first)) == 2
    assert await pbx_invoices([nameless]) == first[:1]


@pytest.mark.parametrize("name", ["typefulLine", "barcode", "pixCode"])
async def test_two_invoices_without_an_id_that_only_their_codes_tell_apart_are_two(name: str) -> None:
    one = {name: "000201A", "expirationDate": "2026-08-10"}
    assert len(set(await pbx_invoices([one, {**one, name: "000201B"}]))) == 2


async def test_the_third_party_adds_amounts_and_the_link() -> None:
    (invoice,) = await with_third_party().build_both().billing.open_invoices(customer(), contract())
    assert (invoice.id, invoice.reference, invoice.due_on) == ("77", "FAT0077", date(2026, 8, 10))
    assert (invoice.nominal, invoice.payable) == (Money(9990), Money(10215))
    assert (invoice.digitable_line, invoice.pix_code) == (LINE, "")
    assert invoice.link == "https://erp.provedor.example/financial_receivable_titles/boletos/abc"


async def test_the_open_titles_of_other_contracts_are_left_out() -> None:
    erp = with_third_party()
    other = {"id": 78, "billet": {"typefulLine": LINE, "expirationDate": "2026-08-10"}}
    erp.on(TITLES, enveloped([other]))
    assert list(await erp.build_both().billing.open_invoices(customer(), contract())) == []


async def test_a_billet_that_is_not_among_the_open_titles_is_not_offered() -> None:
    erp = with_third_party()
    erp.on(TITLES, enveloped([]))
    assert list(await erp.build_both().billing.open_invoices(customer(), contract())) == []


@pytest.mark.parametrize("reply", [httpx.Response(500), enveloped(None, success=False), enveloped("x")])
async def test_a_missing_link_is_asked_for_and_its_failure_costs_only_the_link(reply: httpx.Response) -> None:
    erp = with_third_party()
    erp.on(CONTRACT_BILLETS, enveloped([{**BILLET, "link": None}]))
    erp.on(LINK, recorded("billet_link"), reply)
    billing = erp.build_both().billing
    (signed,) = await billing.open_invoices(customer(), contract())
    (plain,) = await billing.open_invoices(customer(), contract())
    assert signed.link.startswith("https://portal.provedor.example/")
    assert (plain.link, plain.digitable_line) == ("", LINE)


async def test_of_many_invoices_without_a_link_twelve_are_asked_for_one_and_all_are_told() -> None:
    erp = with_third_party()
    erp.on(TITLES, enveloped([{"id": number, "billet": {"typefulLine": LINE}} for number in range(1, 15)]))
    erp.on(CONTRACT_BILLETS, enveloped([{"id": number, "typefulLine": LINE} for number in range(1, 15)]))
    for number in range(1, 15):
        erp.on(f"{API}/GetBilletLink/{number}", recorded("billet_link"))
    invoices = await erp.build_both().billing.open_invoices(customer(), contract())
    assert [bool(invoice.link) for invoice in invoices] == [True] * 12 + [False] * 2


async def test_the_pbx_answers_when_the_third_party_is_away_and_the_operator_is_told() -> None:
    erp = with_third_party()
    erp.on(TITLES, httpx.Response(503))
    erp.on(BILLETS, says([BILLET]))
    with capture_logs() as logs:
        (invoice,) = await erp.build_both().billing.open_invoices(customer(), contract())
    assert (invoice.id, invoice.payable) == ("pbx:77", None)
    assert [(log["event"], log["source"], log["cause"]) for log in logs] == [
        ("erp.source_failed", "third_party", "erp.http_5xx")
    ]


async def test_both_away_is_a_failure() -> None:
    erp = with_third_party()
    erp.on(TITLES, httpx.Response(503))
    erp.on(BILLETS, httpx.Response(503))
    with pytest.raises(Unavailable):
        await erp.build_both().billing.open_invoices(customer(), contract())


@pytest.mark.parametrize("name", ["id", "title_id", "financial_receivable_title_id"])
async def test_the_pdf_of_an_invoice_that_the_pbx_told_of_is_not_asked_for_elsewhere_by_its_id(name: str) -> None:
    erp = with_third_party()
    erp.on(TITLES, httpx.Response(503))
    erp.on(BILLETS, says([{**{key: value for key, value in BILLET.items() if key != "id"}, name: 77}]))
    erp.on(PDF, httpx.Response(200, headers={"content-type": "application/pdf"}, content=b"%PDF-1.7 somebody else's"))
    billing = erp.build_both().billing
    (invoice,) = await billing.open_invoices(customer(), contract())
    assert await billing.pdf(invoice.id) is None
    assert erp.count(PDF) == 0
    assert not invoice.printable


async def test_a_title_and_a_billet_that_both_name_no_id_are_not_taken_for_one() -> None:
    erp = with_third_party()
    nameless = {"typefulLine": LINE, "expirationDate": "2026-08-10"}
    erp.on(TITLES, enveloped([{"billet": nameless}]))
    erp.on(CONTRACT_BILLETS, enveloped([nameless]))
    assert list(await erp.build_both().billing.open_invoices(customer(), contract())) == []


@pytest.mark.parametrize(
    "kind", ["application/pdf; x=1", "Application/octet-stream", "application/x-pdf", "binary/octet-stream"]
)
async def test_a_pdf_is_the_bytes_that_the_erp_sends(kind: str) -> None:
    erp = ScriptedErp()
    erp.on(PDF, httpx.Response(200, headers={"content-type": kind}, content=b"%PDF-1.7 ..."))
    assert await erp.build_both().billing.pdf(InvoiceId("77")) == b"%PDF-1.7 ..."


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, html="<h1>Título pago</h1>"),
        says({"success": False, "messages": "Título pago", "response": None}),
        httpx.Response(200, headers={"content-type": "application/pdf"}, content=b"<html>"),
        httpx.Response(200, html="%PDF-1.7"),
        httpx.Response(200, headers={"content-type": "application/pdf"}, content=b"%PDF" + bytes(15 * 1024 * 1024)),
    ],
)
async def test_what_is_no_pdf_or_too_large_is_never_sent_as_one(reply: httpx.Response) -> None:
    erp = ScriptedErp()
    erp.on(PDF, reply)
    with pytest.raises(Unintelligible):
        await erp.build_both().billing.pdf(InvoiceId("77"))


async def test_the_pbx_alone_gives_no_pdf_and_offers_none() -> None:
    erp = ScriptedErp().build()
    assert await erp.billing.pdf(InvoiceId("77")) is None
    assert Operation.PDF not in erp.offers
