"""Signing in at Huggy over real loopback connections."""

import base64
import ssl
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from adapters.huggy.oauth import HuggyAccounts, Limits
from adapters.memory.clock import SetClock
from adapters.web.client import open_http
from application.console_ports import Accounts, HuggyAgent, HuggyCompany
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from domain.identifiers import CompanyId, Secret
from tests.adapters.huggy.test_client import DROPPED, HANGING, Loopback, answered

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRETS = CODE, REFRESH, TOKEN, CLIENT_SECRET = ["c0de-0f-0nce", "refresh-0ld", "eyJ.t0ken.x", "client-s3cret"]
COMPANY = CompanyId("1001")
BACK = "https://ponte.example/oauth/huggy/callback"


@pytest.fixture
async def huggy() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(tls=ssl.create_default_context(), max_connections=4) as client:
        yield client


def accounts_at(url: str, http: httpx.AsyncClient, **more: Any) -> HuggyAccounts:
    return HuggyAccounts(
        http=http,
        auth_url=url.removesuffix("/v3"),
        api_url=url,
        client_id=more.get("client_id", "APP-1"),
        client_secret=more.get("client_secret", Secret(value=CLIENT_SECRET)),
        clock=SetClock(NOW),
        limits=more.get("limits"),
    )


@pytest.fixture
def accounts(huggy: Loopback, http: httpx.AsyncClient) -> Accounts:
    return accounts_at(huggy.url, http)


def said(status: int, **body: Any) -> Any:
    return answered(status, msgspec.json.encode(body))


def jwt(**claims: Any) -> str:
    middle = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


async def failure_of(call: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await call
    return caught.value


def test_the_way_to_the_sign_in_carries_what_huggy_documents_and_a_state(accounts: Accounts) -> None:
    parts = urlsplit(accounts.authorize_url(redirect_uri=BACK, state="st-1"))
    assert parts.path == "/oauth/authorize"
    assert "scope=install_app%20read_agent_profile" in parts.query
    assert parse_qs(parts.query) == {
        "scope": ["install_app read_agent_profile"],
        "response_type": ["code"],
        "redirect_uri": [BACK],
        "client_id": ["APP-1"],
        "state": ["st-1"],
    }


async def test_a_code_is_exchanged_once_with_exactly_the_address_that_it_was_asked_for(
    huggy: Loopback, accounts: Accounts
) -> None:
    huggy.replies = [said(200, token_type="Bearer", expires_in=15638400, access_token=TOKEN, refresh_token=REFRESH)]
    grant = await accounts.exchange(Secret(value=CODE), redirect_uri=BACK)
    (sent,) = huggy.received
    assert sent.line == "POST /oauth/access_token HTTP/1.1"
    assert sent.headers["content-type"] == "application/json"
    assert msgspec.json.decode(sent.body) == {
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "client_id": "APP-1",
        "client_secret": CLIENT_SECRET,
        "code": CODE,
    }
    assert (grant.token, grant.refresh_token) == (Secret(value=TOKEN), Secret(value=REFRESH))
    assert (grant.issued_at, grant.expires_at) == (NOW, NOW + timedelta(seconds=15638400))


async def test_a_renewal_sends_the_refresh_token(huggy: Loopback, accounts: Accounts) -> None:
    huggy.replies = [said(200, access_token=TOKEN, expires_in="3600")]
    grant = await accounts.renew(Secret(value=REFRESH))
    assert msgspec.json.decode(huggy.received[0].body) == {
        "grant_type": "refresh_token",
        "client_id": "APP-1",
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH,
    }
    assert (grant.refresh_token, grant.expires_at) == (None, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("token", "ends_at"),
    [
        (jwt(exp=1795000000), datetime.fromtimestamp(1795000000, UTC)),
        (jwt(exp=1795000000.5), datetime.fromtimestamp(1795000000.5, UTC)),
        (jwt(sub="301"), None),
        (jwt(exp="soon"), None),
        (jwt(exp=1e300), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.é.c", None),
    ],
)
async def test_without_a_life_time_the_end_is_the_one_that_the_token_tells(
    huggy: Loopback, accounts: Accounts, token: str, ends_at: datetime | None
) -> None:
    for silence in ({}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": 1e300}):
        huggy.replies = [said(200, access_token=token, **silence)]
        assert (await accounts.renew(Secret(value=REFRESH))).expires_at == ends_at


@pytest.mark.parametrize(
    ("status", "body", "kind", "cause"),
    [
        (400, b'{"error": "invalid_request", "hint": "Token has been revoked"}', Rejected, "huggy.grant_refused"),
        (401, b'{"error": "invalid_grant"}', Rejected, "huggy.grant_refused"),
        (401, b"<html>", Rejected, "huggy.grant_refused"),
        (401, b'{"error": "invalid_client"}', Rejected, "huggy.client_refused"),
        (404, b"", Rejected, "huggy.not_found"),
        (429, b"", Unavailable, "huggy.rate_limited"),
        (500, b"", Unavailable, "huggy.unavailable"),
        (502, b"", InDoubt, "huggy.unavailable"),
        (302, b"", Unintelligible, "huggy.unexpected_status"),
        (200, b"<html>", Unintelligible, "huggy.unknown_answer"),
        (200, b"{}", Unintelligible, "huggy.unknown_answer"),
        (200, b'{"access_token": ""}', Unintelligible, "huggy.unknown_answer"),
        (200, b'{"access_token": "\xff"}', Unintelligible, "huggy.unknown_answer"),
    ],
)
async def test_a_refused_exchange_is_told_by_whose_matter_it_is(
    huggy: Loopback, accounts: Accounts, *, status: int, body: bytes, kind: type[Failure], cause: str
) -> None:
    huggy.replies = [answered(status, body, headers="Location: /elsewhere\r\n")]
    failure = await failure_of(accounts.renew(Secret(value=REFRESH)))
    assert (type(failure), failure.cause) == (kind, cause)
    assert len(huggy.received) == 1


@pytest.mark.parametrize("reply", [DROPPED, HANGING, answered(400), answered(500)])
async def test_no_failure_holds_a_secret(huggy: Loopback, http: httpx.AsyncClient, reply: Any) -> None:
    huggy.replies = [reply]
    accounts = accounts_at(huggy.url, http, limits=Limits(call_s=0.2))
    for call in (
        accounts.exchange(Secret(value=CODE), redirect_uri=BACK),
        accounts.renew(Secret(value=REFRESH)),
        accounts.agent(Secret(value=TOKEN)),
    ):
        failure = await failure_of(call)
        shown = "".join([str(failure), repr(failure), *traceback.format_exception(failure)])
        assert [secret for secret in (*SECRETS, "127.0.0.1") if secret in shown] == []


async def test_an_exchange_without_an_answer_is_in_doubt(huggy: Loopback, accounts: Accounts) -> None:
    huggy.replies = [DROPPED]
    assert type(await failure_of(accounts.exchange(Secret(value=CODE), redirect_uri=BACK))) is InDoubt
    assert len(huggy.received) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 301, "name": "Ana"}',
        b'{"id": "301", "name": "Ana", "photo": null}',
        b'{"data": {"id": 301, "name": "Ana"}}',
    ],
)
async def test_the_agent_is_read_from_the_profile_without_a_company(
    huggy: Loopback, accounts: Accounts, body: bytes
) -> None:
    huggy.replies = [answered(200, body)]
    assert await accounts.agent(Secret(value=TOKEN)) == HuggyAgent(id="301", name="Ana")
    assert huggy.received[0].line == "GET /v3/agents/profile HTTP/1.1"
    assert huggy.received[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": [1]}'])
async def test_a_profile_without_an_id_is_unintelligible(huggy: Loopback, accounts: Accounts, body: bytes) -> None:
    huggy.replies = [answered(200, body)]
    assert type(await failure_of(accounts.agent(Secret(value=TOKEN)))) is Unintelligible


async def test_an_agents_name_may_be_missing(huggy: Loopback, accounts: Accounts) -> None:
    huggy.replies = [answered(200, b'{"id": 301, "name": null}')]
    assert (await accounts.agent(Secret(value=TOKEN))).name == ""


async def test_a_company_is_proved_by_the_profile_within_it(huggy: Loopback, accounts: Accounts) -> None:
    huggy.replies = [said(200, id=301)]
    assert await accounts.belongs_to(Secret(value=TOKEN), COMPANY) is True
    assert [sent.line for sent in huggy.received] == ["GET /v3/companies/1001/agents/profile HTTP/1.1"]


@pytest.mark.parametrize("status", [400, 404])
async def test_where_there_is_no_profile_the_companys_chats_prove_it_and_never_an_address_without_it(
    huggy: Loopback, accounts: Accounts, status: int
) -> None:
    huggy.replies = [answered(status), answered(200, b"[]")]
    assert await accounts.belongs_to(Secret(value=TOKEN), COMPANY) is True
    assert [sent.line for sent in huggy.received] == [
        "GET /v3/companies/1001/agents/profile HTTP/1.1",
        "GET /v3/companies/1001/chats?page=0 HTTP/1.1",
    ]


@pytest.mark.parametrize("replies", [[answered(403)], [answered(404), answered(404)], [answered(400), answered(403)]])
async def test_a_company_that_huggy_refuses_is_not_the_agents(
    huggy: Loopback, accounts: Accounts, replies: list[Any]
) -> None:
    huggy.replies = replies
    assert await accounts.belongs_to(Secret(value=TOKEN), COMPANY) is False


@pytest.mark.parametrize(
    "reply", [answered(401), answered(429), answered(500), answered(200, b"<html>"), answered(200), DROPPED]
)
async def test_a_question_that_failed_is_no_answer(huggy: Loopback, accounts: Accounts, reply: Any) -> None:
    huggy.replies = [reply]
    await failure_of(accounts.belongs_to(Secret(value=TOKEN), COMPANY))


@pytest.mark.parametrize("company_id", ["..", "", "../agents?x=#", "1001/..", "1001 ", "é"])
async def test_an_id_that_could_lead_elsewhere_proves_nothing(
    huggy: Loopback, accounts: Accounts, company_id: str
) -> None:
    huggy.replies = [answered(200, b'{"id": 301}')]
    assert await accounts.belongs_to(Secret(value=TOKEN), CompanyId(company_id)) is False
    assert huggy.received == []


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id": 1001, "name": "Provedor"}, {"id": "1002"}]',
        b'{"data": [{"id": 1001, "name": "Provedor "}, {"id": 1002, "name": null}]}',
    ],
)
async def test_companies_are_listed_where_huggy_lists_them(huggy: Loopback, accounts: Accounts, body: bytes) -> None:
    huggy.replies = [answered(200, body)]
    assert await accounts.companies(Secret(value=TOKEN)) == (
        HuggyCompany(id=COMPANY, name="Provedor"),
        HuggyCompany(id=CompanyId("1002")),
    )
    assert len(huggy.received) == 1


async def test_a_long_list_is_read_page_by_page(huggy: Loopback, accounts: Accounts) -> None:
    pages = [[{"id": page * 20 + place} for place in range(1, 21)] for page in range(2)]
    huggy.replies = [*(answered(200, msgspec.json.encode(page)) for page in pages), answered(200, b"[]")]
    listed = await accounts.companies(Secret(value=TOKEN))
    assert listed is not None
    assert [company.id for company in listed] == [str(number) for number in range(1, 41)]


async def test_a_list_that_does_not_know_of_pages_is_read_once_more_and_no_further(
    huggy: Loopback, accounts: Accounts
) -> None:
    huggy.replies = [answered(200, msgspec.json.encode([{"id": number} for number in range(20)]))]
    listed = await accounts.companies(Secret(value=TOKEN))
    assert listed is not None
    assert (len(listed), len(huggy.received)) == (20, 2)


@pytest.mark.parametrize(
    "reply",
    [
        answered(404),
        answered(401),
        answered(500),
        DROPPED,
        *(
            answered(200, body)
            for body in (b"", b"<html>", b"{}", b'{"data": {}}', b"[1]", b'[{"name": "x"}]', b'[{"id": true}]',
                         b'[{"id": " "}]', b'["\xff"]', b"[" * 9999)
        ),
    ],
)  # fmt: skip
async def test_a_list_that_is_not_to_be_had_is_none(huggy: Loopback, accounts: Accounts, reply: Any) -> None:
    huggy.replies = [reply]
    assert await accounts.companies(Secret(value=TOKEN)) is None


def test_without_the_apps_credentials_nobody_can_sign_in(http: httpx.AsyncClient) -> None:
    assert accounts_at("http://127.0.0.1:1/v3", http).is_configured
    assert not accounts_at("http://127.0.0.1:1/v3", http, client_id="").is_configured
    assert not accounts_at("http://127.0.0.1:1/v3", http, client_secret=None).is_configured
