"""The list of events as it grows: a stream of what is new or went on, for those who watch."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from litestar import get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from application.history import EventRow
from domain.installation import Installation
from entrypoints.http.console.event_filters import Asked
from entrypoints.http.console.event_rows import show_rows
from entrypoints.http.console.events import asked_in, events_of
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import Browser, PageRequest, Visitor, browser_of, open_session

LOOK_AGAIN_S = 15.0
"""how long a stream may outlive its session, or the right to see the installation"""
ANEW_AFTER = 200
"""so many rows more, and the list is sent anew: a page that stands open all day does not grow without end"""
CLOSE = "fim"
"""the message after which a page does not come back for more"""


@get("/eventos/ao-vivo", media_type="text/event-stream")
async def live_events(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> ServerSentEvent:
    parameters = {name: str(value) for name, value in request.query_params.items()}
    asked = asked_in(parameters, console, visitor, installation)
    session_id = browser_of(request).session_id
    who = "operator " + visitor.name if visitor.is_operator else f"agent {visitor.agent_id}"
    messages = _messages_for(who, console, session_id, installation, asked)
    return ServerSentEvent(messages, headers={"cache-control": "no-store"})


async def still_sees(console: Console, session_id: str, installation: Installation) -> bool:
    """Whether whoever began a stream is still signed in, and may still see the installation."""
    browser = Browser(console.sessions, cookie=session_id)
    await open_session(console, browser, counts_as_use=False)
    visitor = browser.visitor()
    kept = await console.installations.get(installation.id)
    return visitor is not None and kept is not None and visitor.may_see(kept)


async def _messages_for(
    who: str, console: Console, session_id: str, installation: Installation, asked: Asked
) -> AsyncIterator[ServerSentEventMessage]:
    """Whoever has enough of them open already is told not to come back."""
    with console.streams.one_for(who) as has_place:
        if not has_place:
            yield ServerSentEventMessage(event=CLOSE)
            return
        async with aclosing(_messages(console, session_id, installation, asked)) as messages:
            async for message in messages:
                yield message


async def _messages(
    console: Console, session_id: str, installation: Installation, asked: Asked
) -> AsyncGenerator[ServerSentEventMessage]:
    """First the whole list, so that nothing is missed between the page and this; then each change."""
    streams, looked_at = console.streams, console.clock.monotonic()
    async with console.live.watching(installation.id) as queue:
        with streams.listening(queue):
            known: set[int] | None = None
            while True:
                if known is None or len(known) > ANEW_AFTER:
                    rows = (await events_of(console, installation, asked)).rows
                    known = {row.seq for row in rows}
                    yield _message(console, installation, "run/live_list.html", rows)
                changed = await streams.following(queue)
                if streams.over:
                    return
                if console.clock.monotonic() - looked_at >= LOOK_AGAIN_S:
                    looked_at = console.clock.monotonic()
                    if not await still_sees(console, session_id, installation):
                        yield ServerSentEventMessage(event=CLOSE)
                        return
                fitting = [row for row in changed or () if asked.fits(row) or row.seq in known]
                if fitting:
                    yield _message(console, installation, "run/live_changes.html", fitting, known=frozenset(known))
                    known.update(row.seq for row in fitting)
                else:
                    yield ServerSentEventMessage(data=None, comment="")


def _message(
    console: Console, installation: Installation, template: str, rows: Sequence[EventRow], **context: object
) -> ServerSentEventMessage:
    content = console.pages.fragment(
        template,
        installation=installation,
        zone=installation.policies.timezone,
        at=f"/i/{installation.id}/eventos",
        rows=show_rows(rows),
        **context,
    )
    return ServerSentEventMessage(data=content)


live_routes = [live_events]
