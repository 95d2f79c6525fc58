"""What the provider's people were told, and what became of each notice."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from application.notice_ports import KeptNotice
from domain.causes import advise
from domain.installation import Installation
from entrypoints.http.console.parts import Console
from entrypoints.http.console.run_words import NOTICE_KINDS
from entrypoints.http.console.session import PageRequest
from entrypoints.http.console.words import Word

AT_ONCE = 30


class NoticeShown(Struct, frozen=True, kw_only=True):
    notice: KeptNotice
    kind: Word
    state: Word
    note: str


@get("/avisos")
async def see_notices(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    before = read_id(request.query_params.get("antes", ""))
    kept = await console.notices.recent(installation.id, before_id=before, limit=AT_ONCE + 1)
    shown = kept[:AT_ONCE]
    return console.pages.show(
        request,
        "run/notices.html",
        installation=installation,
        zone=installation.policies.timezone,
        notices=_shown(shown),
        sends_mail=console.sends_mail,
        older=f"/i/{installation.id}/avisos?antes={shown[-1].id}" if len(kept) > AT_ONCE else "",
        newest=f"/i/{installation.id}/avisos" if before is not None else "",
    )


def read_id(text: object) -> int | None:
    """A row's number as it stands in an address."""
    written = str(text)
    return int(written) if written.isascii() and written.isdecimal() and len(written) <= 18 else None


def _shown(notices: Sequence[KeptNotice]) -> list[NoticeShown]:
    return [
        NoticeShown(
            notice=each,
            kind=NOTICE_KINDS[each.kind],
            state=_state(each),
            note=advise(each.failure).title if each.failure and each.sent_at is None else "",
        )
        for each in notices
    ]


def _state(notice: KeptNotice) -> Word:
    if notice.sent_at is not None:
        return Word("Enviado", "good")
    if notice.next_try_at is not None:
        return Word("Vai tentar de novo", "warn") if notice.tries else Word("Aguardando envio")
    return Word("Não foi possível enviar", "bad") if notice.failure else Word("Só aqui, sem e-mail")


notice_routes = [see_notices]
