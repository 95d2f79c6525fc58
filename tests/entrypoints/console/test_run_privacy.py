"""No page shows what names a person or can be used in their name, and none runs what somebody typed."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.messages.catalog import read_catalog
from application.history import Attempt, Cursor, Event, EventRow
from application.notice_ports import NewNotice
from domain.identifiers import ChatId, InvoiceId, NotificationKey
from domain.invoice import Offer
from domain.notice import Letter, NoticeKind
from domain.notification import ChatRef, CustomerLookup, NotForUs
from domain.outcome import BoletosIssued, CustomerFound, CustomerInOutage, Failed, NotOffered, Outcome, Shadowed
from domain.problem import Occurrences
from domain.routing import route, tag_of
from domain.trail import Step, cause_of
from entrypoints.http.console.event_way import show_event
from entrypoints.http.console.session import Visitor
from tests.contracts.journal import NOON
from tests.domain.builders import contract, installation
from tests.entrypoints.console.running import CPF, HERE, PHONE, ROOM, Running, boleto, opened, ticket
from tests.entrypoints.fakes import INSTALLATION

NAME = "Zulmira"
SECRETS = (
    CPF,
    "52998224725",
    NAME,
    "98765-4321",
    "5511987654321",
    "erp-token",
    "huggy-token",
    "webhook-key",
    "flow-key",
)
HOSTILE = '"><script>alert(1)</script>'
RAW = msgspec.json.encode({"event": "x", "data": {"cpf": CPF, "nome": NAME, "fone": PHONE, "d": HOSTILE}})

names = st.text(max_size=12).map(lambda text: f"{NAME}{text}")
offers = st.builds(
    Offer,
    invoice_id=st.just(InvoiceId("9")),
    due_on=st.none() | st.dates(),
    overdue=st.booleans(),
    amount=st.none(),
    digitable_line=names,
    pix_code=names,
    link=names.map(lambda name: f"https://erp.example/{name}?token={name}"),
)
contracts = st.lists(st.builds(contract), max_size=3).map(tuple)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(CustomerFound, first_name=names, contracts=contracts),
    st.builds(
        CustomerInOutage,
        first_name=names,
        contracts=contracts,
        told=st.just("x"),
        protocol=st.none(),
        back_at=st.just(""),
    ),
    st.builds(BoletosIssued, offers=st.lists(offers, min_size=1, max_size=2).map(tuple), more=st.just(0)),
    st.builds(Failed, cause=st.sampled_from(["erp.timeout", "ponte.fault", "deadline.erp_too_slow", "x.y"])),
    st.builds(NotOffered, operation=st.sampled_from(["unblock", "x"])),
    st.builds(Shadowed, operation=st.sampled_from(["ticket", "x"])),
)


def event(outcome: Outcome, *, flow: str | None, shell: str, waiting: bool) -> Event:
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)
    row = EventRow(
        seq=1,
        key=NotificationKey("n-1"),
        kind="customer_lookup",
        chat_id=ChatId("55501"),
        shell=shell,
        accepted_at=at,
        finished_at=None if waiting else at,
        outcome=tag_of(outcome),
        document="***.***.***-25",
        protocol=None,
        flow=flow,
        cause=cause_of(outcome),
        waiting=waiting,
        cursor=Cursor(at=1, seq=1),
    )
    return Event(
        row=row,
        notification=CustomerLookup(key=row.key, chat=ChatRef(id=row.chat_id, phone=PHONE), document=CPF),
        raw=RAW,
        outcome=outcome,
        route=route(outcome, installation()),
        effects=(),
        attempts=(Attempt(number=1, at=at, steps=(Step(what="put_off", at_ms=0, took_ms=0, ended="huggy.timeout"),)),),
        chain=(row,),
    )


@given(
    outcome=outcomes,
    flow=st.none()
    | st.sampled_from(
        ["auxiliary", "customer_found", "agent.keep", "chat.close", "chat.no_flow", "chat.in_doubt", "chat.shadow", "x"]
    ),
    shell=st.sampled_from(["chat", "flow"]),
    waiting=st.booleans(),
)
def test_whatever_was_concluded_its_page_names_nobody_and_shows_no_code(
    outcome: Outcome, flow: str | None, shell: str, waiting: bool
) -> None:
    shown = show_event(event(outcome, flow=flow, shell=shell, waiting=waiting), read_catalog().render)
    told = str(msgspec.to_builtins(shown, str_keys=True))
    assert len(shown.stations) == 5
    for secret in (NAME, CPF, "52998224725", "98765-4321"):
        assert secret not in told


async def test_no_page_shows_a_name_a_document_a_number_or_a_secret_and_none_runs_what_was_typed(
    running: Running,
) -> None:
    await running.enter(replace(INSTALLATION, name=HOSTILE))
    await filled(running)
    pages = ["", "eventos", "eventos?ao_vivo=1", "problemas", "problemas/reenvio", "avisos", "historico"]
    seqs = [row.seq for row in (await running.history.events(HERE)).rows]
    addresses = ["/", *(f"{ROOM}/{page}" for page in pages), *(f"{ROOM}/eventos/{seq}" for seq in seqs)]
    assert len(seqs) == 4
    for address in addresses:
        page = await running.browser.get(address.removesuffix("/") or "/")
        assert page.status_code == 200, address
        for secret in (*SECRETS, "<script>alert"):
            assert secret not in page.text, (address, secret)


async def test_hostile_words_in_an_address_are_shown_as_words(running: Running) -> None:
    await running.enter()
    for name in ("chat", "protocolo", "causa", "final", "periodo", "busca", "documento", "antes"):
        page = await running.get("eventos", **{name: HOSTILE})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
    assert "<script>alert" not in (await running.browser.get("/", params={"busca": HOSTILE})).text


async def filled(running: Running) -> None:
    """Something personal, and something hostile, wherever there can be some."""
    hostile = CustomerLookup(
        key=NotificationKey(HOSTILE), chat=ChatRef(id=ChatId(HOSTILE), phone=PHONE), document=f"{NAME} {CPF}"
    )
    steps = (Step(what=HOSTILE, at_ms=0, took_ms=1, ended=HOSTILE, request=HOSTILE, answer=HOSTILE),)
    await running.end(await running.accept(hostile, RAW), CustomerFound(first_name=NAME, contracts=()), steps=steps)
    outcome = BoletosIssued(
        offers=(Offer(invoice_id=InvoiceId("9"), due_on=None, overdue=False, amount=None, link=f"https://x/{CPF}"),),
        more=0,
    )
    await running.end(
        await running.accept(boleto("n-2"), RAW), outcome, route(outcome, INSTALLATION), said=1, steps=steps
    )
    await running.end(await running.accept(ticket("n-3", description=f"{NAME}, {PHONE}"), RAW), opened())
    await running.end(await running.accept(boleto("n-4"), RAW), Failed(cause=HOSTILE))
    database = running.database
    await database.problems.count(
        [Occurrences(installation_id=HERE, cause=HOSTILE, count=1, first_at=NOON, last_at=NOON)]
    )
    await database.notices.keep(
        NewNotice(
            installation_id=HERE,
            kind=NoticeKind.NEWS,
            cause=HOSTILE,
            letter=Letter(recipient=HOSTILE, subject=HOSTILE, text=HOSTILE),
            created_at=NOON,
            next_try_at=None,
        )
    )
    await running.journal.keep_unknown(HERE, NotForUs(reason=HOSTILE, event=HOSTILE), HOSTILE.encode())
    author = Visitor(name=HOSTILE, agent_id="1", csrf="")
    await database.audit.note(HERE, author, HOSTILE, {HOSTILE: HOSTILE})
