"""Who is at the door: the browser's session, the visitor that it proves, and the guards that every page stands behind.

The cookie holds a random id and nothing else; what belongs to it stays on the server. Signing in always means a new id.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from secrets import token_urlsafe
from typing import Any, Self, cast
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, FormMultiDict
from litestar.enums import MediaType, RequestEncodingType, ScopeType
from litestar.exceptions import ClientException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.response import Redirect
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec.structs import replace

from application.console_ports import Sessions
from application.failures import Failure
from domain.huggy_access import Grant
from domain.identifiers import CompanyId, InstallationId, Personal, Secret
from domain.installation import Installation
from entrypoints.http.console.parts import Console
from entrypoints.http.console.static import PREFIX as STATIC

LONGEST_S = 7 * 24 * 3600
PROVED_FOR_S = 3600
"""after so long Huggy is asked again whether it lets an agent into a company"""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_MAX, FIELDS_MAX = 256 * 1024, 500
"""bytes and fields of what a page of ours sends; reading 250,000 empty fields holds everybody else up for a second"""
_ID = re.compile(r"[A-Za-z0-9_-]{43}")

PageRequest = Request[Any, Any, Any]


class Pending(Personal, frozen=True, kw_only=True):
    """A sign-in at Huggy that was begun and has not come back."""

    state: Secret
    begun_at: float
    next: str = ""
    installation_id: InstallationId = InstallationId("")
    """the one that is to be connected again; empty: none in particular"""
    company_id: CompanyId = CompanyId("")
    """the one that was chosen beforehand; empty: none"""


class Session(Personal, frozen=True, kw_only=True):
    """What the server remembers of one browser."""

    operator: str = ""
    password_mark: str = ""
    """a session ends with the password that began it"""
    agent_id: str = ""
    agent_name: str = ""
    companies: tuple[CompanyId, ...] = ()
    """those that Huggy let the agent into"""
    proved_at: dict[CompanyId, float] = {}
    """when Huggy last said so of each; by the clock, in seconds"""
    names: dict[CompanyId, str] = {}
    """of the companies, as far as Huggy told"""
    token: Secret | None = None
    """the agent's, to ask whether Huggy lets him into one more company"""
    grant: Grant | None = None
    """of this sign-in, until an installation was connected with it: a refresh token serves one of them"""
    pending: Pending | None = None
    flash: str = ""


def proved(session: Session, company_id: CompanyId, now: datetime) -> Session:
    """With one more company that Huggy let the agent into."""
    return replace(
        session,
        companies=(*session.companies, company_id),
        proved_at={**session.proved_at, company_id: now.timestamp()},
    )


class Visitor(Personal, frozen=True, kw_only=True):
    """Somebody who signed in."""

    safe = ("is_operator", "agent_id", "companies")

    name: str
    is_operator: bool = False
    agent_id: str | None = None
    companies: frozenset[CompanyId] = frozenset()
    csrf: str

    def may_see(self, installation: Installation) -> bool:
        return self.is_operator or installation.company_id in self.companies


_decode = msgspec.json.Decoder(Session).decode


class Browser:
    """One request's browser: its cookie, and the session behind it, if there is one."""

    def __init__(self, sessions: Sessions, *, cookie: str) -> None:
        self._sessions = sessions
        self.session_id = cookie if _ID.fullmatch(cookie) else token_urlsafe(32)
        self.content = Session()
        self.is_kept = False
        self.has_new_id = self.session_id != cookie

    async def open(self, *, counts_as_use: bool) -> None:
        kept = await self._sessions.read(self.session_id, counts_as_use=counts_as_use)
        if kept is not None:
            self.is_kept = True
            try:
                self.content = _decode(kept)
            except msgspec.DecodeError:  # kept by another version
                await self.forget()

    @property
    def csrf(self) -> str:
        """What a form of this browser carries. It follows from the id, which cannot be had back from it."""
        return blake2b(b"csrf", key=self.session_id.encode(), digest_size=24).hexdigest()

    async def begin(self, content: Session) -> None:
        """A session with a new id, in place of the one before."""
        if self.is_kept:
            await self._sessions.end(self.session_id)
        self.session_id = await self._sessions.begin(msgspec.json.encode(content))
        self.content, self.is_kept, self.has_new_id = content, True, True

    async def keep(self, content: Session) -> None:
        if not self.is_kept:
            await self.begin(content)
            return
        await self._sessions.keep(self.session_id, msgspec.json.encode(content))
        self.content = content

    async def forget(self) -> None:
        await self._sessions.end(self.session_id)
        self.session_id = token_urlsafe(32)
        self.content, self.is_kept, self.has_new_id = Session(), False, True

    def visitor(self) -> Visitor | None:
        kept = self.content
        if kept.operator:
            return Visitor(name=kept.operator, is_operator=True, csrf=self.csrf)
        if kept.agent_id:
            name = kept.agent_name or "Agente da Huggy"
            return Visitor(name=name, agent_id=kept.agent_id, companies=frozenset(kept.companies), csrf=self.csrf)
        return None

    def signed_in(self) -> Visitor:
        """Who just signed in."""
        visitor = self.visitor()
        if visitor is None:
            raise NotSignedIn
        return visitor


async def open_session(console: Console, browser: Browser, *, counts_as_use: bool) -> None:
    """What is kept of this browser, unless it ended with the password that began it."""
    if not browser.has_new_id:
        await browser.open(counts_as_use=counts_as_use)
    kept = browser.content
    if kept.operator and not await console.doorkeeper.still_trusts(kept.operator, kept.password_mark):
        await browser.forget()


class SessionMiddleware(ASGIMiddleware):
    """Opens the session of every page, and gives the cookie of a new one out with the answer."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_secure = urlsplit(console.public_url).scheme == "https"
        self._cookie = "__Host-ponte" if self._is_secure else "ponte"

    def __deepcopy__(self, _: dict[int, object]) -> Self:
        """The framework copies what stands in a router; there is one console."""
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["path"].startswith(f"{STATIC}/"):
            await next_app(scope, receive, send)
            return
        console = self._console
        browser = Browser(console.sessions, cookie=Request[Any, Any, Any](scope).cookies.get(self._cookie, ""))
        await open_session(console, browser, counts_as_use=not (_is_part(scope) and _fields(scope)["method"] == "GET"))
        _fields(scope).update(
            console=console, browser=browser, visitor=browser.visitor(), flash=browser.content.flash or None
        )

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                if browser.content.flash and _is_page(scope, message):
                    await browser.keep(replace(browser.content, flash=""))
                if browser.has_new_id:
                    message["headers"] = [*message["headers"], (b"set-cookie", self._new_cookie(browser.session_id))]
            await send(message)

        await next_app(scope, receive, answer)

    def _new_cookie(self, session_id: str) -> bytes:
        cookie = Cookie(
            key=self._cookie,
            value=session_id,
            path="/",
            httponly=True,
            secure=self._is_secure,
            samesite="lax",
            max_age=LONGEST_S,
        )
        return cookie.to_header(header="").encode()


class NotSignedIn(Exception):
    """Somebody has to sign in first."""


class NotFromOurPage(Exception):
    """The request was not made by a page of ours in this browser."""


def browser_of(request: ASGIConnection[Any, Any, Any, Any]) -> Browser:
    browser: Browser = _fields(request.scope)["browser"]
    return browser


def visitor_or_none(request: ASGIConnection[Any, Any, Any, Any]) -> Visitor | None:
    visitor: Visitor | None = _fields(request.scope).get("visitor")
    return visitor


def give_console(request: ASGIConnection[Any, Any, Any, Any]) -> Console:
    console: Console = _fields(request.scope)["console"]
    return console


async def flash(request: PageRequest, text: str) -> None:
    """Shown once, on the next page."""
    browser = browser_of(request)
    await browser.keep(replace(browser.content, flash=text))


async def grant_used(request: PageRequest) -> None:
    browser = browser_of(request)
    await browser.keep(replace(browser.content, grant=None))


def give_visitor(request: PageRequest) -> Visitor:
    """The dependency `visitor`."""
    visitor = visitor_or_none(request)
    if visitor is None:
        raise NotSignedIn
    return visitor


def give_installation(request: PageRequest) -> Installation:
    """The dependency `installation`, of pages that stand behind `only_own_installations`."""
    installation: Installation = _fields(request.scope)["installation"]
    return installation


async def only_from_our_pages(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: what changes something carries the token of its browser, and is not sent by another site."""
    request = cast("PageRequest", connection)
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise NotFromOurPage
    form = await _read_form(request)
    given = request.headers.get("x-csrf-token") or form.get("_csrf", "")
    if not isinstance(given, str):
        raise NotFromOurPage
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), browser_of(request).csrf.encode()):
        raise NotFromOurPage


async def _read_form(request: PageRequest) -> FormMultiDict:
    """Once for the guard and the handler; what would take its time to read is not read."""
    is_plain = request.content_type[0] == RequestEncodingType.URL_ENCODED
    if is_plain and (await request.body()).count(b"&") > FIELDS_MAX:
        raise RequestEntityTooLarge
    try:
        return await request.form()
    except (UnicodeDecodeError, LookupError):  # text that is not in the encoding that it names
        raise ClientException from None


async def only_own_installations(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard of everything below `/i/{installation_id}`: for anybody else there is no such page."""
    visitor = visitor_or_none(connection)
    if visitor is None:
        raise NotSignedIn
    console = give_console(connection)
    installation = await console.installations.get(InstallationId(str(connection.path_params["installation_id"])))
    if installation is None or not visitor.may_see(installation):
        raise NotFoundException
    if not visitor.is_operator and not await _is_still_let_in(console, browser_of(connection), installation.company_id):
        raise NotFoundException
    _fields(connection.scope)["installation"] = installation


async def _is_still_let_in(console: Console, browser: Browser, company_id: CompanyId) -> bool:
    """Asked of Huggy again when its last word is an hour old; as long as it does not answer, that word holds."""
    kept, now = browser.content, console.clock.now().timestamp()
    token = kept.token
    if token is None or now - kept.proved_at.get(company_id, 0) < PROVED_FOR_S:
        return True
    try:
        lets_in = await console.work_loop.run(lambda: console.accounts.belongs_to(token, company_id))
    except Failure as failure:
        if failure.cause != "huggy.unauthorized":
            return True
        await browser.forget()  # the sign-in itself is not good any more
        raise NotSignedIn from None
    if lets_in:
        await browser.keep(replace(kept, proved_at={**kept.proved_at, company_id: now}))
    else:
        await browser.keep(replace(kept, companies=tuple(each for each in kept.companies if each != company_id)))
    return lets_in


def ask_to_sign_in(request: PageRequest, _: NotSignedIn) -> Response[Any]:
    """To the door, and back to where they wanted to go if that was a page to look at. Where a page that is open asked for
    a part of itself, all of it goes to the door, and back to that page."""
    if _is_part(request.scope):
        door = _door(_open_page(request))
        return Response("", status_code=401, headers={"hx-redirect": door}, media_type=MediaType.TEXT)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Redirect(_door(wanted if request.method in SAFE_METHODS else ""), status_code=303)


def refuse_foreign(request: PageRequest, _: NotFromOurPage) -> Response[Any]:
    """A session that ended took its token along; at the door there is none yet."""
    is_over = visitor_or_none(request) is None and not request.url.path.startswith("/entrar")
    if is_over and _is_part(request.scope):
        return ask_to_sign_in(request, NotSignedIn())
    return give_console(request).pages.show(
        request,
        "enter/refused.html",
        status=403,
        title="Esta página venceu",
        text="A sua sessão terminou: entre de novo e refaça o último passo."
        if is_over
        else "Volte, recarregue a página e tente de novo. Se continuar assim, permita cookies para este endereço.",
        again="/entrar" if is_over else "",
        again_label="Entrar de novo",
    )


def _door(next_: str) -> str:
    return "/entrar" + (f"?next={quote(next_, safe='')}" if next_ not in {"", "/"} else "")


def _open_page(request: PageRequest) -> str:
    """The page of ours that a part was asked for from, as htmx tells it; empty: it tells none."""
    told = re.match(r"https?://[^/?#]+(/[^#]*)", request.headers.get("hx-current-url", ""))
    return own_path(told[1]) if told else ""


def own_path(text: str) -> str:
    """Where to go on after signing in: a path of ours, or nothing."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and re.match(r"/(?!/)", text) and not urlsplit(text).netloc else ""


def _is_part(scope: Scope) -> bool:
    """Asked for by a page that is open, perhaps by itself."""
    return any(name == b"hx-request" for name, _ in scope["headers"])


def _is_page(scope: Scope, message: Message) -> bool:
    """Whether this answer is a whole page, so that what was to be shown once has been shown."""
    start = cast("Mapping[str, Any]", message)
    headers = {name.lower(): value for name, value in start.get("headers", [])}
    return (
        _fields(scope)["method"] == "GET"
        and not _is_part(scope)
        and start["status"] == 200
        and headers.get(b"content-type", b"").startswith(b"text/html")
    )


def _fields(scope: Scope) -> dict[str, Any]:
    """The framework types scopes as unions of dictionaries; ours are written and read by name."""
    return cast("dict[str, Any]", scope)
