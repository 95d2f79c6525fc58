"""Signing in at Huggy (OAuth 2, authorization code), and what a token shows about its agent.

Huggy documents the address to sign in at; the rest is what public clients send and read. What nobody knows (a list of
the agent's companies) is asked for and done without. These calls go to the configured hosts of Huggy and nowhere else.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
from msgspec import Struct

from adapters.huggy import mishaps
from adapters.huggy.headers import headers_for
from adapters.huggy.listing import NoList, read_all
from application.console_ports import HuggyAgent, HuggyCompany
from application.failures import Failure, Rejected, Unavailable, Unintelligible
from application.ports import Clock
from domain.huggy_access import Grant
from domain.identifiers import CompanyId, Secret

SCOPES = "install_app read_agent_profile"

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
"""nothing that could lead to another address"""

Read = TypeVar("Read")


class Limits(Struct, frozen=True, kw_only=True):
    call_s: float = 10
    """one request and its answer"""


class _Granted(Struct, frozen=True, kw_only=True):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | str | None = None


class _Refused(Struct, frozen=True, kw_only=True):
    error: str = ""


class _Profile(Struct, frozen=True, kw_only=True):
    id: int | str | None = None
    name: str | None = None
    data: "_Profile | None" = None


class _Claims(Struct, frozen=True, kw_only=True):
    exp: float | None = None


class HuggyAccounts:
    """Implements `application.console_ports.Accounts`."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        auth_url: str,
        api_url: str,
        client_id: str,
        client_secret: Secret | None,
        clock: Clock,
        limits: Limits | None = None,
    ) -> None:
        self._http = http
        self._auth_url = auth_url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret or Secret(value="")
        self._clock = clock
        self._limits = limits or Limits()

    @property
    def is_configured(self) -> bool:
        return bool(self._client_id and self._client_secret)

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        asked = {
            "scope": SCOPES,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "client_id": self._client_id,
            "state": state,
        }
        return f"{self._auth_url}/oauth/authorize?{urlencode(asked, quote_via=quote)}"

    async def exchange(self, code: Secret, *, redirect_uri: str) -> Grant:
        return await self._grant(
            {"grant_type": "authorization_code", "redirect_uri": redirect_uri, "code": code.reveal()}
        )

    async def renew(self, refresh_token: Secret) -> Grant:
        return await self._grant({"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()})

    async def agent(self, token: Secret) -> HuggyAgent:
        answer = await self._ask("/agents/profile", token)
        _require_success(answer)
        profile = _read(lambda: msgspec.json.decode(answer.content, type=_Profile))
        profile = profile.data or profile
        if not profile.id:
            raise Unintelligible("huggy.unknown_answer", "the answer is no profile")
        return HuggyAgent(id=str(profile.id), name=profile.name or "")

    async def belongs_to(self, token: Secret, company_id: CompanyId) -> bool:
        """By the profile within the company; where that is not to be had, by the company's chats. Never by an address
        without the company in it: that one would prove nothing."""
        if not _ID.fullmatch(company_id):
            return False
        company = f"/companies/{company_id}"
        answer = await self._ask(f"{company}/agents/profile", token)
        if answer.status_code in {400, 404}:
            answer = await self._ask(f"{company}/chats?page=0", token)
        if answer.status_code in {400, 403, 404}:
            return False
        _require_success(answer)
        _read(lambda: msgspec.json.decode(answer.content))
        return True

    async def companies(self, token: Secret) -> Sequence[HuggyCompany] | None:
        """Nobody has seen this list: any failure, and whatever is no list, means that there is none."""

        async def ask(page: int) -> bytes:
            answer = await self._ask(f"/companies?page={page}", token)
            _require_success(answer)
            return answer.content

        try:
            return tuple(HuggyCompany(id=CompanyId(each.id), name=each.name) for each in await read_all(ask))
        except (Failure, NoList):
            return None

    async def _grant(self, asked: Mapping[str, str]) -> Grant:
        body = {**asked, "client_id": self._client_id, "client_secret": self._client_secret.reveal()}
        answer = await self._exchange(
            self._http.build_request(
                "POST",
                f"{self._auth_url}/oauth/access_token",
                content=msgspec.json.encode(body),
                headers={"Accept": "application/json", "Content-Type": "application/json"},
                timeout=self._limits.call_s,
            ),
            writes=True,
        )
        if answer.status_code in {400, 401, 403}:
            raise _refusal(answer)
        _require_success(answer, writes=True)
        granted = _read(lambda: msgspec.json.decode(answer.content, type=_Granted))
        if not granted.access_token:
            raise Unintelligible("huggy.unknown_answer", "the answer holds no token")
        now = self._clock.now()
        return Grant(
            token=Secret(value=granted.access_token),
            refresh_token=Secret(value=granted.refresh_token) if granted.refresh_token else None,
            issued_at=now,
            expires_at=_after(now, granted.expires_in) or _end_of(granted.access_token),
        )

    async def _ask(self, path: str, token: Secret) -> httpx.Response:
        request = self._http.build_request(
            "GET", self._api_url + path, headers=headers_for(token), timeout=self._limits.call_s
        )
        return await self._exchange(request, writes=False)

    async def _exchange(self, request: httpx.Request, *, writes: bool) -> httpx.Response:
        try:
            async with asyncio.timeout(self._limits.call_s):
                return await self._http.send(request)
        except mishaps.LOST as error:
            failure = mishaps.of_lost_call(error, writes=writes)
        raise failure


def _refusal(answer: httpx.Response) -> Rejected:
    """A wrong client is the operator's matter; anything else means that somebody has to sign in again."""
    try:
        error = msgspec.json.decode(answer.content, type=_Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = ""
    cause = "huggy.client_refused" if error == "invalid_client" else "huggy.grant_refused"
    return Rejected(cause, f"status {answer.status_code}")


def _require_success(answer: httpx.Response, *, writes: bool = False) -> None:
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Unavailable("huggy.rate_limited", "Huggy asks us to slow down")
    failure = mishaps.of_status(answer.status_code, writes=writes)
    if failure is not None:
        raise failure


def _read(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unintelligible("huggy.unknown_answer", "the answer was not understood") from None


def _after(now: datetime, seconds: float | str | None) -> datetime | None:
    try:
        return now + timedelta(seconds=float(seconds)) if seconds else None
    except (ValueError, OverflowError):
        return None


def _end_of(token: str) -> datetime | None:
    """As a JWT says it of itself. It is read, not trusted: what counts is whether Huggy takes it."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
        return None if claims.exp is None else datetime.fromtimestamp(claims.exp, UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError, OverflowError, OSError):
        return None
