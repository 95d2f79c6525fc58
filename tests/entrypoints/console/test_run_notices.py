"""Notices and the history of changes: newest first, in pages, with what became of each."""

import re
from datetime import timedelta

from msgspec.structs import replace

from application.notice_ports import NewNotice
from domain.notice import Letter, NoticeKind
from entrypoints.http.console.session import Visitor
from tests.contracts.journal import NOON
from tests.entrypoints.console.running import HERE, ROOM, Running, texts
from tests.entrypoints.fakes import INSTALLATION


def notice(subject: str, *, waits: bool = True, kind: NoticeKind = NoticeKind.PROBLEM) -> NewNotice:
    return NewNotice(
        installation_id=HERE,
        kind=kind,
        cause=f"erp.{subject}",
        letter=Letter(recipient="avisos@provedor.example", subject=subject, text="Olá!\n\n<b>O que fazer</b>"),
        created_at=NOON,
        next_try_at=NOON if waits else None,
    )


async def test_each_notice_tells_its_kind_its_words_and_what_became_of_it(running: Running) -> None:
    await running.enter()
    notices, now = running.database.notices, running.clock.now()
    for subject in ("sent", "again", "gone"):
        await notices.keep(notice(subject))
        taken = await notices.take(now, lease_s=60)
        assert taken is not None
        if subject == "sent":
            await notices.sent(taken, now)
        else:
            again = now + timedelta(minutes=5) if subject == "again" else None
            await notices.failed(taken, "mail.timeout", again)
    await notices.keep(notice("waits", kind=NoticeKind.OVER))
    await notices.keep(notice("here", waits=False, kind=NoticeKind.DIGEST))

    words = texts(await running.get("avisos"))
    assert "sent Problema 23/11/2026 12:00:00 · Enviado 23/11/2026 12:00:00" in words
    assert "again Problema 23/11/2026 12:00:00 · Vai tentar de novo O servidor de e-mail demorou demais" in words
    assert "gone Problema 23/11/2026 12:00:00 · Não foi possível enviar" in words
    assert "waits Resolvido 23/11/2026 12:00:00 · Aguardando envio" in words
    assert "here Resumo do dia 23/11/2026 12:00:00 · Só aqui, sem e-mail" in words
    assert words.index("here Resumo") < words.index("sent Problema")
    assert "<b>O que" not in (await running.get("avisos")).text


async def test_without_a_mail_server_or_an_address_the_page_says_so(running: Running) -> None:
    await running.enter()
    assert "Ainda não há servidor de e-mail" in (await running.get("avisos")).text
    assert "Nenhum aviso até agora." in (await running.get("avisos")).text


async def test_notices_come_in_pages(running: Running) -> None:
    await running.enter()
    for number in range(35):
        await running.database.notices.keep(notice(f"n{number}", waits=False))
    first = await running.get("avisos")
    older = re.search(rf'href="({ROOM}/avisos\?antes=\d+)"', first.text)
    assert older is not None
    second = await running.browser.get(older[1])
    assert (first.text.count("<article>"), second.text.count("<article>")) == (30, 5)
    assert (await running.get("avisos", antes="x")).text.count("<article>") == 30


async def test_the_history_says_who_changed_what_the_newest_first_in_pages(running: Running) -> None:
    await running.enter()
    agent = Visitor(name="Bia <script>", agent_id="7", csrf="")
    for number in range(55):
        await running.database.audit.note(HERE, agent, f"change {number}", {"campo": "de 1 para 2"} if number else None)
    first = await running.get("historico")
    older = re.search(rf'href="({ROOM}/historico\?antes=\d+)"', first.text)
    assert older is not None
    second = await running.browser.get(older[1])

    assert "Bia &lt;script&gt;" in first.text
    assert "change 54 campo: de 1 para 2" in texts(first)
    assert "change 4 " not in texts(first)
    assert texts(second).index("change 4 ") < texts(second).index("change 0 –")


async def test_a_history_without_changes_is_said_kindly(running: Running) -> None:
    await running.enter(replace(INSTALLATION, email=""))
    assert "Nenhuma mudança registrada" in (await running.get("historico")).text
