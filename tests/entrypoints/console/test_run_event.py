"""The page of one event: its way, why it went so, what the customer was told; and sending it again."""

import re

import httpx
import pytest

from application.ports import Arrival, Conclusion, Entry
from domain.action import CloseChat, LeaveNote, Message, Route, SayCode, SendPdf, StartFlow, Terminal
from domain.customer import Contract, ContractStatus
from domain.identifiers import ContractId, CustomerId, EffectKey, FlowId, InvoiceId
from domain.installation import FlowKey
from domain.outcome import (
    BoletosIssued,
    CustomerFound,
    CustomerNotFound,
    Failed,
    NoOpenBoleto,
    Outcome,
    Paused,
    Shadowed,
    WhyNotFound,
)
from domain.routing import route
from domain.trail import Ending, Step
from tests.entrypoints.console.running import (
    FOUND,
    HERE,
    ROOM,
    TIMEOUT,
    Running,
    boleto,
    lookup,
    say,
    texts,
    ticket,
    to,
)
from tests.entrypoints.fakes import INSTALLATION

PIX = "00020126580014br.gov.bcb.pix0136123e4567-e89b-12d3-a456-426614174000520400005303986540510.005802BR6304ABCD"
LINE = "00190500954014481606906809350314337370000000100"
STEPS = (
    Step(what="erp.client_validate", at_ms=1.0, took_ms=40.0, request="POST /CLIENT_VALIDATE", answer="HTTP 200"),
    Step(what="decision.customer.found", at_ms=42.0, took_ms=0.0),
    Step(what="huggy.look", at_ms=43.0, took_ms=20.0, ended="shared"),
    Step(what="huggy.flow.start", at_ms=64.0, took_ms=30.0, ended="huggy.not_found"),
    Step(what="erp.something_new", at_ms=95.0, took_ms=1.0, ended="given_up"),
)


async def page_of(running: Running, entry: Entry) -> httpx.Response:
    page = await running.get(f"eventos/{entry.seq}")
    assert page.status_code == 200, page.text
    return page


def stations(page: httpx.Response) -> list[str]:
    """Each with its tone before its words."""
    found = re.findall(r'<li class="(good|calm|warn|bad)">(.*?)</li>', page.text, re.DOTALL)
    return [f"{tone}: {' '.join(re.sub(r'<[^>]+>', ' ', text).split())}" for tone, text in found]


async def test_in_ten_seconds_it_is_clear_what_happened_in_a_chat_and_why(running: Running) -> None:
    await running.enter()
    steps = (Step(what="erp.client_validate", at_ms=1.0, took_ms=8000.0, ended="erp.timeout"),)
    await running.failed("n-1", steps=steps)
    found = await running.follow(await running.post("eventos", busca="55501"))
    link = re.search(rf'href="({ROOM}/eventos/\d+)"', found.text)
    assert link is not None
    page = await running.browser.get(link[1])

    words = texts(page)
    assert "Consultar cliente no chat 55501" in words
    assert "Falhou: flow auxiliar O ERP demorou demais para responder. Veja com o suporte" in words
    assert stations(page) == [
        "good: Huggy Pedido recebido Consultar cliente",
        "good: Ponte Guardado esperou 500 ms",
        "bad: ERP O ERP demorou demais para responder 1 consulta, 8,0 s",
        "bad: Decisão Falhou: flow auxiliar",
        "warn: Chat flow auxiliar flow iniciado",
    ]


async def test_every_step_has_its_words_its_time_and_its_end_with_request_and_answer_to_open(running: Running) -> None:
    await running.enter()
    entry = await running.end(
        await running.accept(lookup("n-1")), steps=STEPS, ending=Ending(flow="auxiliary", cause="huggy.not_found")
    )
    page = await page_of(running, entry)

    words = texts(page)
    assert "+1 ms Consultar o cliente Certo 40 ms" in words
    assert "+42 ms Decisão: Cliente encontrado Certo" in words
    assert "Ver como está o chat Aproveitou a resposta de uma consulta igual 20 ms" in words
    assert "erp.something_new Interrompido: o prazo acabou" in words
    assert "huggy.not_found" in words
    assert "<pre>POST /CLIENT_VALIDATE</pre>" in page.text
    assert "O planejado era: cliente cadastrado." in words
    assert stations(page)[2] == "warn: ERP Respondeu em parte 2 consultas, 41 ms"
    assert stations(page)[4].startswith("bad: Chat flow auxiliar")


STUCK_STEPS = (
    Step(what="erp.client_validate", at_ms=1.0, took_ms=40.0, ended="erp.unreachable"),
    Step(what="huggy.flow.start", at_ms=42.0, took_ms=30.0, ended="huggy.not_found"),
)


async def stuck(running: Running, key: str, *more: Step) -> httpx.Response:
    entry = await running.end(
        await running.accept(lookup(key)),
        Failed(cause="erp.unreachable"),
        steps=(*STUCK_STEPS, *more),
        ending=Ending(flow="chat.no_flow", cause="huggy.not_found"),
    )
    return await page_of(running, entry)


async def test_of_a_customer_who_is_stuck_it_says_first_what_left_them_so(running: Running) -> None:
    await running.enter()
    page = await stuck(running, "n-1")

    words = texts(page)
    assert "Falhou → Nenhum flow começou A Huggy não encontrou" in words
    assert words.index("A Huggy não encontrou") < words.index("Não conseguimos conectar ao ERP.")
    assert stations(page)[2] == "bad: ERP Não conseguimos conectar ao ERP 1 consulta, 40 ms"
    assert stations(page)[4].startswith("bad: Chat Nenhum flow começou")


@pytest.mark.parametrize(("ended", "word"), [("ok", "Enviado"), ("huggy.dropped", "Não sabemos se chegou")])
async def test_the_last_words_to_a_customer_without_a_flow_are_shown(running: Running, ended: str, word: str) -> None:
    await running.enter()
    page = await stuck(running, "n-1", Step(what="huggy.say", at_ms=80.0, took_ms=9.0, ended=ended))
    assert f"Em breve alguém da nossa equipe fala com você. {word}" in texts(page)


async def test_last_words_that_no_step_tells_of_may_have_been_said(running: Running) -> None:
    await running.enter()
    assert "fala com você. Não sabemos se chegou" in texts(await stuck(running, "n-1"))


async def in_doubt(running: Running, cause: str, terminal: Terminal, *, begun: str = "end") -> httpx.Response:
    entry = await running.accept(lookup("n-1"))
    await running.journal.begin(entry, EffectKey(f"n-1:{begun}"))
    steps = (
        Step(what="huggy.flow.start", at_ms=42.0, took_ms=9000.0, ended="huggy.timeout"),
        Step(what="huggy.say", at_ms=9050.0, took_ms=30.0),
        Step(what="ended.chat.in_doubt", at_ms=9090.0, took_ms=0.0, ended=cause),
    )
    ending = Ending(flow="chat.in_doubt", cause=cause)
    await running.end(entry, FOUND, Route(terminal=terminal), steps=steps, ending=ending)
    return await page_of(running, entry)


async def test_of_a_flow_that_huggy_did_not_confirm_it_says_that_nobody_knows_what_was_said_and_what_to_do(
    running: Running,
) -> None:
    await running.enter()
    page = await in_doubt(running, "huggy.timeout", to(FlowKey.CUSTOMER_FOUND).terminal)

    words = texts(page)
    assert "Cliente encontrado → Sem confirmação da Huggy Não sabemos se o flow começou" in words
    assert "A Huggy demorou demais para responder. O Ponte não o inicia outra vez," in words
    assert "Abra a conversa na Huggy: se ela parou, peça a um atendente que a assuma, ou reenvie este evento." in words
    assert "O planejado era: cliente cadastrado." in words
    assert "Se a conversa não continuar em instantes, é só me escrever de novo. Enviado" in words
    assert "Fim: Sem confirmação da Huggy" in words
    assert "seguem sozinhas" not in words
    assert stations(page)[4] == "bad: Chat Sem confirmação da Huggy A Huggy demorou demais para responder"
    assert "Sem confirmação da Huggy" in texts(await running.get("eventos"))


async def test_after_a_crash_in_the_middle_of_a_start_the_doubt_is_told_once(running: Running) -> None:
    await running.enter()
    words = texts(await in_doubt(running, "huggy.flow_in_doubt", to(FlowKey.CUSTOMER_FOUND).terminal))
    assert "a confirmação da Huggy não chegou. O Ponte não o inicia outra vez," in words


@pytest.mark.parametrize(("begun", "what"), [("end", "o atendimento foi encerrado"), ("aux", "o flow começou")])
async def test_of_a_close_in_doubt_it_says_what_is_not_known(running: Running, begun: str, what: str) -> None:
    await running.enter()
    page = await in_doubt(running, "huggy.timeout", CloseChat(), begun=begun)
    assert f"Não sabemos se {what}: a confirmação da Huggy não chegou." in texts(page)


@pytest.mark.parametrize(
    ("ended", "words"),
    [("erp.unreachable", "bad: ERP Não conseguimos conectar ao ERP"), ("given_up", "bad: ERP Não respondeu")],
)
async def test_an_erp_of_which_no_call_came_back_did_not_answer_in_part(
    running: Running, ended: str, words: str
) -> None:
    await running.enter()
    steps = (Step(what="erp.client_validate", at_ms=1.0, took_ms=40.0, ended=ended),)
    entry = await running.end(
        await running.accept(lookup("n-1")), steps=steps, ending=Ending(flow="auxiliary", cause="ponte.fault")
    )
    assert stations(await page_of(running, entry))[2].startswith(words)


async def test_what_the_customer_read_is_shown_with_names_and_codes_cut_short(running: Running) -> None:
    await running.enter()
    route = to(
        FlowKey.BOLETOS_FOUND,
        say("contracts.greeting", first_name="Zulmira"),
        SayCode(code=PIX),
        SayCode(code=LINE),
        SendPdf(
            invoice_id=InvoiceId("9"),
            name="boleto-2026-11-20.pdf",
            caption=Message(key="boleto.pdf"),
            otherwise=None,
        ),
        say("boleto.link", link="https://erp.example/pdf?token=s3cret"),
        LeaveNote(message=Message(key="note.write_in_doubt")),
    )
    outcome = BoletosIssued(offers=(), more=2, withheld=1, faults=("pix.checksum",))
    entry = await running.end(await running.accept(boleto("n-1")), outcome, route, said=2)
    page = await page_of(running, entry)

    words = texts(page)
    assert "Oi, Z…!" in words
    assert "Pix copia e cola: •••• ABCD Enviado" in words
    assert "Linha digitável: •••• 0100 Não enviado" in words
    assert "PDF: boleto-2026-11-20.pdf Aqui está o boleto em PDF." in words
    assert "https://erp.example/…" in words
    assert "Nota interna, só para o atendente" in words
    assert "Mais 2 em aberto" in words
    assert "Um código Pix tem a soma de verificação errada." in words
    for secret in ("Zulmira", PIX, LINE, "s3cret"):
        assert secret not in page.text


OUTCOMES: list[tuple[Outcome, str]] = [
    (CustomerNotFound(why=WhyNotFound.IDENTITY_UNSURE), "a identidade não ficou certa"),
    (CustomerNotFound(why=WhyNotFound.DOCUMENT_MISSING), "Confira se o campo do flow usa a variável"),
    (NoOpenBoleto(), "Sem boleto em aberto"),
    (Paused(), "está pausado"),
    (Shadowed(operation="unblock"), "aqui o Ponte pediria ao ERP: desbloqueio"),
    (Failed(cause="deadline.waited_too_long", write_in_doubt=True), "confira lá antes de repetir"),
    (Failed(cause="made.up"), "Aconteceu algo fora do comum"),
]


@pytest.mark.parametrize(("outcome", "words"), OUTCOMES)
async def test_why_is_said_in_words(running: Running, outcome: Outcome, words: str) -> None:
    await running.enter()
    entry = await running.end(await running.accept(lookup("n-1")), outcome)
    assert words in texts(await page_of(running, entry))


@pytest.mark.parametrize(
    ("outcome", "decision", "planned"),
    [
        (Paused(), "Pausado", "flow auxiliar"),
        (FOUND, "Cliente encontrado", "cliente cadastrado"),
        (TIMEOUT, "Falhou", "flow auxiliar"),
    ],
)
async def test_in_shadow_mode_no_page_says_that_a_flow_started(
    running: Running, outcome: Outcome, decision: str, planned: str
) -> None:
    await running.enter()
    entry = await running.end(
        await running.accept(lookup("n-1")), outcome, route(outcome, INSTALLATION), ending=Ending(flow="chat.shadow")
    )
    page = await page_of(running, entry)

    words = texts(page)
    assert f"{decision} → Modo sombra: nada foi feito no chat Em modo sombra o Ponte só calcula" in words
    assert f"O planejado era: {planned}." in words
    assert "todos seguem" not in words
    assert stations(page)[4] == "calm: Chat Nada foi feito no chat"
    assert "Modo sombra: nada foi feito no chat" in texts(await running.get("eventos"))


async def test_contracts_are_counted_and_not_told(running: Running) -> None:
    await running.enter()
    contract = Contract(
        id=ContractId("7"), customer_id=CustomerId("1"), number="20743", status=ContractStatus.ACTIVE, plan="Plano Z"
    )
    entry = await running.end(
        await running.accept(lookup("n-1")), CustomerFound(first_name="Zulmira", contracts=(contract, contract))
    )
    page = await page_of(running, entry)
    assert "2 contratos no cadastro." in texts(page)
    assert "Plano Z" not in page.text
    assert "Zulmira" not in page.text


async def test_what_is_under_way_looks_again_by_itself_until_it_is_over(running: Running) -> None:
    await running.enter()
    entry = await running.accept(lookup("n-1"))
    before = await page_of(running, entry)
    assert 'hx-trigger="every 2s"' in before.text
    assert stations(before)[1] == "calm: Ponte Na fila"
    assert "Reenviar este evento" not in before.text
    await running.end(entry)

    after = await page_of(running, entry)
    assert "hx-trigger" not in after.text
    assert "Reenviar este evento" in after.text


async def test_what_huggy_sent_is_shown_by_its_shape(running: Running) -> None:
    await running.enter()
    raw = b'{"event": "2_VIA_BOLETO", "data": {"cpf_cnpj": "529.982.247-25", "nome": "Zulmira"}}'
    entry = await running.end(await running.accept(lookup("n-1"), raw))
    page = await page_of(running, entry)
    assert "2_VIA_BOLETO" in texts(page)
    assert '"cpf_cnpj": "999.999.999-99"' in texts(page)
    assert "Zulmira" not in page.text


@pytest.mark.parametrize("seq", ["4711", "0", "99999999999999999999999999", "-1", "x"])
async def test_an_event_that_is_not_there_is_not_found(running: Running, seq: str) -> None:
    await running.enter()
    assert (await running.get(f"eventos/{seq}")).status_code == 404


# --- sending it again


async def resend(running: Running, entry: Entry, **fields: str) -> httpx.Response:
    return await running.post(f"eventos/{entry.seq}/reenviar", **fields)


async def test_a_read_is_sent_again_by_one_click_and_both_pages_lead_to_each_other(running: Running) -> None:
    await running.enter()
    first = await running.failed("n-1")
    page = await running.follow(await resend(running, first, seen="1"))
    await running.work()
    second = await running.newest()

    assert "Reenviado. Acompanhe aqui." in page.text
    assert second.key == "n-1#2"
    assert f"{ROOM}/eventos/{second.seq}" in (await page_of(running, first)).text
    assert f"{ROOM}/eventos/{first.seq}" in (await running.get(f"eventos/{second.seq}")).text
    (note,) = await running.database.audit.recent(HERE)
    assert (note.author, note.what, note.details["chat"]) == ("rita", "Reenviou um evento", "55501")


async def test_of_two_clicks_one_sends_it_again_and_both_end_at_the_same_page(running: Running) -> None:
    await running.enter()
    first = await running.failed("n-1")
    one, two = await resend(running, first, seen="1"), await resend(running, first, seen="1")
    assert one.headers["location"] == two.headers["location"]
    assert len((await running.history.events(HERE)).rows) == 2
    assert len(await running.database.audit.recent(HERE)) == 1


async def test_a_write_is_sent_again_only_when_somebody_says_that_they_looked(running: Running) -> None:
    await running.enter()
    entry = await running.failed_ticket("n-1")
    asked = await resend(running, entry, seen="1")
    assert asked.status_code == 422
    assert "Marque que você conferiu" in asked.text
    assert running.woken == []

    assert (await resend(running, entry, seen="1", confirmed="true")).status_code == 303
    assert len(running.woken) == 1


async def test_what_is_under_way_is_not_sent_again(running: Running) -> None:
    await running.enter()
    entry = await running.accept(ticket("n-1"))
    answer = await resend(running, entry, seen="1", confirmed="true")
    assert answer.status_code == 422
    assert "espere terminar" in answer.text


@pytest.mark.parametrize("seen", ["", "x", "-1", "9999"])
async def test_a_form_that_was_tampered_with_sends_nothing(running: Running, seen: str) -> None:
    await running.enter()
    entry = await running.failed("n-1")
    assert (await resend(running, entry, seen=seen)).headers["location"] == f"{ROOM}/eventos/{entry.seq}"
    assert running.woken == []


async def test_a_flow_that_had_its_answer_gets_no_other(running: Running) -> None:
    await running.enter()
    entry = await running.journal.record(HERE, Arrival(notification=lookup("n-1"), raw=b"{}"), window_s=0)
    route = Route(terminal=StartFlow(flow=FlowKey.CUSTOMER_FOUND, flow_id=FlowId("1")))
    await running.journal.conclude(entry, Conclusion(outcome=FOUND, route=route))
    await running.journal.finish_entry(entry)
    page = await page_of(running, entry)
    assert "Reenviar este evento" not in page.text
    assert "Resposta ao flow" in page.text
    answer = await resend(running, entry, seen="1")
    assert "já teve a resposta" in answer.text
    assert TIMEOUT.cause not in answer.text
